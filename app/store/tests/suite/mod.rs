//! What every ledger must do, whatever it stands on: `suite!(factory)` makes one test of each sentence. `factory` is an async function that gives
//! a value owning an empty ledger, and `ledger()` of that value is an `Arc<dyn Ledger>`.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use precis_store::*;

/// A moment in the year 2026, Unix seconds.
pub const NOW: u64 = 1_790_000_000;

pub type Shared = Arc<dyn Ledger>;

pub fn authorization(number: u8) -> Authorization {
    Authorization {
        network: "eip155:8453".into(),
        asset: [0xaa; 20],
        pay_to: [0xbb; 20],
        amount: 1_500,
        payer: [0x11; 20],
        nonce: [number; 32],
        valid_before: NOW + 600,
    }
}

pub fn new_claim(number: u8) -> NewClaim {
    NewClaim {
        job_id: JobId([number; 16]),
        authorization: authorization(number),
        fingerprint: [number; 32],
        token_digest: None,
        at: NOW,
        max_unsettled: None,
    }
}

pub fn result(text: &str) -> JobResult {
    JobResult { status: 200, response: text.as_bytes().to_vec(), receipt: None }
}

pub fn with_receipt(text: &str) -> JobResult {
    JobResult { receipt: Some(b"receipt".to_vec()), ..result(text) }
}

pub fn broadcast(number: u8) -> Option<Broadcast> {
    Some(Broadcast { transaction: [number; 32], raw: vec![number; 100] })
}

pub async fn fresh(ledger: &Shared, number: u8) -> Record {
    match ledger.claim(new_claim(number)).await.unwrap() {
        Claim::Fresh(record) => record,
        other => panic!("{other:?}"),
    }
}

/// Moves a job along, from the version it is at.
pub async fn step(ledger: &Shared, record: &Record, change: Change) -> Record {
    ledger.advance(&record.claim_key(), record.version, change).await.unwrap()
}

/// A job with its payment under way.
pub async fn settling(ledger: &Shared, number: u8) -> Record {
    let record = fresh(ledger, number).await;
    let record = step(ledger, &record, Change::to(State::Running, NOW + 1)).await;
    let record = step(ledger, &record, Change::to(State::Done, NOW + 2).with_result(result("summary"))).await;
    step(ledger, &record, Change::to(State::Settling { broadcast: broadcast(number) }, NOW + 3)).await
}

pub async fn settled(ledger: &Shared, number: u8) -> Record {
    let record = settling(ledger, number).await;
    ledger
        .finish_settled(&record.claim_key(), record.version, [number; 32], with_receipt("summary"), NOW + 4)
        .await
        .unwrap()
}

pub async fn a_claim_is_fresh_once_and_then_existing(ledger: Shared) {
    let record = fresh(&ledger, 1).await;
    assert_eq!((record.version, &record.state, record.created_at), (1, &State::Claimed, NOW));
    let mut again = new_claim(1);
    again.job_id = JobId([9; 16]);
    again.fingerprint = [9; 32];
    let Claim::Existing(existing) = ledger.claim(again).await.unwrap() else { panic!() };
    assert_eq!(existing, record);
    assert!(ledger.by_job_id(&JobId([9; 16])).await.unwrap().is_none());
}

pub async fn network_asset_payer_and_nonce_make_the_claim_and_nothing_else_does(ledger: Shared) {
    let first = fresh(&ledger, 1).await;
    type Edit = fn(&mut Authorization);
    let changes: [(Edit, bool); 7] = [
        (|a| a.network = "eip155:84532".into(), true),
        (|a| a.asset = [1; 20], true),
        (|a| a.payer = [1; 20], true),
        (|a| a.nonce = [200; 32], true),
        (|a| a.pay_to = [1; 20], false),
        (|a| a.amount = 1, false),
        (|a| a.valid_before = 1, false),
    ];
    for (number, (change, other)) in (100..).zip(changes) {
        let mut new = new_claim(1);
        new.job_id = JobId([number; 16]);
        change(&mut new.authorization);
        match ledger.claim(new).await.unwrap() {
            Claim::Fresh(_) => assert!(other, "change {number}"),
            Claim::Existing(record) => assert!(!other && record == first, "change {number}"),
            Claim::TooManyUnsettled { .. } => panic!(),
        }
    }
}

