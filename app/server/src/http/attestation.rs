//! `GET /v1/attestation?nonce=`: exact keyset bytes, evidence, and a challenge bound to the caller's nonce (SPEC 3).

use axum::extract::RawQuery;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use precis_protocol::encoding::lower_hex;

use super::Ready;
use crate::error::{Class, Failure};

/// Answers a challenge.
pub async fn get(Ready(service): Ready, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let nonce = nonce(query.as_deref().unwrap_or_default()).ok_or_else(|| Failure::new(Class::BadNonce, ""))?;
    let block = service.payments.recent_block().await?;
    let document = service.identity.attest(nonce, block).map_err(|cause| Failure::internal("attestation", cause))?;
    Ok(([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], document).into_response())
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
