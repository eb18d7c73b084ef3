//! A chain and a token that others wrote: anvil with Circle's FiatTokenV2_2, the code behind USDC.
//!
//! They show what our own chain and token cannot: a mempool, intervals, reorganisations, and whether we read their rules right.

use std::path::Path;
use std::process::Command;

use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::process::Command as AsyncCommand;

use crate::chain::Chain;
use crate::paths;
use crate::process::{PATIENCE, Process, eventually};
use crate::stack::{Devnet, Server, Stack};

/// What the payer of an [`AnvilStack`] starts with, atomic units: 100 dollars.
pub const PAYER_UNITS: u64 = 100_000_000;
/// The payer's key on a chain that lives as long as a test.
const PAYER_KEY: &str = "0x7070707070707070707070707070707070707070707070707070707070707070";
/// What the program says once it listens, before the address.
const LISTENING: &str = "Listening on ";

/// Whether the packages of `tests/conformance` are there; says so if a test is skipped for want of them.
///
/// # Panics
/// If they are missing and `PRECIS_REQUIRE_CONFORMANCE` is set.
#[must_use]
pub fn installed() -> bool {
    let found = program().is_ok();
    assert!(found || std::env::var_os("PRECIS_REQUIRE_CONFORMANCE").is_none(), "anvil is missing; run scripts/setup");
    if !found {
        eprintln!("SKIPPED: anvil is missing; run scripts/setup");
    }
    found
}

/// The program itself, not the wrapper around it: what is started is what is ended.
fn program() -> anyhow::Result<std::path::PathBuf> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let package = format!("anvil-{}-{architecture}", if cfg!(target_os = "macos") { "darwin" } else { "linux" });
    let path = paths::root().join("tests/conformance/node_modules/@foundry-rs").join(package).join("bin/anvil");
    anyhow::ensure!(path.is_file(), "{} is missing; run scripts/setup", path.display());
    Ok(path)
}

/// A running anvil.
pub struct Anvil {
    /// Its process.
    pub process: Process,
    /// JSON-RPC URL.
    pub url: String,
    view: Chain,
}

/// Circle's token on it.
#[derive(Clone, Debug)]
pub struct FiatToken {
    /// Contract.
    pub address: Address,
    /// EIP-712 domain name.
    pub name: String,
    /// EIP-712 domain version.
    pub version: String,
    /// Owner, pauser, blacklister and minter; an account that the node itself holds.
    pub admin: Address,
}

impl Anvil {
    /// Starts one that mines at once, or every `block_time` seconds.
    ///
    /// # Errors
    /// If it does not listen.
    pub async fn start(dir: &Path, block_time: Option<f64>) -> anyhow::Result<Self> {
        let mut command = Command::new(program()?);
        // A block is final two blocks later.
        command.args(["--host", "127.0.0.1", "--port", "0", "--slots-in-an-epoch", "1"]);
        if let Some(seconds) = block_time {
            command.args(["--block-time", &seconds.to_string()]);
        }
        let mut process = Process::start("anvil", command, dir)?;
        let address = process.until("address", async |process| listening(&process.output())).await?;
        let url = format!("http://{address}");
        let view = Chain::new(&url, &Address::ZERO.to_string())?;
        Ok(Self { process, url, view })
    }

