//! The Oasis side of the devnet, on loopback: rofl-appd on a UNIX socket, a registrar that puts
//! `rofl.Register` transactions with mock-signed TDX quotes on a chain of their own, the node's gRPC
//! and the indexer's REST endpoints that tell of them, and a collateral service for the mock PKI.
//!
//! What it proves is nothing: every key is public or made here. What it gives is the same bytes in
//! the same formats over the same protocols as the real network, so that the service runs unchanged.

mod appd;
mod grpc;
mod kdf;
pub mod mock;
mod nexus;
mod pcs;
mod policy;
mod registrar;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use alloy_primitives::Address;
use anyhow::Context;
use axum::Router;
use tokio::{net::TcpListener, task::JoinSet};

pub use kdf::{KeyKind, kms_key};
pub use nexus::RUNTIME;
pub use policy::{PaymentPin, Tasks, packaged_tasks, policy_toml};

use mock::{Chain, CollateralSpec, InstanceKeys, Measurements, MockPki, PkiSpec};
use registrar::{Machine, Registrar, unix_now};

/// App id of Oasis' own rofl-appd localnet.
pub const DEFAULT_APP_ID: &str = "rofl1qqn9xndja7e2pnxhttktmecvwzz0yqwxsquqyxdf";
/// KMS key id of the enclave wallet (SPEC 1).
pub const WALLET_KEY_ID: &str = "precis/wallet: v1";
/// Runtime id of the devnet; belongs to no network.
const RUNTIME_ID: [u8; 32] = *b"precis devnet runtime: INSECURE!";
/// Chain context of the devnet; belongs to no network.
const CHAIN_CONTEXT: [u8; 32] = *b"precis devnet context: INSECURE!";
/// Length of an epoch: about what the public networks have.
const EPOCH_LENGTH: Duration = Duration::from_secs(3_600);

/// How to start.
#[derive(Clone, Debug)]
pub struct OasisOptions {
    /// Folder for the socket, the trust root and the policy; made if missing.
    pub dir: PathBuf,
    /// The application's id; [`DEFAULT_APP_ID`] if none.
    pub app_id: Option<String>,
    /// What the enclave is measured as; follows from the label "enclave" if none.
    pub measurements: Option<Measurements>,
    /// Length of an epoch, in whole seconds.
    pub epoch_length: Duration,
    /// What the policy pins about payment.
    pub payment: Option<PaymentPin>,
    /// Tasks that the policy names, with the digests of their models.
    pub tasks: Tasks,
}

impl OasisOptions {
    /// The defaults, in `dir`.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            app_id: None,
            measurements: None,
            epoch_length: EPOCH_LENGTH,
            payment: None,
            tasks: packaged_tasks(),
        }
    }
}

/// A running devnet. Dropping it stops its servers and removes its socket.
pub struct Oasis {
    /// The application's id, `rofl1…`.
    pub app_id: String,
    /// rofl-appd's socket.
    pub appd_socket: PathBuf,
    /// The node's gRPC endpoint, `http://127.0.0.1:port`.
    pub grpc_url: String,
    /// The indexer's API, `http://127.0.0.1:port/v1`.
    pub nexus_url: String,
    /// The collateral service, `http://127.0.0.1:port`.
    pub pcs_url: String,
    /// The runtime's id, 64 hex digits.
    pub runtime_id: String,
    /// The consensus layer's chain context, 64 hex digits.
    pub chain_context: String,
    /// File with the mock root certificate, DER.
    pub trust_root: PathBuf,
    /// File with a policy that accepts this devnet.
    pub policy: PathBuf,
    /// Address of the enclave wallet, the KMS key [`WALLET_KEY_ID`].
    pub wallet_address: Address,
    /// The enclave identity of the measurements.
    pub identity: [u8; 32],
    _tasks: JoinSet<()>,
}

impl Drop for Oasis {
    fn drop(&mut self) {
        // The servers stop with their tasks; the file is all that is left.
        let _ = std::fs::remove_file(&self.appd_socket);
    }
}

