//! A long run by a plan that a seed decides: payers who do everything that payers do, and worse, while the node lies and
//! the process dies. The auditor looks at it every few seconds, and at the end when everything has ended.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use alloy_primitives::{B256, U64};
use precis_store::{Flow, Stage};
use serde_json::json;
use tokio::sync::Mutex;

use crate::audit::Violation;
use crate::rpc_faults::{Behind, Call, Fault, Node};
use crate::testbed::kill::{Kill, When};
use crate::testbed::model::{DELAY, PREDICT};
use crate::testbed::orders::Order;
use crate::testbed::town::Town;

/// Base fee of the devnet, and the jump of it, wei.
const BASE_FEES: [u64; 2] = [1_000_000_000, 30_000_000_000];
/// Time between two audits while everything goes on.
const AUDIT_EVERY: Duration = Duration::from_secs(3);

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

/// What came of it.
#[derive(Debug, Default)]
pub struct Figures {
    /// Payments that were signed.
    pub payments: usize,
    /// Answers to paid requests, by status; 0 where the connection broke.
    pub answers: BTreeMap<u16, u64>,
    /// What payers did, by kind.
    pub deeds: BTreeMap<&'static str, u64>,
    /// Jobs by how they ended.
    pub ended: BTreeMap<String, usize>,
    /// Payments that were never claimed.
    pub unclaimed: usize,
    /// Charges on chain.
    pub charged: usize,
    /// Refunds on chain.
    pub refunded: usize,
    /// Kills of the process.
    pub kills: u64,
    /// Blocks that went and came again.
    pub reorganizations: u64,
    /// Calls of the node by what became of them.
    pub calls: BTreeMap<&'static str, u64>,
    /// Audits, the last one included.
    pub audits: u64,
    /// What they found.
    pub violations: Vec<Violation>,
    /// The run without its end.
    pub run: Duration,
    /// Everything.
    pub took: Duration,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |pairs: &mut dyn Iterator<Item = (String, u64)>| {
            pairs.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
        };
        writeln!(f, "payments         {}", self.payments)?;
        writeln!(f, "payers' deeds    {}", list(&mut self.deeds.iter().map(|(k, v)| ((*k).to_owned(), *v))))?;
        writeln!(f, "answers          {}", list(&mut self.answers.iter().map(|(k, v)| (k.to_string(), *v))))?;
        writeln!(f, "jobs             {}", list(&mut self.ended.iter().map(|(k, v)| (k.clone(), *v as u64))))?;
        writeln!(f, "never claimed    {}", self.unclaimed)?;
        writeln!(f, "charged          {}", self.charged)?;
        writeln!(f, "refunded         {}", self.refunded)?;
        writeln!(f, "kills            {}", self.kills)?;
        writeln!(f, "reorganizations  {}", self.reorganizations)?;
        writeln!(f, "calls to node    {}", list(&mut self.calls.iter().map(|(k, v)| ((*k).to_owned(), *v))))?;
        writeln!(f, "audits           {}", self.audits)?;
        writeln!(
            f,
            "duration         {} s, of which {} s to the end",
            self.took.as_secs(),
            (self.took - self.run).as_secs()
        )?;
        write!(f, "violations       {}", self.violations.len())?;
        self.violations.iter().try_for_each(|violation| write!(f, "\n  {violation}"))
    }
}

/// A run that is going on.
pub(crate) struct Run {
    pub(crate) town: Town,
    pub(crate) plan: Plan,
    pub(crate) orders: RefCell<Vec<Order>>,
    pub(crate) figures: RefCell<Figures>,
    /// Orders that were answered for good, by nonce.
    pub(crate) answered: RefCell<BTreeSet<B256>>,
    over: Cell<bool>,
    /// Held while blocks are away, and while the books are read: what is settled will be on chain again, but is not now.
    whole: Mutex<()>,
}

/// Carries the plan out.
///
/// # Errors
/// If the devnet does not start or something does not end.
pub async fn soak(plan: Plan) -> anyhow::Result<Figures> {
    let settings = [
        ("PRECIS_CONFIRM_SECONDS", "2"),
        ("PRECIS_ANSWER_SECONDS", "5"),
        ("PRECIS_MAX_UNSETTLED", "12"),
        ("PRECIS_QUEUE", "64"),
        // Fewer than there are payers: some jobs run side by side, others wait.
        ("PRECIS_BATCH", "3"),
        // The abstractive mode is paid first.
        ("PRECIS_UPFRONT_SECONDS", "1"),
        (PREDICT, "999"),
        (DELAY, "2"),
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
        over: Cell::new(false),
        whole: Mutex::default(),
    };
    let payers = async {
        let all = futures::future::join_all((0..plan.payers).map(|number| run.payer(number))).await;
        run.over.set(true);
        all.into_iter().collect::<anyhow::Result<Vec<()>>>().map(drop)
    };
    let (payers, trouble, audits) = tokio::join!(payers, run.trouble(), run.audits());
    payers.and(trouble).and(audits)?;
    let Run { town, orders, figures, .. } = run;
    let (orders, mut figures) = (orders.into_inner(), figures.into_inner());
    figures.run = started.elapsed();
    figures.calls = town.rpc.counts();
    town.chain.rpc("devnet_setBaseFee", json!([U64::from(BASE_FEES[0])])).await?;
    town.chain.rpc("evm_mine", json!([])).await?;
    figures.violations.extend(town.conclude(&orders).await?);
    figures.audits += 1;
    let books = town.books(true).await?;
    figures.payments = orders.len();
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
        while !self.over.get() {
            tokio::time::sleep(Duration::from_millis(50 + chance.below(450))).await;
            match chance.below(20) {
                0..8 => {
                    // Some restarts carry the next kill with them: at a transition, where it hurts.
                    let armed = kills.get(usize::try_from(chance.below(kills.len() as u64 * 2))?);
                    if !town.boot(armed.copied()).await? {
                        town.boot(None).await?;
                    }
                    self.figures.borrow_mut().kills += 1;
                }
                8..10 => town.rpc.nodes(&cluster(&mut chance), chance.below(u64::MAX)),
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
