//! Several instances on one database.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;

async fn two(server: &Server, name: &str) -> [Shared; 2] {
    let url = database(server, name).await;
    [open(&url).await.unwrap(), open(&url).await.unwrap()]
}

/// What one caller saw of a job: whether its claim was fresh, and the versions that its own changes made.
struct Seen {
    job: u8,
    fresh: bool,
    made: Vec<u64>,
}

/// Claims a job and takes it through to its end, against others that do the same; reads and lists in between.
async fn work(ledger: Shared, caller: u8, job: u8) -> Seen {
    let new = NewClaim { job_id: JobId([caller; 16]), max_unsettled: Some(100), ..new_claim(job) };
    let (mut record, fresh) = match ledger.claim(new).await.unwrap() {
        Claim::Fresh(record) => (record, true),
        Claim::Existing(record) => (record, false),
        other => panic!("{other:?}"),
    };
    let (key, mut made) = (record.claim_key(), Vec::new());
    while !record.state.stage().is_final() {
        let version = record.version;
        let _ = ledger.hold(&key, &[caller; 16], Duration::from_secs(60)).await.unwrap();
        let change = match record.state.stage() {
            Stage::Claimed => ledger.advance(&key, version, Change::to(State::Running, NOW)).await,
            Stage::Running => {
                let done = Change::to(State::Done, NOW).with_result(result(&format!("by {caller}")));
                ledger.advance(&key, version, done).await
            }
            Stage::Done => ledger.advance(&key, version, Change::to(State::Settling { broadcast: None }, NOW)).await,
            Stage::Settling => ledger.advance(&key, version, Change::to(State::Unknown { broadcast: None }, NOW)).await,
            _ => ledger.finish_settled(&key, version, [caller; 32], with_receipt(&format!("by {caller}")), NOW).await,
        };
        match change {
            Ok(after) => {
                assert_eq!(after.version, version + 1);
                made.push(after.version);
            }
            Err(LedgerError::Stale { current }) => assert!(current > version),
            Err(other) => panic!("{other}"),
        }
        ledger.release(&key, &[caller; 16]).await.unwrap();
        let now = ledger.get(&key).await.unwrap().unwrap();
        assert!(now.version > version, "a version that was there is gone");
        let listed = ledger.page(None, 100).await.unwrap().records;
        assert!(listed.iter().any(|listed| listed.claim_key() == key && listed.version >= now.version));
        ledger.unfinished().await.unwrap();
        record = now;
    }
    Seen { job, fresh, made }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_callers_over_two_instances_one_claims_and_no_change_is_lost() {
    let Some(server) = Server::start() else { return };
    let ledgers = two(&server, "mixed").await;
    let callers = (0..32u8).map(|caller| work(Arc::clone(&ledgers[usize::from(caller % 2)]), caller, caller / 8));
    let mut jobs: BTreeMap<u8, (usize, Vec<u64>)> = BTreeMap::new();
    for seen in at_once(callers.collect::<Vec<_>>()).await {
        let (fresh, made) = jobs.entry(seen.job).or_default();
        *fresh += usize::from(seen.fresh);
        made.extend(seen.made);
    }
    assert_eq!(jobs.len(), 4);
    for (job, (fresh, mut made)) in jobs {
        assert_eq!(fresh, 1, "job {job}");
        // Each version was made once, by one caller, and none is missing.
        made.sort_unstable();
        assert_eq!(made, (2..=6).collect::<Vec<u64>>(), "job {job}");
        let record = ledgers[0].get(&authorization(job).claim_key()).await.unwrap().unwrap();
        assert_eq!(record.version, 6);
        // The result is that of the call which settled.
        let State::Settled { transaction } = record.state else { panic!() };
        assert!(record.result == Some(with_receipt(&format!("by {}", transaction[0]))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_holds_and_forgetting_are_of_all_instances_together() {
    let Some(server) = Server::start() else { return };
    let ledgers = two(&server, "together").await;
    let claims = at_once((0..24u8).map(|number| {
        let ledger = Arc::clone(&ledgers[usize::from(number % 2)]);
        let new = NewClaim { max_unsettled: Some(5), ..new_claim(number) };
        async move { matches!(ledger.claim(new).await.unwrap(), Claim::Fresh(_)) }
    }));
    assert_eq!(claims.await.into_iter().filter(|fresh| *fresh).count(), 5);

    let key = authorization(0).claim_key();
    let long = Duration::from_secs(600);
    assert_eq!(ledgers[0].hold(&key, &[1; 16], long).await.unwrap(), Hold::Ours);
    assert_eq!(ledgers[1].hold(&key, &[2; 16], long).await.unwrap(), Hold::Theirs);
    ledgers[0].release(&key, &[1; 16]).await.unwrap();
    assert_eq!(ledgers[1].hold(&key, &[2; 16], long).await.unwrap(), Hold::Ours);

    for number in 100..130 {
        let record = claim(&ledgers[0], new_claim(number)).await;
        let record = step(&ledgers[0], &record, Change::to(State::Failed { code: "x".into() }, NOW)).await;
        step(&ledgers[1], &record, Change::to(State::Void { code: "x".into() }, NOW)).await;
    }
    let forgotten =
        at_once(ledgers.clone().into_iter().map(|ledger| async move { ledger.expire(u64::MAX).await.unwrap() }));
    assert_eq!(forgotten.await.iter().sum::<u64>(), 30);
    let open: BTreeSet<_> = unfinished(&ledgers[1]).await.iter().map(|record| record.job_id.0).collect();
    assert_eq!(open.len(), 5);
}
