//! What a scenario is made of, and how it is carried out.

use std::sync::Arc;

use alloy_primitives::U64;
use anyhow::Context as _;
use precis_tests::process::GLANCE;
use precis_tests::rpc_faults::{Call, Fault};
use precis_tests::tasks::{EXTRACT, Row};
use precis_tests::testbed::bank::Purse;
use precis_tests::testbed::kill::Kill;
use precis_tests::testbed::orders::Order;
use precis_tests::testbed::town::Town;
use serde_json::json;
use tokio::task::JoinHandle;

/// One step.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Starts the testbed.
    Boot,
    /// Starts it so that it dies at the transition in question.
    Arm,
    /// Starts it so that it dies at another transition.
    ArmAt(&'static str),
    /// Asks for a price and signs for it; the document can be summarized, or not.
    Order(Document),
    /// Sends the order and does not wait.
    Send,
    /// Sends the order and waits for whatever comes.
    Ask,
    /// From now on calls of the node fail so.
    Fail(fn(&Call) -> Fault),
    /// Nothing fails any more.
    Heal,
    /// Waits until a call is held.
    Held,
    /// Lets go what was held.
    Release,
    /// The payer takes the authorization back.
    Cancel,
    /// The payer gives all its money away.
    Drain,
    /// The payer gets money again.
    Fund,
    /// Somebody else submits the authorization.
    Submit,
    /// Another transaction of the enclave wallet uses its next nonce.
    Other,
    /// Every authorization lapses.
    Lapse,
    /// Waits for the kill.
    Dead,
    /// Has unfinished jobs looked at until the kill.
    ReconcileUntilDead,
}

/// What is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// It can be summarized.
    Good,
    /// It cannot.
    Failing,
}

/// What a payer of these scenarios has, atomic units.
const UNITS: u64 = 1_000_000;

/// A scenario that is being carried out.
pub struct Play<'a> {
    town: &'a Arc<Town>,
    kill: Option<Kill>,
    row: &'static Row,
    purse: Purse,
    /// Everything that was ordered.
    pub orders: Vec<Order>,
    sent: Vec<JoinHandle<()>>,
}

impl<'a> Play<'a> {
    /// Begins one on a new ledger.
    pub async fn begin(town: &'a Arc<Town>, kill: Option<Kill>) -> anyhow::Result<Self> {
        town.new_ledger().await?;
        let purse = town.purse(1, UNITS).await?;
        Ok(Self { town, kill, row: &EXTRACT, purse, orders: Vec::new(), sent: Vec::new() })
    }

    /// Orders what `row` buys.
    pub fn of(mut self, row: &'static Row) -> Self {
        self.row = row;
        self
    }

    /// Carries out all steps.
    pub async fn play(&mut self, steps: &[Step]) -> anyhow::Result<()> {
        for (at, step) in steps.iter().enumerate() {
            self.step(*step).await.with_context(|| format!("step {at}, {step:?}"))?;
        }
        Ok(())
    }

    fn last(&self) -> anyhow::Result<&Order> {
        self.orders.last().context("nothing was ordered")
    }

    async fn order(&mut self, document: Document) -> anyhow::Result<()> {
        let sentence = format!("This is sentence {} of {}.", self.orders.len(), self.purse.address());
        let order = self.town.order(&self.purse, &sentence, document == Document::Good, self.row).await?;
        self.orders.push(order);
        Ok(())
    }

    async fn step(&mut self, step: Step) -> anyhow::Result<()> {
        let town = self.town;
        match step {
            Step::Boot => town.boot(None).await.map(drop),
            Step::Arm => town.boot(self.kill).await.map(drop),
            Step::ArmAt(kill) => town.boot(Some(kill.parse()?)).await.map(drop),
            Step::Order(document) => self.order(document).await,
            Step::Send => {
                let (town, order) = (Arc::clone(town), self.last()?.clone());
                // It may be cut off; what it gets is remembered.
                self.sent.push(tokio::spawn(async move { drop(town.send(&order).await) }));
                Ok(())
            }
            Step::Ask => town.send(self.last()?).await.map(drop),
            Step::Fail(rule) => {
                town.rpc.rule(rule);
                Ok(())
            }
            Step::Heal => {
                town.rpc.pass();
                Ok(())
            }
            Step::Held => town.rpc.held().await,
            Step::Release => {
                town.rpc.release();
                Ok(())
            }
            Step::Cancel => town.bank.cancel(&self.purse, self.last()?.payload.payload.authorization.nonce).await,
            Step::Drain => town.bank.drain(&self.purse, &self.last()?.required, town.now()?).await,
            Step::Fund => town.bank.mint(self.purse.address(), UNITS).await,
            Step::Submit => town.submit(self.last()?).await,
            Step::Other => {
                let wallet = self.last()?.required.pay_to;
                let used = town.chain.rpc("eth_getTransactionCount", json!([wallet, "latest"])).await?;
                let next = serde_json::from_value::<U64>(used)? + U64::from(1);
                town.chain.rpc("anvil_setNonce", json!([wallet, next])).await.map(drop)
            }
            Step::Lapse => town.lapse().await,
            Step::Dead => town.died().await,
            Step::ReconcileUntilDead => {
                let asking = async {
                    loop {
                        if town.reconcile().await.is_err() {
                            tokio::time::sleep(GLANCE).await;
                        }
                    }
                };
                tokio::select! {
                    died = town.died() => died,
                    never = asking => never,
                }
            }
        }
    }
}

impl Drop for Play<'_> {
    fn drop(&mut self) {
        for sent in &self.sent {
            sent.abort();
        }
    }
}
