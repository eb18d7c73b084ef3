//! From the file to the settings: what no single value shows, and the defaults that follow from other values.

use precis_payment::exact::TokenDomain;
use precis_protocol::PerTask;
use precis_protocol::price::Price;

use crate::config::error::ConfigError;
use crate::config::given::Given;
use crate::config::key::Key;
use crate::config::networks::{Known, known};
use crate::config::origin::Origin;
use crate::config::sections::payment::{Network, TaskPrice};
use crate::config::sections::{File, at};
use crate::config::settings::{Config, ContractAccounts, NetworkSettings, Settings};
use crate::config::shapes::{HeadAge, HttpUrl, Upfront};
use crate::config::tasks::Priced;
use crate::config::value::Secret;

/// Predicted work above which payment comes first by default, seconds.
const DEFAULT_UPFRONT_SECONDS: u64 = 3;
/// Longest predicted work that is done unpaid by default where nothing can be paid back, seconds.
const DEFAULT_UNPAID_SECONDS: u64 = 30;
/// Placeholder of a key in the URL of a node.
const KEY_PLACE: &str = "{key}";
/// Most bytes of a mock root.
const MAX_ROOT_BYTES: u64 = 64 * 1024;

/// Checks everything without binding a port or opening a connection.
///
/// # Errors
/// The first setting that cannot work.
pub fn check(file: File, given: &Given) -> Result<Settings, ConfigError> {
    let origin = origin(&file, given)?;
    let (networks, payment) = (networks(&file, given)?, at::payment());
    // All of them or none: what may be paid first, or refunded, does not depend on where it was paid.
    let goes_past_us = networks.iter().any(|network| network.pay_to.is_some());
    let needs_wallet = |key: &Key, why: &str| match goes_past_us {
        true => Err(given.refuse(key, format!("needs the enclave wallet as payee: {why}"))),
        false => Ok(()),
    };
    if file.payment.contract_accounts {
        let key = payment.then("contract_accounts");
        needs_wallet(&key, "contract accounts pay first, and may have to be paid back")?;
    }
    if matches!(file.payment.upfront_above, Some(Upfront::Above(_))) {
        needs_wallet(&payment.then("upfront_above"), "what is paid first may have to be paid back")?;
    }
    if file.sweep.to.is_some() {
        needs_wallet(&at::sweep().then("to"), "its surplus is what is swept")?;
    }
    if file.facilitator.credential.is_some() && file.facilitator.url.is_none() {
        let url = at::facilitator().then("url");
        let credential = at::facilitator().then("credential");
        return Err(given.refuse(&credential, format!("is for {url}, which is not set")));
    }
    if file.ledger.url.is_some() && !cfg!(feature = "postgres") {
        return Err(given.refuse(&at::ledger().then("url"), "needs a build with the feature `postgres`"));
    }
    for (key, url) in urls(&file) {
        no_secret_in_the_file(given, &key, std::slice::from_ref(url))?;
    }
    let upfront_seconds = match (file.payment.upfront_above, goes_past_us) {
        (Some(Upfront::Above(limit)), _) => Some(limit.as_secs()),
        (None, false) => Some(DEFAULT_UPFRONT_SECONDS),
        (Some(Upfront::Never), _) | (None, true) => None,
    };
    let unpaid = file.payment.unpaid_up_to.map(|limit| limit.as_secs());
    let unpaid_seconds = unpaid.or(goes_past_us.then_some(DEFAULT_UNPAID_SECONDS));
    let mock_root = file.attestation.trust_root.as_deref().map(|path| {
        let key = at::attestation().then("trust_root");
        read_root(path).map_err(|error| given.refuse(&key, format!("the file cannot be read: {error}")))
    });
    Ok(Settings {
        origin,
        runtime_id: file.attestation.runtime_id,
        chain_context: file.attestation.chain_context,
        prices: prices(&file, given)?,
        upfront_seconds,
        unpaid_seconds,
        answer_within: file.limits.answer_within,
        mock_root: mock_root.transpose()?,
        facilitator_credential: file.facilitator.credential.map(Secret::reveal),
        config: Config {
            listen: file.server.listen,
            internal_listen: file.server.internal_listen,
            address_file: file.server.address_file,
            trusted_proxies: file.server.trusted_proxies,
            drain_seconds: file.server.drain.as_secs(),
            state_dir: file.ledger.dir,
            ledger_url: file.ledger.url.map(|url| url.reveal().into_string()),
            result_seconds: file.ledger.keep_results.as_secs(),
            model_dir: file.model.dir,
            model: file.model.name,
            batch: file.model.batch,
            kv_mib: file.model.kv_mib.unwrap_or(0),
            queue: file.limits.queue,
            max_unsettled_per_payer: file.limits.unsettled_per_payer,
            answer_seconds: file.limits.answer_within.as_secs(),
            keyset_seconds: file.channel.keyset_lifetime.as_secs(),
            appd_socket: file.attestation.appd_socket,
            oasis_grpc_url: file.attestation.oasis_grpc_url.into_string(),
            nexus_url: file.attestation.nexus_url.into_string(),
            pcs_url: file.attestation.pcs_url.into_string(),
            networks,
            payment_identifier: file.payment.identifier,
            contract_accounts: if file.payment.contract_accounts {
                ContractAccounts::On
            } else {
                ContractAccounts::Off
            },
            facilitator_url: file.facilitator.url.map(HttpUrl::into_string),
            sweep_to: file.sweep.to,
            sweep_keep: file.sweep.keep,
            sweep_seconds: file.sweep.every.as_secs(),
        },
    })
}

