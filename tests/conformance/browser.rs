//! A page of another origin in headless Chromium: the WebAssembly verifier and the official client, as a web page has them.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use precis_tests::{paths, stack::Stack};
use serde_json::Value;

/// What scripts/build-wasm exits with where it cannot build.
const SKIPPED: i32 = 3;

/// The browser; none if this machine has none.
fn chromium() -> Option<PathBuf> {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let programs = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&places).flat_map(|dir| programs.map(|name| dir.join(name))).find(|path| path.is_file())
}

/// The verifier for browsers; none if it cannot be built here.
async fn module() -> anyhow::Result<Option<PathBuf>> {
    let mut build = tokio::process::Command::new(paths::root().join("scripts/build-wasm"));
    let built = build.stderr(Stdio::inherit()).output().await?;
    if built.status.code() == Some(SKIPPED) {
        return Ok(None);
    }
    ensure!(built.status.success(), "scripts/build-wasm: {}", built.status);
    Ok(Some(PathBuf::from(String::from_utf8(built.stdout)?.trim_end())))
}

async fn verifies_and_pays() -> anyhow::Result<()> {
    let Some(node) = super::interpreter(false) else { return Ok(()) };
    let (Some(chromium), Some(module)) = (chromium(), module().await?) else {
        ensure!(std::env::var("PRECIS_REQUIRE_BROWSER").as_deref() != Ok("1"), "there is no Chromium, or no module");
        eprintln!("SKIPPED: needs Chromium and the WebAssembly module; run scripts/setup and scripts/build-wasm");
        return Ok(());
    };
    let stack = Stack::start().await?;
    let (chain, payer) = (stack.chain()?, stack.payer()?);
    let before = chain.tokens(payer.address).await?;
    let document = paths::document("notice.txt");
    let env = [
        ("PRECIS_URL", stack.server.url.as_str()),
        ("PRECIS_KEY_FILE", stack.devnet.get("PRECIS_PAYER_KEY_FILE")?),
        ("PRECIS_POLICY", stack.devnet.get("PRECIS_POLICY")?),
        ("PRECIS_DEVNET_TRUST_ROOT", stack.devnet.get("PRECIS_DEVNET_TRUST_ROOT")?),
    ];
    let arguments = [&chromium, &module, &document].map(|path| path.to_str().context("path"));
    let [chromium, module, document] = arguments;
    let said = super::run(node, "browser.mjs", &[chromium?, module?, document?], &env).await?;
    let said: Value = serde_json::from_str(said.lines().last().context("no output")?).with_context(|| said.clone())?;
    ensure!(said["verdict"] == "VERIFIED" && said["settlement"]["success"] == true, "{said}");
    // It bought twice: once waiting, once to fetch later.
    let price: alloy_primitives::U256 =
        said["body"]["receipt"]["payment"]["amount"].as_str().context("amount")?.parse()?;
    let charged = before - chain.tokens(payer.address).await?;
    ensure!(charged == price + price, "charged {charged} for two summaries at {price}");
    Ok(())
}

#[tokio::test]
async fn a_page_of_another_origin_verifies_the_service_and_buys_a_summary() {
    verifies_and_pays().await.unwrap();
}
