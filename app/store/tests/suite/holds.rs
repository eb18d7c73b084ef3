//! Who works on a job.

use std::time::{Duration, Instant};

use super::*;

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(20);
const A: Holder = [1; 16];
const B: Holder = [2; 16];

pub async fn a_job_has_one_holder_at_a_time(ledger: Shared) {
    let (key, other) = (fresh(&ledger, 1).await.claim_key(), fresh(&ledger, 2).await.claim_key());
    assert_eq!(ledger.hold(&key, &A, LONG).await.unwrap(), Hold::Ours);
    assert_eq!(ledger.hold(&key, &B, LONG).await.unwrap(), Hold::Theirs);
    assert_eq!(ledger.hold(&key, &A, LONG).await.unwrap(), Hold::Ours);
    assert_eq!(ledger.hold(&other, &B, LONG).await.unwrap(), Hold::Ours);
    // Only the holder gives it back; then it is anybody's, and no longer the holder's.
    ledger.release(&key, &B).await.unwrap();
    assert_eq!(ledger.hold(&key, &B, LONG).await.unwrap(), Hold::Theirs);
    ledger.release(&key, &A).await.unwrap();
    ledger.release(&key, &A).await.unwrap();
    assert_eq!(ledger.hold(&key, &B, Duration::MAX).await.unwrap(), Hold::Ours);
    assert_eq!(ledger.hold(&key, &A, LONG).await.unwrap(), Hold::Theirs);
    // To hold is not to change.
    assert_eq!(ledger.get(&key).await.unwrap().unwrap().version, 1);
}

pub async fn of_concurrent_holders_one_holds(ledger: Shared) {
    let key = fresh(&ledger, 1).await.claim_key();
    let holds = at_once((0..16u8).map(|number| {
        let ledger = Arc::clone(&ledger);
        async move { ledger.hold(&key, &[number; 16], LONG).await.unwrap() }
    }));
    assert_eq!(holds.await.iter().filter(|hold| **hold == Hold::Ours).count(), 1);
}

pub async fn a_hold_that_is_not_renewed_ends(ledger: Shared) {
    let key = fresh(&ledger, 1).await.claim_key();
    assert_eq!(ledger.hold(&key, &A, SHORT).await.unwrap(), Hold::Ours);
    let begun = Instant::now();
    while ledger.hold(&key, &B, LONG).await.unwrap() == Hold::Theirs {
        assert!(begun.elapsed() < PATIENCE, "the hold does not end");
        tokio::task::yield_now().await;
    }
    assert_eq!(ledger.hold(&key, &A, LONG).await.unwrap(), Hold::Theirs);
    // A shorter renewal shortens.
    assert_eq!(ledger.hold(&key, &B, Duration::ZERO).await.unwrap(), Hold::Ours);
    assert_eq!(ledger.hold(&key, &A, LONG).await.unwrap(), Hold::Ours);
}