    /// Deploys the token and creates `units` of it for `payer`.
    ///
    /// # Errors
    /// If node is missing or the chain refuses.
    pub async fn fiat_token(&self, payer: Address, units: u64) -> anyhow::Result<FiatToken> {
        let mut command = AsyncCommand::new("node");
        command
            .arg(paths::root().join("tests/conformance/fiat_token.mjs"))
            .args([self.url.clone(), payer.to_string(), units.to_string()])
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output()).await.context("deployment takes too long")??;
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        anyhow::ensure!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
        let told: Value = serde_json::from_str(&stdout).with_context(|| stdout.to_string())?;
        let text = |name: &str| told[name].as_str().with_context(|| format!("no {name}: {told}"));
        Ok(FiatToken {
            address: text("token")?.parse()?,
            name: text("name")?.to_owned(),
            version: text("version")?.to_owned(),
            admin: text("admin")?.parse()?,
        })
    }

    /// Calls a JSON-RPC method.
    ///
    /// # Errors
    /// On any error of the node.
    pub async fn rpc(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        self.view.rpc(method, params).await
    }

    /// The chain and a token on it.
    ///
    /// # Errors
    /// If the client cannot be made.
    pub fn chain(&self, token: &FiatToken) -> anyhow::Result<Chain> {
        Chain::new(&self.url, &token.address.to_string())
    }

    /// Mines every `seconds` from now on; 0 stops, so that only [`Self::mine`] mines.
    ///
    /// # Errors
    /// On any error of the node.
    pub async fn set_interval_mining(&self, seconds: u64) -> anyhow::Result<()> {
        self.rpc("evm_setIntervalMining", json!([seconds])).await.map(drop)
    }

    /// Mines each transaction at once from now on.
    ///
    /// # Errors
    /// On any error of the node.
    pub async fn set_instant_mining(&self) -> anyhow::Result<()> {
        self.rpc("evm_setAutomine", json!([true])).await.map(drop)
    }

    /// Mines `count` blocks now.
    ///
    /// # Errors
    /// On any error of the node.
    pub async fn mine(&self, count: u64) -> anyhow::Result<()> {
        self.rpc("anvil_mine", json!([U256::from(count)])).await.map(drop)
    }

    /// Number of the newest block.
    ///
    /// # Errors
    /// On any error of the node.
    pub async fn block_number(&self) -> anyhow::Result<u64> {
        let number: U256 = serde_json::from_value(self.rpc("eth_blockNumber", json!([])).await?)?;
        Ok(number.to())
    }

    /// The transactions of `from` in the mempool, ready to be mined, in the order of their nonces.
    ///
    /// # Errors
    /// On any error of the node.
    pub async fn waiting(&self, from: Address) -> anyhow::Result<Vec<B256>> {
        let pool = self.rpc("txpool_content", json!([])).await?;
        // The node's choice of upper and lower case is its own.
        let accounts = pool["pending"].as_object().context("txpool_content")?;
        let Some(waiting) = accounts.iter().find(|(account, _)| account.parse() == Ok(from)) else {
            return Ok(Vec::new());
        };
        let by_nonce = waiting.1.as_object().context("txpool_content")?.iter().map(|(nonce, transaction)| {
            Ok((nonce.parse::<u64>()?, serde_json::from_value::<B256>(transaction["hash"].clone())?))
        });
        let mut waiting = by_nonce.collect::<anyhow::Result<Vec<_>>>()?;
        waiting.sort_unstable();
        Ok(waiting.into_iter().map(|(_, hash)| hash).collect())
    }

    /// Takes a transaction out of the mempool, as a node does that runs out of room.
    ///
    /// # Errors
    /// If it is not there.
    pub async fn drop_transaction(&self, hash: B256) -> anyhow::Result<()> {
        let dropped = self.rpc("anvil_dropTransaction", json!([hash])).await?;
        anyhow::ensure!(!dropped.is_null(), "{hash} is not in the mempool");
        Ok(())
    }

    /// Replaces the newest `depth` blocks by others without their transactions, which the node forgets, except for `kept`: these
    /// are in the first of the new blocks.
    ///
    /// # Errors
    /// On any error of the node.
    pub async fn reorg(&self, depth: u64, kept: &[B256]) -> anyhow::Result<()> {
        let mut again = Vec::new();
        for hash in kept {
            let raw = self.rpc("eth_getRawTransactionByHash", json!([hash])).await?;
            anyhow::ensure!(!raw.is_null(), "{hash} is unknown");
            again.push(json!([raw, 0]));
        }
        self.rpc("anvil_reorg", json!([depth, again])).await.map(drop)
    }

    /// Sets the base fee of the next block, wei; from there on it moves as EIP-1559 says. Unlike a public node, this one forgets
    /// a waiting transaction that offers less, once that block is mined.
    ///
    /// # Errors
    /// On any error of the node.
    pub async fn set_next_base_fee(&self, wei: u128) -> anyhow::Result<()> {
        self.rpc("anvil_setNextBlockBaseFeePerGas", json!([U256::from(wei)])).await.map(drop)
    }

    /// Sets what `account` holds for gas, wei.
    ///
    /// # Errors
    /// On any error of the node.
    pub async fn set_gas(&self, account: Address, wei: u128) -> anyhow::Result<()> {
        self.rpc("anvil_setBalance", json!([account, U256::from(wei)])).await.map(drop)
    }

    /// Stops every transfer of the token.
    ///
    /// # Errors
    /// As [`Self::administer`].
    pub async fn pause_token(&self, token: &FiatToken) -> anyhow::Result<()> {
        self.administer(token, "pause()", &[]).await
    }

    /// Allows transfers again.
    ///
    /// # Errors
    /// As [`Self::administer`].
    pub async fn unpause_token(&self, token: &FiatToken) -> anyhow::Result<()> {
        self.administer(token, "unpause()", &[]).await
    }

    /// Forbids `account` to hold or move the token.
    ///
    /// # Errors
    /// As [`Self::administer`].
    pub async fn blacklist(&self, token: &FiatToken, account: Address) -> anyhow::Result<()> {
        self.administer(token, "blacklist(address)", &[account.into_word()]).await
    }

    /// Allows it again.
    ///
    /// # Errors
    /// As [`Self::administer`].
    pub async fn unblacklist(&self, token: &FiatToken, account: Address) -> anyhow::Result<()> {
        self.administer(token, "unBlacklist(address)", &[account.into_word()]).await
    }

    /// Creates `units` for `account`.
    ///
    /// # Errors
    /// As [`Self::administer`].
    pub async fn mint(&self, token: &FiatToken, account: Address, units: u64) -> anyhow::Result<()> {
        let units = B256::from(U256::from(units));
        self.administer(token, "mint(address,uint256)", &[account.into_word(), units]).await
    }

    /// Calls the token as its administrator and waits until a block holds the call, which needs a chain that mines.
    ///
    /// # Errors
    /// If the node refuses, the call fails, or no block comes.
    pub async fn administer(&self, token: &FiatToken, signature: &str, words: &[B256]) -> anyhow::Result<()> {
        let mut data = keccak256(signature)[..4].to_vec();
        data.extend(words.iter().flatten());
        let call = json!([{ "from": token.admin, "to": token.address, "data": Bytes::from(data) }]);
        let hash = self.rpc("eth_sendTransaction", call).await?;
        let receipt = eventually("receipt", async || {
            self.rpc("eth_getTransactionReceipt", json!([hash])).await.ok().filter(|receipt| !receipt.is_null())
        })
        .await?;
        anyhow::ensure!(receipt["status"] == "0x1", "{signature} failed: {receipt}");
        Ok(())
    }
}

