//! A disk that is really full: files may not grow beyond a limit of the kernel's, which is lifted while the process lives.

use std::process::{Child, ChildStdout};
use std::time::{Duration, Instant};

use super::*;

const DISK: &str = "PRECIS_STORE_TEST_DISK";
/// Room beyond what the file has, bytes.
const ROOM: u64 = 256 * 1024;
/// Bytes of a block of `ulimit -f`.
const BLOCK: u64 = 512;
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks.
const GLANCE: Duration = Duration::from_millis(20);
const MOST: u32 = 100_000;

/// Not a test of its own: the process whose disk runs full. It claims until that, says so, and waits until it can claim again or the ledger is lost.
#[tokio::test]
async fn child_that_claims_until_the_disk_is_full() {
    let Ok(path) = std::env::var(DISK) else { return };
    let ledger = open(Path::new(&path)).await.unwrap();
    let mut stored = 0;
    let why = loop {
        assert!(stored < MOST, "the disk does not run full");
        let new = NewClaim { context: vec![7; 8 * 1024], ..numbered(stored) };
        match ledger.claim(new).await {
            Ok(_) => stored += 1,
            Err(why) => break why,
        }
    };
    assert_eq!(why, LedgerError::Full);
    let failing = ledger.health();
    assert!(!failing.writable && failing.failing_since.is_some());
    println!("\nfull");
    io::stdout().flush().unwrap();
    let begun = Instant::now();
    let again = async {
        while !ledger.health().writable {
            assert!(begun.elapsed() < PATIENCE, "it does not come back");
            // Reads fail with it, and say so.
            let read = ledger.get(&numbered(0).authorization.claim_key()).await;
            assert!(read.is_ok() || read.is_err_and(|why| why.is_outage()));
            tokio::time::sleep(GLANCE).await;
        }
    };
    tokio::select! {
        () = again => {}
        why = ledger.lost() => {
            println!("\nlost {why}");
            return;
        }
    }
    fresh(&ledger, 200).await;
    for number in 0..stored {
        let kept = ledger.get(&numbered(number).authorization.claim_key()).await.unwrap();
        assert!(kept.is_some(), "claim {number} of {stored}");
    }
    let open = ledger.unfinished().await.unwrap();
    assert!(open.damaged.is_empty());
    // The claim that failed may be there or not.
    assert!([stored + 1, stored + 2].contains(&u32::try_from(open.records.len()).unwrap()));
    println!("\nback");
}

struct Disk {
    _directory: TempDir,
    path: PathBuf,
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Disk {
    /// A process whose ledger has just run out of room.
    async fn full() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger");
        drop(open(&path).await.unwrap());
        let blocks = (std::fs::metadata(&path).unwrap().len() + ROOM) / BLOCK;
        // Without the trap the first write too many would end the process.
        let mut child = Command::new("/bin/sh")
            .args(["-c", &format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "full::child_that_claims_until_the_disk_is_full", "--nocapture"])
            .env(DISK, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut disk = Self { _directory: directory, path, child, lines };
        assert_eq!(disk.says(&["full"]), "full");
        disk
    }

    /// The next line that begins with one of `words`.
    fn says(&mut self, words: &[&str]) -> String {
        let mut lines = self.lines.by_ref().map_while(Result::ok);
        lines.find(|line| words.iter().any(|word| line.starts_with(word))).unwrap_or_default()
    }

    fn make_room(&self) {
        let lifted =
            Command::new("prlimit").args(["--pid", &self.child.id().to_string(), "--fsize=unlimited:"]).status();
        assert!(lifted.unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It may have ended.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_ledger_whose_disk_was_full_comes_back_without_a_restart_and_has_everything() {
    let mut disk = Disk::full().await;
    disk.make_room();
    assert_eq!(disk.says(&["back", "lost"]), "back");
    assert!(disk.child.wait().unwrap().success());
}

#[tokio::test]
async fn a_ledger_that_cannot_be_opened_again_is_lost_and_no_empty_one_takes_its_place() {
    let mut disk = Disk::full().await;
    let garbage = vec![0xa5; 64 * 1024];
    std::fs::write(&disk.path, &garbage).unwrap();
    disk.make_room();
    assert!(disk.says(&["back", "lost"]).starts_with("lost"));
    assert!(std::fs::read(&disk.path).unwrap() == garbage);
}
