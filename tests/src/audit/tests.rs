//! A story that is one, and for every kind of violation a story that is not.
#![allow(clippy::unwrap_used)]

use super::*;

const PRICE: u64 = 1_500;

fn account(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

fn entry(job: u8, state: &str) -> Entry {
    Entry {
        id: hex::encode([job; 16]),
        state: state.into(),
        flow: "authorization".into(),
        code: None,
        network: "eip155:31337".into(),
        asset: account(0xaa).to_string(),
        pay_to: account(0xbb).to_string(),
        amount: PRICE.to_string(),
        payer: account(job).to_string(),
        nonce: B256::repeat_byte(job).to_string(),
        valid_before: 2_000,
        transaction: Some(B256::repeat_byte(0x10 + job).to_string()),
        refund: None,
        created_at: 1_000,
        updated_at: 1_000,
    }
}

fn charge(job: u8) -> Use {
    Use {
        block: 5,
        transaction: B256::repeat_byte(0x10 + job),
        authorizer: account(job),
        nonce: B256::repeat_byte(job),
        to: account(0xbb),
        value: U256::from(PRICE),
    }
}

fn refund(job: u8) -> Use {
    let nonce = Item::of(&entry(job, "refunded"), &Books::default()).unwrap().refund_nonce;
    Use {
        block: 6,
        transaction: B256::repeat_byte(0x20 + job),
        authorizer: account(0xbb),
        nonce,
        to: account(job),
        value: U256::from(PRICE),
    }
}

fn seen(job: u8, bodies: &[&str]) -> ((Address, B256), Seen) {
    let request = format!("Request {job}.");
    let bodies: BTreeSet<Vec<u8>> = bodies.iter().map(|body| body.as_bytes().to_vec()).collect();
    let served = if bodies.is_empty() { BTreeMap::new() } else { BTreeMap::from([(request.clone(), bodies)]) };
    ((account(job), B256::repeat_byte(job)), Seen { request, served, refetched: true, ..Seen::default() })
}

/// One job that was delivered, one that was paid back, one that ended without a charge, and a sweep.
fn good() -> Books {
    let mut void = entry(3, "void");
    void.transaction = None;
    let mut refunded = entry(2, "refunded");
    refunded.refund = Some(B256::repeat_byte(0x22).to_string());
    let sweep = Use { nonce: sweep_nonce(7).into(), to: account(0xcc), value: U256::from(100), ..refund(9) };
    Books {
        seen: BTreeMap::from([seen(1, &["{Request 1.}"]), seen(2, &[]), seen(3, &[])]),
        height: 10,
        entries: vec![entry(1, "settled"), refunded, void],
        uses: vec![charge(1), charge(2), refund(2), sweep],
        pay_to: account(0xbb),
        sweep_to: Some(account(0xcc)),
        sweep_periods: vec![6, 7],
        held: (U256::from(500), U256::from(500 + PRICE - 100)),
        // One that reverted, one whose authorization somebody else had submitted.
        reverts: BTreeMap::from([(account(1), vec![B256::repeat_byte(1), B256::repeat_byte(0x71)])]),
        quiescent: true,
    }
}

fn kinds(books: &Books) -> BTreeSet<Kind> {
    audit(books).into_iter().map(|violation| violation.kind).collect()
}

#[track_caller]
fn fires(kind: Kind, change: impl FnOnce(&mut Books)) {
    let mut books = good();
    change(&mut books);
    assert!(kinds(&books).contains(&kind), "{kind:?} is not found, but {:?}", audit(&books));
}

#[test]
fn a_story_that_is_one_has_no_violation() {
    assert_eq!(audit(&good()), []);
    let mut going_on = good();
    going_on.quiescent = false;
    for state in ["claimed", "running", "done", "settling", "unknown", "failed", "rejected"] {
        going_on.entries[0] = entry(1, state);
        going_on.seen.insert(seen(1, &[]).0, seen(1, &[]).1);
        assert_eq!(audit(&going_on), [], "{state}");
    }
}

#[test]
fn a_charge_without_an_entry_or_with_two_is_found() {
    fires(Kind::ChargeUnknown, |books| books.entries.truncate(0));
    fires(Kind::ChargeUnknown, |books| books.entries.push(entry(1, "settled")));
    // What happened after the ledger was read is judged next time.
    let mut later = good();
    later.quiescent = false;
    later.uses.push(Use { block: 11, ..charge(4) });
    assert_eq!(audit(&later), []);
    later.height = 11;
    assert!(kinds(&later).contains(&Kind::ChargeUnknown));
    // What somebody else submitted may be charged before the service hears of it, unless it was told to come back.
    later.seen.insert(seen(4, &[]).0, Seen { submitted: true, ..seen(4, &[]).1 });
    assert_eq!(audit(&later), []);
    (later.quiescent, later.held.1) = (true, later.held.1 + U256::from(PRICE));
    assert_eq!(audit(&later), []);
    later.seen.values_mut().for_each(|seen| seen.bound = true);
    assert_eq!(kinds(&later), [Kind::ChargeUnknown, Kind::Sums].into());
}

#[test]
fn a_charge_of_another_amount_or_to_another_payee_is_found() {
    fires(Kind::ChargeDiffers, |books| books.uses[0].value += U256::ONE);
    fires(Kind::ChargeDiffers, |books| books.uses[0].to = account(0xdd));
    fires(Kind::ChargeDiffers, |books| books.entries[0].amount = "much".into());
}

#[test]
fn a_charge_for_nothing_is_found() {
    for state in ["void", "failed", "rejected"] {
        fires(Kind::ChargedForNothing, |books| books.entries[0] = entry(1, state));
    }
    // Void is the end, whatever else goes on.
    fires(Kind::ChargedForNothing, |books| {
        books.quiescent = false;
        books.entries[0] = entry(1, "void");
    });
}

#[test]
fn a_job_that_does_not_end_is_found() {
    for state in ["claimed", "running", "done", "settling", "unknown", "paid", "refunding", "failed", "rejected"] {
        fires(Kind::Open, |books| books.entries[0] = entry(1, state));
    }
}

#[test]
fn a_result_that_was_given_away_is_found() {
    fires(Kind::ReleasedUnpaid, |books| books.uses.remove(0).block = 0);
    fires(Kind::ReleasedUnpaid, |books| books.entries[0] = entry(1, "settling"));
    fires(Kind::ReleasedUnpaid, |books| books.uses[0].value -= U256::ONE);
    fires(Kind::ReleasedUnpaid, |books| books.entries.remove(0).id.clear());
}

#[test]
fn two_results_or_two_requests_of_one_payment_and_the_result_of_another_are_found() {
    let key = seen(1, &[]).0;
    fires(Kind::TwoBodies, |books| drop(books.seen.insert(key, seen(1, &["Request 1. a", "Request 1. b"]).1)));
    fires(Kind::TwoRequests, |books| {
        let served = &mut books.seen.get_mut(&key).unwrap().served;
        served.insert("Request 8.".into(), BTreeSet::from([b"{Request 1.}".to_vec()]));
    });
    fires(Kind::ForeignResult, |books| drop(books.seen.insert(key, seen(1, &["Request 8."]).1)));
}

#[test]
fn a_payer_who_was_told_that_a_charge_did_not_happen_is_found() {
    let told = |height| move |books: &mut Books| books.seen.get_mut(&seen(1, &[]).0).unwrap().told_uncharged = height;
    fires(Kind::ToldUncharged, told(Some(7)));
    let mut before = good();
    told(Some(6))(&mut before);
    assert_eq!(audit(&before), [], "the charge may have come since");
}

#[test]
fn a_result_that_is_lost_is_found() {
    fires(Kind::NotRetrievable, |books| books.seen.values_mut().next().unwrap().refetched = false);
}

#[test]
fn a_transaction_that_the_chain_does_not_have_is_found() {
    fires(Kind::TransactionMissing, |books| _ = books.uses.remove(0));
    fires(Kind::TransactionMissing, |books| books.entries[0].transaction = None);
    fires(Kind::TransactionMissing, |books| _ = books.uses.remove(2));
    fires(Kind::TransactionMissing, |books| books.entries[1].refund = None);
    for state in ["paid", "refunding"] {
        fires(Kind::TransactionMissing, |books| {
            (books.quiescent, books.entries[0]) = (false, entry(1, state));
            books.uses.remove(0);
        });
    }
}

#[test]
fn a_refund_without_a_charge_of_a_delivered_job_or_twice_is_found() {
    fires(Kind::RefundWithoutReason, |books| _ = books.uses.remove(1));
    fires(Kind::RefundWithoutReason, |books| books.uses.push(refund(1)));
    fires(Kind::RefundDiffers, |books| books.uses.push(refund(2)));
    fires(Kind::RefundDiffers, |books| books.uses[2].value -= U256::ONE);
    fires(Kind::RefundDiffers, |books| books.uses[2].to = account(0xdd));
}

#[test]
fn money_that_goes_elsewhere_and_sums_that_do_not_add_up_are_found() {
    fires(Kind::Outflow, |books| books.uses[3].to = account(0xdd));
    fires(Kind::Outflow, |books| books.uses[3].nonce = B256::ZERO);
    fires(Kind::Outflow, |books| books.sweep_periods.clear());
    fires(Kind::Sums, |books| books.held.1 += U256::ONE);
    fires(Kind::Sums, |books| _ = books.uses.remove(3));
}

#[test]
fn an_account_whose_payments_revert_again_is_found() {
    fires(Kind::RevertedAgain, |books| books.reverts.values_mut().next().unwrap().push(B256::repeat_byte(0x72)));
}
