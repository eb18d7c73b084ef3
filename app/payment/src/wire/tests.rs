#![allow(clippy::unwrap_used)]
use base64::{Engine, engine::general_purpose::STANDARD};
use precis_protocol::limits::MAX_PAYMENT_HEADER_BYTES;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::exact::fixtures;

/// A payment as the TypeScript SDK shapes it.
fn sdk_payment() -> Value {
    json!({
        "x402Version": 2,
        "resource": {"url": "https://example.org/v1/summaries", "mimeType": "application/json", "iconUrl": "https://example.org/i"},
        "accepted": {
            "scheme": "exact", "network": "eip155:8453", "amount": "10000",
            "asset": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "payTo": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
            "maxTimeoutSeconds": 60, "extra": {"name": "USD Coin", "version": "2", "requestDigest": "ab"}, "later": [1]
        },
        "payload": {
            "signature": "0x01",
            "authorization": {
                "from": "0x202C98BaCB45a16aFAcb16EE960C4702F35F9f80", "to": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
                "value": "10000", "validAfter": "0", "validBefore": "1790000060",
                "nonce": "0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480"
            }
        }
    })
}

#[test]
fn a_payment_is_read_and_written_verbatim() {
    let payment: PaymentPayload = serde_json::from_value(sdk_payment()).unwrap();
    assert_eq!(serde_json::to_value(&payment).unwrap(), sdk_payment(), "unknown members of echoes included");
    assert_eq!(decode::<PaymentPayload>(encode(&payment).unwrap().as_bytes()).unwrap(), payment);
}

#[test]
fn a_quote_is_read_and_written_verbatim_and_other_chains_are_skipped() {
    let evm = json!({
        "scheme": "exact", "network": "eip155:84532", "amount": "1", "maxTimeoutSeconds": 1,
        "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "payTo": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
    });
    let solana = json!({"scheme": "exact", "network": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "amount": "1", "asset": "EPjF", "payTo": "2wKu"});
    let mut quote = json!({
        "x402Version": 2, "error": "PAYMENT-SIGNATURE header is required", "resource": {"url": "https://example.org/"},
        "accepts": [evm], "extensions": {"x": {"info": {}, "schema": {}}}
    });
    let read: PaymentRequired = serde_json::from_value(quote.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), quote);
    quote["accepts"] = json!([solana, evm]);
    assert_eq!(serde_json::from_value::<PaymentRequired>(quote.clone()).unwrap(), read);
    quote["accepts"] = json!([{"scheme": "exact", "network": "eip155:1"}]);
    assert!(serde_json::from_value::<PaymentRequired>(quote).is_err(), "a broken EVM entry is not skipped");
}

#[test]
fn each_layer_of_a_header_has_its_own_error() {
    let header = |json: &str| decode::<PaymentPayload>(STANDARD.encode(json).as_bytes()).unwrap_err();
    assert_eq!(decode::<PaymentPayload>(b"{}").unwrap_err(), HeaderError::NotBase64);
    assert_eq!(decode::<PaymentPayload>(b"-_-_").unwrap_err(), HeaderError::NotBase64, "another alphabet");
    assert_eq!(header("hello"), HeaderError::NotJson);
    assert_eq!(header(""), HeaderError::NotJson);
    assert_eq!(header("{\"x402Version\":2"), HeaderError::NotJson);
    assert!(matches!(header("{}"), HeaderError::WrongShape(member) if member.path() == "x402Version"));
    assert!(matches!(header("[]"), HeaderError::WrongShape(_)));
    assert_eq!(header(&format!("{} {{}}", sdk_payment())), HeaderError::NotJson, "and something more");
    let mut old = sdk_payment();
    for version in [json!(1), json!("2"), json!(3), json!(2.5)] {
        old["x402Version"] = version;
        assert_eq!(header(&old.to_string()), HeaderError::WrongVersion);
    }
    let longest = STANDARD.encode(vec![b' '; MAX_PAYMENT_HEADER_BYTES]);
    assert_eq!(decode::<PaymentPayload>(longest.as_bytes()).unwrap_err(), HeaderError::TooLarge);
    assert_eq!(HeaderError::WrongVersion.code(), "invalid_x402_version");
    assert_eq!(HeaderError::NotJson.code(), "invalid_payload");
}

#[test]
fn a_payment_of_another_method_has_the_wrong_shape() {
    let mut permit2 = sdk_payment();
    permit2["payload"] = json!({"signature": "0x", "permit2Authorization": {}});
    let header = encode(&permit2).unwrap();
    let error = decode::<PaymentPayload>(header.as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "payload.authorization: is missing; it is the authorization of an exact EIP-3009 payment"
    );
}

#[test]
fn a_payment_is_read_without_padding_and_with_numbers_as_the_reference_reads_it() {
    let wanted: PaymentPayload = serde_json::from_value(sdk_payment()).unwrap();
    let mut numbers = sdk_payment();
    let authorization = &mut numbers["payload"]["authorization"];
    authorization["value"] = json!(10_000);
    authorization["validAfter"] = json!(0);
    authorization["validBefore"] = json!(1_790_000_060);
    for blanks in 0..3 {
        // One of three lengths needs no padding, the others one or two characters of it.
        let json = format!("{numbers}{}", " ".repeat(blanks));
        let padded = STANDARD.encode(json);
        for header in [padded.as_str(), padded.trim_end_matches('=')] {
            assert_eq!(decode::<PaymentPayload>(header.as_bytes()).unwrap(), wanted);
        }
    }
    let written = serde_json::to_value(&wanted).unwrap();
    assert_eq!(written["payload"]["authorization"]["value"], "10000", "written as the standard says");
}

