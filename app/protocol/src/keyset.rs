//! The keyset (SPEC 2): the document whose digest the platform vouches for.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::encoding::{hex_array, hex_vec};
use crate::limits::{MAX_KEYSET_BYTES, MAX_PAYMENT_TARGETS};
use crate::task::{PerTask, TaskTerms};
use crate::{strict, tags};

/// Everything a caller must know of this boot of the service; hashed as exact bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Keyset {
    /// [`tags::KEYSET`].
    pub version: String,
    /// ROFL app id, bech32.
    pub app_id: String,
    /// Random per boot.
    #[serde(with = "hex_array")]
    pub instance_id: [u8; 16],
    /// Public keys, one role each.
    pub keys: Keys,
    /// One RFC 9458 key configuration carrying `keys.channel`.
    #[serde(with = "hex_vec")]
    pub ohttp_config: Vec<u8>,
    /// Terms of the tasks that the service sells.
    pub tasks: PerTask<TaskTerms>,
    /// Digest of the service configuration that matters to callers, as `/v1/service` shows it.
    pub service_config_digest: Digest,
    /// Targets of payments: 1 to [`MAX_PAYMENT_TARGETS`], in the order of network and asset, each pair once.
    pub payments: Vec<PaymentTarget>,
    /// Digest of the panel of other services that are asked, if any is.
    pub panel_digest: Option<Digest>,
    /// Digest of the web page that is served, if one is.
    pub page_digest: Option<Digest>,
    /// App-scoped keys in use (SPEC 2.4).
    pub kms_keys: Vec<String>,
    /// What was built.
    pub release: Release,
    /// Unix seconds.
    pub not_before: u64,
    /// Unix seconds.
    pub not_after: u64,
}

/// Public keys made at boot, held in memory only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Ed25519: signs challenges.
    #[serde(with = "hex_array")]
    pub identity: [u8; 32],
    /// secp256k1, compressed: signs receipts and offers.
    #[serde(with = "hex_array")]
    pub receipt: [u8; 33],
    /// X25519: the OHTTP key.
    #[serde(with = "hex_array")]
    pub channel: [u8; 32],
}

/// Where payments go, and why that address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PaymentTarget {
    /// CAIP-2 network.
    pub network: String,
    /// EIP-3009 token.
    #[serde(with = "crate::encoding::prefixed_hex")]
    pub asset: Address,
    /// Payee.
    #[serde(with = "crate::encoding::prefixed_hex")]
    pub pay_to: Address,
    /// Origin of the payee address.
    pub pay_to_origin: PayToOrigin,
    /// Ways to pay, in the order of their names, each once.
    pub schemes: Vec<Scheme>,
}

impl PaymentTarget {
    /// Position in the keyset: network, then asset.
    fn place(&self) -> (&str, &Address) {
        (&self.network, &self.asset)
    }
}

/// A payment scheme of x402.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// One EIP-3009 transfer of the price.
    Exact,
}

/// Origin of the payee address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PayToOrigin {
    /// The KMS key `precis/wallet: v1`.
    EnclaveWallet,
    /// The service's configuration.
    Configured,
}

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Semantic version.
    pub version: String,
    /// Git commit, 40 hex, or `unknown`.
    pub commit: String,
}

