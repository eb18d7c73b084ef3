//! The ledger that several instances share: tables in a PostgreSQL database, one transaction per change.
//!
//! The database is not trusted with what it keeps. It sees sealed values, blinded keys, sizes and times; an altered, exchanged or repointed row
//! is [`LedgerError::Corrupt`]. It can withhold or put back what it had before, as the host of an embedded ledger can.

mod connect;
mod documents;
mod entry;
mod failure;
mod holds;
mod migrate;
mod probe;
mod reads;
mod schema;
mod shared;
mod writes;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::claim::{ClaimKey, JobId};
use crate::error::LedgerError;
use crate::format::{FORMAT, FORMATS, Formats};
use crate::ledger::{Claim, Cursor, Hold, Holder, Ledger, LedgerHealth, Listing};
use crate::record::{Change, JobResult, NewClaim, Record};
use crate::seal::{SealingKey, Vault};
use crate::state::State;
use crate::vitals::Vitals;
use failure::{Failure, retried};
use shared::Shared;

/// What a call may take, with its attempts. Longer than what the server allows a statement, so that mostly the server ends it.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// What connecting may take, with a migration of every row.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1_800);

/// A [`Ledger`] in a PostgreSQL database, for any number of processes at a time. Times of holds are the database's.
///
/// Needs a Tokio runtime with time and I/O. Calls fail with [`LedgerError::Unreachable`] while the database is away and work again once it is back.
#[derive(Clone)]
pub struct PostgresLedger(Arc<Shared>);

impl PostgresLedger {
    /// Connects to the database at `url` (`postgresql://…`, or `key=value` pairs as libpq takes them) and makes the tables there if there are none,
    /// in the first schema of its `search_path`.
    ///
    /// Over TCP, TLS is required and the server's name and certificate are verified (by the Web's roots), whether `sslmode` is `require`, `verify-full` or
    /// absent; only `sslmode=disable` goes without. A Unix socket has no TLS.
    ///
    /// # Errors
    /// [`LedgerError::Unsuitable`] if the address, the login, the certificate or the server's settings are wrong, [`LedgerError::Unreachable`] if nobody
    /// answers within seconds. [`LedgerError::WrongKey`] and [`LedgerError::Corrupt`] leave the database as it was.
    pub async fn connect(url: &str, key: SealingKey) -> Result<Self, LedgerError> {
        Self::open(url, None, key).await
    }

    /// As [`PostgresLedger::connect`], but the server's certificate must come from one of `roots` (PEM, at least one), and the Web's roots count for nothing.
    ///
    /// # Errors
    /// As [`PostgresLedger::connect`]; [`LedgerError::Unsuitable`] too if `roots` has no certificate.
    pub async fn connect_with_roots(url: &str, roots: &[u8], key: SealingKey) -> Result<Self, LedgerError> {
        Self::open(url, Some(roots), key).await
    }

    async fn open(url: &str, roots: Option<&[u8]>, key: SealingKey) -> Result<Self, LedgerError> {
        Self::open_of(url, roots, key, &FORMATS).await
    }

    async fn open_of(
        url: &str,
        roots: Option<&[u8]>,
        key: SealingKey,
        formats: &'static Formats,
    ) -> Result<Self, LedgerError> {
        let ledger = Self(Arc::new(Shared {
            pool: connect::pool(url, roots)?,
            vault: Vault::new(&key),
            vitals: Vitals::default(),
            lost: watch::Sender::new(None),
            probing: AtomicBool::new(false),
        }));
        let prepared =
            ledger.within(CONNECT_TIMEOUT, move |shared| async move { schema::prepare(&shared, formats).await });
        prepared.await?;
        Ok(ledger)
    }

    /// Runs a call to its end, whether or not its caller waits for that.
    async fn run<T, C, F>(&self, call: C) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        C: Fn(Arc<Shared>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let outcome = self.within(CALL_TIMEOUT, call).await;
        if let Err(error) = &outcome
            && error.is_outage()
        {
            probe::until_stored(&self.0, error);
        }
        outcome
    }

    /// As `run`, for what changes something.
    async fn write<T, C, F>(&self, call: C) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        C: Fn(Arc<Shared>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let outcome = self.run(call).await;
        if outcome.is_ok() {
            self.0.vitals.stored();
        }
        outcome
    }

