//! The whole devnet: order of start, who gets what, and the handles that tests use.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{Eip712Domain, SolCall};
use anyhow::Context as _;
use serde_json::{Value, json};

use crate::chain::client::{ClientError, RpcClient};
use crate::chain::contracts::{
    DOLLAR, PrecisDollar, TOKEN_NAME, TOKEN_SYMBOL, TOKEN_VERSION, receipt_verifier_creation_code, token_creation_code,
};
use crate::chain::wallet::Wallet;
use crate::chain::{ChainOptions, ChainServer};
use crate::oasis::{self, Oasis, OasisOptions, PaymentPin};
use crate::settings::Settings;

/// Chain id that development chains commonly have.
const CHAIN_ID: u64 = 31_337;
/// What the payer starts with, atomic units: 100 dollars.
const PAYER_UNITS: u64 = 100 * DOLLAR;
/// One ether, wei.
const ETHER: u128 = 1_000_000_000_000_000_000;
/// Gas money of an account whose balance can be set at will, wei.
const PLENTY: u128 = 1_000 * ETHER;
/// Gas money that a deployer of limited means gives the enclave wallet, wei: hundreds of settlements at 1 gwei.
const ALLOWANCE: u128 = ETHER / 20;
/// JSON-RPC code of an unknown method.
const UNKNOWN_METHOD: i64 = -32601;

/// A token with EIP-3009 that is already on an outside chain.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its contract.
    pub address: Address,
    /// EIP-712 domain name.
    pub name: String,
    /// EIP-712 domain version.
    pub version: String,
}

/// What a devnet is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder for keys, socket, trust root, policy and environment; made if missing.
    pub dir: PathBuf,
    /// Environment file; `env` in `dir` if none.
    pub env: Option<PathBuf>,
    /// JSON-RPC URL (`http://`) of an outside chain, used instead of our own.
    pub rpc: Option<String>,
    /// File with the key (hex) of a funded account on an outside chain that cannot set balances.
    pub deployer_key_file: Option<PathBuf>,
    /// Token of the outside chain to be paid in, instead of one of our own; who names it also funds the payer.
    pub token: Option<Token>,
    /// Where our own chain listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// EIP-155 id of our own chain.
    pub chain_id: u64,
    /// Time between blocks of our own chain; none mines each transaction at once.
    pub block_interval: Option<Duration>,
    /// Application id, `rofl1…`; the default one if none.
    pub app_id: Option<String>,
}

impl Options {
    /// Our own chain with instant mining on a free loopback port, and everything in `dir`.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            env: None,
            rpc: None,
            deployer_key_file: None,
            token: None,
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            chain_id: CHAIN_ID,
            block_interval: None,
            app_id: None,
        }
    }
}

/// A running devnet. Dropping it stops everything that it started and removes socket and environment file.
pub struct Devnet {
    /// The token that pays.
    pub token: Address,
    /// The contract that checks receipts.
    pub receipt_verifier: Address,
    /// An account without gas, and with tokens if the token is our own.
    pub payer: PrivateKeySigner,
    /// File with the payer's key, `0x` and 64 hex digits.
    pub payer_key_file: PathBuf,
    /// The Oasis side.
    pub oasis: Oasis,
    /// The environment file.
    pub env_file: PathBuf,
    /// What is in it.
    pub environment: Vec<(&'static str, String)>,
    rpc_url: String,
    chain: Option<ChainServer>,
    deployer: Wallet,
}

impl Drop for Devnet {
    fn drop(&mut self) {
        // Its existence means that everything answers.
        let _ = std::fs::remove_file(&self.env_file);
    }
}

impl Devnet {
    /// JSON-RPC URL of the payment chain.
    #[must_use]
    pub fn rpc_url(&self) -> &str {
        &self.rpc_url
    }

    /// EIP-155 id of the payment chain.
    #[must_use]
    pub fn chain_id(&self) -> u64 {
        self.deployer.chain_id()
    }

    /// CAIP-2 name of the payment chain.
    #[must_use]
    pub fn network(&self) -> String {
        network(&self.deployer)
    }

    /// Value of one line of the environment file.
    #[must_use]
    pub fn env(&self, key: &str) -> Option<&str> {
        self.environment.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
    }

    /// Creates `units` atomic units of the token for `to`.
    ///
    /// # Errors
    /// If the chain cannot be reached or refuses, as a token that is not our own does.
    pub async fn mint(&self, to: Address, units: u64) -> anyhow::Result<()> {
        mint(&self.deployer, self.token, to, units).await
    }

    /// Token balance of `account`, atomic units.
    ///
    /// # Errors
    /// If the chain cannot be reached.
    pub async fn balance_of(&self, account: Address) -> anyhow::Result<U256> {
        Ok(self.deployer.read(self.token, &PrecisDollar::balanceOfCall { account }).await?)
    }

