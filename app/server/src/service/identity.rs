//! Who the service is: the keyset in force with its keys and evidence, and the one before it, which is served until its
//! period is over or it is replaced in its turn (SPEC 2.6).

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use anyhow::Context as _;
use ed25519_dalek::SigningKey;
use precis_channel::{ChannelKey, Gateway};
use precis_protocol::attestation::{Attestation, Evidence};
use precis_protocol::challenge::{Block, Challenge};
use precis_protocol::keyset::Keyset;
use precis_protocol::receipt::SignedReceipt;
use precis_protocol::{Digest, tags};
use precis_store::Holder;
use zeroize::Zeroizing;

use super::period::Period;
use crate::clock;

/// The least time between two keysets when requests, not time, ask for the second: each is a transaction on chain, and a
/// document that the ledger keeps. Those of a day are fewer than it keeps.
const SHORTEST_LIFE: Duration = Duration::from_secs(180);
/// Encapsulated requests that a new channel key opens at once, one part of so many of all that it can open.
const AT_ONCE: usize = 4;
/// One part of so many is what it opens before a successor is made; the rest is for the time until that is there.
const BEFORE_SUCCESSOR: usize = 2;

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

/// Keys of one keyset: one role each, in memory only, never derived, never written.
pub struct SecretKeys {
    /// Signs challenges.
    pub identity: SigningKey,
    /// Signs receipts and offers.
    pub receipt: k256::ecdsa::SigningKey,
    /// Opens the encrypted channel.
    pub channel: ChannelKey,
}

/// One keyset with its keys, its evidence and its receipts.
pub struct Generation {
    /// The keyset, parsed.
    pub keyset: Keyset,
    /// Digest of its exact bytes.
    pub keyset_digest: Digest,
    /// Signs receipts and offers.
    pub receipt_key: k256::ecdsa::SigningKey,
    /// The encrypted channel; holds the X25519 key.
    pub channel: Gateway,
    keyset_bytes: Vec<u8>,
    identity_key: SigningKey,
    evidence: RwLock<Option<OwnEvidence>>,
    receipts: Mutex<ReceiptChain>,
    made: Instant,
}

/// The chain of receipts of one keyset (SPEC 7.4).
struct ReceiptChain {
    sequence: u64,
    previous: B256,
}

impl Generation {
    /// Joins keys and keyset.
    ///
    /// # Errors
    /// When the keyset would not pass the checks that callers make.
    pub fn new(keys: SecretKeys, keyset_bytes: Vec<u8>) -> anyhow::Result<Self> {
        let keyset_digest = Keyset::digest(&keyset_bytes);
        Ok(Self {
            keyset: Keyset::parse(&keyset_bytes)?,
            keyset_digest,
            receipt_key: keys.receipt,
            channel: Gateway::new(keys.channel, Vec::new()),
            keyset_bytes,
            identity_key: keys.identity,
            evidence: RwLock::new(None),
            receipts: Mutex::new(ReceiptChain { sequence: 0, previous: B256::from(*keyset_digest.as_bytes()) }),
            made: Instant::now(),
        })
    }

    /// The time in which it signs.
    pub fn period(&self) -> Period {
        Period::of(&self.keyset)
    }

    /// How long ago it was made, by a clock that nobody sets.
    pub fn age(&self) -> Duration {
        self.made.elapsed()
    }

    /// The attestation document for one caller's nonce.
    ///
    /// # Errors
    /// Before its evidence was checked; it is not current then.
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

    /// Makes the next receipt of the chain: `sign` is given the time, the number and the predecessor, none of which are used
    /// twice. None outside the keyset's period, or if `sign` gives none.
    pub fn sign_next(&self, sign: impl FnOnce(u64, u64, B256) -> Option<SignedReceipt>) -> Option<SignedReceipt> {
        // Held while signing, the look at the clock included.
        let mut chain = self.receipts.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        if !self.period().contains(now) {
            return None;
        }
        let signed = sign(now, chain.sequence + 1, chain.previous)?;
        *chain = ReceiptChain { sequence: signed.receipt.sequence, previous: signed.digest() };
        Some(signed)
    }

