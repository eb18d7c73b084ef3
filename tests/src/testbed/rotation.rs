//! A service whose keysets are replaced again and again, under load: callers that verified it long ago, callers that verify
//! it now, payers over plain HTTPS and over the encrypted channel. None may notice, and every receipt must verify.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use precis_channel::ClientChannel;
use precis_client::{Connection, Document, MediaType, Session, SummaryRequest, discover};
use precis_protocol::receipt::{ReceiptFile, SignedReceipt};
use precis_protocol::strict;
use precis_protocol::summary::Options;
use precis_protocol::{answer, headers};
use precis_verify::policy::Policy;
use precis_verify::{Beside, Online, check_receipt, check_receipt_chain, verify_archived, verify_receipt_file};
use precis_verify::{Body, Exchange};

use crate::cli::Cli;
use crate::http;
use crate::payer::send_paid;
use crate::process::PATIENCE;
use crate::tasks::TASKS;
use crate::testbed::bank::Purse;
use crate::testbed::receipts::policy;
use crate::testbed::town::Town;

/// Life of a keyset: the shortest that the service takes. A successor comes after half of it.
pub const KEYSET_SECONDS: u32 = 60;
/// Time between two rounds; each has a request of every kind.
const ROUND: Duration = Duration::from_secs(1);
/// Longest that a configuration of the channel is used without asking for it again: it stays good for half a keyset's life.
const CONFIGURATION_SECONDS: u64 = 20;
/// Money of the payer over plain HTTPS, atomic units.
const UNITS: u64 = 10_000_000_000;
/// Longest receipt file, bytes.
const MAX_FILE_BYTES: usize = 8 << 20;

/// What happened.
#[derive(Debug, Default)]
pub struct Figures {
    /// Rounds.
    pub rounds: u64,
    /// Requests of each kind that were answered as they should be.
    pub answered: BTreeMap<&'static str, u64>,
    /// Receipts that verified.
    pub receipts: usize,
    /// Keysets that signed them.
    pub keysets: usize,
    /// The slowest round, all its requests one after the other.
    pub slowest: Duration,
    /// What failed.
    pub failures: Vec<String>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "rounds           {}", self.rounds)?;
        self.answered.iter().try_for_each(|(kind, count)| writeln!(f, "{kind:<16} {count}"))?;
        writeln!(f, "receipts         {}, all verified, of {} keysets", self.receipts, self.keysets)?;
        writeln!(f, "slowest round    {} ms", self.slowest.as_millis())?;
        write!(f, "failures         {}", self.failures.len())?;
        self.failures.iter().try_for_each(|failure| write!(f, "\n  {failure}"))
    }
}

/// When a run ends, and whether time is helped along.
#[derive(Clone, Copy, Debug)]
pub enum Plan {
    /// So much time by the clock on the wall.
    Lasting(Duration),
    /// So many keysets, each made early by a clock that jumps.
    Jumping(usize),
}

/// Settings of a service whose keysets are as short as can be.
#[must_use]
pub fn settings() -> [(&'static str, &'static str); 2] {
    // As KEYSET_SECONDS.
    [("PRECIS_CHANNEL__KEYSET_LIFETIME", "60s"), ("PRECIS_PAYMENT__NETWORK__0__CONFIRM_WITHIN", "10s")]
}

