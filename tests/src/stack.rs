//! A devnet and a service, as an operator would run them on a laptop.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::chain::Chain;
use crate::cli::Cli;
use crate::payer::Payer;
use crate::process::{PATIENCE, Process, command};
use crate::{http, paths};

/// Reads a file of `KEY=value` lines.
///
/// # Errors
/// If it cannot be read or a line is no pair.
pub fn read_env(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let pair = |line: &str| {
        line.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).with_context(|| line.to_owned())
    };
    text.lines().map(pair).collect()
}

/// Everything outside the enclave.
pub struct Devnet {
    /// Its process.
    pub process: Process,
    /// What it tells in its environment file.
    pub env: BTreeMap<String, String>,
}

impl Devnet {
    /// Starts one in `dir`, with further arguments.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn start(dir: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let file = dir.join("devnet.env");
        let mut command = command("precis-devnet")?;
        command.arg("--dir").arg(dir.join("devnet")).arg("--env").arg(&file).args(arguments);
        let mut process = Process::start("devnet", command, dir)?;
        process.until("environment file", async |_| file.is_file().then_some(())).await?;
        let env = read_env(&file)?;
        Ok(Self { process, env })
    }

    /// A value of the environment file.
    ///
    /// # Errors
    /// If it is missing.
    pub fn get(&self, key: &str) -> anyhow::Result<&str> {
        self.env.get(key).map(String::as_str).with_context(|| format!("the devnet does not tell {key}"))
    }
}

/// The enclave application.
pub struct Server {
    /// Its process.
    pub process: Process,
    /// Origin of the public routes.
    pub url: String,
    /// Origin of the health routes.
    pub internal_url: String,
}

impl Server {
    /// Starts one with its state in `dir`; returns once it listens, which is before it is ready.
    ///
    /// # Errors
    /// If it does not listen.
    pub async fn listening(
        dir: &Path,
        env: &BTreeMap<String, String>,
        extra: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let addresses = dir.join("server.addresses");
        // What an earlier process wrote is not this one's.
        let _ = std::fs::remove_file(&addresses);
        let mut command = command("precis-server")?;
        command
            // The speed of a loaded machine must not choose the order of payment; tests of that name it.
            .env("PRECIS_PAYMENT__UPFRONT_ABOVE", "never")
            .envs(env)
            .env("PRECIS_SERVER__LISTEN", "127.0.0.1:0")
            .env("PRECIS_SERVER__INTERNAL_LISTEN", "127.0.0.1:0")
            .env("PRECIS_SERVER__ADDRESS_FILE", &addresses)
            .env("PRECIS_LEDGER__DIR", dir.join("state"))
            .env("PRECIS_MODEL__DIR", paths::models()?)
            // The smallest one: every test starts a service of its own.
            .env("PRECIS_MODEL__NAME", "smollm2-135m-instruct")
            .envs(extra.iter().map(|(key, value)| (*key, value)));
        let mut process = Process::start("server", command, dir)?;
        process.until("address file", async |_| addresses.is_file().then_some(())).await?;
        let told = read_env(&addresses)?;
        let url = told.get("PRECIS_URL").context("PRECIS_URL")?.clone();
        let internal_url = told.get("PRECIS_INTERNAL_URL").context("PRECIS_INTERNAL_URL")?.clone();
        Ok(Self { process, url, internal_url })
    }

    /// Waits until it would take a request.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let (client, url) = (http::client()?, format!("{}/readyz", self.internal_url));
        self.process
            .until("readiness", async |_| {
                client.get(&url).send().await.ok().filter(|r| r.status().is_success()).map(drop)
            })
            .await
    }
}

/// A devnet, a ready service, a payer, and a directory that goes with them.
pub struct Stack {
    /// Directory of state, logs and files of the test; removed at the end.
    pub dir: TempDir,
    /// Everything outside the enclave.
    pub devnet: Devnet,
    /// The service.
    pub server: Server,
}

impl Stack {
    /// Starts both and waits until the service is ready.
    ///
    /// # Errors
    /// If either does not start.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(&[], &[]).await
    }

    /// The same with arguments for the devnet, and variables for the server that override its settings.
    ///
    /// # Errors
    /// If either does not start.
    pub async fn start_with(devnet: &[&str], server: &[(&str, String)]) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("precis-test-").tempdir()?;
        let devnet = Devnet::start(dir.path(), devnet).await?;
        let mut server = Server::listening(dir.path(), &devnet.env, server).await?;
        server.ready().await?;
        Ok(Self { dir, devnet, server })
    }

    /// Kills the service without notice and starts it again on the same state.
    ///
    /// # Errors
    /// If it does not come back.
    pub async fn crash_and_restart(self) -> anyhow::Result<Self> {
        let Self { dir, devnet, server } = self;
        server.process.kill()?;
        let mut server = Server::listening(dir.path(), &devnet.env, &[]).await?;
        server.ready().await?;
        Ok(Self { dir, devnet, server })
    }

    /// The `precis` command against this service, paying with the devnet's payer.
    ///
    /// # Errors
    /// If the devnet does not tell what it needs.
    pub fn cli(&self) -> anyhow::Result<Cli> {
        self.cli_at(&self.server.url)
    }

    /// The same against another origin, such as a proxy in between.
    ///
    /// # Errors
    /// If the devnet does not tell what it needs.
    pub fn cli_at(&self, url: &str) -> anyhow::Result<Cli> {
        Ok(Cli {
            url: url.to_owned(),
            policy: PathBuf::from(self.devnet.get("PRECIS_POLICY")?),
            key_file: PathBuf::from(self.devnet.get("PRECIS_PAYER_KEY_FILE")?),
            dir: self.dir.path().to_path_buf(),
            patience: PATIENCE,
        })
    }

    /// The payment chain.
    ///
    /// # Errors
    /// If the devnet does not tell what it needs.
    pub fn chain(&self) -> anyhow::Result<Chain> {
        Chain::new(self.devnet.get("PRECIS_RPC_URL")?, self.devnet.get("PRECIS_DEVNET_ASSET")?)
    }

    /// The devnet's payer: tokens, no gas.
    ///
    /// # Errors
    /// If its key cannot be read.
    pub fn payer(&self) -> anyhow::Result<Payer> {
        Payer::from_file(Path::new(self.devnet.get("PRECIS_PAYER_KEY_FILE")?))
    }

    /// A path in the test's directory.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}
