//! The embedded ledger: the common behaviour, its file, and what happens to both when things go wrong.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod damage;
mod fixtures;
mod full;
#[path = "../suite/mod.rs"]
mod suite;

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use precis_store::*;
use redb::backends::InMemoryBackend;
use redb::{Database, ReadableTable, StorageBackend, TableDefinition};
use suite::*;
use tempfile::TempDir;

const KEY: [u8; 32] = [5; 32];

struct Fixture {
    directory: TempDir,
    ledger: Option<Shared>,
}

impl Fixture {
    fn ledger(&self) -> Shared {
        Arc::clone(self.ledger.as_ref().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("ledger")
    }

    async fn reopen(&mut self) -> Shared {
        self.ledger = None;
        self.ledger = Some(open(&self.path()).await.unwrap());
        self.ledger()
    }
}

async fn open(path: &Path) -> Result<Shared, LedgerError> {
    Ok(Arc::new(EmbeddedLedger::open(path, SealingKey::new(KEY)).await?))
}

async fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(&directory.path().join("ledger")).await.unwrap();
    Fixture { directory, ledger: Some(ledger) }
}

for_each_sentence!(one_test_each fixture);

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let mut fixture = fixture().await;
    let first = settling(&fixture.ledger(), 1).await;
    let second = settled(&fixture.ledger(), 2).await;
    let hour = std::time::Duration::from_secs(3600);
    assert_eq!(fixture.ledger().hold(&first.claim_key(), &[1; 16], hour).await.unwrap(), Hold::Ours);
    let ledger = fixture.reopen().await;
    // The holder was a part of the process that is gone.
    assert_eq!(ledger.hold(&first.claim_key(), &[2; 16], hour).await.unwrap(), Hold::Ours);
    assert_eq!(ledger.get(&first.claim_key()).await.unwrap().unwrap(), first);
    assert_eq!(ledger.by_job_id(&second.job_id).await.unwrap().unwrap(), second);
    assert_eq!(unfinished(&ledger).await, [first]);
}

#[tokio::test]
async fn a_copy_of_the_file_of_a_living_process_has_every_change() {
    let fixture = fixture().await;
    let record = settled(&fixture.ledger(), 1).await;
    let copy = fixture.directory.path().join("copy");
    std::fs::copy(fixture.path(), &copy).unwrap();
    let ledger = open(&copy).await.unwrap();
    assert_eq!(ledger.get(&record.claim_key()).await.unwrap().unwrap(), record);
}

