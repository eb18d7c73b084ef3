//! The figures of a long run, and what should have happened in it and did not.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use alloy_primitives::Address;

use crate::audit::{Books, Violation};
use crate::testbed::account::Account;
use crate::testbed::receipts::Receipts;
use crate::testbed::slow::SlowSockets;

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
    /// Of those, by the kind of contract account that paid.
    pub by_contract: BTreeMap<Account, usize>,
    /// Contract accounts that made the wallet pay for a revert.
    pub reverters: usize,
    /// Answers to contract accounts that were refused for one.
    pub refused: u64,
    /// Refunds on chain.
    pub refunded: usize,
    /// Summaries over the encrypted channel.
    pub sealed: u64,
    /// What receipts came to.
    pub receipts: Receipts,
    /// Kills of the process.
    pub kills: u64,
    /// Ends of the process by SIGTERM.
    pub terminated: u64,
    /// Of those, with a word on what was left.
    pub drained: usize,
    /// Times that a keyset became due by a jump of time.
    pub jumps: u64,
    /// Keysets that were replaced while their process lived.
    pub renewals: usize,
    /// Slow sockets.
    pub slow: SlowSockets,
    /// Payers who were told that there is no room, or that they were too slow.
    pub crowded_out: u64,
    /// Times that nodes fell behind.
    pub lagging: u64,
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

impl Figures {
    /// Notes what contract accounts did on chain.
    pub(crate) fn by_accounts(&mut self, books: &Books, accounts: &BTreeMap<Address, Account>) {
        for used in books.uses.iter().filter(|used| used.to == books.pay_to) {
            if let Some(account) = accounts.get(&used.authorizer) {
                *self.by_contract.entry(*account).or_default() += 1;
            }
        }
        self.reverters =
            books.reverts.keys().filter(|account| accounts.get(*account) == Some(&Account::Fickle)).count();
    }

    /// Everything that is wrong: what the auditor found, receipts that do not verify, slow sockets that stay, payers who found
    /// no room, and each kind of fault that never happened: a run without it has shown nothing.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        let mut wrong: Vec<String> = self.violations.iter().map(ToString::to_string).collect();
        wrong.extend(self.receipts.failures.iter().map(|failure| format!("receipt: {failure}")));
        if self.slow.held.get() > 0 {
            wrong.push(format!("{} slow sockets were left open", self.slow.held.get()));
        }
        if self.crowded_out > 0 {
            wrong.push(format!("{} answers to payers that there is no room", self.crowded_out));
        }
        let paid = |account| self.by_contract.get(&account).copied().unwrap_or_default() as u64;
        let kinds = [
            ("charge", self.charged as u64),
            ("refund", self.refunded as u64),
            ("summary over the channel", self.sealed),
            ("receipt", self.receipts.verified as u64),
            ("kill", self.kills),
            ("SIGTERM", self.terminated),
            ("drain", self.drained as u64),
            ("rotation", self.renewals as u64),
            ("slow header section closed", self.slow.headers.get()),
            ("slow body given up", self.slow.bodies.get()),
            ("payment of a contract account", paid(Account::Honest)),
            ("payment in a wrapper", paid(Account::Wrapped)),
            ("revert of a contract account", self.reverters as u64),
            ("refusal of one that reverted", self.refused),
            ("lagging node", self.lagging),
            ("reorganization", self.reorganizations),
        ];
        // Chance decides whether these come in a short run.
        let rare = |kind: &str| self.payments < LONG_PAYMENTS && RARE.contains(&kind);
        let missing = kinds.iter().filter(|(kind, count)| *count == 0 && !rare(kind));
        wrong.extend(missing.map(|(kind, _)| format!("there was no {kind}")));
        // Rotations every few seconds are part of the plan.
        let few = self.run.as_secs() / ROTATION_SECONDS;
        if self.payments >= LONG_PAYMENTS && (self.renewals as u64) < few {
            wrong.push(format!("{} rotations in {} s", self.renewals, self.run.as_secs()));
        }
        wrong
    }
}

/// Payments from which on a run is long enough for everything to happen.
const LONG_PAYMENTS: usize = 1_000;
/// What a short run may lack.
const RARE: [&str; 2] = ["revert of a contract account", "refusal of one that reverted"];
/// A keyset is replaced at least so often, on average.
const ROTATION_SECONDS: u64 = 15;

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |pairs: &mut dyn Iterator<Item = (String, u64)>| {
            pairs.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
        };
        let contracts = Account::ALL.map(|account| {
            let paid = self.by_contract.get(&account).copied().unwrap_or_default();
            (account.name().to_owned(), paid as u64)
        });
        writeln!(f, "payments         {}", self.payments)?;
        writeln!(f, "payers' deeds    {}", list(&mut self.deeds.iter().map(|(k, v)| ((*k).to_owned(), *v))))?;
        writeln!(f, "answers          {}", list(&mut self.answers.iter().map(|(k, v)| (k.to_string(), *v))))?;
        writeln!(f, "jobs             {}", list(&mut self.ended.iter().map(|(k, v)| (k.clone(), *v as u64))))?;
        writeln!(f, "never claimed    {}", self.unclaimed)?;
        writeln!(f, "charged          {}, of contract accounts: {}", self.charged, list(&mut contracts.into_iter()))?;
        writeln!(f, "refunded         {}", self.refunded)?;
        writeln!(f, "reverts          of {} accounts, which were refused {} times", self.reverters, self.refused)?;
        writeln!(f, "encrypted        {} summaries", self.sealed)?;
        let Receipts { verified, keysets, failures } = &self.receipts;
        writeln!(f, "receipts         {verified} verified, of {keysets} keysets, {} not", failures.len())?;
        writeln!(
            f,
            "kills            {}, and {} SIGTERM, {} of them drained",
            self.kills, self.terminated, self.drained
        )?;
        writeln!(f, "rotations        {} in {} jumps of time", self.renewals, self.jumps)?;
        writeln!(f, "slow sockets     {}; {} payers found no room", self.slow, self.crowded_out)?;
        writeln!(f, "lagging nodes    {} times", self.lagging)?;
        writeln!(f, "reorganizations  {}", self.reorganizations)?;
        writeln!(f, "calls to node    {}", list(&mut self.calls.iter().map(|(k, v)| ((*k).to_owned(), *v))))?;
        writeln!(f, "audits           {}", self.audits)?;
        let (took, end) = (self.took.as_secs(), (self.took - self.run).as_secs());
        writeln!(f, "duration         {took} s, of which {end} s to the end")?;
        writeln!(f, "violations       {}", self.violations.len())?;
        write!(f, "wrong            {}", self.wrong().len())?;
        self.wrong().iter().try_for_each(|wrong| write!(f, "\n  {wrong}"))
    }
}
