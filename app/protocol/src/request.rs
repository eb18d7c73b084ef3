//! Commitments to a request (SPEC 6): computable by the caller, keyed in quotes and ledger, salted in receipts.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::digest::{Digest, lp};
use crate::tags;

/// `RC` of SPEC 6.1: what anyone who has the request can compute, and nobody else can guess without a short document's help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment(Digest);

impl Commitment {
    /// Commits to a request. `path` includes the query; `media_type` is the `Content-Type` as sent, lowercased.
    /// `None` only for inputs over 4 GiB.
    pub fn new(method: &str, path: &str, media_type: &str, body: &[u8]) -> Option<Self> {
        Self::from_body_digest(method, path, media_type, &Digest::of(body))
    }

    /// The same from `H(body)`, for a saved receipt that does not hold the document.
    pub fn from_body_digest(method: &str, path: &str, media_type: &str, body: &Digest) -> Option<Self> {
        let media_type = media_type.to_ascii_lowercase();
        let parts = [lp(method.as_bytes())?, lp(path.as_bytes())?, lp(media_type.as_bytes())?];
        Some(Self(Digest::tagged(tags::REQUEST, &[&parts[0], &parts[1], &parts[2], body.as_bytes()])))
    }

    /// Wraps 32 bytes that are an `RC` already, from a sealed record.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Digest::from_bytes(bytes))
    }

    /// The 32 bytes of `RC`.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// `extra.requestDigest` of a quote (SPEC 6.2), under the service's app-scoped secret.
    pub fn quote_digest(&self, secret: &[u8; 32]) -> [u8; 32] {
        self.keyed(tags::QUOTE, secret)
    }

    /// What the ledger remembers (SPEC 6.4), under a key that survives a restart.
    pub fn fingerprint(&self, key: &[u8; 32]) -> [u8; 32] {
        self.keyed(tags::FINGERPRINT, key)
    }

    /// The EIP-3009 nonce that commits an authorization to this request (SPEC 6.3).
    pub fn payment_nonce(&self, salt: &[u8; 32]) -> [u8; 32] {
        *Digest::tagged(tags::PAYMENT_NONCE, &[self.as_bytes(), salt]).as_bytes()
    }

    /// `requestDigest` of a receipt (SPEC 7.3).
    pub fn receipt_digest(&self, salt: &[u8; 32]) -> Digest {
        Digest::tagged(tags::RECEIPT_REQUEST, &[salt, self.as_bytes()])
    }

    fn keyed(&self, tag: &str, key: &[u8; 32]) -> [u8; 32] {
        // HMAC takes keys of any length, so this constructor cannot fail for 32 bytes.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
        mac.update(tag.as_bytes());
        mac.update(&[0]);
        mac.update(self.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// `textDigest` of a receipt (SPEC 7.3), from the digest of the text that the work was done on, under the salt of the request.
pub fn text_digest(salt: &[u8; 32], text: &Digest) -> Digest {
    Digest::tagged(tags::RECEIPT_TEXT, &[salt, text.as_bytes()])
}

/// `responseDigest` of a receipt (SPEC 7.3) over the exact bytes of `result`.
pub fn response_digest(salt: &[u8; 32], status: u16, result: &[u8]) -> Digest {
    Digest::tagged(tags::RECEIPT_RESPONSE, &[salt, &status.to_be_bytes(), Digest::of(result).as_bytes()])
}

/// `parametersDigest` (SPEC 7.3) over compact JSON.
pub fn parameters_digest(json: &[u8]) -> Digest {
    Digest::tagged(tags::PARAMETERS, &[json])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_part_of_a_request_counts() {
        let base = Commitment::new("POST", "/v1/summaries", "application/json", b"{}").unwrap();
        for (method, path, media_type, body) in [
            ("PUT", "/v1/summaries", "application/json", &b"{}"[..]),
            ("POST", "/v1/summaries?mode=abstractive", "application/json", b"{}"),
            ("POST", "/v1/summaries", "text/plain", b"{}"),
            ("POST", "/v1/summaries", "application/json", b"{ }"),
            ("POST/v1/summaries", "", "application/json", b"{}"),
        ] {
            assert_ne!(Commitment::new(method, path, media_type, body).unwrap(), base);
        }
        assert_eq!(Commitment::new("POST", "/v1/summaries", "Application/JSON", b"{}").unwrap(), base);
    }

    #[test]
    fn roles_never_share_a_value() {
        let request = Commitment::new("POST", "/v1/summaries", "text/plain", b"x").unwrap();
        let values = [
            *request.as_bytes(),
            request.quote_digest(&[1; 32]),
            request.quote_digest(&[2; 32]),
            request.fingerprint(&[1; 32]),
            request.payment_nonce(&[1; 32]),
            *request.receipt_digest(&[1; 32]).as_bytes(),
            *text_digest(&[1; 32], &Digest::of(b"x")).as_bytes(),
            *response_digest(&[1; 32], 200, b"x").as_bytes(),
            *response_digest(&[1; 32], 201, b"x").as_bytes(),
        ];
        for (i, a) in values.iter().enumerate() {
            assert!(values[i + 1..].iter().all(|b| a != b));
        }
    }
}
