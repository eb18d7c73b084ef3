//! What names a job and its money beside the request itself (SPEC 5.8, 6.7 to 6.9). Everything here follows from an
//! app-scoped key or from the claim, so that every replica and every later boot computes the same.

use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::tags;

/// The bearer token of a job: whoever has it may see, fetch and call off the job.
pub fn job_token(key: &[u8; 32], job: &[u8; 16]) -> [u8; 32] {
    keyed(key, tags::JOB_TOKEN, &[job])
}

/// What the ledger remembers of the `payment-identifier` that a payer chose.
pub fn payment_identifier(key: &[u8; 32], payer: &[u8; 20], id: &str) -> [u8; 32] {
    keyed(key, tags::PAYMENT_IDENTIFIER, &[payer, id.as_bytes()])
}

/// The secret behind `requestDigest` (SPEC 6.2).
pub fn quote_secret(key: &[u8; 32]) -> [u8; 32] {
    keyed(key, tags::QUOTE, &[])
}

/// Key of a claim: SHA-256 over network, asset, payer and nonce, each behind its length (u64, big-endian). One authorization has
/// one, whoever presents it.
pub fn claim_key(network: &str, asset: &[u8; 20], payer: &[u8; 20], nonce: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [network.as_bytes(), asset, payer, nonce] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// EIP-3009 nonce of the authorization that pays a claim back: one for each claim, so that the token lets it happen once.
pub fn refund_nonce(claim: &[u8; 32]) -> [u8; 32] {
    *Digest::tagged(tags::REFUND_NONCE, &[claim]).as_bytes()
}

/// EIP-3009 nonce of the sweep of a period, counted from the Unix epoch: replicas that sweep at once sweep once.
pub fn sweep_nonce(period: u64) -> [u8; 32] {
    *Digest::tagged(tags::SWEEP_NONCE, &[&period.to_be_bytes()]).as_bytes()
}

fn keyed(key: &[u8; 32], tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length, so this constructor cannot fail for 32 bytes.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(tag.as_bytes());
    mac.update(&[0]);
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_jobs_payers_and_keys_never_share_a_value() {
        let values = [
            job_token(&[1; 32], &[1; 16]),
            job_token(&[1; 32], &[2; 16]),
            job_token(&[2; 32], &[1; 16]),
            payment_identifier(&[1; 32], &[1; 20], "pay_0123456789abcdef"),
            payment_identifier(&[1; 32], &[2; 20], "pay_0123456789abcdef"),
            payment_identifier(&[1; 32], &[1; 20], "pay_0123456789abcdeg"),
            quote_secret(&[1; 32]),
            refund_nonce(&[1; 32]),
            refund_nonce(&[2; 32]),
            sweep_nonce(1),
            sweep_nonce(2),
        ];
        for (i, a) in values.iter().enumerate() {
            assert!(values[i + 1..].iter().all(|b| a != b));
        }
    }
}
