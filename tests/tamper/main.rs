//! A proxy between client and service alters what passes: the client notices, and what it would have given away stays with it.
#![allow(clippy::unwrap_used)]

mod answers;
mod attestation;
mod receipts;

use anyhow::ensure;
use precis_tests::cli::Ended;
use precis_tests::proxy::{Proxy, Seen};
use precis_tests::stack::Stack;

/// A stack with a proxy in front of it.
struct Scene {
    stack: Stack,
    proxy: Proxy,
}

impl Scene {
    async fn set() -> Self {
        let stack = Stack::start().await.unwrap();
        let proxy = Proxy::start(&stack.server.url).await.unwrap();
        Self { stack, proxy }
    }

    /// Buys a summary of the short notice through the proxy, whether or not it was bought before.
    async fn buy(&self, arguments: &[&str]) -> anyhow::Result<Ended> {
        let arguments = [&["--again"], arguments].concat();
        self.stack.cli_at(&self.proxy.url)?.summarize(&precis_tests::paths::document("notice.txt"), &arguments).await
    }
}

/// Requires one of the exit codes of a client that was lied to, and no result.
fn noticed(ended: &Ended) -> anyhow::Result<()> {
    ensure!(matches!(ended.code, 1 | 5), "exit code {}\n{}\n{}", ended.code, ended.stderr, ended.stdout);
    ensure!(ended.stdout.is_empty(), "something was printed: {}", ended.stdout);
    Ok(())
}

/// Requires that only a nonce has left the client.
fn nothing_left(seen: &[Seen]) -> anyhow::Result<()> {
    ensure!(!seen.is_empty(), "nothing was asked for");
    for request in seen {
        let harmless = request.method == "GET"
            && request.body.is_empty()
            && !request.headers.iter().any(|(name, _)| name.starts_with("payment"));
        ensure!(harmless, "{} {} left the client", request.method, request.path);
    }
    Ok(())
}

/// Flips the lowest bit of the byte at `at`.
fn flip(bytes: &mut [u8], at: usize) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
}

/// Positions spread over `length`: both ends, and `count` in between.
fn positions(length: usize, count: usize) -> Vec<usize> {
    let mut at: Vec<usize> = (0..=count).map(|i| i * length.saturating_sub(1) / count.max(1)).collect();
    at.dedup();
    at
}