    /// Changes the time between blocks of our own chain; none mines each transaction at once.
    ///
    /// # Errors
    /// If the chain is an outside one.
    pub fn set_block_interval(&self, interval: Option<Duration>) -> anyhow::Result<()> {
        let chain = self.chain.as_ref().context("an outside chain keeps its own time")?;
        chain.set_block_interval(interval);
        Ok(())
    }
}

/// Starts everything. Once it returns, every endpoint answers and the environment file is there.
///
/// # Errors
/// If a folder cannot be written, a port is taken, or an outside chain refuses what the devnet needs.
pub async fn start(options: Options) -> anyhow::Result<Devnet> {
    let dir = std::path::absolute(&options.dir).context("cannot resolve the folder")?;
    crate::env::require_plain(&dir.display().to_string())?;
    anyhow::ensure!(options.token.is_none() || options.rpc.is_some(), "a token can be named on an outside chain only");
    for part in options.token.iter().flat_map(|token| [&token.name, &token.version]) {
        crate::env::require_plain(part)?;
    }
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let env_file = std::path::absolute(options.env.unwrap_or_else(|| dir.join("env")))?;
    remove_stale(&env_file)?;

    let (chain, rpc_url) = match options.rpc {
        Some(url) => (None, url),
        None => {
            // Instant until everything is set up.
            let chain = ChainOptions { chain_id: options.chain_id, listen: options.listen, block_interval: None };
            let chain =
                ChainServer::start(chain).await.with_context(|| format!("cannot listen on {}", options.listen))?;
            let url = chain.url().to_owned();
            (Some(chain), url)
        }
    };
    let deployer = deployer(&rpc_url, options.deployer_key_file.as_deref()).await?;
    let payer_key_file = dir.join("payer.key");
    let payer = key_in(&payer_key_file)?;
    let token = match options.token {
        Some(token) => {
            require_token(&deployer, &token).await?;
            token
        }
        None => own_token(&deployer, payer.address()).await?,
    };
    let receipt_verifier = deployer.deploy(receipt_verifier_creation_code()?).await?;

    let pin = PaymentPin { network: network(&deployer), asset: token.address.to_string() };
    let oasis = OasisOptions { app_id: options.app_id, payment: Some(pin), ..OasisOptions::new(&dir) };
    let oasis = oasis::start(oasis).await?;
    fund(&deployer, oasis.wallet_address).await?;

    let mut devnet = Devnet {
        token: token.address,
        receipt_verifier,
        payer,
        payer_key_file,
        oasis,
        env_file,
        environment: Vec::new(),
        rpc_url,
        chain,
        deployer,
    };
    if options.block_interval.is_some() && devnet.chain.is_some() {
        devnet.set_block_interval(options.block_interval)?;
    }
    let config_file = dir.join("precis.toml");
    let settings = settings(&devnet, &token)?;
    std::fs::write(&config_file, settings.text()).with_context(|| format!("cannot write {}", config_file.display()))?;
    devnet.environment = environment(&devnet, token, &config_file);
    crate::env::write(&devnet.env_file, &devnet.environment)?;
    Ok(devnet)
}

/// Settings of a service on this devnet.
fn settings(devnet: &Devnet, token: &Token) -> anyhow::Result<Settings> {
    let (oasis, path) = (&devnet.oasis, |path: &Path| path.display().to_string());
    let network = [
        ("network", devnet.network()),
        ("asset", token.address.to_string()),
        ("asset_name", token.name.clone()),
        ("asset_version", token.version.clone()),
        // Blocks are made on demand, so that the newest may be of any age.
        ("head_age", "any".to_owned()),
    ];
    let attestation = [
        ("appd_socket", path(&oasis.appd_socket)),
        ("oasis_grpc_url", oasis.grpc_url.clone()),
        ("nexus_url", oasis.nexus_url.clone()),
        ("pcs_url", oasis.pcs_url.clone()),
        ("runtime_id", oasis.runtime_id.clone()),
        ("chain_context", oasis.chain_context.clone()),
        ("trust_root", path(&oasis.trust_root)),
    ];
    Settings::new()
        .table("[[payment.network]]", &network.each_ref().map(|(key, text)| (*key, text.as_str())))?
        .list_of_one("rpc_urls", &devnet.rpc_url)?
        .table("[attestation]", &attestation.each_ref().map(|(key, text)| (*key, text.as_str())))
}

fn environment(devnet: &Devnet, token: Token, config_file: &Path) -> Vec<(&'static str, String)> {
    let oasis = &devnet.oasis;
    let path = |path: &Path| path.display().to_string();
    vec![
        ("PRECIS_CONFIG_FILE", path(config_file)),
        ("PRECIS_RPC_URL", devnet.rpc_url.clone()),
        ("PRECIS_CHAIN_ID", devnet.chain_id().to_string()),
        ("PRECIS_DEVNET_NETWORK", devnet.network()),
        ("PRECIS_DEVNET_ASSET", token.address.to_string()),
        ("PRECIS_DEVNET_ASSET_NAME", token.name),
        ("PRECIS_DEVNET_ASSET_VERSION", token.version),
        ("PRECIS_PAYER_KEY_FILE", path(&devnet.payer_key_file)),
        ("PRECIS_PAYER_ADDRESS", devnet.payer.address().to_string()),
        ("PRECIS_RECEIPT_VERIFIER", devnet.receipt_verifier.to_string()),
        ("PRECIS_DEVNET_APPD_SOCKET", path(&oasis.appd_socket)),
        ("PRECIS_OASIS_GRPC_URL", oasis.grpc_url.clone()),
        ("PRECIS_DEVNET_NEXUS_URL", oasis.nexus_url.clone()),
        ("PRECIS_DEVNET_PCS_URL", oasis.pcs_url.clone()),
        ("PRECIS_DEVNET_TRUST_ROOT", path(&oasis.trust_root)),
        ("PRECIS_POLICY", path(&oasis.policy)),
        ("PRECIS_APP_ID", oasis.app_id.clone()),
    ]
}

fn network(wallet: &Wallet) -> String {
    format!("eip155:{}", wallet.chain_id())
}

/// An account with gas: the one in `key_file`, or a new one whose balance is set.
async fn deployer(rpc_url: &str, key_file: Option<&Path>) -> anyhow::Result<Wallet> {
    let rpc = RpcClient::new(rpc_url)?;
    let Some(key_file) = key_file else {
        let signer = PrivateKeySigner::from_bytes(&random()?)?;
        let set = set_balance(&rpc, signer.address(), PLENTY).await?;
        anyhow::ensure!(set, "{rpc_url} cannot set balances: name a funded key with --deployer-key-file");
        return Ok(Wallet::new(rpc, signer).await?);
    };
    Ok(Wallet::new(rpc, read_key(key_file)?).await?)
}

/// Gives `address` gas money: set where the chain can, paid by the deployer where it cannot.
async fn fund(deployer: &Wallet, address: Address) -> anyhow::Result<()> {
    if set_balance(deployer.rpc(), address, PLENTY).await? {
        return Ok(());
    }
    deployer.pay(address, U256::from(ALLOWANCE)).await.context("cannot fund the enclave wallet")?;
    Ok(())
}

/// False if the chain has no such method.
async fn set_balance(rpc: &RpcClient, address: Address, wei: u128) -> anyhow::Result<bool> {
    match rpc.call::<Value>("anvil_setBalance", json!([address, U256::from(wei)])).await {
        Ok(_) => Ok(true),
        Err(ClientError::Refused { code: UNKNOWN_METHOD, .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Deploys our own token and gives some to the payer.
async fn own_token(deployer: &Wallet, payer: Address) -> anyhow::Result<Token> {
    let address = deployer.deploy(token_creation_code(TOKEN_NAME, TOKEN_VERSION, TOKEN_SYMBOL)?).await?;
    mint(deployer, address, payer, PAYER_UNITS).await?;
    Ok(Token { address, name: TOKEN_NAME.to_owned(), version: TOKEN_VERSION.to_owned() })
}

/// Refuses a token whose domain is not the named one: no signature of a payer would be valid there.
async fn require_token(deployer: &Wallet, token: &Token) -> anyhow::Result<()> {
    let Token { address, name, version } = token;
    let code: Bytes = deployer.rpc().call("eth_getCode", json!([address, "latest"])).await?;
    anyhow::ensure!(!code.is_empty(), "there is no contract at {address}");
    let told = deployer.read(*address, &PrecisDollar::DOMAIN_SEPARATORCall {}).await;
    let told = told.with_context(|| format!("{address} is no token with EIP-3009: it tells no domain separator"))?;
    let chain_id = U256::from(deployer.chain_id());
    let domain = Eip712Domain::new(
        Some(name.clone().into()),
        Some(version.clone().into()),
        Some(chain_id),
        Some(*address),
        None,
    );
    anyhow::ensure!(
        told == domain.separator(),
        "the token {address} has another domain than name {name}, version {version}: see --token-name, --token-version"
    );
    Ok(())
}

async fn mint(deployer: &Wallet, token: Address, to: Address, units: u64) -> anyhow::Result<()> {
    let call = PrecisDollar::mintCall { to, value: U256::from(units) };
    deployer.send(token.into(), call.abi_encode().into()).await?;
    Ok(())
}

/// The key in `path`, made there if there is none, readable by its owner alone.
fn key_in(path: &Path) -> anyhow::Result<PrivateKeySigner> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match file {
        Ok(mut file) => {
            let key = random()?;
            writeln!(file, "{key}").with_context(|| format!("cannot write {}", path.display()))?;
            Ok(PrivateKeySigner::from_bytes(&key)?)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read_key(path),
        Err(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
    }
}

fn read_key(path: &Path) -> anyhow::Result<PrivateKeySigner> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    // The parser's words may quote the key: say less.
    text.trim().parse().map_err(|_| anyhow::anyhow!("{} holds no key of 64 hex digits", path.display()))
}

fn remove_stale(env_file: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(env_file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove the old {}", env_file.display()))
        }
        _ => Ok(()),
    }
}

/// 32 random bytes: a key, but for a chance of 2^-128.
fn random() -> anyhow::Result<B256> {
    let mut bytes = B256::ZERO;
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes)
}
