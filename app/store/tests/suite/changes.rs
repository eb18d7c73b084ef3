//! Versions, results, and the end.

use super::*;

pub async fn what_was_stored_is_read_back(ledger: Shared) {
    let mut new = new_claim(1);
    new.identifier = Some([7; 32]);
    new.flow = Flow::Upfront;
    new.authorization.amount = u128::MAX;
    new.authorization.valid_before = u64::MAX;
    ledger.claim(new.clone()).await.unwrap();
    let record = ledger.get(&new.authorization.claim_key()).await.unwrap().unwrap();
    assert_eq!(record.authorization, new.authorization);
    assert_eq!((record.fingerprint, record.identifier, record.job_id), ([1; 32], Some([7; 32]), new.job_id));
    assert_eq!((record.flow, &record.context), (Flow::Upfront, &new.context));
    assert_eq!(ledger.by_identifier(&[7; 32]).await.unwrap(), Some(record.clone()));
    let record = step(&ledger, &record, Change::to(State::Settling { broadcast: None }, NOW + 5)).await;
    assert_eq!((record.updated_at, record.created_at), (NOW + 5, NOW));

    let settled = settled(&ledger, 2).await;
    assert_eq!(settled.state, State::Settled { transaction: [2; 32] });
    assert!(settled.result == Some(with_receipt("summary")));
    assert_eq!(ledger.get(&settled.claim_key()).await.unwrap().unwrap(), settled);
    assert_eq!(ledger.by_job_id(&settled.job_id).await.unwrap().unwrap(), settled);
    assert!(ledger.get(&authorization(3).claim_key()).await.unwrap().is_none());
}

pub async fn of_concurrent_changes_from_one_version_one_is_made(ledger: Shared) {
    let record = fresh(&ledger, 1).await;
    // With a result, so that whoever comes too late meets a result newer than the record it waited for.
    let record = step(&ledger, &record, Change::to(State::Running, NOW)).await;
    let changes = at_once((0..16u8).map(|number| {
        let (ledger, key) = (Arc::clone(&ledger), record.claim_key());
        let change = Change::to(State::Done, NOW).with_result(result(&format!("summary {number}")));
        async move { ledger.advance(&key, 2, change).await }
    }));
    let mut made = Vec::new();
    for change in changes.await {
        match change {
            Ok(record) => made.push(record),
            Err(error) => assert!(matches!(error, LedgerError::Stale { current: 3 }), "{error}"),
        }
    }
    assert_eq!(made.len(), 1);
    assert_eq!(ledger.get(&record.claim_key()).await.unwrap(), made.pop());
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
    assert!(ledger.by_identifier(&[0; 32]).await.unwrap().is_none());
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
    // The unfinished job stays, and the name is free again, without the result of its predecessor.
    assert_eq!(unfinished(&ledger).await.len(), 1);
    assert!(fresh(&ledger, 1).await.result.is_none());
    assert!(ledger.get(&record.claim_key()).await.unwrap().unwrap().result.is_none());
}
