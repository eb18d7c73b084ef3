//! What a node of the payment chain says of a receipt: the block that it names, the settlement, and when both were made.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use crate::common::{Job, NOW, World, assert_fails};
use alloy_primitives::{Address, B256};
use precis_verify::check::{self, CheckId, Status};
use precis_verify::{Beside, Mined, OnChain, Online, Transcript, Verdict, verify_receipt_file};

fn judged(change: impl FnOnce(&mut OnChain)) -> Transcript {
    let mut job = Job::new();
    let mut chain = job.on_chain();
    change(&mut chain);
    job.on_chain = Some(chain);
    job.check()
}

fn incomplete(transcript: &Transcript, check: CheckId) {
    assert_eq!(transcript.verdict(), Verdict::Incomplete, "{transcript}");
    let outcome = transcript.outcome(check).unwrap();
    assert!(outcome.required && outcome.status == Status::NotEvaluated, "{transcript}");
}

#[test]
fn a_node_that_has_block_and_settlement_bounds_the_time_from_below() {
    let transcript = judged(|_| {});
    let passes = |outcome: &check::Outcome| outcome.status == Status::Pass || outcome.check == check::RECEIPT_REFUND;
    assert!(transcript.checks().iter().all(passes), "{transcript}");
    let time = &transcript.outcome(check::RECEIPT_TIME).unwrap().detail;
    assert!(time.contains("by the enclave's clock, which its host sets"), "{time}");
    assert!(
        time.contains(&format!("not before {}, by the settlement in block 14 as a node tells it", NOW - 3)),
        "{time}"
    );
    assert!(time.contains("by the caller's clock"), "{time}");
    let alone = Job::new().check();
    let time = &alone.outcome(check::RECEIPT_TIME).unwrap().detail;
    assert!(time.contains("no lower bound: no node told of block 13"), "{time}");
}

#[test]
fn a_receipt_that_is_dated_back_is_rejected() {
    // Signed years after what it says: the settlement is of the day on which it was signed.
    const YEARS: u64 = 3 * 365 * 86_400;
    let back = judged(|chain| chain.settlement.as_mut().unwrap().block.timestamp += YEARS);
    assert_fails(&back, check::RECEIPT_SETTLEMENT);
    assert!(back.outcome(check::RECEIPT_SETTLEMENT).unwrap().detail.contains("dated back"), "{back}");
    assert_fails(&judged(|chain| chain.block.as_mut().unwrap().timestamp += YEARS), check::RECEIPT_BLOCK);
    // Dated forward from a block long gone.
    assert_fails(&judged(|chain| chain.block.as_mut().unwrap().timestamp -= 3_700), check::RECEIPT_BLOCK);
    assert_fails(&judged(|chain| chain.block.as_mut().unwrap().hash = B256::repeat_byte(1)), check::RECEIPT_BLOCK);
    assert_fails(&judged(|chain| chain.block = None), check::RECEIPT_BLOCK);
}

#[test]
fn what_a_node_does_not_have_is_not_evaluated_and_never_passes() {
    incomplete(&judged(|chain| chain.settlement = None), check::RECEIPT_SETTLEMENT);
    incomplete(&judged(|chain| (chain.head, chain.block) = (12, None)), check::RECEIPT_BLOCK);
    let file = serde_json::to_vec(&Job::new().file()).unwrap();
    let beside = Beside { on_chain: Online::Unanswered("nobody is there"), ..Beside::default() };
    let unanswered = verify_receipt_file(&file, &World::policy(), NOW + 9, &beside).transcript;
    incomplete(&unanswered, check::RECEIPT_BLOCK);
    incomplete(&unanswered, check::RECEIPT_SETTLEMENT);
}

