#![allow(clippy::unwrap_used)]
use alloy_primitives::b256;
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    AtomicUnits,
    authorize::address_of,
    exact::fixtures::{self, NOW},
};

const URL: &str = "https://precis.example/v1/summaries";

/// Made by the npm package `@x402/extensions` 2.27.0 with viem 2.57.20: `signOfferEIP712`, `signReceiptEIP712` and the digests
/// of `hashOfferTypedData`, `hashReceiptTypedData`, for payloads with and without the optional member.
fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/offer_receipt.json")).unwrap()
}

fn offer() -> Offer {
    Offer::new(URL, &fixtures::required(), NOW + 60)
}

fn receipt() -> Receipt {
    let transaction = b256!("5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
    Receipt::new(URL, Network::BASE, address_of(&fixtures::key()), transaction, NOW + 10)
}

#[test]
fn the_official_package_signs_the_same_bytes() {
    fn agree<T>(cases: &Value, key: &SigningKey, signer: Address)
    where
        T: Payload + Clone + PartialEq + std::fmt::Debug + Serialize + for<'de> Deserialize<'de>,
    {
        for case in cases.as_array().unwrap() {
            let theirs: Signed<T> = serde_json::from_value(case["signed"].clone()).unwrap();
            assert_eq!(theirs.payload.signing_hash().to_string(), case["hash"].as_str().unwrap());
            assert_eq!(theirs.signer(), Ok(signer));
            let ours = Signed { accept_index: theirs.accept_index, ..Signed::sign(theirs.payload, key).unwrap() };
            assert_eq!(serde_json::to_value(&ours).unwrap(), case["signed"]);
        }
    }
    let vectors = vectors();
    let text = |name: &str| vectors[name].as_str().unwrap().to_owned();
    let key = SigningKey::from_slice(&hex::decode(&text("secretKey")[2..]).unwrap()).unwrap();
    let signer: Address = text("signer").parse().unwrap();
    assert_eq!(address_of(&key), signer);
    agree::<Offer>(&vectors["offers"], &key, signer);
    agree::<Receipt>(&vectors["receipts"], &key, signer);
}

#[test]
fn artifacts_recover_their_signer_and_round_trip() {
    let (key, signer) = (fixtures::key(), address_of(&fixtures::key()));
    let offers = vec![Signed { accept_index: Some(0), ..Signed::sign(offer(), &key).unwrap() }];
    let extensions = with_offers(Some(Map::from_iter([("other".to_owned(), json!(1))])), offers.clone());
    assert_eq!(extensions["other"], 1, "other extensions stay");
    let read = offers_in(Some(&extensions)).unwrap().unwrap();
    assert_eq!((&read, read[0].signer()), (&offers, Ok(signer)));
    let signed = Signed::sign(receipt(), &key).unwrap();
    let read = receipt_in(Some(&with_receipt(None, signed.clone()))).unwrap().unwrap();
    assert_eq!((&read, read.signer()), (&signed, Ok(signer)));
}

#[test]
fn every_member_of_a_payload_counts() {
    fn count<T: Payload + Clone + Serialize + for<'de> Deserialize<'de>>(payload: &T, members: usize) {
        let signed = Signed::sign(payload.clone(), &fixtures::key()).unwrap();
        let signer = signed.signer().unwrap();
        let payload = serde_json::to_value(payload).unwrap();
        let names: Vec<_> = payload.as_object().unwrap().keys().cloned().collect();
        assert_eq!(names.len(), members);
        for name in names {
            let mut changed = payload.clone();
            changed[&name] = match &changed[&name] {
                Value::String(text) => format!("{text}0").into(),
                number => (number.as_u64().unwrap() + 1).into(),
            };
            let payload: T = serde_json::from_value(changed).unwrap();
            let changed = Signed { payload, ..signed.clone() };
            assert_ne!(changed.signer(), Ok(signer), "{name}");
        }
    }
    count(&offer(), 8);
    count(&receipt(), 6);
}

#[test]
fn another_version_is_not_interpreted() {
    let later = Signed::sign(Offer { version: 2, ..offer() }, &fixtures::key()).unwrap();
    assert_eq!(later.signer(), Err(Unverifiable::Version));
    let later = Signed::sign(Receipt { version: 0, ..receipt() }, &fixtures::key()).unwrap();
    assert_eq!(later.signer(), Err(Unverifiable::Version));
}

#[test]
fn a_signature_has_one_spelling() {
    let good = Signed::sign(offer(), &fixtures::key()).unwrap();
    let mut bad = good.clone();
    bad.signature.0[64] -= 27;
    assert_eq!(bad.signer(), Err(Unverifiable::Malleable));
    let order = U256::from_be_bytes(b256!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").0);
    let mut bad = good.clone();
    let s = U256::from_be_slice(&good.signature.0[32..64]);
    bad.signature.0[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
    bad.signature.0[64] ^= 27 ^ 28;
    assert_eq!(bad.signer(), Err(Unverifiable::Malleable));
    let mut bad = good;
    bad.signature.0[..32].fill(0);
    assert_eq!(bad.signer(), Err(Unverifiable::Unrecoverable));
}

#[test]
fn an_offer_is_for_exactly_its_terms() {
    let (offer, required) = (offer(), fixtures::required());
    assert!(offer.is_for(URL, &required));
    assert!(!offer.is_for("https://precis.example/", &required));
    let edits: [fn(&mut PaymentRequirements); 5] = [
        |r| r.amount = AtomicUnits::from(1),
        |r| r.pay_to = Address::repeat_byte(1),
        |r| r.asset = Address::repeat_byte(1),
        |r| r.network = Network::BASE_SEPOLIA,
        |r| r.scheme = "upto".into(),
    ];
    for edit in edits {
        let mut other = required.clone();
        edit(&mut other);
        assert!(!offer.is_for(URL, &other));
    }
}

#[test]
fn what_is_not_known_is_not_read() {
    assert_eq!(offers_in(None), Ok(None));
    assert_eq!(offers_in(Some(&Map::new())), Ok(None));
    let signed = serde_json::to_value(Signed::sign(offer(), &fixtures::key()).unwrap()).unwrap();
    let read = |offer: &Value| {
        let extensions = json!({EXTENSION: {"info": {"offers": [offer]}}});
        offers_in(extensions.as_object())
    };
    assert!(read(&signed).unwrap().is_some());
    let edits: [fn(&mut Value); 6] = [
        |o| o["format"] = "jws".into(),
        |o| o["later"] = 1.into(),
        |o| o["payload"]["later"] = 1.into(),
        |o| o["payload"]["version"] = "1".into(),
        |o| o["signature"] = "0x12".into(),
        |o| drop(o.as_object_mut().unwrap().remove("payload")),
    ];
    for edit in edits {
        let mut bad = signed.clone();
        edit(&mut bad);
        assert_eq!(read(&bad), Err(Unreadable), "{bad}");
    }
    for bad in [json!(1), json!({}), json!({"info": {}}), json!({"info": {"offers": {}}})] {
        let extensions = json!({EXTENSION: bad});
        assert_eq!(offers_in(extensions.as_object()), Err(Unreadable));
        assert_eq!(receipt_in(extensions.as_object()), Err(Unreadable));
    }
}
