//! A private PostgreSQL server, for as long as a test runs. Needs nothing but `tempfile`.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tempfile::TempDir;

/// For the server to say something that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Its superuser.
pub const USER: &str = "precis";
const READY: &str = "ready to accept connections";

pub struct Server {
    directory: TempDir,
    child: Child,
    log: Receiver<String>,
}

impl Server {
    /// Starts one that listens on a socket in a private directory and nowhere else. None, said aloud, if PostgreSQL is not installed; with
    /// `PRECIS_REQUIRE_CONFORMANCE` set, as `scripts/test` sets it, absence is a failure.
    pub fn start() -> Option<Self> {
        Self::start_with(&[], |_| {})
    }

    /// With more settings (`name=value`), and after `prepare` has put files into its data directory.
    pub fn start_with(settings: &[String], prepare: impl FnOnce(&Path)) -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                std::env::var_os("PRECIS_REQUIRE_CONFORMANCE").is_none(),
                "PostgreSQL is not installed: no initdb and postgres on PATH or in /usr/lib/postgresql"
            );
            eprintln!("SKIPPED: PostgreSQL is not installed");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let owner = owner();
        if let Some((user, group)) = owner {
            chown(directory.path(), Some(user), Some(group)).unwrap();
        }
        let data = directory.path().join("data");
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            // Its messages are read, so that they must be in English; and it may not be able to read where the test runs.
            command.env("LC_ALL", "C").env("TZ", "UTC").current_dir(directory.path()).stdin(Stdio::null());
            if let Some((user, group)) = owner {
                command.uid(user).gid(group);
            }
            command
        };
        let made = command("initdb")
            .args([
                "--no-sync",
                "--no-instructions",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--username",
                USER,
            ])
            .arg("--pgdata")
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut file = fs::OpenOptions::new().append(true).open(data.join("postgresql.conf")).unwrap();
        let common = ["listen_addresses=", "shared_buffers=16MB", "max_connections=60", "fsync=on"];
        for setting in common.into_iter().chain(settings.iter().map(String::as_str)) {
            let (name, value) = setting.split_once('=').unwrap();
            writeln!(file, "{name} = '{value}'").unwrap();
        }
        prepare(&data);
        // What was put there belongs to the server too.
        if let Some((user, group)) = owner {
            for entry in fs::read_dir(&data).unwrap() {
                chown(entry.unwrap().path(), Some(user), Some(group)).unwrap();
            }
        }
        let mut postgres = command("postgres");
        postgres.arg("-D").arg(&data).arg("-k").arg(directory.path());
        let mut child = postgres.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let server = Self { directory, child, log };
        server.wait_for(READY);
        Some(server)
    }

    /// The address of one of its databases; `postgres` is there from the start.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql:///{database}?host={}&user={USER}", self.directory.path().display())
    }

    /// How large files of the sessions that begin from now on may grow, and of `sessions` (`unlimited`, or bytes). It takes a file that may not grow for a
    /// full disk.
    pub fn limit_files(&self, size: &str, sessions: &[u32]) {
        for process in sessions.iter().copied().chain([self.child.id()]) {
            let mut prlimit = Command::new("prlimit");
            // As the server's own user: root alone may not, where CAP_SYS_RESOURCE is withheld.
            if let Some((user, group)) = owner() {
                prlimit.uid(user).gid(group);
            }
            let set = prlimit.args(["--pid", &process.to_string(), &format!("--fsize={size}:")]).status();
            assert!(set.unwrap().success(), "prlimit of {process}");
        }
    }

    /// Waits until it is up again after one of its processes was killed.
    pub fn wait_until_restarted(&self) {
        self.wait_for("all server processes terminated; reinitializing");
        self.wait_for(READY);
    }

    /// Reads its log up to a line that contains `text`.
    fn wait_for(&self, text: &str) {
        let mut seen = Vec::new();
        while let Ok(line) = self.log.recv_timeout(PATIENCE) {
            let found = line.contains(text);
            seen.push(line);
            if found {
                return;
            }
        }
        panic!("the server did not say {text:?} but\n{}", seen.join("\n"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGQUIT ends its processes with it, at once; SIGKILL would leave them to notice.
        signal("QUIT", self.child.id());
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process of one's own, by the shell: the standard library knows only SIGKILL, and only for children.
pub fn signal(name: &str, process: u32) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
    if !sent.is_ok_and(|status| status.success()) {
        eprintln!("process {process} did not take SIG{name}");
    }
}

/// The directory with `initdb` and `postgres`.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| version.ok().map(|version| version.path().join("bin")))
        .collect();
    versions.sort();
    let executable = |file: PathBuf| fs::metadata(file).is_ok_and(|file| file.permissions().mode() & 0o111 != 0);
    std::env::split_paths(&path)
        .chain(versions.into_iter().rev())
        .find(|directory| executable(directory.join("initdb")) && executable(directory.join("postgres")))
}

/// Whom it runs as, user and group: PostgreSQL refuses to run as root. None for the test's own user.
fn owner() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let ids = |name: &str| {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(str::parse);
        Some((ids.next()?.ok()?, ids.next()?.ok()?))
    };
    Some(ids("postgres").or_else(|| ids("nobody")).expect("a user to run PostgreSQL as"))
}
