//! A long run by a plan that a seed decides: payers who do everything that payers do, and worse, while the node lies and
//! the process dies. The auditor looks at it every few seconds, and at the end when everything has ended.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, U64};
use precis_protocol::headers;
use precis_store::{Flow, Stage};
use serde_json::json;
use tokio::sync::Mutex;

use crate::http;
use crate::process::GLANCE;
use crate::rpc_faults::{Behind, Call, Fault, Node};
use crate::testbed::account::Account;
use crate::testbed::figures::Figures;
use crate::testbed::kill::{Kill, When};
use crate::testbed::model::{DELAY, PREDICT};
use crate::testbed::orders::Order;
use crate::testbed::parts::{CONNECTIONS, PATIENCE};
use crate::testbed::rotation::KEYSET_SECONDS;
use crate::testbed::slow::SlowSockets;
use crate::testbed::town::Town;

/// Base fee of the devnet, and the jump of it, wei.
const BASE_FEES: [u64; 2] = [1_000_000_000, 30_000_000_000];
/// Time between two audits while everything goes on.
const AUDIT_EVERY: Duration = Duration::from_secs(3);
/// Of how many ends of the process one is by SIGTERM.
const TERMINATED: u64 = 4;
/// Time between two rotations.
const ROTATE_EVERY: Duration = Duration::from_secs(3);
/// Of how many rotations one may be disturbed by whatever comes next.
const DISTURBED: u64 = 4;
/// Longest that a rotation is left in peace.
const ROTATION: Duration = Duration::from_secs(5);

/// Numbers that follow from a seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Of a seed and a part of the plan.
    #[must_use]
    pub fn new(seed: u64, part: u64) -> Self {
        let mut chance = Self(seed ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        chance.below(2);
        chance
    }

    /// The next one, below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }
}

/// How long and how wide.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Decides everything but the timing of threads and disks.
    pub seed: u64,
    /// Payments in all.
    pub payments: u64,
    /// Payers at a time.
    pub payers: u64,
}

/// A run that is going on.
pub(crate) struct Run {
    pub(crate) town: Town,
    pub(crate) plan: Plan,
    pub(crate) orders: RefCell<Vec<Order>>,
    pub(crate) figures: RefCell<Figures>,
    /// Orders that were answered for good, by nonce.
    pub(crate) answered: RefCell<BTreeSet<B256>>,
    /// Contract accounts.
    pub(crate) accounts: RefCell<BTreeMap<Address, Account>>,
    over: Cell<bool>,
    /// Held while blocks are away, and while the books are read: what is settled will be on chain again, but is not now.
    pub(crate) whole: Mutex<()>,
}

