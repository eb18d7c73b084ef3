//! Keys: fresh ones for each keyset, app-scoped ones from the platform's KMS, and the keyset that shows them all (SPEC 2).

use alloy_primitives::Address;
use ed25519_dalek::SigningKey;
use precis_channel::ChannelKey;
use precis_protocol::keyset::{Keys, Keyset, PayToOrigin, PaymentTarget, Release, Scheme};
use precis_protocol::tags;
use precis_rofl::appd::{Appd, AppdError, KeyKind};
use zeroize::Zeroizing;

use crate::config::Settings;
use crate::service::{Engine, Generation, Payments, Rail, SecretKeys};
use crate::{clock, random};

/// What the platform derives for the application: the same for every replica and code version, so it signs no receipt.
pub struct Shared {
    /// bech32 app id.
    pub app_id: String,
    /// Receives payments and pays gas.
    pub wallet: k256::ecdsa::SigningKey,
    /// Seals the ledger.
    pub sealing: Zeroizing<[u8; 32]>,
    /// Keys what the ledger remembers of a request.
    pub fingerprint: Zeroizing<[u8; 32]>,
}

/// Why the platform's keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// rofl-appd does not answer, or refuses.
    #[error(transparent)]
    Appd(#[from] AppdError),
    /// A derived key is not of its kind.
    #[error("a derived key is not usable")]
    Key,
}

impl Shared {
    /// Asks rofl-appd for the app id and the three keys.
    ///
    /// # Errors
    /// [`SharedError`]; asking again is safe.
    pub async fn derive(appd: &Appd) -> Result<Self, SharedError> {
        let app_id = appd.app_id().await?;
        let wallet = appd.generate_key(tags::KMS_WALLET, KeyKind::Secp256k1).await?;
        let wallet = k256::ecdsa::SigningKey::from_slice(&wallet).map_err(|_| SharedError::Key)?;
        let sealing = raw_256(appd, tags::KMS_SEALING).await?;
        let fingerprint = raw_256(appd, tags::FINGERPRINT).await?;
        Ok(Self { app_id, wallet, sealing, fingerprint })
    }

    /// Address of the enclave wallet.
    pub fn wallet_address(&self) -> Address {
        Address::from_private_key(&self.wallet)
    }
}

async fn raw_256(appd: &Appd, key_id: &str) -> Result<Zeroizing<[u8; 32]>, SharedError> {
    let bytes = appd.generate_key(key_id, KeyKind::Raw256).await?;
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        return Err(SharedError::Key);
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

/// Makes the keys of one keyset. Its channel key has the id `key_id`, by which requests name it.
///
/// # Errors
/// When the kernel's generator fails.
pub(super) fn generate(key_id: u8) -> anyhow::Result<SecretKeys> {
    let identity = SigningKey::from_bytes(&Zeroizing::new(random::bytes()?));
    let receipt = k256::ecdsa::SigningKey::from_slice(&*Zeroizing::new(random::bytes::<32>()?))?;
    Ok(SecretKeys { identity, receipt, channel: ChannelKey::generate(key_id)? })
}

/// What a keyset says beside its keys and its period: the same for all of one process.
pub(super) struct Surroundings<'a> {
    pub(super) app_id: &'a str,
    pub(super) instance_id: [u8; 16],
    pub(super) settings: &'a Settings,
    pub(super) engine: &'a Engine,
    pub(super) payments: &'a Payments,
}

impl Surroundings<'_> {
    /// A keyset with these keys that begins now, with the exact bytes of the document that is published.
    ///
    /// # Errors
    /// When it would not pass the checks that callers make.
    pub(super) fn generation(&self, keys: SecretKeys) -> anyhow::Result<Generation> {
        let bytes = self.keyset(&keys)?;
        Generation::new(keys, bytes)
    }

    fn keyset(&self, keys: &SecretKeys) -> anyhow::Result<Vec<u8>> {
        let Self { app_id, instance_id, settings, engine, payments } = *self;
        let config = &settings.config;
        let mut receipt = [0; 33];
        receipt.copy_from_slice(keys.receipt.verifying_key().to_encoded_point(true).as_bytes());
        let now = clock::now();
        let keyset = Keyset {
            version: tags::KEYSET.into(),
            app_id: app_id.to_owned(),
            instance_id,
            keys: Keys {
                identity: keys.identity.verifying_key().to_bytes(),
                receipt,
                channel: keys.channel.public_key(),
            },
            ohttp_config: keys.channel.config(),
            tasks: engine.sold().map(|(task, sold)| (task, sold.terms())).collect(),
            service_config_digest: payments.describe(settings).digest(),
            payments: targets(&payments.rails),
            panel_digest: None,
            page_digest: None,
            kms_keys: tags::KMS_KEYS.map(str::to_owned).to_vec(),
            release: Release {
                version: env!("CARGO_PKG_VERSION").into(),
                commit: option_env!("PRECIS_COMMIT").unwrap_or("unknown").into(),
            },
            not_before: now,
            not_after: now + config.keyset_seconds,
        };
        Ok(serde_json::to_vec(&keyset)?)
    }
}

/// The targets in the order that SPEC 2.3 wants; quotes name them in that of the settings.
fn targets(rails: &[Rail]) -> Vec<PaymentTarget> {
    let mut targets: Vec<PaymentTarget> = rails.iter().map(target).collect();
    targets.sort_by(|one, other| (&one.network, one.asset).cmp(&(&other.network, other.asset)));
    targets
}

fn target(rail: &Rail) -> PaymentTarget {
    PaymentTarget {
        network: rail.network().to_string(),
        asset: rail.settings.asset,
        pay_to: rail.payee,
        pay_to_origin: match rail.settings.pay_to {
            Some(_) => PayToOrigin::Configured,
            None => PayToOrigin::EnclaveWallet,
        },
        schemes: vec![Scheme::Exact],
    }
}
