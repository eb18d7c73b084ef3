//! The official Express middleware with its facilitator in the same process (tests/conformance/express_peer.mjs).

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use precis_tests::paths;
use precis_tests::process::Process;
use precis_tests::stack::Devnet;
use serde_json::Value;

/// A running peer.
pub struct Peer {
    _process: Process,
    /// Its origin.
    pub url: String,
}

impl Peer {
    /// Starts one on the chain of `devnet`.
    pub async fn start(dir: &Path, devnet: &Devnet) -> anyhow::Result<Self> {
        let mut command = Command::new("node");
        command.arg(paths::root().join("tests/conformance/express_peer.mjs")).envs(&devnet.env);
        let mut process = Process::start("express", command, dir)?;
        let told = process.until("its address", async |process| {
            process.output().lines().find_map(|line| serde_json::from_str::<Value>(line).ok())
        });
        let url = told.await?["url"].as_str().context("no url")?.to_owned();
        Ok(Self { _process: process, url })
    }
}
