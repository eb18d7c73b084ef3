//! What the database could do with its rows.

use super::*;

/// Job 1 is settled and has an identifier, so is job 2, job 3 is under way; their rows are numbered in `names`.
async fn filled(server: &Server, name: &str) -> (Shared, Client, [Record; 3]) {
    let url = database(server, name).await;
    let ledger = open(&url).await.unwrap();
    let client = sql(&url).await;
    client.batch_execute("CREATE TABLE names (number int, claim bytea)").await.unwrap();
    let mut records = Vec::new();
    for number in 1..=3u8 {
        let new = NewClaim { identifier: Some([number; 32]), ..new_claim(number) };
        let record = claim(&ledger, new).await;
        let insert =
            "INSERT INTO names SELECT $1, claim FROM precis_records WHERE claim NOT IN (SELECT claim FROM names)";
        client.execute(insert, &[&i32::from(number)]).await.unwrap();
        let record = step(&ledger, &record, Change::to(State::Running, NOW)).await;
        let record = step(&ledger, &record, Change::to(State::Done, NOW).with_result(result("old"))).await;
        records.push(step(&ledger, &record, Change::to(State::Settling { broadcast: None }, NOW)).await);
    }
    client
        .batch_execute(
            "CREATE TABLE old_records AS TABLE precis_records; CREATE TABLE old_results AS TABLE precis_results",
        )
        .await
        .unwrap();
    for record in &mut records[..2] {
        *record = ledger
            .finish_settled(&record.claim_key(), record.version, [1; 32], with_receipt("new"), NOW + 4)
            .await
            .unwrap();
    }
    (ledger, client, records.try_into().unwrap())
}

const SAVE: &str =
    "CREATE TABLE saved_records AS TABLE precis_records; CREATE TABLE saved_results AS TABLE precis_results";
const RESTORE: &str = "TRUNCATE precis_records, precis_results;
    INSERT INTO precis_records SELECT * FROM saved_records; INSERT INTO precis_results SELECT * FROM saved_results";
/// The first two jobs.
const ONE: &str = "(SELECT claim FROM names WHERE number = 1)";
const TWO: &str = "(SELECT claim FROM names WHERE number = 2)";

/// Statements, each of which makes job 1 another than the one that was stored.
fn alterations() -> Vec<String> {
    let mut statements = Vec::new();
    for table in ["records", "results"] {
        for at in ["0", "23", "24", "40", "length(sealed) - 17", "length(sealed) - 1"] {
            statements.push(format!(
                "UPDATE precis_{table} SET sealed = set_byte(sealed, {at}, get_byte(sealed, {at}) # 1) WHERE claim = {ONE}"
            ));
        }
        for end in ["0", "24", "length(sealed) - 1"] {
            statements.push(format!("UPDATE precis_{table} SET sealed = substr(sealed, 1, {end}) WHERE claim = {ONE}"));
        }
        statements.push(format!("UPDATE precis_{table} SET sealed = sealed || '\\x00' WHERE claim = {ONE}"));
        // That of another job, and exchanged.
        statements.push(format!(
            "UPDATE precis_{table} SET sealed = (SELECT sealed FROM precis_{table} WHERE claim = {TWO}) WHERE claim = {ONE}"
        ));
        statements.push(format!(
            "UPDATE precis_{table} a SET sealed = b.sealed FROM saved_{table} b
            WHERE (a.claim, b.claim) IN (({ONE}, {TWO}), ({TWO}, {ONE}))"
        ));
        // An older one of the same job.
        statements.push(format!(
            "UPDATE precis_{table} SET sealed = (SELECT sealed FROM old_{table} WHERE claim = {ONE}) WHERE claim = {ONE}"
        ));
    }
    statements.push(format!(
        "UPDATE precis_records SET sealed = (SELECT sealed FROM precis_results WHERE claim = {ONE}) WHERE claim = {ONE}"
    ));
    statements.push(format!("DELETE FROM precis_results WHERE claim = {ONE}"));
    // What leads to it and what it counts as.
    for column in ["payer", "job", "identifier"] {
        statements.push(format!(
            "UPDATE precis_records SET {column} = set_byte({column}, 0, get_byte({column}, 0) # 1) WHERE claim = {ONE}"
        ));
        statements.push(format!("UPDATE precis_records SET {column} = substr({column}, 1, 31) WHERE claim = {ONE}"));
    }
    statements.push(format!("UPDATE precis_records SET identifier = NULL WHERE claim = {ONE}"));
    statements.push(format!("UPDATE precis_records SET unsettled = true WHERE claim = {ONE}"));
    statements.push(format!("UPDATE precis_records SET forgettable = NULL WHERE claim = {ONE}"));
    statements.push(format!("UPDATE precis_records SET forgettable = '\\x0000000000000000' WHERE claim = {ONE}"));
    statements
}