#[test]
fn a_transaction_that_is_not_this_charge_is_rejected() {
    type Logs = Vec<precis_verify::Log>;
    let changes: [fn(&mut Logs); 10] = [
        |logs| logs.clear(),
        |logs| logs.swap(0, 1),
        |logs| logs.truncate(1),
        |logs| logs.insert(1, logs[0].clone()),
        |logs| logs[0].topics[1] = B256::repeat_byte(1),
        |logs| logs[0].topics[2] = B256::repeat_byte(1),
        |logs| logs[1].topics[2] = B256::repeat_byte(1),
        |logs| logs[1].data[31] ^= 1,
        |logs| logs[1].data.push(0),
        |logs| logs.iter_mut().for_each(|log| log.address = Address::repeat_byte(1)),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let transcript = judged(|chain| change(&mut chain.settlement.as_mut().unwrap().logs));
        // A use twice in a row is followed by its transfer all the same.
        if index == 3 {
            assert!(transcript.is_verified(), "{transcript}");
        } else {
            assert_fails(&transcript, check::RECEIPT_SETTLEMENT);
        }
    }
    assert_fails(&judged(|chain| chain.settlement.as_mut().unwrap().succeeded = false), check::RECEIPT_SETTLEMENT);
    // Events of others in between are no part of it.
    let among_others = judged(|chain| {
        let logs = &mut chain.settlement.as_mut().unwrap().logs;
        let mut foreign = logs[0].clone();
        foreign.address = Address::repeat_byte(1);
        logs.insert(1, foreign.clone());
        logs.insert(0, foreign);
    });
    assert!(among_others.is_verified(), "{among_others}");
}

#[test]
fn a_node_shows_the_refund_that_a_receipt_of_failed_work_names() {
    let shown = Job::refunded().check();
    assert!(shown.is_verified(), "{shown}");
    assert_eq!(shown.outcome(check::RECEIPT_REFUND).unwrap().status, Status::Pass, "{shown}");
    let judged = |change: fn(&mut Mined)| {
        let mut job = Job::refunded();
        change(job.on_chain.as_mut().unwrap().refund.as_mut().unwrap());
        job.check()
    };
    // Of another authorization, to another payee, of another amount, reverted, made later than the receipt.
    assert_fails(&judged(|back| back.logs[0].topics[2] = B256::repeat_byte(1)), check::RECEIPT_REFUND);
    assert_fails(&judged(|back| back.logs[1].topics[2] = B256::repeat_byte(1)), check::RECEIPT_REFUND);
    assert_fails(&judged(|back| back.logs[1].data[31] ^= 1), check::RECEIPT_REFUND);
    assert_fails(&judged(|back| back.succeeded = false), check::RECEIPT_REFUND);
    assert_fails(&judged(|back| back.block.timestamp += 3_600), check::RECEIPT_REFUND);
    // A charge is no refund.
    let mut charge_again = Job::refunded();
    let chain = charge_again.on_chain.as_mut().unwrap();
    chain.refund = chain.settlement.clone();
    assert_fails(&charge_again.check(), check::RECEIPT_REFUND);
    let mut unknown = Job::refunded();
    unknown.on_chain.as_mut().unwrap().refund = None;
    incomplete(&unknown.check(), check::RECEIPT_REFUND);
    let mut unnamed = Job::refunded();
    unnamed.set_result(r#"{"code":"work_failed"}"#.to_owned());
    assert_fails(&unnamed.check(), check::RECEIPT_REFUND);
}

#[test]
fn a_receipt_without_a_charge_has_no_settlement_to_look_for() {
    let mut job = Job::new();
    job.summary = None;
    job.status_code = 500;
    job.set_result(r#"{"code":"work_failed"}"#.to_owned());
    job.receipt.status = precis_protocol::receipt::ReceiptStatus::FailedUncharged;
    job.payment.as_mut().unwrap().transaction = B256::ZERO;
    job.on_chain = Some(OnChain { settlement: None, ..job.on_chain() });
    let transcript = job.check();
    assert!(transcript.is_verified(), "{transcript}");
    assert!(!transcript.outcome(check::RECEIPT_SETTLEMENT).unwrap().required);
}
