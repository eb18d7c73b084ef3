//! The auditor: what the ledger says, what the chain shows and what payers were given must be one story.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use alloy_primitives::{Address, B256, U256};
use precis_protocol::job::{refund_nonce, sweep_nonce};
use precis_server::http::ledger::Entry;
use precis_store::Authorization;

/// Blocks by which a reorganization of these tests moves a transaction.
const MOVED_BLOCKS: u64 = 2;

/// What payers know of one payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Set if the result quotes nothing of the request: vectors do not. Its receipt is what ties it to the request then.
    pub unquoted: bool,
    /// The request it was signed for: a sentence that its result must quote.
    pub request: String,
    /// Bodies of the answers 200, by the request they answered.
    pub served: BTreeMap<String, BTreeSet<Vec<u8>>>,
    /// Whether its result was fetched again after everything had ended.
    pub refetched: bool,
    /// Whether somebody else submitted it: then it may be charged before the service hears of it.
    pub submitted: bool,
    /// Whether the service said, while the authorization was good, that the same payment should be sent again. It may not
    /// leave it alone then.
    pub bound: bool,
    /// What the service answered, the latest last: height before the request, status and code.
    pub said: Vec<String>,
    /// The height before the first request whose answer said that nothing was charged, and nothing will be.
    pub told_uncharged: Option<u64>,
}

/// An authorization that the token carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Block.
    pub block: u64,
    /// Transaction.
    pub transaction: B256,
    /// Who signed it.
    pub authorizer: Address,
    /// Its nonce.
    pub nonce: B256,
    /// Who got the money.
    pub to: Address,
    /// How much.
    pub value: U256,
}

/// Everything that is known. Read in this order, so that what happens meanwhile contradicts nothing: [`Books::seen`],
/// [`Books::height`], [`Books::entries`], the rest.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// By payer and nonce.
    pub seen: BTreeMap<(Address, B256), Seen>,
    /// Newest block when the ledger was read; later charges may have entries that were not read.
    pub height: u64,
    /// The ledger.
    pub entries: Vec<Entry>,
    /// Authorizations that the token carried out since the ledger began.
    pub uses: Vec<Use>,
    /// The payee.
    pub pay_to: Address,
    /// Where its surplus may go.
    pub sweep_to: Option<Address>,
    /// Periods whose sweep there may be.
    pub sweep_periods: Vec<u64>,
    /// What the payee held when the ledger began, and holds.
    pub held: (U256, U256),
    /// Payments of contract accounts that reverted on chain at the wallet's expense, by account: their nonces. Everything here
    /// happened within the time for which such an account is refused.
    pub reverts: BTreeMap<Address, Vec<B256>>,
    /// Whether everything has ended: no entry may be open.
    pub quiescent: bool,
}

/// What must never be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Money was taken, and the ledger does not know of it, or more than once.
    ChargeUnknown,
    /// The ledger has another amount or payee than the chain.
    ChargeDiffers,
    /// Money was taken, and the job has ended without a result or a refund.
    ChargedForNothing,
    /// Everything has ended, and this has not.
    Open,
    /// A payer was told that nothing was charged when it was.
    ToldUncharged,
    /// A result was given away without a settlement on chain of exactly its price.
    ReleasedUnpaid,
    /// One payment got two different results.
    TwoBodies,
    /// One payment was good for two requests.
    TwoRequests,
    /// The result is of another request.
    ForeignResult,
    /// A result that was paid for cannot be had any more.
    NotRetrievable,
    /// The ledger names a transaction that the chain does not have.
    TransactionMissing,
    /// Paid back without a charge, or although there is a result.
    RefundWithoutReason,
    /// Paid back more than once, or not the price, or to somebody else.
    RefundDiffers,
    /// The payee's money went where neither a refund nor a sweep goes.
    Outflow,
    /// The payee's balance is not what the ledger adds up to.
    Sums,
    /// A contract account made the wallet pay for a revert more than once.
    RevertedAgain,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What kind.
    pub kind: Kind,
    /// Of what.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
    }
}

/// An entry with its members understood.
struct Item<'a> {
    entry: &'a Entry,
    payer: Address,
    nonce: B256,
    amount: U256,
    transaction: Option<B256>,
    refund: Option<B256>,
    refund_nonce: B256,
    charges: Vec<&'a Use>,
    refunds: Vec<&'a Use>,
}

