//! Ledgers of released formats, kept as files: every later version opens them and finds what was written.

use super::*;

/// Ledgers with a settled job, one that failed, one whose refund is under way and one that was just claimed.
const FIXTURES: [&str; 1] = ["format-2.ledger"];

fn fixture_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Jobs of every fixture, made anew.
async fn filled(ledger: &Shared) -> Vec<Record> {
    let settled = settled(ledger, 1).await;
    let claimed = fresh(ledger, 2).await;
    let failed = step(ledger, &claimed, Change::to(State::Running, NOW + 1)).await;
    let code = "work_failed".to_owned();
    let failed =
        step(ledger, &failed, Change::to(State::Failed { code }, NOW + 2).with_result(with_receipt("{}"))).await;
    let upfront =
        claim(ledger, NewClaim { flow: Flow::Upfront, identifier: Some([7; 32]), ..new_claim_of_another(3) }).await;
    let upfront = step(ledger, &upfront, Change::to(State::Settling { broadcast: broadcast(3) }, NOW + 1)).await;
    let upfront = step(ledger, &upfront, Change::to(State::Paid { transaction: [3; 32] }, NOW + 2)).await;
    let refunding = State::Refunding { transaction: [3; 32], code: "work_failed".into(), broadcast: broadcast(4) };
    let refunding = step(ledger, &upfront, Change::to(refunding, NOW + 3).with_result(result("{}"))).await;
    vec![settled, failed, refunding, fresh(ledger, 4).await]
}

/// Set to write the fixture of the present format, once for each format.
const WRITE: &str = "PRECIS_WRITE_FIXTURE";

/// Writes the fixture of the present format.
async fn write() {
    let path = fixture_path(FIXTURES[FIXTURES.len() - 1]);
    assert!(!path.exists(), "a released format does not change");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    filled(&open(&path).await.unwrap()).await;
}

#[tokio::test]
async fn a_ledger_of_every_released_format_opens_with_all_that_was_written() {
    if std::env::var_os(WRITE).is_some() {
        write().await;
    }
    let fresh = fixture().await.ledger();
    let (expected, open_jobs) = (filled(&fresh).await, unfinished(&fresh).await);
    for name in FIXTURES {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger");
        std::fs::copy(fixture_path(name), &path).unwrap();
        let ledger = open(&path).await.unwrap();
        for record in &expected {
            let found = ledger.get(&record.claim_key()).await.unwrap().unwrap();
            assert_eq!(&found, record, "{name}");
            assert_eq!(ledger.by_job_id(&record.job_id).await.unwrap().unwrap(), found, "{name}");
        }
        assert_eq!(unfinished(&ledger).await, open_jobs, "{name}");
        let again = ledger.claim(new_claim(1)).await.unwrap();
        assert!(matches!(again, Claim::Existing(_)), "{name}: {again:?}");
    }
}
