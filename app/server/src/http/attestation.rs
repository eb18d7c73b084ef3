//! `GET /v1/attestation?nonce=`: exact keyset bytes, evidence, and a challenge bound to the caller's nonce (SPEC 3);
//! `?keyset=`: what was kept of an earlier boot (SPEC 3.5).

use axum::extract::RawQuery;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use precis_protocol::Digest;
use precis_protocol::encoding::lower_hex;

use super::Ready;
use crate::error::{Class, Failure};
use crate::service::Service;

/// Answers a challenge, or hands out the attestation of an earlier boot.
pub async fn get(Ready(service): Ready, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let query = query.unwrap_or_default();
    let document = if let Some(digest) = keyset(&query) {
        kept(&service, digest).await?
    } else {
        let nonce = nonce(&query).ok_or_else(|| Failure::new(Class::BadNonce, ""))?;
        let block = service.payments.recent_block().await?;
        service.identity.current().attest(nonce, block).map_err(|cause| Failure::internal("attestation", cause))?
    };
    Ok(([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], document).into_response())
}

async fn kept(service: &Service, digest: Digest) -> Result<Vec<u8>, Failure> {
    let found = service.payments.ledger.kept(digest.as_bytes()).await;
    let found = found.map_err(|e| Failure::internal("kept attestations", e))?;
    found.ok_or_else(|| Failure::new(Class::UnknownKeyset, ""))
}

/// The one `keyset` of the query.
fn keyset(query: &str) -> Option<Digest> {
    query.strip_prefix("keyset=")?.parse().ok()
}

/// The one `nonce` of the query; a second one or any other parameter is refused.
fn nonce(query: &str) -> Option<[u8; 32]> {
    lower_hex(query.strip_prefix("nonce=")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_lowercase_hex_digits_are_a_nonce() {
        let good = "ab".repeat(32);
        assert_eq!(nonce(&format!("nonce={good}")), Some([0xab; 32]));
        for bad in [
            "",
            "nonce=",
            &format!("nonce={}", good.to_uppercase()),
            &format!("nonce={good}00"),
            &format!("nonce={}", &good[2..]),
        ] {
            assert_eq!(nonce(bad), None, "{bad}");
        }
        assert_eq!(nonce(&format!("nonce={good}&nonce={good}")), None);
        assert_eq!(nonce(&format!("x=1&nonce={good}")), None);
    }
}
