//! When the server, or a connection to it, is gone.

use std::time::{Duration, Instant};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// The server's process that serves a call of the ledger which waits for a lock.
async fn waiting(client: &Client) -> u32 {
    let begun = Instant::now();
    let query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'precis' AND wait_event_type = 'Lock'";
    loop {
        if let Some(row) = client.query(query, &[]).await.unwrap().first() {
            return u32::try_from(row.get::<_, i32>(0)).unwrap();
        }
        assert!(begun.elapsed() < PATIENCE, "no call waits");
        tokio::task::yield_now().await;
    }
}

/// An `advance` from version 1 that waits for a lock which `client` then has.
async fn stuck(
    ledger: &Shared,
    client: &Client,
    record: &Record,
) -> tokio::task::JoinHandle<Result<Record, LedgerError>> {
    client.batch_execute("BEGIN; LOCK TABLE precis_records IN EXCLUSIVE MODE").await.unwrap();
    let (ledger, key) = (Arc::clone(ledger), record.claim_key());
    tokio::spawn(async move { ledger.advance(&key, 1, Change::to(State::Running, NOW)).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_connection_is_lost_fails_and_the_next_one_works() {
    // Commits that do not insist on it would stay in memory.
    let settings = ["wal_writer_delay=10s", "synchronous_commit=off"].map(String::from);
    let Some(server) = Server::start_with(&settings, |_| {}) else { return };
    let url = database(&server, "lost").await;
    let ledger = open(&url).await.unwrap();
    let record = fresh(&ledger, 1).await;

    // Connections that died while nobody used them are not noticed.
    let (client, watch) = (sql(&url).await, sql(&url).await);
    let all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'precis'";
    assert!(watch.query_one(all, &[]).await.unwrap().get::<_, i64>(0) > 0);
    assert_eq!(ledger.get(&record.claim_key()).await.unwrap().unwrap(), record);

    // A call that the server ends: on request, as for a timeout, or with its connection.
    for end in ["pg_cancel_backend", "pg_terminate_backend"] {
        let call = stuck(&ledger, &client, &record).await;
        let process = i32::try_from(waiting(&watch).await).unwrap();
        watch.execute(&format!("SELECT {end}($1)"), &[&process]).await.unwrap();
        let failed = call.await.unwrap();
        assert!(matches!(failed, Err(LedgerError::Unreachable(_))), "{failed:?}");
        client.batch_execute("ROLLBACK").await.unwrap();
        assert_eq!(ledger.get(&record.claim_key()).await.unwrap().unwrap(), record);
    }

    // The server's process killed. It then ends all others too and starts over from what is on disk.
    let confirmed = fresh(&ledger, 2).await;
    let call = stuck(&ledger, &client, &record).await;
    server::signal("KILL", waiting(&watch).await);
    let failed = call.await.unwrap();
    assert!(matches!(failed, Err(LedgerError::Unreachable(_))), "{failed:?}");
    server.wait_until_restarted();
    assert_eq!(ledger.get(&confirmed.claim_key()).await.unwrap().unwrap(), confirmed);
    assert_eq!(step(&ledger, &record, Change::to(State::Running, NOW)).await.version, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_nobody_waits_for_is_made_all_the_same() {
    let Some(server) = Server::start() else { return };
    let url = database(&server, "dropped").await;
    let ledger = open(&url).await.unwrap();
    let record = fresh(&ledger, 1).await;
    let (client, watch) = (sql(&url).await, sql(&url).await);
    let call = stuck(&ledger, &client, &record).await;
    waiting(&watch).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    client.batch_execute("COMMIT").await.unwrap();
    let begun = Instant::now();
    while ledger.get(&record.claim_key()).await.unwrap().unwrap().version == 1 {
        assert!(begun.elapsed() < PATIENCE, "it was given up");
        tokio::task::yield_now().await;
    }
}

/// Above the size of a segment of the log, whose files have that size from the start.
const FILE_BYTES: u32 = 17 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_room_refuses_changes_and_takes_them_again_by_itself() {
    let Some(server) = Server::start() else { return };
    let url = database(&server, "without_room").await;
    server.limit_files(&FILE_BYTES.to_string(), &[]);
    let ledger = open(&url).await.unwrap();
    assert!(ledger.health().writable);
    let numbered = |number: u16| {
        let mut new = NewClaim { context: vec![7; limits::MAX_CONTEXT_BYTES], ..new_claim(0) };
        new.authorization.nonce[..2].copy_from_slice(&number.to_be_bytes());
        new.job_id.0[..2].copy_from_slice(&number.to_be_bytes());
        new
    };
    let mut stored = 0;
    let why = loop {
        match ledger.claim(numbered(stored)).await {
            Ok(_) => stored += 1,
            Err(why) => break why,
        }
        assert!(stored < 1_000, "the disk does not run full");
    };
    assert!(why.is_outage(), "{why:?}");
    assert!(!ledger.health().writable && ledger.health().failing_since.is_some());
    // What is there can be read all the same.
    assert!(ledger.get(&numbered(0).authorization.claim_key()).await.unwrap().is_some());

    let client = sql(&url).await;
    let sessions =
        client.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'precis'", &[]).await.unwrap();
    let sessions: Vec<u32> = sessions.iter().map(|row| u32::try_from(row.get::<_, i32>(0)).unwrap()).collect();
    server.limit_files("unlimited", &sessions);
    let begun = Instant::now();
    while !ledger.health().writable {
        assert!(begun.elapsed() < PATIENCE, "it does not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(matches!(ledger.claim(numbered(stored)).await.unwrap(), Claim::Fresh(_)));
    assert_eq!(unfinished(&ledger).await.len(), usize::from(stored) + 1);
}