/// The address in what it wrote, once the line is complete.
fn listening(output: &str) -> Option<String> {
    let (_, rest) = output.split_once(LISTENING)?;
    rest.split_once('\n').map(|(address, _)| address.trim().to_owned())
}

/// A stack that is paid in Circle's token on anvil, with a funded payer.
pub struct AnvilStack {
    /// Devnet without a chain of its own, and the service.
    pub stack: Stack,
    /// The token.
    pub token: FiatToken,
    /// The chain; ends last.
    pub anvil: Anvil,
}

impl AnvilStack {
    /// Starts everything, with environment for the server. Mines at once until all is set up, then every `block_time` seconds.
    ///
    /// # Errors
    /// If anything does not start.
    pub async fn start(block_time: u64, server: &[(&str, String)]) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("precis-test-").tempdir()?;
        let (anvil, token, devnet) = devnet(dir.path(), block_time).await?;
        let mut server = Server::listening(dir.path(), &devnet.env, server).await?;
        server.ready().await?;
        Ok(Self { stack: Stack { dir, devnet, server }, token, anvil })
    }
}

/// The same without the service.
///
/// # Errors
/// If anything does not start.
pub async fn devnet(dir: &Path, block_time: u64) -> anyhow::Result<(Anvil, FiatToken, Devnet)> {
    let anvil = Anvil::start(dir, None).await?;
    // The devnet keeps a key that is already there: so the token can come first, and the payer be funded with it.
    let payer = crate::payer::Payer::from_hex(PAYER_KEY)?;
    let keys = dir.join("devnet");
    std::fs::create_dir_all(&keys)?;
    std::fs::write(keys.join("payer.key"), PAYER_KEY)?;
    let token = anvil.fiat_token(payer.address, PAYER_UNITS).await?;
    let address = hex::encode_prefixed(token.address);
    let arguments = ["--rpc", &anvil.url, "--token", &address];
    let named = ["--token-name", &token.name, "--token-version", &token.version];
    let devnet = Devnet::start(dir, &[arguments, named].concat()).await?;
    anvil.set_interval_mining(block_time).await?;
    Ok((anvil, token, devnet))
}
