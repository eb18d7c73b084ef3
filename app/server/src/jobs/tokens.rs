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
        config.networks.iter().any(|network| {
            let domain = &network.domain;
            self.network == network.network.to_string()
                && self.asset == network.asset
                && self.domain.as_ref().is_none_or(|(name, version)| *name == domain.name && *version == domain.version)
        })
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

/// Checks that every open job was paid in a configured token.
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
    let configured = config.networks.iter().map(|network| format!("{} on {}", network.asset, network.network));
    anyhow::bail!(
        "the ledger has open jobs that were paid in other tokens than the configured {}: {}; set network, asset, name and \
         version to theirs, beside the others, until these jobs have ended",
        configured.collect::<Vec<_>>().join(", "),
        named.collect::<Vec<_>>().join(", ")
    )
}