/// Address of the enclave wallet: of the secp256k1 key that rofl-appd derives for
/// [`WALLET_KEY_ID`]. The same in every devnet.
///
/// # Errors
/// Never in practice: the derived bytes would have to be no scalar of the curve.
pub fn wallet_address() -> anyhow::Result<Address> {
    let key = kms_key(KeyKind::Secp256k1, WALLET_KEY_ID);
    let key = k256::ecdsa::SigningKey::from_slice(&key).context("the wallet key is no key")?;
    Ok(Address::from_public_key(key.verifying_key()))
}

/// Starts everything on ephemeral loopback ports. Once it returns, every endpoint answers and the
/// instance is registered.
///
/// # Errors
/// If the folder cannot be written, a socket cannot be bound, or the app id is not one.
pub async fn start(options: OasisOptions) -> anyhow::Result<Oasis> {
    let dir = &options.dir;
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let machine = machine(&options)?;
    let chain = machine.chain.clone();
    let (app_id, identity) = (machine.app_id.clone(), machine.measurements.identity());

    let trust_root = absolute(&dir.join("mock-root.der"))?;
    std::fs::write(&trust_root, machine.pki.root_der()).context("cannot write the trust root")?;
    let policy = absolute(&dir.join("policy.toml"))?;
    let text = policy_toml(&app_id, &identity, &options.tasks, &chain, &trust_root, options.payment.as_ref());
    std::fs::write(&policy, text).context("cannot write the policy")?;

    let mut tasks = JoinSet::new();
    let registrar = Registrar::start(machine, &mut tasks);
    let appd_socket = absolute(&dir.join("rofl-appd.sock"))?;
    appd::serve(&appd_socket, registrar.clone(), &mut tasks)?;
    let grpc_url = serve("grpc", grpc::router(registrar.clone()), &mut tasks).await?;
    let nexus = serve("nexus", nexus::router(registrar.clone()), &mut tasks).await?;
    let pcs_url = serve("pcs", pcs::router(registrar), &mut tasks).await?;
    Ok(Oasis {
        app_id,
        appd_socket,
        grpc_url,
        nexus_url: format!("{nexus}/v1"),
        pcs_url,
        runtime_id: hex::encode(chain.runtime_id),
        chain_context: chain.chain_context,
        trust_root,
        policy,
        wallet_address: wallet_address()?,
        identity,
        _tasks: tasks,
    })
}

fn machine(options: &OasisOptions) -> anyhow::Result<Machine> {
    let app_id = options.app_id.clone().unwrap_or_else(|| DEFAULT_APP_ID.to_owned());
    let now = unix_now();
    // Fresh keys at every start, as at every boot of a real machine.
    let pki = MockPki::new(&PkiSpec::fresh(random()?, now))?;
    let collateral = CollateralSpec::fresh(&pki, now).sign(&pki)?;
    Ok(Machine {
        app_id_bytes: decode_app_id(&app_id)?,
        app_id,
        chain: Chain { runtime_id: RUNTIME_ID, chain_context: hex::encode(CHAIN_CONTEXT) },
        keys: InstanceKeys::from_seed(random()?)?,
        pki,
        collateral,
        measurements: options.measurements.unwrap_or_else(|| Measurements::of("enclave")),
        quote_nonce: random()?,
        epoch_length: options.epoch_length,
    })
}

fn decode_app_id(app_id: &str) -> anyhow::Result<[u8; 21]> {
    let parsed = bech32::primitives::decode::CheckedHrpstring::new::<bech32::Bech32>(app_id)
        .with_context(|| format!("{app_id} is not an app id"))?;
    anyhow::ensure!(parsed.hrp().as_str() == "rofl", "{app_id} is not an app id");
    let bytes: Vec<u8> = parsed.byte_iter().collect();
    bytes.try_into().map_err(|_| anyhow::anyhow!("{app_id} has not the length of an app id"))
}

fn random() -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes)
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot resolve {}", path.display()))
}

async fn serve(name: &'static str, router: Router, tasks: &mut JoinSet<()>) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen on loopback")?;
    let url = format!("http://{}", listener.local_addr().context("no local address")?);
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, name, "server stopped");
        }
    });
    Ok(url)
}
