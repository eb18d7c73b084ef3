//! A testbed with all that is around it: a devnet, a faulty way to its chain, the time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use alloy_primitives::{Address, U256};
use anyhow::Context as _;
use reqwest::Client;
use serde_json::json;
use tempfile::TempDir;

use crate::audit::Seen;
use crate::chain::Chain;
use crate::http;
use crate::payer::now;
use crate::rpc_faults::RpcFaults;
use crate::stack::Devnet;
use crate::testbed::bank::Bank;
use crate::testbed::kept::Kept;
use crate::testbed::kill::Kill;
use crate::testbed::parts::{CLOCK_FILE, CLOCK_OFFSET, KILL};
use crate::testbed::{Started, Testbed};

/// Seconds after which an authorization has lapsed, and the service believes that it has.
pub const LAPSE_SECONDS: u64 = 1_000;

/// A devnet, a proxy before its chain, and a testbed that comes and goes.
pub struct Town {
    dir: TempDir,
    /// Everything outside the enclave.
    pub devnet: Devnet,
    /// Between the testbed and the chain.
    pub rpc: RpcFaults,
    /// The chain itself.
    pub chain: Chain,
    /// Somebody else with gas.
    pub bank: Bank,
    /// For requests.
    pub client: Client,
    settings: Mutex<BTreeMap<String, String>>,
    testbed: tokio::sync::Mutex<Option<Testbed>>,
    addresses: Mutex<(String, String)>,
    /// Seconds by which this world is ahead of the machine's clock.
    ahead: AtomicU64,
    /// Seconds by which the testbed's clock differs from that.
    skew: AtomicI64,
    /// Seconds of those that the testbed's clock jumped while it ran.
    jumped: AtomicI64,
    ledgers: AtomicUsize,
    pub(crate) books: Mutex<Opening>,
    pub(crate) noted: AtomicBool,
    pub(crate) channel: Kept,
    pub(crate) seen: Mutex<BTreeMap<(Address, alloy_primitives::B256), Seen>>,
}

/// Where the books of the current ledger begin.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Opening {
    /// First block.
    pub(crate) block: u64,
    /// The payee; none before the first order.
    pub(crate) pay_to: Option<Address>,
    /// What the payee held.
    pub(crate) held: U256,
}

impl Town {
    /// A devnet with these arguments, and settings for every testbed; no testbed yet.
    ///
    /// # Errors
    /// If anything does not start.
    pub async fn start(arguments: &[&str], settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("precis-faults-").tempdir()?;
        let devnet = Devnet::start(dir.path(), arguments).await?;
        Self::around(dir, devnet, settings).await
    }

    /// The same around a devnet that is there.
    ///
    /// # Errors
    /// If anything does not start.
    pub async fn around(dir: TempDir, devnet: Devnet, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let url = devnet.get("PRECIS_RPC_URL")?.to_owned();
        let rpc = RpcFaults::start(&url).await?;
        let token = devnet.get("PRECIS_DEVNET_ASSET")?;
        let bank = Bank::open(
            &url,
            token.parse()?,
            devnet.get("PRECIS_DEVNET_ASSET_NAME")?,
            devnet.get("PRECIS_DEVNET_ASSET_VERSION")?,
        );
        let (bank, chain) = (bank.await?, Chain::new(&url, token)?);
        let mut all = devnet.env.clone();
        all.insert("PRECIS_PAYMENT__NETWORK__0__RPC_URLS".into(), rpc.url.clone());
        all.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let town = Self {
            dir,
            devnet,
            rpc,
            chain,
            bank,
            client: http::client()?,
            settings: Mutex::new(all),
            testbed: tokio::sync::Mutex::default(),
            addresses: Mutex::default(),
            ahead: AtomicU64::new(0),
            skew: AtomicI64::new(0),
            jumped: AtomicI64::new(0),
            ledgers: AtomicUsize::new(0),
            books: Mutex::default(),
            noted: AtomicBool::new(false),
            channel: Kept::default(),
            seen: Mutex::default(),
        };
        town.new_ledger().await?;
        Ok(town)
    }