impl<'a> Item<'a> {
    fn of(entry: &'a Entry, books: &'a Books) -> Option<Self> {
        let (asset, pay_to): (Address, Address) = (entry.asset.parse().ok()?, entry.pay_to.parse().ok()?);
        let (payer, nonce): (Address, B256) = (entry.payer.parse().ok()?, entry.nonce.parse().ok()?);
        let amount: u128 = entry.amount.parse().ok()?;
        let authorization = Authorization {
            network: entry.network.clone(),
            asset: asset.into(),
            pay_to: pay_to.into(),
            amount,
            payer: payer.into(),
            nonce: nonce.into(),
            valid_before: entry.valid_before,
        };
        let refund_nonce = B256::from(refund_nonce(authorization.claim_key().as_bytes()));
        let used = |by: Address, nonce: B256| books.uses.iter().filter(move |u| u.authorizer == by && u.nonce == nonce);
        Some(Self {
            entry,
            payer,
            nonce,
            amount: U256::from(amount),
            transaction: entry.transaction.as_ref().and_then(|text| text.parse().ok()),
            refund: entry.refund.as_ref().and_then(|text| text.parse().ok()),
            refund_nonce,
            charges: used(payer, nonce).collect(),
            refunds: used(books.pay_to, refund_nonce).collect(),
        })
    }

    fn is(&self, states: &[&str]) -> bool {
        states.contains(&self.entry.state.as_str())
    }

    /// Whether `transaction` is on chain and moved exactly the price to the payee.
    fn charged_by(&self, books: &Books) -> bool {
        self.charges.iter().any(|charge| {
            Some(charge.transaction) == self.transaction && charge.to == books.pay_to && charge.value == self.amount
        })
    }
}

/// Every contradiction; none if the story is one.
#[must_use]
pub fn audit(books: &Books) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut say = |kind, what: String| found.push(Violation { kind, what });
    let items: Vec<Item<'_>> = books.entries.iter().filter_map(|entry| Item::of(entry, books)).collect();
    if items.len() != books.entries.len() {
        say(Kind::ChargeDiffers, "an entry of the ledger is not understood".into());
    }
    for item in &items {
        entry(books, item, &mut say);
    }
    for used in &books.uses {
        if used.to == books.pay_to && used.authorizer != books.pay_to {
            let known = items.iter().filter(|item| item.payer == used.authorizer && item.nonce == used.nonce).count();
            let judged = books.quiescent || used.block <= books.height;
            if known > 1 || (known == 0 && judged && !books.unheard(used)) {
                let said = books.seen.get(&(used.authorizer, used.nonce)).map(|seen| seen.said.join(", "));
                say(Kind::ChargeUnknown, format!("{used:?}: {known} entries; answers: {}", said.unwrap_or_default()));
            }
        }
        if used.authorizer == books.pay_to {
            let refund = items.iter().any(|item| item.refund_nonce == used.nonce);
            let swept = books.sweep_periods.iter().any(|period| B256::from(sweep_nonce(*period)) == used.nonce);
            let known = books.quiescent || used.block <= books.height;
            if !(refund || swept && books.sweep_to == Some(used.to)) && known {
                say(Kind::Outflow, format!("{used:?}"));
            }
        }
    }
    for ((payer, nonce), seen) in &books.seen {
        let item = items.iter().find(|item| item.payer == *payer && item.nonce == *nonce);
        payment(books, &format!("{payer} {nonce}"), seen, item, &mut say);
    }
    for (account, nonces) in &books.reverts {
        // What somebody else submitted in time was no fault of the account.
        let unused = |nonce: &&B256| !books.uses.iter().any(|u| u.authorizer == *account && u.nonce == **nonce);
        let reverts = nonces.iter().filter(unused).count();
        if reverts > 1 {
            say(Kind::RevertedAgain, format!("{account}: {reverts} reverts"));
        }
    }
    if books.quiescent {
        sums(books, &items, &mut say);
    }
    found
}