fn corrupt<T>(result: Result<T, LedgerError>) -> bool {
    matches!(result, Err(LedgerError::Corrupt(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_were_altered_or_exchanged_are_never_accepted() {
    let Some(server) = Server::start() else { return };
    let (ledger, client, [first, second, third]) = filled(&server, "altered").await;
    client.batch_execute(SAVE).await.unwrap();
    let key = first.claim_key();
    let end = || Change::to(State::Refunding { transaction: [1; 32], code: "x".into(), broadcast: None }, NOW);
    for statement in alterations() {
        assert!(client.execute(&statement, &[]).await.unwrap() > 0, "{statement}");
        assert!(corrupt(ledger.get(&key).await), "{statement}");
        assert!(corrupt(ledger.advance(&key, first.version, end()).await), "{statement}");
        assert!(corrupt(ledger.claim(new_claim(1)).await), "{statement}");
        // Nobody else's job is hidden by it, and it is not passed over in silence. Where two were exchanged, both are damaged.
        let page = ledger.page(None, 10).await.unwrap();
        let exchanged = page.damaged.len() == 2 && statement.contains("b.sealed FROM saved");
        assert!(page.damaged.len() == 1 || exchanged, "{statement}");
        assert_eq!(page.records.contains(&second), !exchanged, "{statement}");
        assert!(page.records.contains(&third) && page.records.len() + page.damaged.len() == 3, "{statement}");
        assert_eq!(ledger.health().damaged_rows, page.damaged.len() as u64, "{statement}");
        assert!(ledger.unfinished().await.unwrap().records.contains(&third), "{statement}");
        // By what still leads to it. By what no longer does it is not found, as if it had been taken away, or damaged again.
        let found = ledger.by_job_id(&first.job_id).await;
        assert!(corrupt(found) || statement.contains("SET job ="), "{statement}");
        // Another job is another matter, and what was put back is good again.
        assert_eq!(ledger.get(&third.claim_key()).await.unwrap().unwrap(), third, "{statement}");
        client.batch_execute(RESTORE).await.unwrap();
        assert_eq!(ledger.get(&key).await.unwrap().unwrap(), first, "{statement}");
    }

    // Names that lead to another job. Three steps, because no two jobs may have one name even for a moment.
    for column in ["job", "identifier"] {
        let exchange = format!(
            "UPDATE precis_records SET {column} = '\\x00' WHERE claim = {ONE};
            UPDATE precis_records SET {column} = (SELECT {column} FROM saved_records WHERE claim = {ONE}) WHERE claim = {TWO};
            UPDATE precis_records SET {column} = (SELECT {column} FROM saved_records WHERE claim = {TWO}) WHERE claim = {ONE}"
        );
        client.batch_execute(&exchange).await.unwrap();
        for record in [&first, &second] {
            assert!(corrupt(ledger.get(&record.claim_key()).await));
            assert!(corrupt(ledger.by_job_id(&record.job_id).await));
            assert!(corrupt(ledger.by_identifier(&record.identifier.unwrap()).await));
        }
        client.batch_execute(RESTORE).await.unwrap();
    }

    // A final job that is passed off as unfinished, and one under way whose row is exchanged for another's.
    client.execute(&format!("UPDATE precis_records SET forgettable = NULL WHERE claim = {TWO}"), &[]).await.unwrap();
    let open = ledger.unfinished().await.unwrap();
    assert_eq!((open.records.as_slice(), open.damaged.len()), (&[third.clone()][..], 1));
    client.batch_execute(RESTORE).await.unwrap();
    assert_eq!(unfinished(&ledger).await, [third]);
    assert_eq!(ledger.page(None, 10).await.unwrap().damaged.len(), 0);
    assert_eq!(ledger.health().damaged_rows, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_readable_is_in_the_database() {
    let Some(server) = Server::start() else { return };
    let url = database(&server, "unreadable").await;
    let ledger = open(&url).await.unwrap();
    let mut new = new_claim(1);
    new.authorization.payer = *b"payer payer payer pa";
    new.authorization.nonce = *b"nonce nonce nonce nonce nonce no";
    new.job_id = JobId(*b"job job job job ");
    new.fingerprint = *b"fingerprint fingerprint fingerpr";
    new.identifier = Some(*b"identifier identifier identifier");
    new.context = b"context of the request".to_vec();
    let claim_key = new.authorization.claim_key();
    let record = claim(&ledger, new).await;
    ledger.hold(&claim_key, &[1; 16], std::time::Duration::from_secs(60)).await.unwrap();
    let record = step(&ledger, &record, Change::to(State::Running, NOW)).await;
    step(&ledger, &record, Change::to(State::Done, NOW).with_result(result("summary of the document"))).await;
    let client = sql(&url).await;
    let mut dump = Vec::new();
    for table in ["meta", "records", "results", "holds"] {
        let rows = client.query(&format!("SELECT row_to_json(t)::text FROM precis_{table} t"), &[]).await.unwrap();
        assert_eq!(rows.len(), 1, "{table}");
        dump.push(rows[0].get::<_, String>(0));
    }
    let dump = dump.concat();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for secret in [
        &b"payer payer"[..],
        b"nonce nonce",
        b"job job",
        b"fingerprint",
        b"identifier",
        b"context of",
        b"eip155",
        b"summary of",
        claim_key.as_bytes(),
    ] {
        assert!(!dump.contains(&hex(secret)));
    }
    // It would have been seen.
    assert!(dump.contains(&hex(&[1; 16])));
}

/// The ledger cannot notice this: the database is then what it was. It is why the chain's nonce, which the older copy does not bring back, must be the last guard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_claimed_after_an_older_copy_can_be_claimed_again_when_that_is_restored() {
    let Some(server) = Server::start() else { return };
    let url = database(&server, "older").await;
    let ledger = open(&url).await.unwrap();
    let before = fresh(&ledger, 1).await;
    let client = sql(&url).await;
    client.batch_execute(SAVE).await.unwrap();
    settled(&ledger, 2).await;
    let before_changed = step(&ledger, &before, Change::to(State::Running, NOW)).await;
    client.batch_execute(RESTORE).await.unwrap();
    // Claimed after the copy: fresh again. Claimed before it: still claimed, at its older version.
    fresh(&ledger, 2).await;
    assert_eq!(ledger.claim(new_claim(1)).await.unwrap(), Claim::Existing(before.clone()));
    let next = Change::to(State::Done, NOW).with_result(result("s"));
    let behind = ledger.advance(&before.claim_key(), before_changed.version, next).await;
    assert!(matches!(behind, Err(LedgerError::Stale { current: 1 })));
}
