//! Preparations to be paid: the ledger is opened, the networks are checked, their facilitators made.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256};
use anyhow::Context as _;
use k256::ecdsa::SigningKey;
use precis_payment::authorize::address_of;
use precis_payment::chain::{Asset, AssetError, ChainView};
use precis_payment::facilitator::{Facilitator, SignedTransaction, Unavailable};
use precis_payment::http::facilitator_client;
use precis_payment::local::{GasBudget, LocalFacilitator, LocalOptions};
use precis_payment::remote::HttpFacilitator;
use precis_store::{Broadcast, EmbeddedLedger, Flow, Ledger, Record, SealingKey, State};

use super::keys::Shared;
use super::leases::LedgerLeases;
use crate::config::{ContractAccounts, NetworkSettings, Settings};
use crate::random;
use crate::readiness::Readiness;
use crate::service::{Payments, Rail};

/// Longest wait for one answer of the node or a remote facilitator.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
const WEI_PER_GWEI: u128 = 1_000_000_000;
/// The ledger's file in the state directory.
const LEDGER_FILE: &str = "ledger.redb";

/// Opens the ledger and checks the networks. It waits for one of them; those that do not answer yet are looked at later. A
/// network that contradicts the settings refuses the start.
///
/// # Errors
/// A ledger that cannot be opened, or a configuration that a chain contradicts.
pub(super) async fn open(
    settings: &Settings,
    shared: &Shared,
    readiness: &Readiness,
    around: fn(Arc<dyn Ledger>) -> Arc<dyn Ledger>,
) -> anyhow::Result<Payments> {
    let config = &settings.config;
    let http = precis_payment::http::client(CALL_TIMEOUT)?;
    let chains = config.networks.iter().map(|network| chain(&http, network)).collect::<anyhow::Result<Vec<_>>>()?;
    let checked = readiness.until("payment chain", async || checked(&chains).await).await?;
    let wallet = shared.wallet.clone();
    let ledger = around(open_ledger(settings, shared, readiness).await?);
    let open = match ledger.unfinished().await {
        Ok(open) => open.records,
        // The node tells what waits, if not for what.
        Err(why) => {
            tracing::warn!(event = "wallet.not_recovered", why = %why);
            Vec::new()
        }
    };
    let holder = random::bytes().context("random")?;
    let mut rails = Vec::new();
    for ((network, chain), checked) in config.networks.iter().zip(chains).zip(checked) {
        let leases = LedgerLeases::new(Arc::clone(&ledger), holder, network.network, address_of(&wallet));
        let facilitator: Arc<dyn Facilitator> = match &config.facilitator_url {
            None => Arc::new(local(settings, network, chain.clone(), &wallet, leases, &open)),
            Some(url) => Arc::new(remote(settings, network, chain.clone(), url)?),
        };
        let payee = network.pay_to.unwrap_or_else(|| shared.wallet_address());
        rails.push(Rail::new(network.clone(), facilitator, chain, payee, checked));
    }
    // What time can heal is waited for; what only the configuration can is not.
    let able = readiness.until("settlement", async || able(&rails, shared.wallet_address()).await);
    able.await.context("facilitator")?;
    Ok(Payments::new(ledger, wallet, rails, config.facilitator_url.is_some()))
}

fn chain(http: &reqwest::Client, network: &NetworkSettings) -> anyhow::Result<ChainView> {
    let asset = Asset { network: network.network, address: network.asset, domain: network.domain.clone() };
    ChainView::new(http.clone(), &network.rpc_url, asset).with_context(|| network.network.to_string())
}

/// For each chain, whether it answers. One that answers has the configured token.
///
/// # Errors
/// The first network's reason, if none answers. Inside: a chain or a token that is not the configured one.
async fn checked(chains: &[ChainView]) -> Result<anyhow::Result<Vec<bool>>, String> {
    let named = |chain: &ChainView, error: &AssetError| format!("{}: {error}", chain.asset().network);
    let outcomes = futures::future::join_all(chains.iter().map(ChainView::check_asset)).await;
    let (mut checked, mut first) = (Vec::new(), None);
    for (chain, outcome) in chains.iter().zip(outcomes) {
        match outcome {
            Ok(()) => checked.push(true),
            Err(error @ AssetError::Chain { .. }) => {
                first.get_or_insert_with(|| named(chain, &error));
                checked.push(false);
            }
            Err(error) => {
                let told = named(chain, &error);
                return Ok(Err(anyhow::Error::new(error).context(told)));
            }
        }
    }
    match first {
        Some(why) if !checked.contains(&true) => Err(why),
        _ => Ok(Ok(checked)),
    }
}

