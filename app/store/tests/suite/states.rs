//! Where jobs stand, by both flows: everything here follows from `Stage` and `Flow`.

use super::*;

const FLOWS: [Flow; 2] = [Flow::Authorization, Flow::Upfront];

fn state(stage: Stage, number: u8) -> State {
    let (transaction, code) = ([number; 32], format!("code {number}"));
    match stage {
        Stage::Claimed => State::Claimed,
        Stage::Running => State::Running,
        Stage::Done => State::Done,
        Stage::Settling => State::Settling { broadcast: broadcast(number) },
        Stage::Settled => State::Settled { transaction },
        Stage::Rejected => State::Rejected { code },
        Stage::Unknown => State::Unknown { broadcast: broadcast(number) },
        Stage::Failed => State::Failed { code },
        Stage::Paid => State::Paid { transaction },
        Stage::Refunding => State::Refunding { transaction, code, broadcast: broadcast(number) },
        Stage::Refunded => State::Refunded { transaction, code, refund: [number ^ 0xff; 32] },
        Stage::Void => State::Void { code },
    }
}

/// The stages on a shortest way there, the first left out; none if there is no way.
fn way(flow: Flow, to: Stage) -> Option<Vec<Stage>> {
    let mut ways = vec![vec![Stage::Claimed]];
    let mut at = 0;
    while let Some(way) = ways.get(at).cloned() {
        let last = way[way.len() - 1];
        if last == to {
            return Some(way[1..].to_vec());
        }
        for next in Stage::ALL.into_iter().filter(|next| flow.allows(last, *next)) {
            if !ways.iter().any(|way| way.contains(&next)) {
                ways.push([&way[..], &[next]].concat());
            }
        }
        at += 1;
    }
    None
}

/// Tries to move a job, with a result in any case.
async fn go(ledger: &Shared, record: &Record, to: Stage, number: u8) -> Result<Record, LedgerError> {
    let (key, result, at) = (record.claim_key(), with_receipt(to.name()), NOW + 9);
    match state(to, number) {
        State::Settled { transaction } => ledger.finish_settled(&key, record.version, transaction, result, at).await,
        to => ledger.advance(&key, record.version, Change::to(to, at).with_result(result)).await,
    }
}

/// A job of a payer of its own that has come along `way`.
async fn along(ledger: &Shared, number: u8, flow: Flow, way: &[Stage]) -> Record {
    let mut record = claim(ledger, NewClaim { flow, ..new_claim_of_another(number) }).await;
    for stage in way {
        record = go(ledger, &record, *stage, number).await.unwrap();
    }
    record
}

/// A job in every stage that a flow reaches; over both, that is every stage.
async fn one_in_each_stage(ledger: &Shared) -> Vec<Record> {
    let mut records = Vec::new();
    for flow in FLOWS {
        for way in Stage::ALL.into_iter().filter_map(|stage| way(flow, stage)) {
            records.push(along(ledger, records.len() as u8 + 1, flow, &way).await);
        }
    }
    let reached = |stage| records.iter().any(|record: &Record| record.state.stage() == stage);
    assert!(Stage::ALL.into_iter().all(reached));
    records
}

pub async fn exactly_the_listed_transitions_are_made(ledger: Shared) {
    let mut number = 0;
    for flow in FLOWS {
        for from in Stage::ALL {
            let Some(way) = way(flow, from) else { continue };
            number += 1;
            let record = along(&ledger, number, flow, &way).await;
            for to in Stage::ALL.into_iter().filter(|to| !flow.allows(from, *to)) {
                match go(&ledger, &record, to, number).await {
                    Err(LedgerError::IllegalTransition { from: seen_from, to: seen_to }) => {
                        assert_eq!((seen_from, seen_to), (from, to));
                    }
                    other => panic!("{flow:?} {from:?} {to:?}: {other:?}"),
                }
            }
            assert_eq!(ledger.get(&record.claim_key()).await.unwrap().unwrap(), record);
            for to in Stage::ALL.into_iter().filter(|to| flow.allows(from, *to)) {
                number += 1;
                let record = along(&ledger, number, flow, &way).await;
                let after = go(&ledger, &record, to, number).await.unwrap();
                assert_eq!((after.version, &after.state), (record.version + 1, &state(to, number)));
                assert_eq!(ledger.get(&record.claim_key()).await.unwrap().unwrap(), after);
            }
        }
    }
}

pub async fn every_state_is_read_back(ledger: Shared) {
    for record in one_in_each_stage(&ledger).await {
        let stage = record.state.stage();
        assert_eq!(record.state, state(stage, record.job_id.0[0]));
        assert_eq!(ledger.get(&record.claim_key()).await.unwrap().unwrap(), record, "{stage:?}");
        assert_eq!(ledger.by_job_id(&record.job_id).await.unwrap().unwrap(), record, "{stage:?}");
    }
}

pub async fn a_job_counts_against_its_payer_while_its_stage_is_unsettled(ledger: Shared) {
    for record in one_in_each_stage(&ledger).await {
        let (stage, number) = (record.state.stage(), record.job_id.0[0]);
        let counted = u64::from(stage.is_unsettled());
        assert_eq!(ledger.unsettled_of(&record.authorization.payer).await.unwrap(), counted, "{stage:?}");
        let mut next = new_claim(number + 100);
        next.authorization.payer = record.authorization.payer;
        next.max_unsettled = Some(1);
        match ledger.claim(next).await.unwrap() {
            Claim::Fresh(_) => assert_eq!(counted, 0, "{stage:?}"),
            Claim::TooManyUnsettled { unsettled } => assert_eq!((unsettled, counted), (1, 1), "{stage:?}"),
            other => panic!("{other:?}"),
        }
    }
}

pub async fn a_job_is_unfinished_and_remembered_until_its_stage_is_final(ledger: Shared) {
    let by_id = |record: &Record| record.job_id.0;
    let records = one_in_each_stage(&ledger).await;
    let (ended, mut open): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| record.state.stage().is_final());
    let mut unfinished = unfinished(&ledger).await;
    unfinished.sort_by_key(by_id);
    open.sort_by_key(by_id);
    assert!(unfinished == open);
    assert_eq!(ledger.expire(u64::MAX).await.unwrap(), ended.len() as u64);
    for record in ended {
        assert!(ledger.get(&record.claim_key()).await.unwrap().is_none());
    }
    for record in open {
        assert_eq!(ledger.get(&record.claim_key()).await.unwrap(), Some(record));
    }
}
