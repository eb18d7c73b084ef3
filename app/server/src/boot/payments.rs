//! How the service comes to be paid: the ledger is opened, the chain checked, the facilitator made.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use anyhow::Context as _;
use k256::ecdsa::SigningKey;
use precis_payment::authorize::address_of;
use precis_payment::chain::{Asset, AssetError, ChainView};
use precis_payment::exact::TokenDomain;
use precis_payment::facilitator::{Facilitator, SignedTransaction, Unavailable};
use precis_payment::http::facilitator_client;
use precis_payment::local::{GasBudget, LocalFacilitator, LocalOptions};
use precis_payment::remote::HttpFacilitator;
use precis_store::{Broadcast, EmbeddedLedger, Flow, Ledger, Record, SealingKey, State};

use super::keys::Shared;
use super::leases::LedgerLeases;
use crate::config::{ContractAccounts, Settings};
use crate::random;
use crate::readiness::Readiness;
use crate::service::Payments;

/// Longest wait for one answer of the node or a remote facilitator.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
const WEI_PER_GWEI: u128 = 1_000_000_000;
/// The ledger's file in the state directory.
const LEDGER_FILE: &str = "ledger.redb";

/// Opens the ledger and checks the chain; an absent chain is waited for, a wrong one refuses the start.
///
/// # Errors
/// A ledger that cannot be opened, or a configuration that the chain contradicts.
pub(super) async fn open(
    settings: &Settings,
    shared: &Shared,
    readiness: &Readiness,
    around: fn(Arc<dyn Ledger>) -> Arc<dyn Ledger>,
) -> anyhow::Result<Payments> {
    let config = &settings.config;
    let domain = TokenDomain { name: config.asset_name.clone(), version: config.asset_version.clone() };
    let asset = Asset { network: config.network, address: config.asset, domain };
    let http = precis_payment::http::client(CALL_TIMEOUT)?;
    let chain = ChainView::new(http, &config.rpc_url, asset)?;
    let checked = readiness.until("payment chain", async || match chain.check_asset().await {
        Err(error @ AssetError::Chain { .. }) => Err(error),
        outcome => Ok(outcome),
    });
    checked.await?;
    let wallet = shared.wallet.clone();
    let ledger = around(open_ledger(settings, shared, readiness).await?);
    let confirm_timeout = Duration::from_secs(config.confirm_seconds);
    let facilitator: Arc<dyn Facilitator> = match &config.facilitator_url {
        None => Arc::new(local(settings, chain.clone(), &wallet, &ledger).await?),
        Some(url) => {
            let http = facilitator_client(CALL_TIMEOUT, settings.facilitator_credential.as_ref())?;
            let remote = HttpFacilitator::new(http, url, chain.clone())?.with_confirm_timeout(confirm_timeout);
            Arc::new(remote.with_confirmations(config.confirmations))
        }
    };
    // What time can heal is waited for; what only the configuration can is not.
    let able = readiness.until("settlement", async || match facilitator.ready().await {
        Err(why @ (Unavailable::WrongChain | Unavailable::Unsupported)) => Ok(Err(why)),
        Err(Unavailable::NoGas) => Err(format!("{}: {}", Unavailable::NoGas, shared.wallet_address())),
        Err(why) => Err(why.to_string()),
        Ok(()) => Ok(Ok(())),
    });
    able.await.context("facilitator")?;
    let remote = config.facilitator_url.is_some();
    Ok(Payments::new(ledger, facilitator, chain, wallet, remote))
}

/// The facilitator in this process: its wallet's nonces are leased in the ledger, and what an earlier life sent is followed
/// on.
async fn local(
    settings: &Settings,
    chain: ChainView,
    wallet: &SigningKey,
    ledger: &Arc<dyn Ledger>,
) -> anyhow::Result<LocalFacilitator> {
    let config = &settings.config;
    let (confirm_timeout, options) = (Duration::from_secs(config.confirm_seconds), LocalOptions::default());
    let options = LocalOptions {
        confirm_timeout,
        // A stuck transaction is replaced while it is still waited for.
        replace_after: options.replace_after.min(confirm_timeout / 2),
        confirmations: config.confirmations,
        max_fee_per_gas: u128::from(config.max_gas_gwei) * WEI_PER_GWEI,
        budget: config
            .coin_units
            .map(|units_per_coin| GasBudget { share_percent: config.gas_share_percent, units_per_coin }),
        contract_accounts: config.contract_accounts == ContractAccounts::On,
    };
    let holder = random::bytes().context("random")?;
    let leases = LedgerLeases::new(Arc::clone(ledger), holder, config.network, address_of(wallet));
    let facilitator = LocalFacilitator::sharing(chain, wallet.clone(), options, Arc::new(leases));
    match ledger.unfinished().await {
        Ok(open) => open.records.iter().filter_map(sent).for_each(|transaction| facilitator.adopt(&transaction)),
        // The node tells what waits, if not for what.
        Err(why) => tracing::warn!(event = "wallet.not_recovered", why = %why),
    }
    Ok(facilitator)
}

/// The transaction of a job that may not be mined yet. That of a job to be paid first is left alone: if it never left, nothing
/// may be charged as long as the document is gone.
fn sent(record: &Record) -> Option<SignedTransaction> {
    if record.flow == Flow::Upfront && matches!(record.state, State::Settling { .. } | State::Unknown { .. }) {
        return None;
    }
    let (State::Settling { broadcast } | State::Unknown { broadcast } | State::Refunding { broadcast, .. }) =
        &record.state
    else {
        return None;
    };
    let Broadcast { transaction, raw } = broadcast.as_ref()?;
    Some(SignedTransaction { hash: B256::from(*transaction), raw: raw.clone().into() })
}

async fn open_ledger(settings: &Settings, shared: &Shared, readiness: &Readiness) -> anyhow::Result<Arc<dyn Ledger>> {
    let config = &settings.config;
    let key = || SealingKey::new(*shared.sealing);
    if let Some(url) = &config.ledger_url {
        return shared_ledger(url, key, readiness).await;
    }
    std::fs::create_dir_all(&config.state_dir).with_context(|| format!("create {}", config.state_dir.display()))?;
    let path = config.state_dir.join(LEDGER_FILE);
    let ledger = EmbeddedLedger::open(&path, key()).await.with_context(|| format!("open {}", path.display()))?;
    Ok(Arc::new(ledger))
}

#[cfg(feature = "postgres")]
async fn shared_ledger(
    url: &str,
    key: impl Fn() -> SealingKey,
    readiness: &Readiness,
) -> anyhow::Result<Arc<dyn Ledger>> {
    use precis_store::{LedgerError, PostgresLedger};
    let opened = readiness.until("ledger", async || match PostgresLedger::connect(url, key()).await {
        Err(
            error @ (LedgerError::WrongKey
            | LedgerError::Corrupt(_)
            | LedgerError::Newer { .. }
            | LedgerError::Older { .. }),
        ) => Ok(Err(error)),
        Ok(ledger) => Ok(Ok(ledger)),
        Err(error) => Err(error),
    });
    Ok(Arc::new(opened.await.context("ledger")?))
}

#[cfg(not(feature = "postgres"))]
async fn shared_ledger(_: &str, _: impl Fn() -> SealingKey, _: &Readiness) -> anyhow::Result<Arc<dyn Ledger>> {
    anyhow::bail!("this build has no ledger that is shared; build with the feature `postgres`")
}