fn entry(books: &Books, item: &Item<'_>, say: &mut impl FnMut(Kind, String)) {
    let told = |more: &str| format!("{} {} {}: {more}", item.entry.id, item.entry.state, item.entry.nonce);
    let taken = item.charges.iter().filter(|charge| charge.to == books.pay_to).count();
    if item.charges.iter().any(|charge| charge.to != books.pay_to || charge.value != item.amount) {
        say(Kind::ChargeDiffers, told("another amount or payee on chain"));
    }
    if taken > 0 && (item.is(&["void"]) || books.quiescent && item.is(&["rejected", "failed"])) {
        say(Kind::ChargedForNothing, told("charged on chain"));
    }
    if books.quiescent && !item.is(&["settled", "refunded", "void"]) {
        say(Kind::Open, told("not ended"));
    }
    if item.is(&["settled", "paid", "refunding", "refunded"]) && !item.charged_by(books) {
        say(Kind::TransactionMissing, told("the charge is not on chain"));
    }
    let back = |refund: &&&Use| {
        Some(refund.transaction) == item.refund && refund.to == item.payer && refund.value == item.amount
    };
    if item.is(&["refunded"]) && !item.refunds.iter().any(|refund| back(&refund)) {
        say(Kind::TransactionMissing, told("the refund is not on chain"));
    }
    if !item.refunds.is_empty() && (taken == 0 || !item.is(&["refunding", "refunded"])) && books.known(&item.refunds) {
        say(Kind::RefundWithoutReason, told("paid back"));
    }
    let differs = item.refunds.iter().any(|refund| refund.to != item.payer || refund.value != item.amount);
    if item.refunds.len() > 1 || differs {
        say(Kind::RefundDiffers, told("paid back twice, or another amount"));
    }
}

fn payment(books: &Books, name: &str, seen: &Seen, item: Option<&Item<'_>>, say: &mut impl FnMut(Kind, String)) {
    let bodies: BTreeSet<&Vec<u8>> = seen.served.values().flatten().collect();
    if bodies.len() > 1 {
        say(Kind::TwoBodies, format!("{name}: {} bodies", bodies.len()));
    }
    if seen.served.len() > 1 || seen.served.keys().any(|request| *request != seen.request) {
        say(Kind::TwoRequests, format!("{name}: {:?}", seen.served.keys()));
    }
    if !seen.unquoted && bodies.iter().any(|body| !String::from_utf8_lossy(body).contains(&seen.request)) {
        say(Kind::ForeignResult, format!("{name}: {}", seen.request));
    }
    if let (Some(height), Some(item)) = (seen.told_uncharged, item) {
        let before = |charge: &&&Use| charge.to == books.pay_to && charge.block + MOVED_BLOCKS <= height;
        if let Some(charge) = item.charges.iter().find(before) {
            let (charged, said) = (charge.block, seen.said.join(", "));
            say(Kind::ToldUncharged, format!("{name}: told at {height}, charged at {charged}; answers: {said}"));
        }
    }
    let settled = item.filter(|item| item.is(&["settled"]) && item.charged_by(books));
    if !bodies.is_empty() && settled.is_none() {
        say(Kind::ReleasedUnpaid, format!("{name}: {:?}", item.map(|item| &item.entry.state)));
    }
    if books.quiescent && item.is_some_and(|item| item.is(&["settled"])) && !seen.refetched {
        say(Kind::NotRetrievable, name.to_owned());
    }
}

/// What the payee's balance must be, by the ledger.
fn sums(books: &Books, items: &[Item<'_>], say: &mut impl FnMut(Kind, String)) {
    let sum = |states: &[&str]| items.iter().filter(|item| item.is(states)).map(|item| item.amount).sum::<U256>();
    let charges = sum(&["settled", "refunded"]);
    let refunds = sum(&["refunded"]);
    let nonces: BTreeSet<B256> = books.sweep_periods.iter().map(|period| sweep_nonce(*period).into()).collect();
    let swept = |used: &&Use| used.authorizer == books.pay_to && nonces.contains(&used.nonce);
    let sweeps = books.uses.iter().filter(swept).map(|used| used.value).sum::<U256>();
    let in_ledger = |used: &Use| items.iter().any(|item| item.payer == used.authorizer && item.nonce == used.nonce);
    let taken = books.uses.iter().filter(|used| used.to == books.pay_to && books.unheard(used) && !in_ledger(used));
    let gifts = taken.map(|used| used.value).sum::<U256>();
    let (before, after) = books.held;
    if before + charges + gifts != after + refunds + sweeps {
        say(Kind::Sums, format!("{before} + {charges} + {gifts} - {refunds} - {sweeps} is not {after}"));
    }
}

impl Books {
    /// Whether somebody else took this, before the service had anything to do with it. Who brings a payment only when it has
    /// lapsed has bought nothing.
    fn unheard(&self, used: &Use) -> bool {
        let seen = self.seen.get(&(used.authorizer, used.nonce));
        seen.is_some_and(|seen| seen.submitted && !(seen.bound && self.quiescent))
    }

    /// Whether the ledger that was read must know of all these.
    fn known(&self, uses: &[&Use]) -> bool {
        self.quiescent || uses.iter().all(|used| used.block <= self.height)
    }
}

#[cfg(test)]
mod tests;
