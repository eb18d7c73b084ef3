//! The objects of x402 version 2 as they travel, for the scheme `exact` with EIP-3009 (`x402-specification-v2.md`
//! section 5, `schemes/exact/scheme_exact_evm.md`).
//!
//! Amounts and times are decimal strings (in what a payer signed, whole numbers are read, too), addresses are EIP-55,
//! networks CAIP-2. Members that these types do not know
//! are kept where the standard wants them echoed verbatim ([`PaymentRequirements`], [`ResourceInfo`], extensions) and
//! ignored elsewhere. `x402Version` is 2 or the object does not parse.

pub mod codec;
mod facilitator;
pub mod header;

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

pub use facilitator::{FacilitatorRequest, SettleResponse, SupportedKind, SupportedResponse, VerifyResponse};
pub use header::{HeaderError, Member, decode, encode, parse};

use crate::{AtomicUnits, Network, network::EIP155_PREFIX};

/// The one scheme this crate speaks.
pub const SCHEME_EXACT: &str = "exact";
/// The one transfer method this crate speaks, and the default when `extra` names none.
pub const METHOD_EIP3009: &str = "eip3009";
/// The default order: verify, work, settle.
pub const FLOW_AUTHORIZATION: &str = "authorization";
/// The other order: settle, work. Must be announced.
pub const FLOW_UPFRONT: &str = "upfront";
/// `extra` key: name of the token's EIP-712 domain.
pub const EXTRA_NAME: &str = "name";
/// `extra` key: version of the token's EIP-712 domain.
pub const EXTRA_VERSION: &str = "version";
/// `extra` key: how the token is moved.
pub const EXTRA_METHOD: &str = "assetTransferMethod";
/// `extra` key: when the payment settles.
pub const EXTRA_FLOW: &str = "paymentFlow";
/// `extra` key: what the quote is for (SPEC 6.2).
pub const EXTRA_REQUEST_DIGEST: &str = "requestDigest";

/// The protocol version: the JSON number 2, nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Version2;

impl Serialize for Version2 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(2)
    }
}

impl<'de> Deserialize<'de> for Version2 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            2 => Ok(Self),
            _ => Err(de::Error::custom("x402Version is not 2")),
        }
    }
}

/// What is being paid for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceInfo {
    /// The URL of the resource.
    pub url: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Media type of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// At most 32 printable ASCII characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// At most five, of at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Members of later versions, echoed.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One way to pay: an entry of `accepts`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequirements {
    /// `exact` here; others parse, so that they can be skipped.
    pub scheme: String,
    /// The chain.
    pub network: Network,
    /// The price.
    pub amount: AtomicUnits,
    /// The token contract.
    #[serde(with = "codec::address")]
    pub asset: Address,
    /// Who is paid.
    #[serde(with = "codec::address")]
    pub pay_to: Address,
    /// How long the authorization must live, in seconds, counted from its signing.
    pub max_timeout_seconds: u64,
    /// The token's domain and what the server wants echoed.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
    /// Members of later versions, echoed.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl PaymentRequirements {
    /// A text value of `extra`.
    pub fn extra_text(&self, key: &str) -> Option<&str> {
        self.extra.get(key).and_then(Value::as_str)
    }

    /// Sets a text value of `extra`.
    pub fn with_extra(mut self, key: &str, value: &str) -> Self {
        self.extra.insert(key.to_owned(), Value::from(value));
        self
    }
}

/// A quote: header `PAYMENT-REQUIRED` and body of a 402 answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequired {
    /// Always 2.
    pub x402_version: Version2,
    /// Why there is a quote and not a result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is being paid for.
    pub resource: ResourceInfo,
    /// The ways to pay. Entries of chains that are not EVM are dropped when read: they have another shape.
    #[serde(deserialize_with = "evm_only")]
    pub accepts: Vec<PaymentRequirements>,
    /// Extensions by id, each `{info, schema}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Map<String, Value>>,
}

fn evm_only<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PaymentRequirements>, D::Error> {
    let entries = Vec::<Value>::deserialize(deserializer)?;
    let evm = |entry: &Value| {
        entry.get("network").and_then(Value::as_str).is_none_or(|network| network.starts_with(EIP155_PREFIX))
    };
    entries.into_iter().filter(evm).map(|entry| serde_json::from_value(entry).map_err(de::Error::custom)).collect()
}

/// What the payer signs (EIP-3009, `TransferWithAuthorization`).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    /// The payer.
    #[serde(with = "codec::address")]
    pub from: Address,
    /// The payee.
    #[serde(with = "codec::address")]
    pub to: Address,
    /// The amount.
    #[serde(with = "codec::amount_or_number")]
    pub value: AtomicUnits,
    /// Not usable up to and including this Unix second.
    #[serde(with = "codec::decimal_or_number")]
    pub valid_after: U256,
    /// Not usable from this Unix second on.
    #[serde(with = "codec::decimal_or_number")]
    pub valid_before: U256,
    /// Makes the authorization single-use; chosen by the payer.
    pub nonce: B256,
}

/// The scheme's part of a payment: an authorization and its signature.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExactPayload {
    /// 65 bytes r ‖ s ‖ v, or what a contract account accepts (EIP-1271).
    pub signature: Bytes,
    /// What is signed.
    pub authorization: Authorization,
}

/// A payment: header `PAYMENT-SIGNATURE`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentPayload {
    /// Always 2.
    pub x402_version: Version2,
    /// Echo of the quote's resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceInfo>,
    /// The entry of `accepts` that was chosen, verbatim.
    pub accepted: PaymentRequirements,
    /// The authorization.
    pub payload: ExactPayload,
    /// Echo of the quote's extensions, with what the client added inside `info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Map<String, Value>>,
}

#[cfg(test)]
mod tests;
