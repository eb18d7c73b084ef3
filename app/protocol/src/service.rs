//! The service description at `/v1/service` (SPEC 5.5). Its caller-relevant part is digested into the keyset.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::keyset::PaymentTarget;
use crate::price::Price;
use crate::task::{PerTask, TaskLimits};

/// What the service offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceDescription {
    /// Product name.
    pub name: String,
    /// Release version.
    pub version: String,
    /// ROFL app id.
    pub app_id: String,
    /// Digest of the keyset of this boot.
    pub keyset_digest: Digest,
    /// Targets of payments.
    pub payments: Vec<PaymentTarget>,
    /// Tasks that are sold.
    pub tasks: PerTask<TaskDescription>,
    /// Digested configuration.
    pub config: ServiceConfig,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskDescription {
    /// Path of the route that sells it.
    pub path: String,
    /// The model that works, if one does.
    pub model: Option<ModelDescription>,
    /// Parameters as digested.
    pub parameters: serde_json::Value,
    /// Price in force.
    pub price: Price,
    /// Limits of one request.
    pub limits: TaskLimits,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelDescription {
    /// Name in its manifest.
    pub name: String,
    /// Digest of the manifest.
    pub digest: Digest,
}

/// Configuration a caller would care about and the measurement does not fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceConfig {
    /// Networks that payments are taken on, in the order in which quotes name them.
    pub networks: Vec<NetworkConfig>,
    /// `enclave` or the URL of a remote facilitator.
    pub facilitator: String,
    /// Address that the enclave wallet's surplus goes to, if it goes anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep_to: Option<Address>,
    /// Limits in force.
    pub limits: ServiceLimits,
}

/// One network that payments are taken on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkConfig {
    /// CAIP-2.
    pub network: String,
    /// EIP-712 name of the asset.
    pub asset_name: String,
    /// EIP-712 version of the asset.
    pub asset_version: String,
    /// Host part of the RPC endpoint that payments are read from.
    pub rpc_host: String,
    /// Blocks that must show a settlement, the first included.
    pub confirmations: u64,
}

/// Limits in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceLimits {
    /// Bytes of text.
    pub max_document_bytes: u64,
    /// Bytes of a request body.
    pub max_request_body_bytes: u64,
    /// Jobs waiting for the model.
    pub queue: u32,
    /// Unsettled jobs of one payer.
    pub max_unsettled_per_payer: u32,
    /// Seconds that a caller is kept waiting before it gets a ticket (SPEC 5.8).
    pub answer_seconds: u64,
    /// Seconds that a result is kept after its job has ended and its authorization is void.
    pub result_seconds: u64,
    /// Predicted seconds of work above which payment comes first (SPEC 6.5), if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upfront_seconds: Option<u64>,
    /// Predicted seconds of work above which a job that is not paid first is refused, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpaid_seconds: Option<u64>,
}

impl ServiceConfig {
    /// Digest of the compact JSON (SPEC 2.3).
    pub fn digest(&self) -> Digest {
        // Plain strings and integers always serialize.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}
