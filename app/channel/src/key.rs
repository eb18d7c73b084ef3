//! The service's key configuration: one key, one suite (SPEC 2.2).

use ohttp::hpke::{Aead, Kdf, Kem};
use ohttp::{KeyConfig, Server, SymmetricSuite};

use crate::error::ChannelError;

/// Bytes of one key configuration: key id, KEM, public key, length of the suites, one suite.
pub const CONFIG_BYTES: usize = 1 + 2 + 32 + 2 + 4;

const KEM_X25519_SHA256: [u8; 2] = [0x00, 0x20];
/// HKDF-SHA256 and AES-128-GCM.
const SUITE: [u8; 4] = [0x00, 0x01, 0x00, 0x01];
const SUITES_LENGTH: [u8; 2] = [0x00, 0x04];

/// The X25519 key pair of one keyset with its configuration. Deliberately without `Debug` and `Clone`.
pub struct ChannelKey {
    server: Server,
    encoded: [u8; CONFIG_BYTES],
}

impl ChannelKey {
    /// Makes a fresh key from the operating system's randomness.
    ///
    /// # Errors
    /// [`ChannelError::Configuration`] if the cryptography library will not make the one configuration we offer.
    pub fn generate(key_id: u8) -> Result<Self, ChannelError> {
        let suite = SymmetricSuite::new(Kdf::HkdfSha256, Aead::Aes128Gcm);
        let config = KeyConfig::new(key_id, Kem::X25519Sha256, vec![suite]).map_err(|_| ChannelError::Configuration)?;
        let encoded = config
            .encode()
            .ok()
            .and_then(|bytes| <[u8; CONFIG_BYTES]>::try_from(bytes).ok())
            .ok_or(ChannelError::Configuration)?;
        let server = Server::new(config).map_err(|_| ChannelError::Configuration)?;
        config_public_key(&encoded)?;
        Ok(Self { server, encoded })
    }

    /// The key configuration as the keyset publishes it (RFC 9458 section 3.1).
    #[must_use]
    pub fn config(&self) -> Vec<u8> {
        self.encoded.to_vec()
    }

    /// The body of `application/ohttp-keys`: the configuration behind its length as two bytes (RFC 9458 section 3.2).
    #[must_use]
    pub fn config_list(&self) -> Vec<u8> {
        let mut list = Vec::with_capacity(2 + CONFIG_BYTES);
        // CONFIG_BYTES is 41.
        list.extend_from_slice(&[0, CONFIG_BYTES as u8]);
        list.extend_from_slice(&self.encoded);
        list
    }

    /// The X25519 public key.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(&self.encoded[3..35]);
        key
    }

    /// What every request to this key starts with: key id, KEM, KDF, AEAD.
    pub(crate) fn request_header(&self) -> [u8; 7] {
        let [kdf_hi, kdf_lo, aead_hi, aead_lo] = SUITE;
        let [kem_hi, kem_lo] = KEM_X25519_SHA256;
        [self.encoded[0], kem_hi, kem_lo, kdf_hi, kdf_lo, aead_hi, aead_lo]
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }
}

/// The public key of a key configuration, if it has the one form that SPEC 2.2 allows.
///
/// # Errors
/// [`ChannelError::Configuration`] for any other KEM, suite, number of suites or length.
pub fn config_public_key(config: &[u8]) -> Result<[u8; 32], ChannelError> {
    let config: &[u8; CONFIG_BYTES] = config.try_into().map_err(|_| ChannelError::Configuration)?;
    if config[1..3] != KEM_X25519_SHA256 || config[35..37] != SUITES_LENGTH || config[37..] != SUITE {
        return Err(ChannelError::Configuration);
    }
    let mut key = [0; 32];
    key.copy_from_slice(&config[3..35]);
    Ok(key)
}