    /// A setting of every testbed that is started from now on.
    pub fn set(&self, name: &str, value: &str) {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        settings.insert(name.to_owned(), value.to_owned());
    }

    /// From now on testbeds start without any state, and the books begin anew.
    ///
    /// # Errors
    /// If the chain does not answer.
    pub async fn new_ledger(&self) -> anyhow::Result<()> {
        self.stop().await?;
        self.rpc.release();
        self.ledgers.fetch_add(1, Ordering::Relaxed);
        std::fs::create_dir_all(self.home())?;
        self.skew.store(0, Ordering::Relaxed);
        self.noted.store(false, Ordering::Relaxed);
        let block = self.height().await? + 1;
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        *books = Opening { block, pay_to: None, held: U256::ZERO };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// Number of the newest block.
    ///
    /// # Errors
    /// If the chain does not answer.
    pub async fn height(&self) -> anyhow::Result<u64> {
        let number: U256 = serde_json::from_value(self.chain.rpc("eth_blockNumber", json!([])).await?)?;
        Ok(number.to())
    }

    /// Directory of the current ledger's testbeds.
    pub fn home(&self) -> PathBuf {
        self.dir.path().join(format!("ledger-{}", self.ledgers.load(Ordering::Relaxed)))
    }

    /// Directory of everything.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The time in this world, Unix seconds.
    ///
    /// # Errors
    /// If the machine's clock is before 1970.
    pub fn now(&self) -> anyhow::Result<u64> {
        Ok(now()? + self.ahead.load(Ordering::Relaxed))
    }

    /// The clock of testbeds that are started from now on differs by so many seconds.
    pub fn skew(&self, seconds: i64) {
        self.skew.store(seconds, Ordering::Relaxed);
    }

    /// Time goes by until every authorization has lapsed. A running testbed does not notice before it is started again.
    ///
    /// # Errors
    /// If the chain does not answer.
    pub async fn lapse(&self) -> anyhow::Result<()> {
        self.chain.rpc("evm_increaseTime", json!([LAPSE_SECONDS])).await?;
        self.chain.rpc("evm_mine", json!([])).await?;
        self.ahead.fetch_add(LAPSE_SECONDS, Ordering::Relaxed);
        Ok(())
    }

    /// Time jumps for everybody, a running testbed included.
    ///
    /// # Errors
    /// If the chain does not answer or the time cannot be written.
    pub async fn jump(&self, seconds: u32) -> anyhow::Result<()> {
        self.chain.rpc("evm_increaseTime", json!([seconds])).await?;
        self.chain.rpc("evm_mine", json!([])).await?;
        self.ahead.fetch_add(seconds.into(), Ordering::Relaxed);
        let jumped = self.jumped.fetch_add(seconds.into(), Ordering::Relaxed) + i64::from(seconds);
        // As a whole or not at all: it may be read at any moment.
        let (file, part) = (self.clock_file(), self.dir.path().join("clock.part"));
        std::fs::write(&part, jumped.to_string())?;
        Ok(std::fs::rename(part, file)?)
    }

    fn clock_file(&self) -> PathBuf {
        self.dir.path().join("clock")
    }

    /// Sends the testbed a signal, such as `TERM`.
    ///
    /// # Errors
    /// If there is none, or the signal cannot be sent.
    pub async fn signal(&self, name: &str) -> anyhow::Result<()> {
        self.testbed.lock().await.as_ref().context("no testbed runs")?.process.signal(name)
    }

    /// Waits until the testbed has ended by itself.
    ///
    /// # Errors
    /// If it does not, or not well.
    pub async fn ended(&self) -> anyhow::Result<()> {
        let mut testbed = self.testbed.lock().await.take().context("no testbed runs")?;
        testbed.process.ended().await
    }

    /// Asks the testbed to end and waits until it has, as whoever stops a service does; whether it ended so, and was not
    /// killed before by a kill that it carried.
    ///
    /// # Errors
    /// If there is none, it does not end, or not well.
    pub async fn terminate(&self) -> anyhow::Result<bool> {
        let mut testbed = self.testbed.lock().await.take().context("no testbed runs")?;
        testbed.process.signal("TERM")?;
        testbed.ended().await
    }

    /// Starts the testbed, in place of one that may run; whether it lived until it was ready.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn boot(&self, kill: Option<Kill>) -> anyhow::Result<bool> {
        self.boot_with(kill, &[], None).await
    }

