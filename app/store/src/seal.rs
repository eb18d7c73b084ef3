//! Sealing of rows and blinding of index keys.
//!
//! XChaCha20-Poly1305 with random nonces; the associated data is the table and the row, so that a sealed value opens only where it was put. Index keys are
//! HMAC-SHA-256, because claims, payers and job ids can be guessed from what is public on chain.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use precis_protocol::tags::KMS_SEALING;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::claim::{ClaimKey, JobId};
use crate::error::LedgerError;

/// Bytes of an XChaCha20 nonce, which stands before each sealed value.
const NONCE_BYTES: usize = 24;

/// The KMS key that the ledger is sealed under (`precis/sealing: v1`). No `Debug`, wiped on drop.
pub struct SealingKey(Zeroizing<[u8; 32]>);

impl SealingKey {
    /// Wraps the key's bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// A blinded key of a row.
pub(crate) type RowId = [u8; 32];

pub(crate) struct Vault {
    cipher: XChaCha20Poly1305,
    index: Zeroizing<[u8; 32]>,
}

impl Vault {
    pub(crate) fn new(key: &SealingKey) -> Self {
        let rows = Zeroizing::new(keyed(&key.0, &[KMS_SEALING.as_bytes(), b"\0rows"]));
        let index = Zeroizing::new(keyed(&key.0, &[KMS_SEALING.as_bytes(), b"\0index"]));
        Self { cipher: XChaCha20Poly1305::new((&*rows).into()), index }
    }

    pub(crate) fn claim_row(&self, key: &ClaimKey) -> RowId {
        self.blind(b"claim", key.as_bytes())
    }

    pub(crate) fn job_row(&self, id: &JobId) -> RowId {
        self.blind(b"job", &id.0)
    }

    pub(crate) fn identifier_row(&self, identifier: &[u8; 32]) -> RowId {
        self.blind(b"identifier", identifier)
    }

    pub(crate) fn payer_row(&self, payer: &[u8; 20]) -> RowId {
        self.blind(b"payer", payer)
    }

    fn blind(&self, what: &[u8], value: &[u8]) -> RowId {
        keyed(&self.index, &[what, b"\0", value])
    }

    pub(crate) fn seal(&self, table: &str, row: &RowId, plain: &[u8]) -> Result<Vec<u8>, LedgerError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| LedgerError::Storage(std::io::ErrorKind::Other))?;
        let payload = Payload { msg: plain, aad: &place(table, row) };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| LedgerError::TooLarge { what: "row", limit: u32::MAX as usize })?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// `None` if the value was not sealed under this key for this place.
    pub(crate) fn open(&self, table: &str, row: &RowId, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: &place(table, row) };
        self.cipher.decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }
}

fn place(table: &str, row: &RowId) -> Vec<u8> {
    [KMS_SEALING.as_bytes(), b"\0", table.as_bytes(), b"\0", row].concat()
}

fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A short key is by definition the same as one filled up with zeros to the block size, which is what the infallible constructor takes.
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as Mac>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_sealed_value_opens_only_in_its_place_and_under_its_key() {
        let vault = Vault::new(&SealingKey::new([1; 32]));
        let sealed = vault.seal("records", &[2; 32], b"value").unwrap();
        assert_eq!(vault.open("records", &[2; 32], &sealed).unwrap().as_slice(), b"value");
        assert!(vault.open("results", &[2; 32], &sealed).is_none());
        assert!(vault.open("records", &[3; 32], &sealed).is_none());
        assert!(Vault::new(&SealingKey::new([2; 32])).open("records", &[2; 32], &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.open("records", &[2; 32], &changed).is_none());
            assert!(vault.open("records", &[2; 32], &sealed[..at]).is_none());
        }
    }

    #[test]
    fn index_keys_depend_on_the_key_and_on_the_kind() {
        let vault = Vault::new(&SealingKey::new([1; 32]));
        let other = Vault::new(&SealingKey::new([2; 32]));
        assert_ne!(vault.job_row(&JobId([9; 16])), other.job_row(&JobId([9; 16])));
        assert_ne!(vault.blind(b"job", &[9; 20]), vault.payer_row(&[9; 20]));
    }

    #[test]
    fn equal_values_are_sealed_differently() {
        let vault = Vault::new(&SealingKey::new([1; 32]));
        assert_ne!(
            vault.seal("records", &[2; 32], b"value").unwrap(),
            vault.seal("records", &[2; 32], b"value").unwrap()
        );
    }
}