#[test]
fn a_refused_payment_names_the_member_and_repeats_nothing_of_it() {
    const SECRET: &str = "do-not-repeat";
    let cases: [(&[&str], Value); 14] = [
        (&["payload", "authorization", "value"], json!(SECRET)),
        (&["payload", "authorization", "value"], json!(1.5)),
        (&["payload", "authorization", "value"], json!(-1)),
        (&["payload", "authorization", "value"], json!("010")),
        (&["payload", "authorization", "validAfter"], json!(null)),
        (&["payload", "authorization", "validBefore"], json!(1e30)),
        (&["payload", "authorization", "nonce"], json!(SECRET)),
        (&["payload", "authorization", "from"], json!(SECRET)),
        (&["payload", "signature"], json!(SECRET)),
        (&["payload"], json!(SECRET)),
        (&["accepted", "amount"], json!(10_000)),
        (&["accepted", "network"], json!(SECRET)),
        (&["accepted", "payTo"], json!(5)),
        (&["accepted"], json!(null)),
    ];
    for (path, value) in cases {
        let mut payment = sdk_payment();
        let place = path.iter().fold(&mut payment, |object, name| &mut object[name]);
        *place = value.clone();
        let error = decode::<PaymentPayload>(STANDARD.encode(payment.to_string()).as_bytes()).unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with(&format!("{}: is ", path.join("."))), "{path:?} = {value}: {said}");
        assert!(!said.contains(SECRET), "{said}");
    }
    let mut payment = sdk_payment();
    payment["payload"]["authorization"].as_object_mut().unwrap().remove("validBefore");
    let said = decode::<PaymentPayload>(STANDARD.encode(payment.to_string()).as_bytes()).unwrap_err().to_string();
    assert!(said.starts_with("payload.authorization.validBefore: is missing"), "{said}");
}

#[test]
fn a_header_too_long_to_be_read_is_not_written() {
    let mut payment = fixtures::payload();
    payment.payload.signature = vec![1; MAX_PAYMENT_HEADER_BYTES].into();
    assert_eq!(encode(&payment), Err(HeaderError::TooLarge));
}

#[test]
fn a_settlement_without_transaction_writes_the_empty_string() {
    let payer = fixtures::payload().payload.authorization.from;
    let failed = SettleResponse::failed(Network::BASE, Some(payer), "insufficient_funds", None);
    let value = serde_json::to_value(&failed).unwrap();
    assert_eq!(
        value,
        json!({"success": false, "errorReason": "insufficient_funds", "payer": payer.to_checksum(None), "transaction": "", "network": "eip155:8453"})
    );
    assert_eq!(serde_json::from_value::<SettleResponse>(value).unwrap(), failed);
    let settled = SettleResponse::settled(Network::BASE, payer, AtomicUnits::from(5), B256::repeat_byte(1));
    let value = serde_json::to_value(&settled).unwrap();
    assert_eq!(value["transaction"], format!("0x{}", "01".repeat(32)));
    assert_eq!(serde_json::from_value::<SettleResponse>(value).unwrap(), settled);
    assert!(
        serde_json::from_value::<SettleResponse>(
            json!({"success": true, "transaction": "0x12", "network": "eip155:1"})
        )
        .is_err()
    );
}

#[test]
fn fractions_of_a_foreign_quote_are_echoed_unchanged() {
    let fractions = "[51.248178375505404,-93.31137037688033,7.101215824554616e+260]";
    let required = fixtures::required().with_extra("rate", "x");
    let quote = serde_json::to_string(&required).unwrap().replace(r#""rate":"x""#, &format!(r#""rate":{fractions}"#));
    let read: PaymentRequirements = serde_json::from_str(&quote).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), quote);
}

#[test]
fn answers_of_other_implementations_are_read() {
    let sparse: SettleResponse =
        serde_json::from_value(json!({"success": false, "network": "eip155:1", "payer": null, "transaction": null}))
            .unwrap();
    assert_eq!((sparse.transaction, sparse.payer), (None, None));
    let verify: VerifyResponse =
        serde_json::from_value(json!({"isValid": false, "invalidReason": "x", "payer": "", "more": 1})).unwrap();
    assert_eq!((verify.is_valid, verify.payer), (false, None));
    let supported: SupportedResponse = serde_json::from_value(json!({"kinds": [
        {"x402Version": 1, "scheme": "exact", "network": "base"},
        {"x402Version": 2, "scheme": "exact", "network": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "extra": {"feePayer": "x"}}
    ]})).unwrap();
    assert_eq!(supported.kinds.len(), 2);
}

proptest! {
    #[test]
    fn no_header_makes_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode::<PaymentPayload>(&bytes);
        let _ = decode::<PaymentRequired>(STANDARD.encode(&bytes).as_bytes());
    }

    #[test]
    fn every_payment_survives_its_header(
        amount: u128, after: u64, before: u64, nonce: [u8; 32], from: [u8; 20],
        signature in proptest::collection::vec(any::<u8>(), 0..300), note in ".{0,40}",
    ) {
        let mut payment = fixtures::payload();
        payment.accepted = payment.accepted.with_extra("note", &note);
        payment.payload.signature = signature.into();
        payment.payload.authorization = Authorization {
            from: from.into(), to: payment.payload.authorization.to, value: AtomicUnits::from(amount),
            valid_after: U256::from(after), valid_before: U256::from(before), nonce: nonce.into(),
        };
        let header = encode(&payment).unwrap();
        prop_assert!(header.bytes().all(|byte| byte.is_ascii_graphic()));
        prop_assert_eq!(decode::<PaymentPayload>(header.as_bytes()).unwrap(), payment);
    }
}
