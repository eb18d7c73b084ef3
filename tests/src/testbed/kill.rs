//! A ledger that ends its own process at one transition, as a power cut would: just before it is written, or just after.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use precis_store::{
    Change, Claim, ClaimKey, Cursor, Hold, Holder, JobId, JobResult, Ledger, LedgerError, LedgerHealth, Listing,
    NewClaim, Record, Stage, State,
};

/// What a transition into the ledger comes from.
const NONE: &str = "none";

/// On which side of the durable change the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The change was not made.
    Before,
    /// The change is durable, and nobody knows yet.
    After,
    /// The process lives, the change was not made, and it is told that it was: for the auditor to find out.
    Forgotten,
}

/// A transition at which the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// Where the job stood; none if it was not there.
    pub before: Option<Stage>,
    /// Where it goes.
    pub next: Stage,
    /// Which side.
    pub when: When,
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.when {
            When::Before => "before",
            When::After => "after",
            When::Forgotten => "forgotten",
        };
        write!(f, "{}>{}:{when}", self.before.map_or(NONE, Stage::name), self.next.name())
    }
}

impl FromStr for Kill {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let stage = |name: &str| Stage::ALL.into_iter().find(|stage| stage.name() == name);
        let parse = || {
            let (transition, when) = text.split_once(':')?;
            let (before, next) = transition.split_once('>')?;
            let before = if before == NONE { None } else { Some(stage(before)?) };
            let when = match when {
                "before" => When::Before,
                "after" => When::After,
                "forgotten" => When::Forgotten,
                _ => return None,
            };
            Some(Self { before, next: stage(next)?, when })
        };
        parse().ok_or_else(|| anyhow::anyhow!("`{text}` is not BEFORE>NEXT:before, :after or :forgotten"))
    }
}

/// The ledger around another one.
pub struct Fatal {
    inner: Arc<dyn Ledger>,
    kill: Kill,
}

impl Fatal {
    /// Ends the process at `kill`.
    #[must_use]
    pub fn new(inner: Arc<dyn Ledger>, kill: Kill) -> Self {
        Self { inner, kill }
    }

    async fn at(&self, before: Option<Stage>, next: Stage, when: When) {
        if self.kill == (Kill { before, next, when }) {
            // The shell's parent is this process. Nothing of it runs on from here but what others of its threads do
            // until the signal arrives.
            drop(std::process::Command::new("/bin/sh").args(["-c", "kill -9 $PPID"]).status());
            loop {
                tokio::time::sleep(Duration::from_secs(3600)).await;
            }
        }
    }

    async fn stage(&self, key: &ClaimKey) -> Result<Option<Stage>, LedgerError> {
        Ok(self.inner.get(key).await?.map(|record| record.state.stage()))
    }

    /// What a change would have made of the job, if it is to be forgotten.
    async fn forgotten(&self, key: &ClaimKey, to: &State, result: Option<&JobResult>) -> Option<Record> {
        let mut record = self.inner.get(key).await.ok()??;
        let change = Kill { before: Some(record.state.stage()), next: to.stage(), when: When::Forgotten };
        if self.kill != change {
            return None;
        }
        record.version += 1;
        record.state = to.clone();
        record.result = result.cloned().or(record.result);
        Some(record)
    }
}

#[async_trait]
impl Ledger for Fatal {
    async fn claim(&self, new: NewClaim) -> Result<Claim, LedgerError> {
        self.at(None, Stage::Claimed, When::Before).await;
        let claim = self.inner.claim(new).await?;
        if matches!(claim, Claim::Fresh(_)) {
            self.at(None, Stage::Claimed, When::After).await;
        }
        Ok(claim)
    }

    async fn advance(&self, key: &ClaimKey, expected: u64, change: Change) -> Result<Record, LedgerError> {
        if let Some(record) = self.forgotten(key, &change.to, change.result.as_ref()).await {
            return Ok(record);
        }
        let (before, next) = (self.stage(key).await?, change.to.stage());
        self.at(before, next, When::Before).await;
        let record = self.inner.advance(key, expected, change).await?;
        self.at(before, next, When::After).await;
        Ok(record)
    }

    async fn finish_settled(
        &self,
        key: &ClaimKey,
        expected: u64,
        transaction: [u8; 32],
        result: JobResult,
        at: u64,
    ) -> Result<Record, LedgerError> {
        if let Some(record) = self.forgotten(key, &State::Settled { transaction }, Some(&result)).await {
            return Ok(record);
        }
        let before = self.stage(key).await?;
        self.at(before, Stage::Settled, When::Before).await;
        let record = self.inner.finish_settled(key, expected, transaction, result, at).await?;
        self.at(before, Stage::Settled, When::After).await;
        Ok(record)
    }

    async fn get(&self, key: &ClaimKey) -> Result<Option<Record>, LedgerError> {
        self.inner.get(key).await
    }

    async fn by_job_id(&self, id: &JobId) -> Result<Option<Record>, LedgerError> {
        self.inner.by_job_id(id).await
    }

    async fn by_identifier(&self, identifier: &[u8; 32]) -> Result<Option<Record>, LedgerError> {
        self.inner.by_identifier(identifier).await
    }

    async fn hold(&self, key: &ClaimKey, holder: &Holder, time: Duration) -> Result<Hold, LedgerError> {
        self.inner.hold(key, holder, time).await
    }

    async fn release(&self, key: &ClaimKey, holder: &Holder) -> Result<(), LedgerError> {
        self.inner.release(key, holder).await
    }

    async fn unfinished(&self) -> Result<Listing, LedgerError> {
        self.inner.unfinished().await
    }

    async fn page(&self, after: Option<Cursor>, limit: usize) -> Result<Listing, LedgerError> {
        self.inner.page(after, limit).await
    }

    async fn unsettled_of(&self, payer: &[u8; 20]) -> Result<u64, LedgerError> {
        self.inner.unsettled_of(payer).await
    }

    async fn keep(&self, name: &[u8; 32], document: &[u8], at: u64) -> Result<(), LedgerError> {
        self.inner.keep(name, document, at).await
    }

    async fn kept(&self, name: &[u8; 32]) -> Result<Option<Vec<u8>>, LedgerError> {
        self.inner.kept(name).await
    }

    async fn expire(&self, before: u64) -> Result<u64, LedgerError> {
        self.inner.expire(before).await
    }

    fn health(&self) -> LedgerHealth {
        self.inner.health()
    }

    async fn lost(&self) -> LedgerError {
        self.inner.lost().await
    }
}
