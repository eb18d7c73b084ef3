//! Who the service is: the keys of this boot, the keyset that shows them, the evidence that vouches for it.

use std::sync::{PoisonError, RwLock};

use anyhow::Context as _;
use ed25519_dalek::SigningKey;
use precis_channel::Gateway;
use precis_protocol::attestation::{Attestation, Evidence};
use precis_protocol::challenge::{Block, Challenge};
use precis_protocol::keyset::Keyset;
use precis_protocol::{Digest, tags};
use zeroize::Zeroizing;

use crate::boot::{Boot, Shared};
use crate::clock;

/// Evidence as served, and what it says of this enclave.
#[derive(Clone)]
pub struct OwnEvidence {
    /// Items of the attestation document.
    pub items: Vec<Evidence>,
    /// SPEC 3.4.
    pub enclave_identity: [u8; 32],
    /// 21 bytes behind the bech32 app id.
    pub app_id: [u8; 21],
}

/// Keys, keyset and evidence of this boot.
pub struct Identity {
    /// The keyset, parsed.
    pub keyset: Keyset,
    /// Digest of its exact bytes.
    pub keyset_digest: Digest,
    /// Signs receipts.
    pub receipt_key: k256::ecdsa::SigningKey,
    /// The encrypted channel; holds the X25519 key.
    pub channel: Gateway,
    /// Keys the `requestDigest` of quotes.
    pub quote_secret: Zeroizing<[u8; 32]>,
    /// Keys what the ledger remembers of a request.
    pub fingerprint_key: Zeroizing<[u8; 32]>,
    keyset_bytes: Vec<u8>,
    identity_key: SigningKey,
    evidence: RwLock<Option<OwnEvidence>>,
}

impl Identity {
    /// Joins keys and keyset.
    ///
    /// # Errors
    /// When the keyset would not pass the checks that callers make.
    pub fn new(boot: Boot, shared: &Shared, keyset_bytes: Vec<u8>) -> anyhow::Result<Self> {
        Ok(Self {
            keyset: Keyset::parse(&keyset_bytes)?,
            keyset_digest: Keyset::digest(&keyset_bytes),
            receipt_key: boot.receipt,
            quote_secret: Zeroizing::new(precis_protocol::job::quote_secret(&shared.fingerprint)),
            fingerprint_key: shared.fingerprint.clone(),
            keyset_bytes,
            identity_key: boot.identity,
            channel: Gateway::new(boot.channel, Vec::new()),
            evidence: RwLock::new(None),
        })
    }

    /// The attestation document for one caller's nonce.
    ///
    /// # Errors
    /// Before the first evidence was checked; boot does not open the routes then.
    pub fn attest(&self, nonce: [u8; 32], block: Block) -> anyhow::Result<Vec<u8>> {
        let evidence = self.evidence().context("no evidence yet")?;
        self.attest_with(&evidence.items, nonce, block)
    }

    /// The same over evidence that is still to be judged.
    ///
    /// # Errors
    /// When the document cannot be written, which only absurd sizes cause.
    pub fn attest_with(&self, evidence: &[Evidence], nonce: [u8; 32], block: Block) -> anyhow::Result<Vec<u8>> {
        let challenge = Challenge::sign(&self.identity_key, nonce, &self.keyset_digest, clock::now(), block)
            .context("challenge")?;
        let document = Attestation {
            version: tags::ATTESTATION.into(),
            keyset: self.keyset_bytes.clone(),
            evidence: evidence.to_vec(),
            challenge,
        };
        Ok(serde_json::to_vec(&document)?)
    }

    /// Evidence that passed the self-check.
    pub fn evidence(&self) -> Option<OwnEvidence> {
        self.evidence.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the evidence with one that passed the self-check.
    pub fn set_evidence(&self, evidence: OwnEvidence) {
        *self.evidence.write().unwrap_or_else(PoisonError::into_inner) = Some(evidence);
    }
}
