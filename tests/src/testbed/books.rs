//! Gathers the auditor's books from the running testbed and its chain, and brings everything to an end.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, U64, U256};
use alloy_sol_types::SolEvent as _;
use anyhow::Context as _;
use futures::StreamExt as _;
use precis_devnet::chain::contracts::PrecisDollar::{AuthorizationUsed, Transfer};
use precis_server::http::ledger::{Entry, Page};
use serde_json::{Value, json};

use crate::audit::{Books, Use, Violation, audit};
use crate::http;
use crate::process::GLANCE;
use crate::testbed::orders::Order;
use crate::testbed::town::Town;

/// Blocks of one question for logs.
const WINDOW: u64 = 500;
/// Longest wait for an end.
const END: Duration = Duration::from_secs(60);
/// Payments that are sent again at the same time.
const AT_A_TIME: usize = 8;
/// Times that time has to go by at most until everything has ended.
const ROUNDS: u32 = 3;

/// Whether an answer says that the same payment should be sent again.
pub(crate) fn open_ended(answer: &http::Answer) -> bool {
    match answer.status.as_u16() {
        202 | 429 | 503 => true,
        409 => answer.text().contains("\"job_interrupted\""),
        _ => false,
    }
}

impl Town {
    /// Every entry of the ledger.
    ///
    /// # Errors
    /// If the testbed does not answer.
    pub async fn ledger(&self) -> anyhow::Result<Vec<Entry>> {
        let (origin, mut entries, mut path) = (self.internal_url(), Vec::new(), "/ledger".to_owned());
        loop {
            let answer = http::get(&self.client, &format!("{origin}{path}")).await?;
            anyhow::ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
            let page: Page = serde_json::from_slice(&answer.body)?;
            entries.extend(page.entries);
            match page.next {
                Some(next) => path = format!("/ledger?after={next}"),
                None => return Ok(entries),
            }
        }
    }

    /// Entries that have not ended.
    ///
    /// # Errors
    /// If the testbed does not answer.
    pub async fn open(&self) -> anyhow::Result<Vec<Entry>> {
        let ended = |entry: &Entry| matches!(entry.state.as_str(), "settled" | "refunded" | "void");
        Ok(self.ledger().await?.into_iter().filter(|entry| !ended(entry)).collect())
    }

    /// Has the testbed look at every unfinished job.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn reconcile(&self) -> anyhow::Result<()> {
        let asked = self.client.post(format!("{}/ledger/reconcile", self.internal_url()));
        let answer = http::answer(asked).await?;
        anyhow::ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
        Ok(())
    }

    async fn uses(&self, from: u64) -> anyhow::Result<Vec<Use>> {
        let (mut uses, top, mut at) = (Vec::new(), self.height().await?, from);
        while at <= top {
            let end = (at + WINDOW - 1).min(top);
            let topics = json!([[AuthorizationUsed::SIGNATURE_HASH, Transfer::SIGNATURE_HASH]]);
            let token = self.devnet.get("PRECIS_DEVNET_ASSET")?;
            let filter =
                json!([{ "address": token, "fromBlock": U64::from(at), "toBlock": U64::from(end), "topics": topics }]);
            let logs = self.chain.rpc("eth_getLogs", filter).await?;
            let mut logs = logs.as_array().context("logs")?.iter();
            while let Some(log) = logs.next() {
                let topic = |log: &Value, index: usize| -> anyhow::Result<B256> {
                    Ok(serde_json::from_value(log["topics"][index].clone())?)
                };
                if topic(log, 0)? != AuthorizationUsed::SIGNATURE_HASH {
                    continue;
                }
                // The token moves the money right after it has marked the authorization.
                let moved = logs.next().context("an authorization without a transfer")?;
                anyhow::ensure!(
                    topic(moved, 0)? == Transfer::SIGNATURE_HASH && moved["transactionHash"] == log["transactionHash"],
                    "an authorization without its transfer: {log}"
                );
                let block: U64 = serde_json::from_value(log["blockNumber"].clone())?;
                uses.push(Use {
                    block: block.to(),
                    transaction: serde_json::from_value(log["transactionHash"].clone())?,
                    authorizer: Address::from_word(topic(log, 1)?),
                    nonce: topic(log, 2)?,
                    to: Address::from_word(topic(moved, 2)?),
                    value: U256::from_be_bytes(serde_json::from_value::<B256>(moved["data"].clone())?.0),
                });
            }
            at = end + 1;
        }
        Ok(uses)
    }

    /// The books as they are now.
    ///
    /// # Errors
    /// If testbed or chain do not answer.
    pub async fn books(&self, quiescent: bool) -> anyhow::Result<Books> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let height = self.height().await?;
        let entries = self.ledger().await?;
        let opening = *self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let uses = self.uses(opening.block).await?;
        let pay_to = opening.pay_to.context("nothing was ordered")?;
        let held = (opening.held, self.chain.tokens(pay_to).await?);
        // Every block has to be read for it.
        let reverts = if quiescent { self.reverts(opening.block).await? } else { Default::default() };
        Ok(Books { seen, height, entries, uses, pay_to, held, reverts, quiescent, ..Books::default() })
    }

    /// What the auditor finds now.
    ///
    /// # Errors
    /// If testbed or chain do not answer.
    pub async fn audit(&self, quiescent: bool) -> anyhow::Result<Vec<Violation>> {
        Ok(audit(&self.books(quiescent).await?))
    }

    /// Sends an order until the answer is not that it should be sent again.
    ///
    /// # Errors
    /// If that takes too long.
    pub async fn insist(&self, order: &Order) -> anyhow::Result<http::Answer> {
        let deadline = Instant::now() + END;
        loop {
            match self.send(order).await {
                Ok(answer) if !open_ended(&answer) => return Ok(answer),
                outcome => {
                    let last = outcome.map(|answer| answer.text());
                    anyhow::ensure!(Instant::now() < deadline, "no end of {}: {last:?}", order.sentence);
                    tokio::time::sleep(GLANCE).await;
                }
            }
        }
    }

    /// Sends every order again until it is answered, on a chain and with a process that do not fail any more.
    ///
    /// # Errors
    /// If anything takes too long.
    pub async fn insist_all(&self, orders: &[Order]) -> anyhow::Result<()> {
        let sent = futures::stream::iter(orders).map(|order| self.insist(order)).buffer_unordered(AT_A_TIME);
        let outcomes: Vec<_> = sent.collect().await;
        outcomes.into_iter().collect::<anyhow::Result<Vec<_>>>().map(drop)
    }

    /// Ends all faults, starts anew, brings every job to its end and audits the books.
    ///
    /// # Errors
    /// If anything takes too long.
    pub async fn conclude(&self, orders: &[Order]) -> anyhow::Result<Vec<Violation>> {
        self.rpc.release();
        self.skew(0);
        self.boot(None).await?;
        self.insist_all(orders).await?;
        let mut round = 0;
        while !self.open().await?.is_empty() && round < ROUNDS {
            self.lapse().await?;
            self.boot(None).await?;
            let deadline = Instant::now() + END / 2;
            while !self.open().await?.is_empty() && Instant::now() < deadline {
                self.reconcile().await?;
            }
            round += 1;
        }
        futures::stream::iter(orders)
            .for_each_concurrent(AT_A_TIME, async |order| {
                // What is not delivered now is what the auditor will miss.
                if self.send(order).await.is_ok_and(|answer| answer.status == 200) {
                    self.fetched(order);
                }
            })
            .await;
        self.audit(true).await
    }
}
