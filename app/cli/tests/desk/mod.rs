//! Somebody with the command and what it needs.

#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

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

    pub fn path(&self, name: &str) -> std::path::PathBuf {
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

pub fn files(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect()
}