pub async fn of_concurrent_claims_one_is_fresh(ledger: Shared) {
    let tasks: Vec<_> = (0..24u8)
        .map(|number| {
            let ledger = Arc::clone(&ledger);
            let mut new = new_claim(1);
            new.job_id = JobId([number; 16]);
            tokio::spawn(async move { ledger.claim(new).await.unwrap() })
        })
        .collect();
    let mut fresh = Vec::new();
    let mut existing = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Claim::Fresh(record) => fresh.push(record),
            Claim::Existing(record) => existing.push(record),
            Claim::TooManyUnsettled { .. } => panic!(),
        }
    }
    assert_eq!((fresh.len(), existing.len()), (1, 23));
    assert!(existing.iter().all(|record| record == &fresh[0]));
}

pub async fn a_payer_has_no_more_unsettled_jobs_than_allowed_even_at_once(ledger: Shared) {
    let tasks: Vec<_> = (0..12u8)
        .map(|number| {
            let ledger = Arc::clone(&ledger);
            let new = NewClaim { max_unsettled: Some(3), ..new_claim(number) };
            tokio::spawn(async move { ledger.claim(new).await.unwrap() })
        })
        .collect();
    let mut fresh = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Claim::Fresh(record) => fresh.push(record),
            other => assert_eq!(other, Claim::TooManyUnsettled { unsettled: 3 }),
        }
    }
    assert_eq!(fresh.len(), 3);
    // A claim that exists is returned whatever the limit, another payer is not concerned, and an ended job makes room.
    let again = NewClaim { max_unsettled: Some(0), authorization: fresh[0].authorization.clone(), ..new_claim(50) };
    assert!(matches!(ledger.claim(again).await.unwrap(), Claim::Existing(_)));
    let mut other = NewClaim { max_unsettled: Some(3), ..new_claim(51) };
    other.authorization.payer = [0x22; 20];
    assert!(matches!(ledger.claim(other).await.unwrap(), Claim::Fresh(_)));
    step(&ledger, &fresh[0], Change::to(State::Failed { code: "model".into() }, NOW)).await;
    let next = NewClaim { max_unsettled: Some(3), ..new_claim(52) };
    assert!(matches!(ledger.claim(next).await.unwrap(), Claim::Fresh(_)));
    assert_eq!(ledger.unsettled_of(&[0x11; 20]).await.unwrap(), 3);
    assert_eq!(ledger.unsettled_of(&[0x22; 20]).await.unwrap(), 1);
    assert_eq!(ledger.unsettled_of(&[0x33; 20]).await.unwrap(), 0);
}

pub async fn a_job_id_names_one_job(ledger: Shared) {
    let record = fresh(&ledger, 1).await;
    let taken = NewClaim { job_id: record.job_id, ..new_claim(2) };
    assert!(matches!(ledger.claim(taken).await, Err(LedgerError::JobIdTaken)));
    assert!(ledger.get(&authorization(2).claim_key()).await.unwrap().is_none());
    assert_eq!(ledger.by_job_id(&record.job_id).await.unwrap(), Some(record));
    assert_eq!(ledger.unsettled_of(&[0x11; 20]).await.unwrap(), 1);
}

pub async fn what_was_stored_is_read_back(ledger: Shared) {
    let mut new = new_claim(1);
    new.token_digest = Some([7; 32]);
    new.authorization.amount = u128::MAX;
    ledger.claim(new.clone()).await.unwrap();
    let record = ledger.get(&new.authorization.claim_key()).await.unwrap().unwrap();
    assert_eq!(record.authorization, new.authorization);
    assert_eq!((record.fingerprint, record.token_digest, record.job_id), ([1; 32], Some([7; 32]), new.job_id));

    let record = step(&ledger, &record, Change::to(State::Running, NOW + 5).with_token_digest([8; 32])).await;
    assert_eq!((record.token_digest, record.updated_at, record.created_at), (Some([8; 32]), NOW + 5, NOW));
    let settled = settled(&ledger, 2).await;
    assert_eq!(settled.state, State::Settled { transaction: [2; 32] });
    assert!(settled.result == Some(with_receipt("summary")));
    assert_eq!(ledger.get(&settled.claim_key()).await.unwrap().unwrap(), settled);
    assert_eq!(ledger.by_job_id(&settled.job_id).await.unwrap().unwrap(), settled);
    assert!(ledger.get(&authorization(3).claim_key()).await.unwrap().is_none());
}

