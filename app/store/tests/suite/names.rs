//! What a job is found by beside its claim: its own id, and the identifier its payer chose.

use super::*;

fn identified(number: u8, identifier: u8) -> NewClaim {
    NewClaim { identifier: Some([identifier; 32]), ..new_claim(number) }
}

pub async fn a_job_id_names_one_job(ledger: Shared) {
    let record = fresh(&ledger, 1).await;
    let taken = NewClaim { job_id: record.job_id, ..identified(2, 77) };
    assert!(matches!(ledger.claim(taken).await, Err(LedgerError::JobIdTaken)));
    assert!(ledger.get(&authorization(2).claim_key()).await.unwrap().is_none());
    assert!(ledger.by_identifier(&[77; 32]).await.unwrap().is_none());
    assert_eq!(ledger.by_job_id(&record.job_id).await.unwrap(), Some(record));
    assert_eq!(ledger.unsettled_of(&[0x11; 20]).await.unwrap(), 1);
    claim(&ledger, identified(2, 77)).await;
}

pub async fn an_identifier_names_one_claim(ledger: Shared) {
    let record = claim(&ledger, identified(1, 7)).await;
    assert_eq!(ledger.claim(identified(2, 7)).await.unwrap(), Claim::IdentifierTaken);
    assert!(ledger.get(&authorization(2).claim_key()).await.unwrap().is_none());
    assert!(ledger.by_job_id(&JobId([2; 16])).await.unwrap().is_none());
    assert_eq!(ledger.unsettled_of(&[0x11; 20]).await.unwrap(), 1);
    assert_eq!(ledger.by_identifier(&[7; 32]).await.unwrap(), Some(record.clone()));
    // The same claim again is no other claim; what it is called the second time does not matter and takes nothing.
    assert_eq!(ledger.claim(identified(1, 7)).await.unwrap(), Claim::Existing(record.clone()));
    assert_eq!(ledger.claim(identified(1, 8)).await.unwrap(), Claim::Existing(record));
    assert!(ledger.by_identifier(&[8; 32]).await.unwrap().is_none());
    // Nothing of the refused claim is taken either.
    claim(&ledger, identified(2, 8)).await;
    // Any number of claims have none.
    fresh(&ledger, 3).await;
    fresh(&ledger, 4).await;
}

pub async fn an_identifier_is_free_again_once_its_job_is_forgotten(ledger: Shared) {
    let record = claim(&ledger, identified(1, 7)).await;
    let record = step(&ledger, &record, Change::to(State::Failed { code: "model".into() }, NOW)).await;
    assert_eq!(ledger.claim(identified(2, 7)).await.unwrap(), Claim::IdentifierTaken);
    step(&ledger, &record, Change::to(State::Void { code: "model".into() }, NOW)).await;
    assert_eq!(ledger.claim(identified(2, 7)).await.unwrap(), Claim::IdentifierTaken);
    assert_eq!(ledger.expire(NOW + 601).await.unwrap(), 1);
    assert!(ledger.by_identifier(&[7; 32]).await.unwrap().is_none());
    let other = claim(&ledger, identified(2, 7)).await;
    assert_eq!(ledger.by_identifier(&[7; 32]).await.unwrap(), Some(other));
}

/// Of claims at once, those that are fresh and those of which `taken` holds.
async fn race(
    ledger: &Shared,
    claims: impl Iterator<Item = NewClaim>,
    taken: fn(&Result<Claim, LedgerError>) -> bool,
) -> Vec<Record> {
    let results = at_once(claims.map(|new| {
        let ledger = Arc::clone(ledger);
        async move { ledger.claim(new).await }
    }));
    let mut fresh = Vec::new();
    for result in results.await {
        match result {
            Ok(Claim::Fresh(record)) => fresh.push(record),
            other => assert!(taken(&other), "{other:?}"),
        }
    }
    fresh
}

/// Of one payer, and of many, whom a ledger may serve side by side.
pub async fn of_concurrent_claims_with_one_identifier_one_is_fresh(ledger: Shared) {
    for (identifier, new) in [(7, new_claim as fn(u8) -> NewClaim), (8, new_claim_of_another)] {
        let numbers = identifier * 20..identifier * 20 + 16;
        let claims = numbers.map(|number| NewClaim { identifier: Some([identifier; 32]), ..new(number) });
        let fresh = race(&ledger, claims, |result| matches!(result, Ok(Claim::IdentifierTaken))).await;
        assert_eq!(fresh.len(), 1);
        assert_eq!(ledger.by_identifier(&[identifier; 32]).await.unwrap(), fresh.first().cloned());
    }
    assert_eq!(unfinished(&ledger).await.len(), 2);
}

pub async fn of_concurrent_claims_with_one_job_id_one_is_fresh(ledger: Shared) {
    let claims = (0..16).map(|number| NewClaim { job_id: JobId([1; 16]), ..new_claim_of_another(number) });
    let fresh = race(&ledger, claims, |result| matches!(result, Err(LedgerError::JobIdTaken))).await;
    assert_eq!(fresh.len(), 1);
    assert_eq!(unfinished(&ledger).await, fresh);
}