fn origin(file: &File, given: &Given) -> Result<Option<Origin>, ConfigError> {
    let (public, platform) = (at::server().then("public_url"), at::server().then("platform_url"));
    match (&file.server.public_url, &file.server.platform_url) {
        (Some(_), Some(_)) => Err(given.refuse(&platform, format!("excludes {public}: one of both"))),
        (Some(url), None) => Origin::measured(url.as_str()).map(Some).map_err(|what| given.refuse(&public, what)),
        (None, Some(url)) => Origin::of_platform(url.as_str()).map(Some).map_err(|what| given.refuse(&platform, what)),
        (None, None) => Ok(None),
    }
}

fn networks(file: &File, given: &Given) -> Result<Vec<NetworkSettings>, ConfigError> {
    let list = at::networks();
    let mut networks: Vec<NetworkSettings> = Vec::new();
    for (index, network) in file.networks.iter().enumerate() {
        let entry = list.entry(index);
        if networks.iter().any(|other| other.network == network.network) {
            return Err(given.refuse(&entry.then("network"), "is there already: each network stands once"));
        }
        if networks.first().is_some_and(|first| first.pay_to.is_some() != network.pay_to.is_some()) {
            let what =
                "has to be set for every network or for none: what is paid past the enclave wallet cannot be refunded";
            return Err(given.refuse(&entry.then("pay_to"), what));
        }
        networks.push(network_settings(network, given, &entry)?);
    }
    if networks.is_empty() { Err(given.refuse(&list, "is required")) } else { Ok(networks) }
}

fn network_settings(network: &Network, given: &Given, entry: &Key) -> Result<NetworkSettings, ConfigError> {
    let known = known(network.network);
    // Name and version belong to the token: those of another are no default.
    let same = known.filter(|known| network.asset.is_none_or(|asset| asset == known.usdc.address));
    let same = same.map(|known| known.usdc);
    let missing = |name: &str| {
        given.refuse(&entry.then(name), format!("is required for this token: {} has no default", network.network))
    };
    let name = network.asset_name.clone().or_else(|| same.map(|usdc| usdc.name.to_owned()));
    let version = network.asset_version.clone().or_else(|| same.map(|usdc| usdc.version.to_owned()));
    Ok(NetworkSettings {
        network: network.network,
        asset: network.asset.or(same.map(|usdc| usdc.address)).ok_or_else(|| missing("asset"))?,
        domain: TokenDomain {
            name: name.ok_or_else(|| missing("asset_name"))?,
            version: version.ok_or_else(|| missing("asset_version"))?,
        },
        rpc_url: node(network, known, given, entry)?,
        pay_to: network.pay_to,
        confirmations: network.confirmations,
        confirm_seconds: network.confirm_within.as_secs(),
        head_seconds: network.head_age.map(|age| match age {
            HeadAge::Any => 0,
            HeadAge::Within(age) => age.as_secs(),
        }),
        max_gas_gwei: network.max_gas_gwei,
        coin_units: network.coin_units,
        gas_share_percent: network.gas_share_percent,
    })
}

/// The URL of the node, with its key.
fn node(network: &Network, known: Option<Known>, given: &Given, entry: &Key) -> Result<String, ConfigError> {
    let (urls, keys) = (entry.then("rpc_urls"), entry.then("rpc_keys"));
    no_secret_in_the_file(given, &urls, &network.rpc_urls)?;
    let url = match (network.rpc_urls.as_slice(), known) {
        ([url], _) => url.as_str().to_owned(),
        ([], Some(known)) => known.rpc_url.to_owned(),
        ([], None) => return Err(given.refuse(&urls, format!("is required: {} has no default", network.network))),
        ([_, ..], _) => return Err(given.refuse(&urls, "has more than one node, and one is used: leave one")),
    };
    match (url.contains(KEY_PLACE), network.rpc_keys.as_slice()) {
        (false, []) => Ok(url),
        (true, [key]) => Ok(url.replace(KEY_PLACE, &key.clone().reveal())),
        (wanted, _) => {
            let what = format!("has to hold {} keys: as many as URLs with {KEY_PLACE}", u8::from(wanted));
            Err(given.refuse(&keys, what))
        }
    }
}

fn urls(file: &File) -> Vec<(Key, &HttpUrl)> {
    let attestation = at::attestation();
    let mut urls = vec![
        (attestation.then("oasis_grpc_url"), &file.attestation.oasis_grpc_url),
        (attestation.then("nexus_url"), &file.attestation.nexus_url),
        (attestation.then("pcs_url"), &file.attestation.pcs_url),
    ];
    urls.extend(file.facilitator.url.as_ref().map(|url| (at::facilitator().then("url"), url)));
    urls
}

/// Refuses URLs with secrets in them where they stand in the file.
fn no_secret_in_the_file(given: &Given, key: &Key, urls: &[HttpUrl]) -> Result<(), ConfigError> {
    if given.is_in_the_file(key) && urls.iter().any(HttpUrl::carries_secrets) {
        let what =
            format!("carries a user, a password or a query, which may be secrets: give it as {}", key.variable());
        return Err(given.refuse(key, what));
    }
    Ok(())
}

fn prices(file: &File, given: &Given) -> Result<PerTask<Price>, ConfigError> {
    let price = |(priced, set): &(&Priced, TaskPrice)| {
        let base = set.base.unwrap_or(priced.price.base);
        let per_1k_tokens = set.per_1k_tokens.unwrap_or(priced.price.per_1k_tokens);
        if base == 0 && per_1k_tokens == 0 {
            let key = at::task(priced.task.id()).then("base");
            return Err(given.refuse(&key, "is zero, and so is `per_1k_tokens`: not both"));
        }
        Ok((priced.task, Price { base, per_1k_tokens }))
    };
    file.prices.iter().map(price).collect()
}

fn read_root(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_ROOT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
