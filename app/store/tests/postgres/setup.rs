//! Connecting: whose tables they are, and whether the server will do.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_taken_only_if_it_is_a_ledger_of_this_key_or_empty() {
    let Some(server) = Server::start() else { return };
    let url = database(&server, "ledger").await;
    // Whoever comes first makes the tables, however many come at once.
    let opened = at_once((0..6).map(|_| {
        let url = url.clone();
        async move { open(&url).await.unwrap() }
    }));
    let ledger = opened.await.remove(0);
    let record = fresh(&ledger, 1).await;
    assert_eq!(open(&url).await.unwrap().get(&record.claim_key()).await.unwrap(), Some(record.clone()));

    let other = PostgresLedger::connect(&url, SealingKey::new([6; 32])).await;
    assert!(matches!(other, Err(LedgerError::WrongKey)));
    let client = sql(&url).await;

    // A role that may use the tables, but not make any.
    client
        .batch_execute(
            "CREATE ROLE service LOGIN; GRANT SELECT ON precis_meta TO service;
            GRANT SELECT, INSERT, UPDATE, DELETE ON precis_records, precis_results, precis_holds TO service",
        )
        .await
        .unwrap();
    let service = open(&url.replace(&format!("user={USER}"), "user=service")).await.unwrap();
    assert_eq!(settled(&service, 2).await.version, 5);
    assert_eq!(service.expire(NOW + 601).await.unwrap(), 1);
    client.batch_execute("REVOKE UPDATE ON precis_records FROM service").await.unwrap();
    let refused = service.advance(&record.claim_key(), 1, Change::to(State::Running, NOW)).await;
    assert!(matches!(refused, Err(LedgerError::Unsuitable(_))), "{refused:?}");

    // Not a ledger, no longer one, or damaged: refused, and nothing is made in its place.
    for (number, damage) in [
        "ALTER TABLE precis_holds RENAME TO other",
        "ALTER TABLE precis_meta RENAME TO other",
        "ALTER TABLE precis_meta RENAME COLUMN sealed TO other",
        "ALTER TABLE precis_meta ALTER COLUMN sealed TYPE text USING 'x'",
        "DELETE FROM precis_meta",
    ]
    .into_iter()
    .enumerate()
    {
        let url = schema(&server, &format!("damaged_{number}")).await;
        drop(open(&url).await.unwrap());
        let client = sql(&url).await;
        client.batch_execute(damage).await.unwrap();
        let count = "SELECT count(*) FROM pg_class WHERE relname LIKE 'precis%'";
        let before: i64 = client.query_one(count, &[]).await.unwrap().get(0);
        let refused = open(&url).await.err().unwrap();
        assert!(matches!(refused, LedgerError::Corrupt(_)), "{damage}: {refused:?}");
        let after: i64 = client.query_one(count, &[]).await.unwrap().get(0);
        assert_eq!(before, after, "{damage}");
    }
    client
        .batch_execute("UPDATE precis_meta SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1)")
        .await
        .unwrap();
    assert!(matches!(open(&url).await, Err(LedgerError::WrongKey)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_what_it_confirmed_or_cannot_be_reached_is_refused() {
    let Some(server) = Server::start() else { return };
    for (database, user) in [("nowhere", USER), ("postgres", "nobody")] {
        let url = server.url(database).replace(&format!("user={USER}"), &format!("user={user}"));
        let refused = open(&url).await.err().unwrap();
        assert!(matches!(refused, LedgerError::Unsuitable(_)), "{url}: {refused:?}");
    }
    assert!(matches!(open("postgresql:///x?host=/nonexistent&user=x").await, Err(LedgerError::Unreachable(_))));
    assert!(matches!(open("no address").await, Err(LedgerError::Unsuitable(_))));
    assert!(matches!(open("user=x").await, Err(LedgerError::Unsuitable(_))));

    // A standby lags behind, and looks like this.
    let url = database(&server, "standby").await;
    sql(&url).await.batch_execute("ALTER DATABASE standby SET default_transaction_read_only = on").await.unwrap();
    assert!(matches!(open(&url).await, Err(LedgerError::Unreachable(_))));

    let Some(forgetful) = Server::start_with(&["fsync=off".into()], |_| {}) else { return };
    assert!(matches!(open(&forgetful.url("postgres")).await, Err(LedgerError::Unsuitable(_))));
}