/// Carries the plan out against the testbed of `town`.
///
/// # Errors
/// If nothing can be asked at all. What fails under way is among the figures.
pub async fn rotate(town: &Town, plan: Plan) -> anyhow::Result<Figures> {
    precis_client::install_tls_provider();
    let policy = policy(Path::new(town.devnet.get("PRECIS_POLICY")?))?;
    let mut run = Run {
        session: verified(town, &policy).await?,
        configuration: (Vec::new(), 0),
        purse: town.purse(1, UNITS).await?,
        cli: Cli {
            url: town.url(),
            policy: town.devnet.get("PRECIS_POLICY")?.into(),
            key_file: town.devnet.get("PRECIS_PAYER_KEY_FILE")?.into(),
            dir: town.dir().to_path_buf(),
            patience: PATIENCE,
        },
        receipts: Vec::new(),
        figures: Figures::default(),
        policy,
        town,
    };
    let began = Instant::now();
    loop {
        let keysets = run.keysets();
        let over = match plan {
            Plan::Lasting(time) => began.elapsed() >= time,
            Plan::Jumping(wanted) => keysets >= wanted || began.elapsed() > PATIENCE,
        };
        if over {
            break;
        }
        let round = Instant::now();
        run.round().await;
        run.figures.slowest = run.figures.slowest.max(round.elapsed());
        if matches!(plan, Plan::Jumping(_)) && run.figures.rounds.is_multiple_of(3) {
            // Past the half of a keyset's life.
            town.jump(KEYSET_SECONDS / 2 + 1).await?;
        }
        tokio::time::sleep(ROUND.saturating_sub(round.elapsed())).await;
    }
    run.conclude()
}

struct Run<'a> {
    town: &'a Town,
    policy: Policy,
    /// Verified once, at the start.
    session: Session,
    /// A channel's configuration, and when it was asked for.
    configuration: (Vec<u8>, u64),
    purse: Purse,
    cli: Cli,
    receipts: Vec<SignedReceipt>,
    figures: Figures,
}

