//! The x402 extension `payment-identifier` (`extensions/payment_identifier.md`; SPEC 6.7): a payer's own name for a
//! purchase. It names one payment of one payer: with another payment it is refused before that is verified.

use precis_payment::wire::PaymentPayload;
use precis_protocol::job;
use serde_json::Value;

use crate::config::PaymentIdentifier;
use crate::error::{Class, Failure};
use crate::service::{Service, extensions::PAYMENT_IDENTIFIER};

/// Lengths that an identifier may have, characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=128;

/// What the ledger remembers of the identifier that came with a payment, if one came.
pub(super) fn of(service: &Service, payload: &PaymentPayload) -> Result<Option<[u8; 32]>, Failure> {
    let payer = payload.payload.authorization.from.into_array();
    match parse(payload)? {
        Some(id) => Ok(Some(job::payment_identifier(&service.identity.fingerprint_key, &payer, id))),
        None if service.settings.config.payment_identifier == PaymentIdentifier::Required => {
            Err(Failure::new(Class::IdentifierRequired, ""))
        }
        None => Ok(None),
    }
}

fn parse(payload: &PaymentPayload) -> Result<Option<&str>, Failure> {
    let extension = payload.extensions.as_ref().and_then(|extensions| extensions.get(PAYMENT_IDENTIFIER));
    let Some(id) = extension.and_then(|extension| extension.get("info")).and_then(|info| info.get("id")) else {
        return Ok(None);
    };
    let malformed = || Failure::new(Class::BadIdentifier, "");
    let id = Value::as_str(id).ok_or_else(malformed)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if LENGTHS.contains(&id.len()) && id.bytes().all(allowed) { Ok(Some(id)) } else { Err(malformed()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn payload(extensions: Value) -> PaymentPayload {
        let zero = "0x0000000000000000000000000000000000000000";
        serde_json::from_value(serde_json::json!({
            "x402Version": 2,
            "accepted": {"scheme": "exact", "network": "eip155:1", "amount": "1", "asset": zero, "payTo": zero, "maxTimeoutSeconds": 1},
            "payload": {"signature": "0x", "authorization": {"from": zero, "to": zero, "value": "1", "validAfter": "0", "validBefore": "1", "nonce": format!("0x{}", "00".repeat(32))}},
            "extensions": extensions
        }))
        .unwrap()
    }

    #[test]
    fn an_identifier_is_16_to_128_letters_digits_hyphens_and_underscores() {
        let with =
            |id: Value| payload(serde_json::json!({ PAYMENT_IDENTIFIER: { "info": { "required": false, "id": id } } }));
        for good in ["pay_0123456789ab".to_owned(), "a".repeat(128), "A-_0".repeat(4)] {
            assert_eq!(parse(&with(good.clone().into())).unwrap(), Some(good.as_str()));
        }
        for bad in [
            Value::from("a".repeat(15)),
            "a".repeat(129).into(),
            "pay 0123456789abc".into(),
            "päy_0123456789ab".into(),
            1.into(),
            Value::Null,
        ] {
            assert_eq!(parse(&with(bad.clone())).err().unwrap().code(), "bad_payment_identifier", "{bad}");
        }
    }

    #[test]
    fn without_the_extension_or_without_an_id_there_is_none() {
        for none in [
            serde_json::json!({}),
            serde_json::json!({ PAYMENT_IDENTIFIER: { "info": { "required": false } } }),
            Value::Null,
        ] {
            assert_eq!(parse(&payload(none)).unwrap(), None);
        }
    }
}
