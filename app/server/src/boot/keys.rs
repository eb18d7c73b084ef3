//! Keys: fresh ones of this boot, app-scoped ones from the platform's KMS, and the keyset that shows them all (SPEC 2).

use alloy_primitives::Address;
use ed25519_dalek::SigningKey;
use precis_channel::ChannelKey;
use precis_protocol::keyset::{Keys, Keyset, PayToOrigin, PaymentTarget, Release, price_list_digest};
use precis_protocol::price::PerMode;
use precis_protocol::tags;
use precis_rofl::appd::{Appd, AppdError, KeyKind};
use zeroize::Zeroizing;

use crate::config::Settings;
use crate::service::{Engine, Payments};
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

/// Keys of this boot: one role each, in memory only, never derived, never written.
pub struct Boot {
    /// Signs challenges.
    pub identity: SigningKey,
    /// Signs receipts.
    pub receipt: k256::ecdsa::SigningKey,
    /// Opens the encrypted channel.
    pub channel: ChannelKey,
    /// Names this boot.
    pub instance_id: [u8; 16],
}

impl Boot {
    /// Makes fresh keys.
    ///
    /// # Errors
    /// When the kernel's generator fails.
    pub fn generate() -> anyhow::Result<Self> {
        let identity = SigningKey::from_bytes(&Zeroizing::new(random::bytes()?));
        let receipt = k256::ecdsa::SigningKey::from_slice(&*Zeroizing::new(random::bytes::<32>()?))?;
        let [key_id] = random::bytes()?;
        let channel = ChannelKey::generate(key_id)?;
        Ok(Self { identity, receipt, channel, instance_id: random::bytes()? })
    }

    /// The keyset document of this boot, as the exact bytes that are published.
    ///
    /// # Errors
    /// When it would not pass the checks that callers make.
    pub fn keyset(
        &self,
        settings: &Settings,
        shared: &Shared,
        engine: &Engine,
        payments: &Payments,
    ) -> anyhow::Result<Vec<u8>> {
        let config = &settings.config;
        let (pay_to, pay_to_origin) = match config.pay_to {
            Some(address) => (address, PayToOrigin::Configured),
            None => (shared.wallet_address(), PayToOrigin::EnclaveWallet),
        };
        let mut receipt = [0; 33];
        receipt.copy_from_slice(self.receipt.verifying_key().to_encoded_point(true).as_bytes());
        let now = clock::now();
        let keyset = Keyset {
            version: tags::KEYSET.into(),
            app_id: shared.app_id.clone(),
            instance_id: self.instance_id,
            keys: Keys {
                identity: self.identity.verifying_key().to_bytes(),
                receipt,
                channel: self.channel.public_key(),
            },
            ohttp_config: self.channel.config(),
            models: PerMode { extractive: engine.extractive.digest, abstractive: engine.abstractive.digest },
            parameters: PerMode {
                extractive: engine.extractive.parameters_digest,
                abstractive: engine.abstractive.parameters_digest,
            },
            price_list: settings.prices.clone(),
            price_list_digest: price_list_digest(&settings.prices),
            service_config_digest: payments.describe(settings).digest(),
            payment: PaymentTarget { network: config.network.to_string(), asset: config.asset, pay_to, pay_to_origin },
            kms_keys: tags::KMS_KEYS.map(str::to_owned).to_vec(),
            release: Release {
                version: env!("CARGO_PKG_VERSION").into(),
                commit: option_env!("PRECIS_COMMIT").unwrap_or("unknown").into(),
            },
            not_before: now,
            not_after: now + config.keyset_seconds,
        };
        let bytes = serde_json::to_vec(&keyset)?;
        Keyset::parse(&bytes)?;
        Ok(bytes)
    }
}