#[tokio::test]
async fn the_file_is_private_and_alone() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = fixture().await;
    assert_eq!(std::fs::metadata(fixture.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(fixture.directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn what_a_crash_left_while_making_the_file_does_not_matter() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    std::fs::write(directory.path().join(format!("ledger.{}.new", std::process::id())), b"half").unwrap();
    fresh(&open(&path).await.unwrap(), 1).await;
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let fixture = fixture().await;
    assert!(matches!(open(&fixture.path()).await, Err(LedgerError::InUse)));
    fresh(&fixture.ledger(), 1).await;
}

#[tokio::test]
async fn another_key_is_refused_and_the_file_left_as_it_was() {
    let mut fixture = fixture().await;
    let record = settled(&fixture.ledger(), 1).await;
    let live = std::fs::read(fixture.path()).unwrap();
    fixture.ledger = None;
    let closed = std::fs::read(fixture.path()).unwrap();
    // Closed properly, and as a crash leaves it.
    for bytes in [live, closed] {
        std::fs::write(fixture.path(), &bytes).unwrap();
        let result = EmbeddedLedger::open(fixture.path(), SealingKey::new([6; 32])).await;
        assert!(matches!(result, Err(LedgerError::WrongKey)));
        assert!(std::fs::read(fixture.path()).unwrap() == bytes);
        let ledger = open(&fixture.path()).await.unwrap();
        assert_eq!(ledger.get(&record.claim_key()).await.unwrap().unwrap(), record);
    }
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_as_it_was() {
    let mut fixture = fixture().await;
    let record = settled(&fixture.ledger(), 1).await;
    fixture.ledger = None;
    let whole = std::fs::read(fixture.path()).unwrap();
    let mut damaged: Vec<Vec<u8>> =
        vec![Vec::new(), b"not a ledger".to_vec(), vec![0; 100_000], whole[..whole.len() / 2].to_vec()];
    for at in (0..whole.len()).step_by(whole.len() / 60) {
        let mut bytes = whole.clone();
        let end = (at + 64).min(bytes.len());
        bytes[at..end].iter_mut().for_each(|byte| *byte ^= 0xa5);
        damaged.push(bytes);
    }
    let mut refused = 0;
    for (number, bytes) in damaged.iter().enumerate() {
        std::fs::write(fixture.path(), bytes).unwrap();
        match open(&fixture.path()).await {
            Err(LedgerError::Corrupt(_) | LedgerError::Storage(_)) => {
                refused += 1;
                assert!(std::fs::read(fixture.path()).unwrap() == *bytes, "damage {number}");
            }
            Err(other) => panic!("damage {number}: {other}"),
            // Damage in a free page harms nothing; everything that was stored must then be there.
            Ok(ledger) => {
                assert_eq!(ledger.get(&record.claim_key()).await.unwrap().unwrap(), record, "damage {number}")
            }
        }
    }
    assert!(refused > 4, "of the altered files only {} were refused", refused - 4);
}

#[tokio::test]
async fn nothing_readable_is_in_the_file() {
    let mut fixture = fixture().await;
    let mut new = new_claim(1);
    new.authorization.payer = *b"payer payer payer pa";
    new.authorization.nonce = *b"nonce nonce nonce nonce nonce no";
    new.job_id = JobId(*b"job job job job ");
    new.fingerprint = *b"fingerprint fingerprint fingerpr";
    let claim_key = new.authorization.claim_key();
    let Claim::Fresh(record) = fixture.ledger().claim(new).await.unwrap() else { panic!() };
    let record = step(&fixture.ledger(), &record, Change::to(State::Running, NOW)).await;
    step(&fixture.ledger(), &record, Change::to(State::Done, NOW).with_result(result("summary of the document"))).await;
    fixture.ledger = None;
    let bytes = std::fs::read(fixture.path()).unwrap();
    let contains = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    for secret in [
        &b"payer payer"[..],
        b"nonce nonce",
        b"job job",
        b"fingerprint",
        b"eip155",
        b"summary of",
        claim_key.as_bytes(),
    ] {
        assert!(!contains(secret));
    }
    assert!(contains(b"records"));
}

/// Exchanges the values of the first two rows of a table.
fn exchange_rows(path: &Path, name: &str) {
    let table: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new(name);
    let database = Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut table = transaction.open_table(table).unwrap();
        let rows: Vec<([u8; 32], Vec<u8>)> = table
            .iter()
            .unwrap()
            .map(|row| row.map(|(key, value)| (*key.value(), value.value().to_vec())).unwrap())
            .collect();
        table.insert(&rows[0].0, &rows[1].1[..]).unwrap();
        table.insert(&rows[1].0, &rows[0].1[..]).unwrap();
    }
    transaction.commit().unwrap();
}

#[tokio::test]
async fn exchanged_rows_are_noticed() {
    for table in ["records", "results"] {
        let mut fixture = fixture().await;
        let records = [settled(&fixture.ledger(), 1).await, settled(&fixture.ledger(), 2).await];
        fixture.ledger = None;
        exchange_rows(&fixture.path(), table);
        let ledger = fixture.reopen().await;
        for record in records {
            assert!(matches!(ledger.get(&record.claim_key()).await, Err(LedgerError::Corrupt(_))), "{table}");
        }
        assert_eq!(ledger.health().damaged_rows, 2, "{table}");
    }
}

#[tokio::test]
async fn names_that_lead_to_another_job_are_noticed() {
    let mut fixture = fixture().await;
    let mut records = Vec::new();
    for number in [1, 2] {
        records.push(claim(&fixture.ledger(), NewClaim { identifier: Some([number; 32]), ..new_claim(number) }).await);
    }
    fixture.ledger = None;
    {
        let database = Database::open(fixture.path()).unwrap();
        let transaction = database.begin_write().unwrap();
        for name in ["jobs", "identifiers"] {
            let table: TableDefinition<'_, &[u8; 32], &[u8; 32]> = TableDefinition::new(name);
            let mut table = transaction.open_table(table).unwrap();
            let rows: Vec<([u8; 32], [u8; 32])> = table
                .iter()
                .unwrap()
                .map(|row| row.map(|(key, value)| (*key.value(), *value.value())).unwrap())
                .collect();
            table.insert(&rows[0].0, &rows[1].1).unwrap();
            table.insert(&rows[1].0, &rows[0].1).unwrap();
        }
        transaction.commit().unwrap();
    }
    let ledger = fixture.reopen().await;
    for record in records {
        assert!(matches!(ledger.by_job_id(&record.job_id).await, Err(LedgerError::Corrupt(_))));
        assert!(matches!(ledger.by_identifier(&record.identifier.unwrap()).await, Err(LedgerError::Corrupt(_))));
        assert_eq!(ledger.get(&record.claim_key()).await.unwrap(), Some(record));
    }
}

#[tokio::test]
async fn an_older_result_of_the_same_job_is_noticed() {
    let mut fixture = fixture().await;
    let record = settling(&fixture.ledger(), 1).await;
    let table: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("results");
    fixture.ledger = None;
    let rows = |path: &Path| -> Vec<([u8; 32], Vec<u8>)> {
        let database = Database::open(path).unwrap();
        let transaction = database.begin_write().unwrap();
        let table = transaction.open_table(table).unwrap();
        table
            .iter()
            .unwrap()
            .map(|row| row.map(|(key, value)| (*key.value(), value.value().to_vec())).unwrap())
            .collect()
    };
    let old = rows(&fixture.path());
    let ledger = fixture.reopen().await;
    ledger.finish_settled(&record.claim_key(), record.version, [1; 32], with_receipt("new"), NOW).await.unwrap();
    drop(ledger);
    fixture.ledger = None;
    {
        let database = Database::open(fixture.path()).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(table).unwrap().insert(&old[0].0, &old[0].1[..]).unwrap();
        transaction.commit().unwrap();
    }
    let ledger = fixture.reopen().await;
    assert!(matches!(ledger.get(&record.claim_key()).await, Err(LedgerError::Corrupt(_))));
}

/// Storage in memory that is full while `full` is set.
#[derive(Debug)]
struct Limited {
    memory: InMemoryBackend,
    full: Arc<AtomicBool>,
    kind: ErrorKind,
}

impl Limited {
    fn check(&self) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) { Err(self.kind.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Limited {
    fn len(&self) -> io::Result<u64> {
        self.memory.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.memory.read(offset, out)
    }
    fn set_len(&self, length: u64) -> io::Result<()> {
        self.check()?;
        self.memory.set_len(length)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.check()?;
        self.memory.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check()?;
        self.memory.write(offset, data)
    }
}

#[tokio::test]
async fn a_full_or_failing_disk_is_told_apart_and_nothing_is_claimed() {
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::PermissionDenied] {
        let full = Arc::new(AtomicBool::new(false));
        let backend = Limited { memory: InMemoryBackend::new(), full: Arc::clone(&full), kind };
        let ledger: Shared = Arc::new(EmbeddedLedger::on_backend(backend, SealingKey::new(KEY)).await.unwrap());
        let record = fresh(&ledger, 1).await;
        full.store(true, Ordering::SeqCst);
        match ledger.claim(new_claim(2)).await {
            Err(LedgerError::Full) => assert_ne!(kind, ErrorKind::PermissionDenied),
            Err(LedgerError::Storage(seen)) => {
                assert_eq!((seen, kind), (ErrorKind::PermissionDenied, ErrorKind::PermissionDenied))
            }
            other => panic!("{other:?}"),
        }
        assert!(!ledger.health().writable && ledger.health().failing_since.is_some());
        // There is no file that could be opened again.
        assert!(ledger.lost().await.is_outage());
        // Until it is opened again the ledger changes nothing more, even if there is room.
        full.store(false, Ordering::SeqCst);
        assert!(matches!(ledger.claim(new_claim(3)).await, Err(LedgerError::Storage(_))));
        assert!(ledger.advance(&record.claim_key(), 1, Change::to(State::Running, NOW)).await.is_err());
    }
}

const CHILD: &str = "PRECIS_STORE_TEST_CHILD";
const MAX_CHILD_CLAIMS: u32 = 1_000_000;

fn numbered(number: u32) -> NewClaim {
    let mut new = new_claim(0);
    new.authorization.nonce[..4].copy_from_slice(&number.to_be_bytes());
    new.job_id.0[..4].copy_from_slice(&number.to_be_bytes());
    new
}

/// Not a test of its own: the process that `what_a_killed_process_acknowledged_is_there` kills. It says each number after its claim is stored.
#[tokio::test]
async fn child_that_claims_until_killed() {
    let Ok(argument) = std::env::var(CHILD) else { return };
    let (first, path) = argument.split_once(' ').unwrap();
    let ledger = open(Path::new(path)).await.unwrap();
    for number in first.parse::<u32>().unwrap()..MAX_CHILD_CLAIMS {
        let Claim::Fresh(record) = ledger.claim(numbered(number)).await.unwrap() else { panic!() };
        let record = step(&ledger, &record, Change::to(State::Running, NOW)).await;
        step(&ledger, &record, Change::to(State::Done, NOW).with_result(result(&"summary ".repeat(200)))).await;
        println!("\nstored {number}");
        io::stdout().flush().unwrap();
    }
}

#[tokio::test]
async fn what_a_killed_process_acknowledged_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut next = 0u32;
    let mut acknowledged = Vec::new();
    for round in 1..=4u32 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_claims_until_killed", "--nocapture"])
            .env(CHILD, format!("{next} {}", path.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stored = |line: String| line.strip_prefix("stored ").and_then(|number| number.parse::<u32>().ok());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Kill it while it writes on; what it still says before it dies counts too.
        for number in lines.by_ref().filter_map(|line| stored(line.unwrap())) {
            acknowledged.push(number);
            if number >= next + 7 * round {
                child.kill().unwrap();
                break;
            }
        }
        acknowledged.extend(lines.map_while(Result::ok).filter_map(stored));
        assert!(!child.wait().unwrap().success());
        let ledger = open(&path).await.unwrap();
        for number in &acknowledged {
            let record = ledger.get(&numbered(*number).authorization.claim_key()).await.unwrap().unwrap();
            assert_eq!(record.state, State::Done, "round {round}, claim {number}");
            assert!(record.result.is_some());
        }
        // One more may have been begun; the indexes agree with the records.
        let last = *acknowledged.last().unwrap();
        let unfinished = unfinished(&ledger).await.len() as u32;
        assert!(unfinished == last + 1 || unfinished == last + 2, "{unfinished} after {last}");
        next = unfinished;
    }
}