    /// Whether another encapsulated request may be opened: what a key can open at all is portioned, so that it lasts until
    /// another key may follow.
    pub fn has_room(&self) -> bool {
        self.channel.opened() < portion(self.channel.capacity(), self.age())
    }

    /// Whether so much was opened that another key is needed before time asks for one.
    pub fn is_filling(&self) -> bool {
        self.age() >= SHORTEST_LIFE && self.channel.opened() >= self.channel.capacity() / BEFORE_SUCCESSOR
    }
}

/// How many of `capacity` a key may have opened at an age.
fn portion(capacity: usize, age: Duration) -> usize {
    if age >= SHORTEST_LIFE {
        return capacity;
    }
    let (first, half) = (capacity / AT_ONCE, capacity / BEFORE_SUCCESSOR);
    let seconds = usize::try_from(age.as_secs()).unwrap_or(usize::MAX);
    let whole = usize::try_from(SHORTEST_LIFE.as_secs()).unwrap_or(usize::MAX);
    first + (half - first).saturating_mul(seconds) / whole
}

/// The keysets of this process, and what stays the same over all of them.
pub struct Identity {
    /// Names this process where several share a ledger, and stands in every keyset of it.
    pub instance_id: Holder,
    /// Keys the `requestDigest` of quotes.
    pub quote_secret: Zeroizing<[u8; 32]>,
    /// Keys what the ledger remembers of a request.
    pub fingerprint_key: Zeroizing<[u8; 32]>,
    generations: RwLock<Generations>,
}

struct Generations {
    current: Arc<Generation>,
    previous: Option<Arc<Generation>>,
}

impl Identity {
    /// Begins with the first keyset, whose evidence was checked.
    pub fn new(first: Generation, fingerprint_key: Zeroizing<[u8; 32]>) -> Self {
        Self {
            instance_id: first.keyset.instance_id,
            quote_secret: Zeroizing::new(precis_protocol::job::quote_secret(&fingerprint_key)),
            fingerprint_key,
            generations: RwLock::new(Generations { current: Arc::new(first), previous: None }),
        }
    }

    /// The keyset in force: of new attestations and receipts.
    pub fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.read().current)
    }

    /// The keyset that an encapsulated request is sealed to, as far as that can be told from outside: the one before if the
    /// request names it and it still opens any, else the one in force, which refuses what it does not know.
    pub fn sealed_to(&self, body: &[u8]) -> Arc<Generation> {
        let generations = self.read();
        let opens = |generation: &&Arc<Generation>| {
            let named = generation.channel.is_named_in(body);
            named && generation.has_room() && generation.period().contains(clock::now())
        };
        Arc::clone(generations.previous.as_ref().filter(opens).unwrap_or(&generations.current))
    }

    /// Digest of the keyset before the one in force, while that is served.
    pub fn previous_digest(&self) -> Option<Digest> {
        self.read().previous.as_ref().map(|generation| generation.keyset_digest)
    }

    /// Puts a keyset in force whose evidence was checked; what was in force is served beside it.
    pub fn replace(&self, next: Generation) {
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut generations.current, Arc::new(next));
        generations.previous = Some(before);
    }

    /// Forgets the keyset before the one in force, and its keys, once its period is over.
    pub fn forget_what_is_over(&self, now: u64) {
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        generations.previous.take_if(|generation| !generation.period().contains(now));
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Generations> {
        self.generations.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_channel_key_can_open_lasts_until_another_may_follow() {
        let portions: Vec<_> = [0, 1, 90, 179].map(|age| portion(800_000, Duration::from_secs(age))).into();
        assert!(portions.is_sorted());
        assert_eq!(portions.first(), Some(&200_000));
        assert!(portions.iter().all(|portion| *portion < 400_000), "less than half before another may follow");
        assert_eq!(portion(800_000, SHORTEST_LIFE), 800_000);
    }
}