    /// The same with further settings, through a shell that carries out `before` first.
    ///
    /// # Errors
    /// If it does not become ready.
    pub async fn boot_with(
        &self,
        kill: Option<Kill>,
        settings: &[(&str, &str)],
        before: Option<&str>,
    ) -> anyhow::Result<bool> {
        let mut env = self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        env.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let ahead = self.ahead.load(Ordering::Relaxed).cast_signed() + self.skew.load(Ordering::Relaxed);
        let jumped = self.jumped.load(Ordering::Relaxed);
        env.insert(CLOCK_OFFSET.into(), (ahead - jumped).to_string());
        env.insert(CLOCK_FILE.into(), self.clock_file().display().to_string());
        if let Some(kill) = kill {
            env.insert(KILL.into(), kill.to_string());
        }
        let mut running = self.testbed.lock().await;
        if let Some(old) = running.take() {
            old.process.kill()?;
        }
        match Testbed::start_by(&self.home(), &env, before).await? {
            Started::Killed if kill.is_none() => anyhow::bail!("the testbed was killed by somebody else"),
            Started::Killed => Ok(false),
            Started::Ready(testbed) => {
                let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
                *addresses = (testbed.url.clone(), testbed.internal_url.clone());
                *running = Some(testbed);
                Ok(true)
            }
        }
    }

    /// Ends the testbed at once.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub async fn stop(&self) -> anyhow::Result<()> {
        let running = self.testbed.lock().await.take();
        running.map_or(Ok(()), |testbed| testbed.process.kill())
    }

    /// Lets the testbed's files grow again, which `ulimit -S -f` has stopped.
    ///
    /// # Errors
    /// If there is no testbed, or the kernel refuses.
    pub async fn make_room(&self) -> anyhow::Result<()> {
        let running = self.testbed.lock().await;
        let process = running.as_ref().map(|testbed| testbed.process.id());
        let process = process.ok_or_else(|| anyhow::anyhow!("no testbed runs"))?.to_string();
        let lifted = std::process::Command::new("prlimit").args(["--pid", &process, "--fsize=unlimited:"]).status()?;
        anyhow::ensure!(lifted.success(), "prlimit: {lifted}");
        Ok(())
    }

    /// Waits until the testbed ends by itself, and tells how it did.
    ///
    /// # Errors
    /// If none runs.
    pub async fn ending(&self) -> anyhow::Result<String> {
        let running = self.testbed.lock().await.take();
        let mut testbed = running.ok_or_else(|| anyhow::anyhow!("no testbed runs"))?;
        match testbed.process.until("its end", async |_| None::<()>).await {
            Ok(()) => anyhow::bail!("nothing ended"),
            Err(how) => Ok(how.to_string()),
        }
    }

    /// Waits until the testbed has killed itself.
    ///
    /// # Errors
    /// If it does not.
    pub async fn died(&self) -> anyhow::Result<()> {
        let Some(mut testbed) = self.testbed.lock().await.take() else { return Ok(()) };
        testbed.died().await
    }

    /// What the testbeds of the current ledger wrote.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home().join("testbed.log")).unwrap_or_default()
    }

    /// Origin of the public routes.
    #[must_use]
    pub fn url(&self) -> String {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Origin of the internal routes.
    #[must_use]
    pub fn internal_url(&self) -> String {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}
