use ciborium::Value;
use precis_protocol::limits::{MAX_QUOTE_BYTES, MAX_TRANSACTION_BYTES};
use precis_verify::register::{Register, signature_context};

use crate::honest;

/// `Register::parse`: canonical CBOR at every level by the word of another implementation, and no signature over anything that was not signed.
pub fn register(bytes: &[u8]) {
    let Ok(register) = Register::parse(bytes) else { return };
    assert!(bytes.len() <= MAX_TRANSACTION_BYTES && register.quote.len() <= MAX_QUOTE_BYTES);

    let envelope = one_encoding(bytes);
    let body = one_encoding(envelope.as_array().unwrap()[0].as_bytes().unwrap());
    let call = member(member(&body, "call"), "body");
    let capability = member(member(call, "ect"), "capability_tee");
    let attestation = one_encoding(member(capability, "attestation").as_bytes().unwrap());
    let quote = member(member(member(&attestation, "quote"), "pcs"), "quote");
    assert_eq!(quote.as_bytes(), Some(&register.quote));
    assert_eq!(member(call, "app").as_bytes().map(Vec::as_slice), Some(&register.app[..]));
    assert_eq!(member(capability, "rak").as_bytes().map(Vec::as_slice), Some(&register.rak[..]));

    let chain = honest::TRUST.chain.unwrap();
    let signed = register.verify(&signature_context(&chain.runtime_id, &chain.chain_context)).is_ok();
    assert!(!signed || bytes == honest::TRANSACTION, "a transaction that nobody signed verifies");
}

/// The item that `bytes` encode, if they are its only encoding: definite, shortest, keys sorted.
fn one_encoding(bytes: &[u8]) -> Value {
    let mut rest = bytes;
    let value: Value = ciborium::from_reader(&mut rest).expect("CBOR");
    assert!(rest.is_empty(), "bytes after the item");
    let mut again = Vec::new();
    ciborium::into_writer(&value, &mut again).unwrap();
    assert_eq!(again, bytes, "another encoding of the same item");
    sorted(&value);
    value
}

fn sorted(value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(sorted),
        Value::Map(entries) => {
            let keys: Vec<_> = entries.iter().map(|(key, _)| key.as_text().expect("a text key")).collect();
            assert!(keys.is_sorted_by(|a, b| (a.len(), a) < (b.len(), b)), "keys out of order");
            entries.iter().for_each(|(_, value)| sorted(value));
        }
        _ => {}
    }
}

fn member<'a>(map: &'a Value, name: &str) -> &'a Value {
    let entries = map.as_map().expect("a map");
    entries.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value).expect(name)
}
