//! Canonical CBOR (RFC 7049 section 3.9, as oasis-core encodes): shortest integers, definite
//! lengths, map keys sorted by length, then bytewise.

use ciborium::Value;

/// A map with text keys, sorted.
#[must_use]
pub fn map(mut members: Vec<(&str, Value)>) -> Value {
    members.sort_by(|(a, _), (b, _)| (a.len(), a.as_bytes()).cmp(&(b.len(), b.as_bytes())));
    Value::Map(members.into_iter().map(|(key, value)| (Value::from(key), value)).collect())
}

/// A byte string.
#[must_use]
pub fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

/// The encoding of `value`, whose maps must be sorted already.
#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    // A vector takes every write, and every `Value` has an encoding.
    let written = ciborium::into_writer(value, &mut out);
    debug_assert!(written.is_ok());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `accounts.Transfer` as oasis-sdk encodes it.
    #[test]
    fn a_recorded_transaction_is_reproduced_byte_for_byte() {
        let zero = || Value::Array(vec![bytes(&[]), bytes(&[])]);
        let transfer = map(vec![("to", bytes(&[0; 21])), ("amount", Value::Array(vec![bytes(&[1]), bytes(&[])]))]);
        let tx = map(vec![
            ("call", map(vec![("method", "accounts.Transfer".into()), ("body", transfer)])),
            ("v", 1.into()),
            ("ai", map(vec![("si", Value::Array(vec![])), ("fee", map(vec![("gas", 0.into()), ("amount", zero())]))])),
        ]);
        assert_eq!(
            hex::encode(encode(&tx)),
            "a3617601626169a26273698063666565a2636761730066616d6f756e748240406463616c6ca264626f6479\
             a262746f5500000000000000000000000000000000000000000066616d6f756e7482410140666d6574686f\
             64716163636f756e74732e5472616e73666572"
        );
    }
}