impl Run<'_> {
    async fn round(&mut self) {
        self.figures.rounds += 1;
        let asked = self.old_session().await;
        self.note("old session", asked);
        let asked = self.kept_configuration().await;
        self.note("channel", asked);
        let asked = self.verifies().await;
        self.note("verified anew", asked);
        let paid = self.pays_in_clear().await;
        self.note("paid over HTTPS", paid);
        let paid = self.pays_encrypted().await;
        self.note("paid encrypted", paid);
    }

    fn note(&mut self, kind: &'static str, outcome: anyhow::Result<()>) {
        match outcome {
            Ok(()) => *self.figures.answered.entry(kind).or_default() += 1,
            Err(error) => self.figures.failures.push(format!("round {}, {kind}: {error:#}", self.figures.rounds)),
        }
    }

    /// A document unlike every other.
    fn document(&self, kind: &str) -> String {
        let (round, process) = (self.figures.rounds, std::process::id());
        format!("Round {round} of process {process} asks {kind}. The rest is not quoted.")
    }

    /// An encrypted request by a caller that verified the service at the start.
    async fn old_session(&self) -> anyhow::Result<()> {
        let document = Document::new(self.document("for a price").into_bytes(), MediaType::Plain)?;
        let quote = self.session.quote(&SummaryRequest::new(&document, &Options::default())?).await?;
        ensure!(quote.tokens > 0, "no tokens");
        Ok(())
    }

    /// An encrypted request by a caller that knows nothing but RFC 9458.
    async fn kept_configuration(&mut self) -> anyhow::Result<()> {
        let (town, at) = (self.town, self.town.now()?);
        let gateway = format!("{}{}", town.url(), headers::OHTTP_GATEWAY_PATH);
        if at >= self.configuration.1 + CONFIGURATION_SECONDS || self.configuration.0.is_empty() {
            // A list of one configuration: two bytes of length, then the configuration.
            let list = http::get(&town.client, &gateway).await?.body;
            self.configuration = (list.get(2..).context("no configuration")?.to_vec(), at);
        }
        let channel = ClientChannel::new(&self.configuration.0)?;
        let request = ::http::Request::get(headers::SERVICE_PATH).body(Bytes::new())?;
        let (body, opener) = channel.seal(request)?;
        let envelope = town.client.post(gateway).header("content-type", ClientChannel::REQUEST_MEDIA_TYPE).body(body);
        let answer = http::answer(envelope).await?;
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
        let inner = opener.open(answer.header("content-type"), &answer.body)?;
        ensure!(inner.status() == 200, "{}", inner.status());
        Ok(())
    }

    /// A caller that comes for the first time.
    async fn verifies(&self) -> anyhow::Result<()> {
        verified(self.town, &self.policy).await.map(drop)
    }

    /// A payment by an unmodified client for each task in its turn, its receipt judged by the attestation that the service keeps of the keyset.
    async fn pays_in_clear(&mut self) -> anyhow::Result<()> {
        let town = self.town;
        let row = TASKS[self.receipts.len() % TASKS.len()];
        let ask = row.ask(&self.document("in clear"));
        let quote = ask.send(&town.client, &town.url(), &[]).await?.quote()?;
        let required = quote.accepts.first().context("no requirements")?;
        let payment = self.purse.payer.authorize_at(required, town.now()?)?;
        let header = precis_payment::wire::encode(&payment)?;
        let paid = send_paid(&town.client, &town.url(), &ask, &header).await?;
        ensure!(paid.status == 200, "{}: {}", paid.status, paid.text());
        let (result, signed) = answer::split(row.task, &paid.body)?;
        let receipt = SignedReceipt::parse(&signed)?;
        let kept = format!("{}{}?keyset={}", town.url(), headers::ATTESTATION_PATH, receipt.receipt.keyset_digest);
        let kept = http::get(&town.client, &kept).await?;
        ensure!(kept.status == 200, "no attestation of the keyset: {}", kept.text());
        let service = verify_archived(&kept.body, &self.policy, receipt.receipt.issued_at);
        let service = service.service.with_context(|| service.transcript.to_string())?;
        let exchange = Exchange {
            method: "POST",
            path: &ask.path,
            media_type: &ask.media_type,
            body: Body::Bytes(&ask.body),
            status_code: 200,
            result: &result,
            receipt: &signed,
            channel: None,
            payment: None,
            document: Some(&ask.body),
            text: None,
            summary: None,
            on_chain: Online::NotAsked,
        };
        let transcript = check_receipt(&service, &exchange, Some(town.now()?));
        ensure!(transcript.is_verified(), "{transcript}");
        self.receipts.push(receipt);
        Ok(())
    }

    /// A payment by our own client, its receipt judged by that, and again from the file that it saved.
    async fn pays_encrypted(&mut self) -> anyhow::Result<()> {
        let document = self.document("encrypted");
        let (file, receipt) = (self.town.dir().join("asked.txt"), self.town.dir().join("asked.receipt.json"));
        std::fs::write(&file, &document)?;
        let to = receipt.to_str().context("path")?;
        self.cli.summarize(&file, &["--receipt", to]).await?.expect(0)?;
        let saved = std::fs::read(&receipt)?;
        std::fs::remove_file(&receipt)?;
        let at = self.town.now()?;
        let beside = Beside { document: Some(document.as_bytes()), ..Beside::default() };
        let appraisal = verify_receipt_file(&saved, &self.policy, at, &beside);
        ensure!(appraisal.transcript.is_verified(), "{}", appraisal.transcript);
        let saved: ReceiptFile = strict::from_slice(&saved, MAX_FILE_BYTES)?;
        self.receipts.push(saved.receipt);
        Ok(())
    }

    fn keysets(&self) -> usize {
        let mut digests: Vec<_> = self.receipts.iter().map(|signed| signed.receipt.keyset_digest).collect();
        digests.sort_unstable();
        digests.dedup();
        digests.len()
    }

    /// All receipts together: none is missing, none was made twice.
    fn conclude(mut self) -> anyhow::Result<Figures> {
        let transcript = check_receipt_chain(&self.receipts, true);
        if !transcript.is_verified() {
            self.figures.failures.push(transcript.to_string());
        }
        (self.figures.receipts, self.figures.keysets) = (self.receipts.len(), self.keysets());
        Ok(self.figures)
    }
}

async fn verified(town: &Town, policy: &Policy) -> anyhow::Result<Session> {
    let found = discover(&town.url(), Connection::default()).await?;
    found.verify(policy, town.now()?).map_err(|appraisal| anyhow::anyhow!("{}", appraisal.transcript))
}
