//! Spellings shared by the wire types: decimal strings, EIP-55 addresses, transaction hashes that may be absent.

/// A 256-bit integer, written as a decimal string and read from that or from a whole JSON number, as the reference
/// implementation reads what payers sign.
pub mod decimal_or_number {
    use alloy_primitives::U256;
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(u64),
    }

    /// Writes the decimal string.
    pub fn serialize<S: Serializer>(value: &U256, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    /// Reads a canonical decimal string, or a number without sign, point and exponent.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
        let read = match Either::deserialize(deserializer)? {
            Either::Text(text) => crate::decimal::parse(&text),
            Either::Number(number) => Some(U256::from(number)),
        };
        read.ok_or_else(|| de::Error::custom("not a whole number"))
    }
}

/// As [`decimal_or_number`], for an amount.
pub mod amount_or_number {
    use serde::{Deserializer, Serializer};

    use crate::AtomicUnits;

    /// Writes the decimal string.
    pub fn serialize<S: Serializer>(value: &AtomicUnits, serializer: S) -> Result<S::Ok, S::Error> {
        super::decimal_or_number::serialize(&value.get(), serializer)
    }

    /// Reads a canonical decimal string, or a number without sign, point and exponent.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AtomicUnits, D::Error> {
        super::decimal_or_number::deserialize(deserializer).map(AtomicUnits::new)
    }
}

/// An address, written with its EIP-55 checksum and read in any case.
///
/// Clients echo our spelling verbatim, and some compare it as text: the checksummed form is what they expect to see.
pub mod address {
    use alloy_primitives::Address;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the checksummed address.
    pub fn serialize<S: Serializer>(value: &Address, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.to_checksum(None))
    }

    /// Reads `0x` and 40 hexadecimal digits.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        Address::deserialize(deserializer)
    }
}

/// As [`address`], for a member that may be absent.
pub mod optional_address {
    use alloy_primitives::Address;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the checksummed address, or null.
    pub fn serialize<S: Serializer>(value: &Option<Address>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(address) => super::address::serialize(address, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads an address, null or the empty string.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Address>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
        text.map(|text| text.parse().map_err(|_| serde::de::Error::custom("not an address"))).transpose()
    }
}

/// A transaction hash, the empty string if nothing was broadcast (x402 v2, section 5.3).
pub mod optional_hash {
    use alloy_primitives::B256;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the hash, or the empty string.
    pub fn serialize<S: Serializer>(value: &Option<B256>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(hash) => serializer.collect_str(hash),
            None => serializer.serialize_str(""),
        }
    }

    /// Reads a hash, null or the empty string.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<B256>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
        text.map(|text| text.parse().map_err(|_| serde::de::Error::custom("not a transaction hash"))).transpose()
    }
}
