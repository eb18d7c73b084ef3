//! Rows that cannot be read.

use super::*;

/// Spoils the sealed record of every row but those in `kept`; or takes it away.
fn spoil(path: &Path, kept: &[[u8; 32]], take: bool) -> Vec<[u8; 32]> {
    let table: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("records");
    let database = Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    let mut spoilt = Vec::new();
    {
        let mut table = transaction.open_table(table).unwrap();
        let rows: Vec<([u8; 32], Vec<u8>)> = table
            .iter()
            .unwrap()
            .map(|row| row.map(|(key, value)| (*key.value(), value.value().to_vec())).unwrap())
            .filter(|(row, _)| !kept.contains(row))
            .collect();
        for (row, mut value) in rows {
            value[40] ^= 1;
            if take {
                table.remove(&row).unwrap();
            } else {
                table.insert(&row, &value[..]).unwrap();
            }
            spoilt.push(row);
        }
    }
    transaction.commit().unwrap();
    spoilt
}

/// Names of all rows that are there.
fn rows(path: &Path) -> Vec<[u8; 32]> {
    let table: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("records");
    let database = Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    let table = transaction.open_table(table).unwrap();
    table.iter().unwrap().map(|row| *row.unwrap().0.value()).collect()
}

#[tokio::test]
async fn one_damaged_row_hides_no_other_and_is_named_in_every_list() {
    let mut fixture = fixture().await;
    let sound = [settling(&fixture.ledger(), 1).await, settled(&fixture.ledger(), 2).await];
    fixture.ledger = None;
    let kept = rows(&fixture.path());
    let hurt = fresh(&fixture.reopen().await, 3).await;
    fixture.ledger = None;
    let named = spoil(&fixture.path(), &kept, false);
    let ledger = fixture.reopen().await;

    let open = ledger.unfinished().await.unwrap();
    assert_eq!((open.records, &open.damaged), (vec![sound[0].clone()], &named));
    for limit in [1, 2, 100] {
        let (mut records, mut damaged, mut after) = (Vec::new(), Vec::new(), None);
        loop {
            let page = ledger.page(after, limit).await.unwrap();
            records.extend(page.records);
            damaged.extend(page.damaged);
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        records.sort_by_key(|record| record.job_id.0);
        assert_eq!((&records[..], &damaged), (&sound[..], &named), "pages of {limit}");
    }
    assert_eq!(ledger.health().damaged_rows, 1);
    assert!(ledger.health().writable);

    // It is an error for its own payment, under each of its names, and never taken for no payment.
    assert!(matches!(ledger.claim(new_claim(3)).await, Err(LedgerError::Corrupt(_))));
    assert!(matches!(ledger.get(&hurt.claim_key()).await, Err(LedgerError::Corrupt(_))));
    assert!(matches!(ledger.by_job_id(&hurt.job_id).await, Err(LedgerError::Corrupt(_))));
    // Everybody else goes on.
    let done = settled(&ledger, 4).await;
    assert_eq!(ledger.expire(done.updated_at.max(done.authorization.valid_before) + 1).await.unwrap(), 2);
    assert_eq!(ledger.unfinished().await.unwrap().damaged, named);
}

#[tokio::test]
async fn a_final_row_that_is_damaged_is_not_forgotten_and_holds_up_no_other() {
    let mut fixture = fixture().await;
    let first = settled(&fixture.ledger(), 1).await;
    fixture.ledger = None;
    let named = spoil(&fixture.path(), &[], false);
    let ledger = fixture.reopen().await;
    settled(&ledger, 2).await;
    let due = first.updated_at.max(first.authorization.valid_before) + 1;
    assert_eq!(ledger.expire(due).await.unwrap(), 2);
    assert_eq!(ledger.expire(due).await.unwrap(), 0);
    let page = ledger.page(None, 10).await.unwrap();
    assert_eq!((page.records.len(), &page.damaged), (0, &named));
    assert_eq!(ledger.unfinished().await.unwrap().damaged, named);
    assert!(matches!(ledger.claim(new_claim(1)).await, Err(LedgerError::Corrupt(_))));
}

#[tokio::test]
async fn a_record_that_was_taken_away_is_no_proof_that_there_was_no_claim() {
    let mut fixture = fixture().await;
    let record = settling(&fixture.ledger(), 1).await;
    fixture.ledger = None;
    let named = spoil(&fixture.path(), &[], true);
    let ledger = fixture.reopen().await;
    assert!(matches!(ledger.claim(new_claim(1)).await, Err(LedgerError::Corrupt(_))));
    assert!(matches!(ledger.by_job_id(&record.job_id).await, Err(LedgerError::Corrupt(_))));
    assert_eq!(ledger.unfinished().await.unwrap().damaged, named);
    fresh(&ledger, 2).await;
}