/// Why a keyset is refused.
#[derive(Debug, thiserror::Error)]
pub enum KeysetError {
    /// Not the strict JSON document of SPEC 2.
    #[error("keyset: {0}")]
    Parse(#[from] strict::StrictError),
    /// Another version, which has other members.
    #[error("keyset: the version is not `{}`, the only one that this release judges", tags::KEYSET)]
    Version,
    /// One key in two roles.
    #[error("keyset: one key stands in two roles")]
    SharedKey,
    /// `receipt` is not a point of secp256k1, or `identity` not an Ed25519 key.
    #[error("keyset: `{0}` is not a public key of its kind")]
    BadKey(&'static str),
    /// The OHTTP configuration is not the one suite with the channel key.
    #[error("keyset: `ohttpConfig` does not carry `keys.channel` with exactly the suite of SPEC 2.2")]
    OhttpConfig,
    /// `tasks` names none, or `payments` none, too many, one twice, or in another order.
    #[error("keyset: `{0}` is empty, too long, or not sorted with each entry once")]
    List(&'static str),
    /// `notBefore` is after `notAfter`.
    #[error("keyset: `notBefore` is after `notAfter`")]
    Window,
}

impl Keyset {
    /// Parses and checks a keyset document as presented.
    ///
    /// # Errors
    /// [`KeysetError`] when the bytes are not strict JSON of this shape, or the document contradicts SPEC 2.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeysetError> {
        let keyset: Self = strict::from_slice(bytes, MAX_KEYSET_BYTES).map_err(|error| {
            if tags::is_another_version(bytes, tags::KEYSET) { KeysetError::Version } else { error.into() }
        })?;
        keyset.check()?;
        Ok(keyset)
    }

    /// Digest of the exact bytes of a keyset document.
    pub fn digest(bytes: &[u8]) -> Digest {
        Digest::of(bytes)
    }

    /// Address of the receipt key (EIP-712 signatures recover to it).
    ///
    /// # Errors
    /// [`KeysetError::BadKey`] when the bytes are no point of the curve.
    pub fn receipt_address(&self) -> Result<Address, KeysetError> {
        let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(&self.keys.receipt)
            .map_err(|_| KeysetError::BadKey("receipt"))?;
        Ok(Address::from_public_key(&key))
    }

    fn check(&self) -> Result<(), KeysetError> {
        if self.version != tags::KEYSET {
            return Err(KeysetError::Version);
        }
        if self.keys.identity == self.keys.channel
            || self.keys.receipt[1..] == self.keys.identity
            || self.keys.receipt[1..] == self.keys.channel
        {
            return Err(KeysetError::SharedKey);
        }
        ed25519_dalek::VerifyingKey::from_bytes(&self.keys.identity).map_err(|_| KeysetError::BadKey("identity"))?;
        self.receipt_address()?;
        if self.ohttp_config.get(1..).is_none_or(|rest| rest != suite(&self.keys.channel)) {
            return Err(KeysetError::OhttpConfig);
        }
        if self.tasks.is_empty() {
            return Err(KeysetError::List("tasks"));
        }
        let places: Vec<_> = self.payments.iter().map(PaymentTarget::place).collect();
        if !(1..=MAX_PAYMENT_TARGETS).contains(&places.len()) || !strictly_sorted(&places) {
            return Err(KeysetError::List("payments"));
        }
        if self.payments.iter().any(|target| target.schemes.is_empty() || !strictly_sorted(&target.schemes)) {
            return Err(KeysetError::List("schemes"));
        }
        if self.not_before > self.not_after {
            return Err(KeysetError::Window);
        }
        Ok(())
    }
}

/// A key configuration after its key id: KEM, key, one KDF and AEAD (RFC 9458 section 3.1).
fn suite(channel: &[u8; 32]) -> Vec<u8> {
    let mut out = vec![0x00, 0x20];
    out.extend_from_slice(channel);
    out.extend_from_slice(&[0x00, 0x04, 0x00, 0x01, 0x00, 0x01]);
    out
}

fn strictly_sorted<T: PartialOrd>(items: &[T]) -> bool {
    items.is_sorted_by(|one, next| one < next)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_keyset_of_version_1_is_refused_by_its_version_whatever_it_has() {
        let first = br#"{"version":"precis/keyset: v1","appId":"rofl1","models":{},"priceList":{}}"#;
        let error = Keyset::parse(first).err().unwrap();
        assert!(matches!(error, KeysetError::Version), "{error}");
        assert!(error.to_string().contains("precis/keyset: v2"), "{error}");
        let broken = br#"{"version":"precis/keyset: v2","appId":"rofl1"}"#;
        assert!(matches!(Keyset::parse(broken), Err(KeysetError::Parse(_))));
    }

    #[test]
    fn a_list_is_sorted_only_if_nothing_stands_twice() {
        assert!(strictly_sorted::<u8>(&[]) && strictly_sorted(&[1]) && strictly_sorted(&[1, 2, 5]));
        assert!(!strictly_sorted(&[1, 1]) && !strictly_sorted(&[2, 1]));
    }
}
