//! Somebody with the command and what it needs.

#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::Receiver;

use crate::support::FakeService;

pub const KEY: &str = "4242424242424242424242424242424242424242424242424242424242424242";
pub const TEXT: &str = "Hello there. A canary sentence that must never travel in clear.";

/// A directory with a policy, its mock root, a key and a document.
pub struct Desk {
    directory: tempfile::TempDir,
}

impl Desk {
    pub fn new(service: &FakeService) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let desk = Self { directory };
        std::fs::write(desk.path("policy.toml"), &service.evidence.policy_toml).unwrap();
        std::fs::write(desk.path("root.der"), &service.evidence.root_der).unwrap();
        std::fs::write(desk.path("document.txt"), TEXT.repeat(30)).unwrap();
        desk.key(KEY, 0o600);
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn key(&self, text: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(self.path("key"), text).unwrap();
        std::fs::set_permissions(self.path("key"), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_precis"));
        command.args(arguments).current_dir(self.directory.path()).env_clear().stdin(Stdio::null());
        command.env("PRECIS_POLICY", "policy.toml").env("XDG_STATE_HOME", self.path("state"));
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Output {
        run(self.command(arguments)).await
    }

    pub async fn summarize(&self, service: &FakeService, more: &[&str]) -> Output {
        let arguments = [&["summarize", "document.txt", "--url", &service.url, "--key-file", "key"], more].concat();
        self.run(&arguments).await
    }
}

impl Desk {
    /// Files of this name in the record of purchases.
    pub fn kept(&self, name: &str) -> Vec<PathBuf> {
        let (mut found, mut open) = (Vec::new(), vec![self.path("state/precis/purchases")]);
        while let Some(directory) = open.pop() {
            for entry in std::fs::read_dir(&directory).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.file_name().is_some_and(|found| found == name) {
                    found.push(path);
                }
            }
        }
        found
    }

    /// `precis summarize document.txt`, running, with its standard error to be read as it comes.
    pub fn running(&self, service: &FakeService, more: &[&str]) -> Running {
        let arguments = [&["summarize", "document.txt", "--url", &service.url, "--key-file", "key"], more].concat();
        let mut command = self.command(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::start(command)
    }
}

/// A command that runs.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: String,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                let _ = sender.send(line.unwrap());
            }
        });
        Self { child, lines, seen: String::new() }
    }

    /// Waits for a line with these words.
    pub fn says(&mut self, words: &str) {
        while !self.seen.contains(words) {
            let line = self.lines.recv().unwrap_or_else(|_| panic!("it ended without {words:?}: {}", self.seen));
            self.seen.push_str(&line);
            self.seen.push('\n');
        }
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// How it ended: its exit code, standard output and standard error.
    pub fn end(mut self) -> (Option<i32>, String, String) {
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let status = self.child.wait().unwrap();
        while let Ok(line) = self.lines.recv() {
            self.seen.push_str(&line);
            self.seen.push('\n');
        }
        (status.code(), stdout, self.seen)
    }
}

pub async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}