/// Carries the plan out.
///
/// # Errors
/// If the devnet does not start or something does not end.
pub async fn soak(plan: Plan) -> anyhow::Result<Figures> {
    let settings = [
        ("PRECIS_PAYMENT__NETWORK__0__CONFIRM_WITHIN", "2s"),
        ("PRECIS_LIMITS__ANSWER_WITHIN", "5s"),
        ("PRECIS_LIMITS__UNSETTLED_PER_PAYER", "12"),
        ("PRECIS_LIMITS__QUEUE", "64"),
        // Fewer than there are payers: some jobs run side by side, others wait.
        ("PRECIS_MODEL__BATCH", "3"),
        // The abstractive mode is paid first.
        ("PRECIS_PAYMENT__UPFRONT_ABOVE", "1s"),
        (PREDICT, "999"),
        (DELAY, "2"),
        ("PRECIS_PAYMENT__CONTRACT_ACCOUNTS", "true"),
        // The shortest that there is; time is helped along.
        ("PRECIS_CHANNEL__KEYSET_LIFETIME", "60s"),
        ("PRECIS_SERVER__DRAIN", "3s"),
        // So little that slow sockets are found out while the process lives, and have to make room.
        (PATIENCE, "600"),
        (CONNECTIONS, "128"),
    ];
    let started = Instant::now();
    // With an even seed transactions wait for their block together.
    let blocks: &[&str] = if plan.seed.is_multiple_of(2) { &["--block-interval", "0.2"] } else { &[] };
    let town = Town::start(blocks, &settings).await?;
    town.boot(None).await?;
    let run = Run {
        town,
        plan,
        orders: RefCell::default(),
        figures: RefCell::default(),
        answered: RefCell::default(),
        accounts: RefCell::default(),
        over: Cell::new(false),
        whole: Mutex::default(),
    };
    let payers = async {
        let all = futures::future::join_all((0..plan.payers).map(|number| run.payer(number))).await;
        run.over.set(true);
        all.into_iter().collect::<anyhow::Result<Vec<()>>>().map(drop)
    };
    let slow = SlowSockets::default();
    let (payers, trouble, audits, ()) =
        tokio::join!(payers, run.trouble(), run.audits(), slow.keep(&run.town, &run.over));
    payers.and(trouble).and(audits)?;
    let Run { town, orders, figures, accounts, .. } = run;
    let (orders, mut figures) = (orders.into_inner(), figures.into_inner());
    figures.run = started.elapsed();
    figures.slow = slow;
    figures.renewals = town.log().matches(r#""event":"keyset.renewed""#).count();
    figures.drained = town.log().matches(r#""event":"drain.ended""#).count();
    figures.calls = town.rpc.counts();
    town.chain.rpc("devnet_setBaseFee", json!([U64::from(BASE_FEES[0])])).await?;
    town.chain.rpc("evm_mine", json!([])).await?;
    figures.violations.extend(town.conclude(&orders).await?);
    figures.audits += 1;
    let books = town.books(true).await?;
    figures.receipts = town.judge_receipts(&orders).await?;
    figures.payments = orders.len();
    figures.by_accounts(&books, &accounts.into_inner());
    figures.charged = books.uses.iter().filter(|used| used.to == books.pay_to).count();
    figures.refunded = books.uses.iter().filter(|used| used.authorizer == books.pay_to).count();
    figures.unclaimed = orders.len() - books.entries.len();
    for entry in books.entries {
        *figures.ended.entry(format!("{} {}", entry.flow, entry.state)).or_default() += 1;
    }
    figures.took = started.elapsed();
    Ok(figures)
}

/// What the node does to a call, by chance.
fn weather(mut chance: Chance, permille: u64) -> impl FnMut(&Call) -> Fault + Send {
    const LATE: Duration = Duration::from_millis(1_500);
    move |call| {
        if chance.below(1_000) >= permille {
            return Fault::Pass;
        }
        match chance.below(8) {
            0 | 1 => Fault::Drop,
            2 => Fault::LoseAnswer,
            3 => Fault::Delay(Duration::from_millis(chance.below(300))),
            4 => Fault::Refuse(-32_005, "rate limit exceeded"),
            5 => Fault::Refuse(-32_603, "internal error"),
            6 if call.method == "eth_getTransactionReceipt" => Fault::Null,
            6 => Fault::Swallow(LATE),
            _ => Fault::Hang(LATE),
        }
    }
}

/// Nodes behind one address: one has everything, another one's state, or its receipts and logs, or both are behind.
fn cluster(chance: &mut Chance) -> Vec<Node> {
    let behind = Behind::Blocks(1 + chance.below(4));
    match chance.below(4) {
        0 => vec![Node::indexed(behind)],
        1 => vec![Node::HONEST, Node::indexed(behind)],
        2 => vec![Node::HONEST, Node::late(behind)],
        _ => vec![Node::indexed(Behind::Blocks(1)), Node::late(behind)],
    }
}

/// Every transition that a kill can be at.
fn kills() -> Vec<Kill> {
    let legal =
        |before: Stage, next: Stage| Flow::Authorization.allows(before, next) || Flow::Upfront.allows(before, next);
    let pairs = Stage::ALL.into_iter().flat_map(|before| Stage::ALL.map(|next| (before, next)));
    let between = pairs.filter(|(before, next)| legal(*before, *next)).map(|(before, next)| (Some(before), next));
    let all = std::iter::once((None, Stage::Claimed)).chain(between);
    all.flat_map(|(before, next)| [When::Before, When::After].map(|when| Kill { before, next, when })).collect()
}

impl Run {
    /// Kills, restarts, lies and goes back in time until the payers are done.
    async fn trouble(&self) -> anyhow::Result<()> {
        let (mut chance, kills, town) = (Chance::new(self.plan.seed, 1_000_001), kills(), &self.town);
        let mut rotated = Instant::now();
        while !self.over.get() {
            tokio::time::sleep(Duration::from_millis(50 + chance.below(450))).await;
            if rotated.elapsed() >= ROTATE_EVERY {
                self.rotate(&mut chance).await?;
                rotated = Instant::now();
            }
            match chance.below(20) {
                0..8 => self.restart(&mut chance, &kills).await?,
                8..10 => {
                    town.rpc.nodes(&cluster(&mut chance), chance.below(u64::MAX));
                    self.figures.borrow_mut().lagging += 1;
                }
                10..15 => {
                    town.rpc.rule(weather(Chance::new(self.plan.seed, chance.below(u64::MAX)), 5 + chance.below(60)))
                }
                15 | 16 => town.rpc.pass(),
                17 | 18 => {
                    let _whole = self.whole.lock().await;
                    town.chain.rpc("devnet_reorg", json!([U64::from(1 + chance.below(2)), true])).await?;
                    town.chain.rpc("evm_mine", json!([])).await?;
                    self.figures.borrow_mut().reorganizations += 1;
                }
                _ => {
                    let fee = BASE_FEES[usize::try_from(chance.below(2))?];
                    town.chain.rpc("devnet_setBaseFee", json!([U64::from(fee)])).await?;
                    town.chain.rpc("evm_mine", json!([])).await?;
                }
            }
        }
        Ok(())
    }

    /// Ends the process, as a power cut does or as whoever stops a service does, and starts it again.
    async fn restart(&self, chance: &mut Chance, kills: &[Kill]) -> anyhow::Result<()> {
        let town = &self.town;
        if chance.below(TERMINATED) == 0 {
            let ended = town.terminate().await?;
            let mut figures = self.figures.borrow_mut();
            *(if ended { &mut figures.terminated } else { &mut figures.kills }) += 1;
        } else {
            self.figures.borrow_mut().kills += 1;
        }
        // Some restarts carry the next kill with them: at a transition, where it hurts.
        let armed = kills.get(usize::try_from(chance.below(kills.len() as u64 * 2))?);
        if !town.boot(armed.copied()).await? {
            town.boot(None).await?;
        }
        Ok(())
    }

    /// Time goes by until the keyset is due for replacement. Most are left in peace until it has been replaced.
    async fn rotate(&self, chance: &mut Chance) -> anyhow::Result<()> {
        let keys = format!("{}{}", self.town.url(), headers::OHTTP_GATEWAY_PATH);
        let configuration = async || http::get(&self.town.client, &keys).await;
        let before = configuration().await;
        self.town.jump(KEYSET_SECONDS / 2 + 1).await?;
        self.figures.borrow_mut().jumps += 1;
        let (Ok(before), true) = (before, chance.below(DISTURBED) > 0) else { return Ok(()) };
        let deadline = Instant::now() + ROTATION;
        while Instant::now() < deadline {
            match configuration().await {
                // It has been replaced, or the process is gone.
                Ok(now) if now.status == 200 && now.body != before.body => break,
                Err(_) => break,
                Ok(_) => tokio::time::sleep(GLANCE).await,
            }
        }
        Ok(())
    }

    /// Looks at the books every few seconds; a process that is away at the moment is looked at next time.
    async fn audits(&self) -> anyhow::Result<()> {
        let mut last = Instant::now();
        while !self.over.get() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if last.elapsed() < AUDIT_EVERY {
                continue;
            }
            let audit = async {
                let _whole = self.whole.lock().await;
                self.town.audit(false).await
            };
            if let Ok(found) = audit.await {
                let mut figures = self.figures.borrow_mut();
                figures.audits += 1;
                figures.violations.extend(found);
                last = Instant::now();
            }
        }
        Ok(())
    }
}