    async fn within<T, C, F>(&self, time: Duration, call: C) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        C: Fn(Arc<Shared>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let shared = Arc::clone(&self.0);
        let call = tokio::spawn(async move {
            let attempts = retried(|| call(Arc::clone(&shared)));
            tokio::time::timeout(time, attempts).await.unwrap_or(Err(LedgerError::Unreachable("it took too long")))
        });
        call.await.unwrap_or(Err(LedgerError::Storage(std::io::ErrorKind::Interrupted)))
    }
}

#[async_trait]
impl Ledger for PostgresLedger {
    async fn claim(&self, new: NewClaim) -> Result<Claim, LedgerError> {
        let limits = (new.max_unsettled, new.funds);
        let record = Arc::new(new.into_record()?);
        self.write(move |shared| {
            let record = Arc::clone(&record);
            async move { shared.claim(&record, limits).await }
        })
        .await
    }

    async fn get(&self, key: &ClaimKey) -> Result<Option<Record>, LedgerError> {
        let key = *key;
        self.run(move |shared| async move { shared.get(&key).await }).await
    }

    async fn by_job_id(&self, id: &JobId) -> Result<Option<Record>, LedgerError> {
        let id = *id;
        self.run(move |shared| async move { shared.by_job_id(&id).await }).await
    }

    async fn advance(&self, key: &ClaimKey, expected: u64, change: Change) -> Result<Record, LedgerError> {
        if matches!(change.to, State::Settled { .. }) {
            return Err(LedgerError::ResultRequired);
        }
        self.change(key, expected, change).await
    }

    async fn finish_settled(
        &self,
        key: &ClaimKey,
        expected: u64,
        transaction: [u8; 32],
        result: JobResult,
        at: u64,
    ) -> Result<Record, LedgerError> {
        self.change(key, expected, Change::to(State::Settled { transaction }, at).with_result(result)).await
    }

    async fn by_identifier(&self, identifier: &[u8; 32]) -> Result<Option<Record>, LedgerError> {
        let identifier = *identifier;
        self.run(move |shared| async move { shared.by_identifier(&identifier).await }).await
    }

    async fn hold(&self, key: &ClaimKey, holder: &Holder, time: Duration) -> Result<Hold, LedgerError> {
        let (key, holder) = (*key, *holder);
        self.run(move |shared| async move { shared.hold(&key, &holder, time).await }).await
    }

    async fn release(&self, key: &ClaimKey, holder: &Holder) -> Result<(), LedgerError> {
        let (key, holder) = (*key, *holder);
        self.run(move |shared| async move { shared.release(&key, &holder).await }).await
    }

    async fn unfinished(&self) -> Result<Listing, LedgerError> {
        self.run(|shared| async move { shared.unfinished().await }).await
    }

    async fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Listing, LedgerError> {
        self.run(move |shared| async move { shared.page(after, limit).await }).await
    }

    async fn unsettled_of(&self, payer: &[u8; 20]) -> Result<u64, LedgerError> {
        let payer = *payer;
        self.run(move |shared| async move { shared.unsettled_of(&payer).await }).await
    }

    async fn keep(&self, name: &[u8; 32], document: &[u8], at: u64) -> Result<(), LedgerError> {
        let (name, document): (_, Arc<[u8]>) = (*name, document.into());
        self.write(move |shared| {
            let document = Arc::clone(&document);
            async move { shared.keep(&name, &document, at).await }
        })
        .await
    }

    async fn kept(&self, name: &[u8; 32]) -> Result<Option<Vec<u8>>, LedgerError> {
        let name = *name;
        self.run(move |shared| async move { shared.kept(&name).await }).await
    }

    async fn expire(&self, before: u64) -> Result<u64, LedgerError> {
        // Taking away is no proof that there is room.
        self.run(move |shared| async move { shared.expire(before).await }).await
    }

    fn health(&self) -> LedgerHealth {
        self.0.vitals.health(FORMAT)
    }

    async fn lost(&self) -> LedgerError {
        let mut lost = self.0.lost.subscribe();
        let why = lost.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        match why {
            Some(why) => why,
            // The sender lives as long as this.
            None => std::future::pending().await,
        }
    }
}

impl PostgresLedger {
    async fn change(&self, key: &ClaimKey, expected: u64, change: Change) -> Result<Record, LedgerError> {
        let (key, change) = (*key, Arc::new(change));
        self.write(move |shared| {
            let change = Arc::clone(&change);
            async move { shared.change(&key, expected, &change).await }
        })
        .await
    }
}
