//! Messages of the facilitator interface (`x402-specification-v2.md` section 7). [`SettleResponse`] is also the header
//! `PAYMENT-RESPONSE`.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{PaymentPayload, PaymentRequirements, Version2, codec};
use crate::{AtomicUnits, Network};

/// Body of `POST /verify` and `POST /settle`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FacilitatorRequest {
    /// Always 2.
    pub x402_version: Version2,
    /// The payment as the client sent it.
    pub payment_payload: PaymentPayload,
    /// The requirements of the resource server, not the client's echo.
    pub payment_requirements: PaymentRequirements,
}

/// Answer of `POST /verify`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyResponse {
    /// Whether the payment would settle.
    pub is_valid: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_reason: Option<String>,
    /// Who pays.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "codec::optional_address")]
    pub payer: Option<Address>,
    /// Outcomes of extensions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Map<String, Value>>,
    /// Details of the scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Map<String, Value>>,
}

/// Answer of `POST /settle` and header `PAYMENT-RESPONSE`, on success and on failure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettleResponse {
    /// Whether money moved.
    pub success: bool,
    /// Why not: a code of section 9, or `settlement_pending`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    /// Who paid.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "codec::optional_address")]
    pub payer: Option<Address>,
    /// The transaction; the empty string on the wire if none was broadcast.
    #[serde(default, with = "codec::optional_hash")]
    pub transaction: Option<B256>,
    /// The chain.
    pub network: Network,
    /// The amount that moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<AtomicUnits>,
    /// Outcomes of extensions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Map<String, Value>>,
    /// Details of the scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Map<String, Value>>,
}

impl SettleResponse {
    /// Money moved in `transaction`.
    pub fn settled(network: Network, payer: Address, amount: AtomicUnits, transaction: B256) -> Self {
        Self {
            success: true,
            error_reason: None,
            payer: Some(payer),
            transaction: Some(transaction),
            network,
            amount: Some(amount),
            extensions: None,
            extra: None,
        }
    }

    /// Money did not move, for the reason `code`.
    pub fn failed(network: Network, payer: Option<Address>, code: &str, transaction: Option<B256>) -> Self {
        Self {
            success: false,
            error_reason: Some(code.to_owned()),
            payer,
            transaction,
            network,
            amount: None,
            extensions: None,
            extra: None,
        }
    }
}

/// One entry of [`SupportedResponse::kinds`]. A facilitator lists networks of other namespaces and versions too, hence
/// the plain texts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SupportedKind {
    /// 1 or 2.
    pub x402_version: u64,
    /// The scheme.
    pub scheme: String,
    /// The network.
    pub network: String,
    /// Details of the scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Map<String, Value>>,
}

/// Answer of `GET /supported`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SupportedResponse {
    /// What the facilitator settles.
    pub kinds: Vec<SupportedKind>,
    /// Extension ids.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// Who submits transactions, by CAIP-2 pattern.
    #[serde(default)]
    pub signers: BTreeMap<String, Vec<String>>,
}
