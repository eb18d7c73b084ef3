//! Strict text encodings of binary values: lowercase hex without prefix, `0x` hex, canonical base64. Also as serde `with` modules.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A binary value was not in its one canonical text form.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EncodingError {
    /// Not lowercase hex of the expected length.
    #[error("expected {expected} lowercase hex digits")]
    Hex {
        /// Digits expected.
        expected: usize,
    },
    /// Not lowercase hex of whole bytes.
    #[error("expected lowercase hex")]
    AnyHex,
    /// Not canonical standard base64 with padding.
    #[error("expected standard base64 with padding")]
    Base64,
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Exactly `N` bytes of lowercase hex, no prefix.
pub fn lower_hex<const N: usize>(text: &str) -> Result<[u8; N], EncodingError> {
    let error = EncodingError::Hex { expected: 2 * N };
    if text.len() != 2 * N || !is_lower_hex(text) {
        return Err(error);
    }
    let mut out = [0; N];
    hex::decode_to_slice(text, &mut out).map_err(|_| error)?;
    Ok(out)
}

/// Any number of whole bytes of lowercase hex, no prefix.
pub fn lower_hex_vec(text: &str) -> Result<Vec<u8>, EncodingError> {
    if !is_lower_hex(text) {
        return Err(EncodingError::AnyHex);
    }
    hex::decode(text).map_err(|_| EncodingError::AnyHex)
}

/// Canonical standard base64 with padding: what decodes and encodes back to the same text.
pub fn base64_decode(text: &str) -> Result<Vec<u8>, EncodingError> {
    STANDARD.decode(text).map_err(|_| EncodingError::Base64)
}

/// Standard base64 with padding.
pub fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// serde: fixed-size bytes as lowercase hex without prefix.
pub mod hex_array {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes lowercase hex.
    pub fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    /// Reads exactly `N` bytes of lowercase hex.
    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<[u8; N], D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        super::lower_hex(&text).map_err(serde::de::Error::custom)
    }
}

/// serde: hashes, addresses and signatures as `0x` and lowercase hex, the one form of SPEC's conventions.
pub mod prefixed_hex {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes `0x` and lowercase hex.
    pub fn serialize<S: Serializer, T: AsRef<[u8]>>(bytes: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", hex::encode(bytes)))
    }

    /// Reads `0x` and exactly as many lowercase hex digits as the type has.
    pub fn deserialize<'de, D: Deserializer<'de>, T: for<'a> TryFrom<&'a [u8]>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = text.strip_prefix("0x").and_then(|digits| super::lower_hex_vec(digits).ok());
        bytes
            .and_then(|bytes| T::try_from(bytes.as_slice()).ok())
            .ok_or_else(|| serde::de::Error::custom("expected `0x` and lowercase hex of the value's length"))
    }
}

/// serde: byte strings as lowercase hex without prefix.
pub mod hex_vec {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes lowercase hex.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    /// Reads whole bytes of lowercase hex.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        super::lower_hex_vec(&text).map_err(serde::de::Error::custom)
    }
}

/// serde: byte strings as canonical base64.
pub mod base64_vec {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes standard base64 with padding.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::base64_encode(bytes))
    }

    /// Reads canonical standard base64.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        super::base64_decode(&text).map_err(serde::de::Error::custom)
    }
}

/// serde: an unsigned 256-bit amount as a decimal string (money is never a JSON number).
pub mod decimal_u256 {
    use alloy_primitives::U256;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the decimal string.
    pub fn serialize<S: Serializer>(amount: &U256, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(amount)
    }

    /// Reads a decimal string without sign, prefix or leading zeros.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let canonical =
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
        if !canonical {
            return Err(serde::de::Error::custom("an amount is a decimal string of atomic units"));
        }
        U256::from_str_radix(&text, 10).map_err(|_| serde::de::Error::custom("an amount fits 256 bits"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_hash_an_address_and_a_signature_have_one_text() {
        #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
        struct All(
            #[serde(with = "prefixed_hex")] alloy_primitives::Address,
            #[serde(with = "prefixed_hex")] alloy_primitives::B256,
        );
        let all = All(alloy_primitives::Address::repeat_byte(0xab), alloy_primitives::B256::repeat_byte(0xcd));
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(text, format!(r#"["0x{}","0x{}"]"#, "ab".repeat(20), "cd".repeat(32)));
        assert_eq!(serde_json::from_str::<All>(&text).unwrap(), all);
        let array = format!("{:?}", [0xcd; 32]);
        for bad in [
            text.replace("ab", "AB"),
            text.replace("0xab", "ab"),
            text.replace("0xcd", "0Xcd"),
            text.replacen("cd", "", 1),
            text.replace(&format!(r#""0x{}""#, "cd".repeat(32)), &array),
        ] {
            assert!(serde_json::from_str::<All>(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_canonical_forms_parse() {
        assert_eq!(lower_hex::<2>("00ff").unwrap(), [0, 255]);
        for bad in ["00FF", "0x00ff", "00f", "00ff0", "00fg"] {
            assert!(lower_hex::<2>(bad).is_err(), "{bad}");
        }
        assert_eq!(base64_decode("AAE=").unwrap(), [0, 1]);
        for bad in ["AAE", "AAF=", "AA E=", "AAE=\n", "_-8="] {
            assert!(base64_decode(bad).is_err(), "{bad}");
        }
    }
}