pub async fn only_listed_transitions_are_made(ledger: Shared) {
    let states = |number| {
        [
            State::Claimed,
            State::Running,
            State::Done,
            State::Settling { broadcast: broadcast(number) },
            State::Rejected { code: "expired".into() },
            State::Unknown { broadcast: None },
            State::Failed { code: "model".into() },
        ]
    };
    let paths: [&[usize]; 7] = [&[], &[1], &[1, 2], &[1, 2, 3], &[1, 2, 4], &[1, 2, 3, 5], &[6]];
    let mut number = 0;
    for path in paths {
        for target in 0..7 {
            number += 1;
            let mut record = fresh(&ledger, number).await;
            for state in path {
                record =
                    step(&ledger, &record, Change::to(states(number)[*state].clone(), NOW).with_result(result("s")))
                        .await;
            }
            let to = states(number)[target].clone();
            let allowed = to.stage().may_follow(record.state.stage());
            let change = Change::to(to.clone(), NOW + 9).with_result(result("t"));
            match ledger.advance(&record.claim_key(), record.version, change).await {
                Ok(after) => {
                    assert!(allowed && after.state == to && after.version == record.version + 1, "{path:?} {target}")
                }
                Err(LedgerError::IllegalTransition { .. }) => {
                    assert!(!allowed, "{path:?} {target}");
                    assert_eq!(ledger.get(&record.claim_key()).await.unwrap().unwrap(), record);
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

pub async fn of_concurrent_changes_from_one_version_one_is_made(ledger: Shared) {
    let record = fresh(&ledger, 1).await;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (ledger, record) = (Arc::clone(&ledger), record.clone());
            tokio::spawn(async move { ledger.advance(&record.claim_key(), 1, Change::to(State::Running, NOW)).await })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert!(matches!(error, LedgerError::Stale { current: 2 }), "{error}"),
        }
    }
    assert_eq!(made, 1);
}

pub async fn a_job_is_done_or_settled_only_with_its_result(ledger: Shared) {
    let record = fresh(&ledger, 1).await;
    let record = step(&ledger, &record, Change::to(State::Running, NOW)).await;
    let key = record.claim_key();
    assert!(matches!(ledger.advance(&key, 2, Change::to(State::Done, NOW)).await, Err(LedgerError::ResultRequired)));
    let record = settling(&ledger, 2).await;
    let settled = Change::to(State::Settled { transaction: [2; 32] }, NOW).with_result(result("s"));
    assert!(matches!(
        ledger.advance(&record.claim_key(), record.version, settled).await,
        Err(LedgerError::ResultRequired)
    ));
    let early = ledger.finish_settled(&key, 2, [1; 32], result("s"), NOW).await;
    assert!(matches!(early, Err(LedgerError::IllegalTransition { from: Stage::Running, to: Stage::Settled })));
}

pub async fn a_result_stays_until_another_replaces_it(ledger: Shared) {
    let record = settling(&ledger, 1).await;
    assert!(record.result == Some(result("summary")));
    let record = step(&ledger, &record, Change::to(State::Unknown { broadcast: broadcast(1) }, NOW + 5)).await;
    let record = ledger.get(&record.claim_key()).await.unwrap().unwrap();
    assert!(record.result == Some(result("summary")));
    let record = ledger
        .finish_settled(&record.claim_key(), record.version, [1; 32], with_receipt("signed"), NOW + 6)
        .await
        .unwrap();
    assert!(ledger.get(&record.claim_key()).await.unwrap().unwrap().result == Some(with_receipt("signed")));
}

pub async fn unknown_jobs_are_not_found(ledger: Shared) {
    let key = authorization(1).claim_key();
    assert!(matches!(ledger.advance(&key, 1, Change::to(State::Running, NOW)).await, Err(LedgerError::NotFound)));
    assert!(matches!(ledger.finish_settled(&key, 1, [1; 32], result("s"), NOW).await, Err(LedgerError::NotFound)));
    assert!(ledger.by_job_id(&JobId([1; 16])).await.unwrap().is_none());
}

pub async fn unfinished_jobs_are_those_that_are_not_final(ledger: Shared) {
    fresh(&ledger, 1).await;
    settling(&ledger, 2).await;
    settled(&ledger, 3).await;
    let failed = fresh(&ledger, 4).await;
    step(&ledger, &failed, Change::to(State::Failed { code: "model".into() }, NOW)).await;
    let mut unfinished = ledger.unfinished().await.unwrap();
    unfinished.sort_by_key(|record| record.job_id.0);
    assert_eq!(unfinished.len(), 2);
    assert_eq!(unfinished[0].state, State::Claimed);
    assert_eq!(unfinished[1].state, State::Settling { broadcast: broadcast(2) });
    assert!(unfinished[1].result == Some(result("summary")));
}

pub async fn final_jobs_are_forgotten_after_they_and_their_authorizations_ended(ledger: Shared) {
    let record = settled(&ledger, 1).await;
    fresh(&ledger, 2).await;
    // It last changed at NOW + 4, but the authorization is valid until NOW + 600.
    assert_eq!(ledger.expire(NOW + 600).await.unwrap(), 0);
    assert!(matches!(ledger.claim(new_claim(1)).await.unwrap(), Claim::Existing(_)));
    assert_eq!(ledger.expire(NOW + 601).await.unwrap(), 1);
    assert_eq!(ledger.expire(u64::MAX).await.unwrap(), 0);
    assert!(ledger.get(&record.claim_key()).await.unwrap().is_none());
    assert!(ledger.by_job_id(&record.job_id).await.unwrap().is_none());
    // The unfinished job stays, and the name is free again.
    assert_eq!(ledger.unfinished().await.unwrap().len(), 1);
    fresh(&ledger, 1).await;
}

pub async fn oversized_parts_are_refused_and_change_nothing(ledger: Shared) {
    let mut new = new_claim(1);
    new.authorization.network = "n".repeat(limits::MAX_NETWORK_BYTES + 1);
    assert!(matches!(ledger.claim(new).await, Err(LedgerError::TooLarge { what: "network", .. })));
    let record = fresh(&ledger, 2).await;
    let key = record.claim_key();
    let code = "c".repeat(limits::MAX_CODE_BYTES + 1);
    let failed = ledger.advance(&key, 1, Change::to(State::Failed { code }, NOW)).await;
    assert!(matches!(failed, Err(LedgerError::TooLarge { what: "code", .. })));
    let record = step(&ledger, &record, Change::to(State::Running, NOW)).await;
    let large = JobResult { status: 200, response: vec![0; limits::MAX_RESPONSE_BYTES + 1], receipt: None };
    let done = ledger.advance(&key, 2, Change::to(State::Done, NOW).with_result(large)).await;
    assert!(matches!(done, Err(LedgerError::TooLarge { what: "response", .. })));
    assert_eq!(ledger.get(&key).await.unwrap().unwrap(), record);
}

/// Makes a test of every sentence above for the ledgers that `$factory` makes.
#[macro_export]
macro_rules! suite {
    ($factory:path) => {
        $crate::suite!($factory:
            a_claim_is_fresh_once_and_then_existing,
            network_asset_payer_and_nonce_make_the_claim_and_nothing_else_does,
            of_concurrent_claims_one_is_fresh,
            a_payer_has_no_more_unsettled_jobs_than_allowed_even_at_once,
            a_job_id_names_one_job,
            what_was_stored_is_read_back,
            only_listed_transitions_are_made,
            of_concurrent_changes_from_one_version_one_is_made,
            a_job_is_done_or_settled_only_with_its_result,
            a_result_stays_until_another_replaces_it,
            unknown_jobs_are_not_found,
            unfinished_jobs_are_those_that_are_not_final,
            final_jobs_are_forgotten_after_they_and_their_authorizations_ended,
            oversized_parts_are_refused_and_change_nothing,
        );
    };
    ($factory:path: $($sentence:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sentence() {
                let fixture = $factory().await;
                suite::$sentence(fixture.ledger()).await;
            }
        )*
    };
}