/// Checks that one of the networks can settle. Those that have not answered yet are asked again.
///
/// # Errors
/// The first network's reason, if none can. Inside: what only the configuration can heal.
async fn able(rails: &[Rail], wallet: Address) -> Result<anyhow::Result<()>, String> {
    let outcomes = futures::future::join_all(rails.iter().map(ready)).await;
    let (mut able, mut first) = (false, None);
    for (network, outcome) in rails.iter().map(Rail::network).zip(outcomes) {
        match outcome {
            Ok(Ok(())) => able = true,
            Ok(Err(why @ (Unavailable::WrongChain | Unavailable::Unsupported))) => {
                return Ok(Err(anyhow::Error::new(why).context(network.to_string())));
            }
            Ok(Err(why @ Unavailable::NoGas)) => {
                first.get_or_insert_with(|| format!("{network}: {why}: {wallet}"));
            }
            Ok(Err(why)) => {
                first.get_or_insert_with(|| format!("{network}: {why}"));
            }
            Err(why @ AssetError::Chain { .. }) => {
                first.get_or_insert_with(|| format!("{network}: {why}"));
            }
            Err(why) => return Ok(Err(anyhow::Error::new(why).context(network.to_string()))),
        }
    }
    match first {
        Some(why) if !able => Err(why),
        _ => Ok(Ok(())),
    }
}

/// Asks a network whether it could settle, once its chain was seen to have the configured token.
async fn ready(rail: &Rail) -> Result<Result<(), Unavailable>, AssetError> {
    if !rail.is_checked() {
        rail.chain.check_asset().await?;
        rail.set_checked();
        rail.found_chain(Ok(()));
    }
    let answer = rail.facilitator.ready().await;
    rail.found_settlement(answer);
    Ok(answer)
}

/// The facilitator in this process: its wallet's nonces are leased in the ledger, and what an earlier life sent is followed
/// on.
fn local(
    settings: &Settings,
    network: &NetworkSettings,
    chain: ChainView,
    wallet: &SigningKey,
    leases: LedgerLeases,
    open: &[Record],
) -> LocalFacilitator {
    let (confirm_timeout, options) = (Duration::from_secs(network.confirm_seconds), LocalOptions::default());
    let options = LocalOptions {
        confirm_timeout,
        // A stuck transaction is replaced while it is still waited for.
        replace_after: options.replace_after.min(confirm_timeout / 2),
        confirmations: network.confirmations,
        max_fee_per_gas: u128::from(network.max_gas_gwei) * WEI_PER_GWEI,
        budget: network
            .coin_units
            .map(|units_per_coin| GasBudget { share_percent: network.gas_share_percent, units_per_coin }),
        contract_accounts: settings.config.contract_accounts == ContractAccounts::On,
    };
    let facilitator = LocalFacilitator::sharing(chain, wallet.clone(), options, Arc::new(leases));
    let name = network.network.to_string();
    let here = open.iter().filter(|record| record.authorization.network == name);
    here.filter_map(sent).for_each(|transaction| facilitator.adopt(&transaction));
    facilitator
}

fn remote(
    settings: &Settings,
    network: &NetworkSettings,
    chain: ChainView,
    url: &str,
) -> anyhow::Result<HttpFacilitator> {
    let http = facilitator_client(CALL_TIMEOUT, settings.facilitator_credential.as_ref())?;
    let confirm_timeout = Duration::from_secs(network.confirm_seconds);
    let facilitator = HttpFacilitator::new(http, url, chain)?.with_confirm_timeout(confirm_timeout);
    Ok(facilitator.with_confirmations(network.confirmations))
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
