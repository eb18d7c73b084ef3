//! Which tokens open jobs were paid in. What is charged or paid back in another one than was signed for is somebody's loss, so
//! a service does not start with settings that lack a token it still has to do with.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use precis_payment::exact::TokenDomain;
use precis_store::{Ledger, Record};

use super::context::Context;
use crate::config::Config;

/// Tokens that one message names.
const MAX_NAMED: usize = 8;

/// A token as a job's record names it; without its domain if the record's context cannot be read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Token {
    network: String,
    asset: Address,
    domain: Option<(String, String)>,
}

impl Token {
    fn of(record: &Record) -> Self {
        let announced = Context::of(record).ok().and_then(|context| TokenDomain::announced(&context.payment.accepted));
        Self {
            network: record.authorization.network.clone(),
            asset: record.authorization.asset.into(),
            domain: announced.map(|TokenDomain { name, version }| (name, version)),
        }
    }

    fn is_configured(&self, config: &Config) -> bool {
        self.network == config.network.to_string()
            && self.asset == config.asset
            && self
                .domain
                .as_ref()
                .is_none_or(|(name, version)| *name == config.asset_name && *version == config.asset_version)
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}", self.asset, self.network)?;
        match &self.domain {
            Some((name, version)) => write!(f, " (name {name:?}, version {version:?})"),
            None => Ok(()),
        }
    }
}

/// Checks that every open job was paid in the configured token.
///
/// # Errors
/// A sentence for the operator that names the tokens which the settings lack; or the ledger's.
pub(crate) async fn check_open_jobs(ledger: &dyn Ledger, config: &Config) -> anyhow::Result<()> {
    let mut lacking: BTreeMap<Token, u64> = BTreeMap::new();
    for record in ledger.unfinished().await?.records {
        let token = Token::of(&record);
        if !token.is_configured(config) {
            *lacking.entry(token).or_default() += 1;
        }
    }
    if lacking.is_empty() {
        return Ok(());
    }
    let named = lacking.iter().take(MAX_NAMED).map(|(token, jobs)| format!("{token}: {jobs}"));
    anyhow::bail!(
        "the ledger has open jobs that were paid in other tokens than the configured {} on {}: {}; set network, asset, name \
         and version to theirs until these jobs have ended",
        config.asset,
        config.network,
        named.collect::<Vec<_>>().join(", ")
    )
}
