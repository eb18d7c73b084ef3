//! What the ledger keeps (sealed) of a claimed request, so that the job can end without its caller: settle, be signed, be
//! paid back. The document is not part of it.

use precis_payment::exact::{self, TokenDomain, Transfer, verify_claimed};
use precis_payment::wire::PaymentPayload;
use precis_protocol::Mode;
use precis_protocol::encoding::hex_array;
use precis_protocol::receipt::Channel;
use precis_store::{Authorization, Record};
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::service::Service;

/// A claimed request without its document.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Context {
    /// The payment as it was sent, without what the quote only wanted echoed.
    pub(super) payment: PaymentPayload,
    /// What the request commits to (SPEC 6.1).
    #[serde(with = "hex_array")]
    pub(super) commitment: [u8; 32],
    /// Channel of the request that claimed.
    pub(super) channel: Channel,
    /// Whether the nonce commits to the request (SPEC 6.3).
    pub(super) nonce_committed: bool,
    /// Time of a block that was there when the claim was made, or of the one that paid before it, Unix seconds: by the chain's
    /// clock, since ours is the host's.
    pub(super) seen_at: u64,
    /// Which summarizer.
    pub(super) mode: Mode,
    /// Input tokens.
    pub(super) tokens: u32,
}

impl Context {
    /// As the ledger keeps it.
    pub(super) fn store(&self) -> Result<Vec<u8>, Failure> {
        serde_json::to_vec(self).map_err(|e| Failure::internal("context", e))
    }

    /// Of a record.
    pub(super) fn of(record: &Record) -> Result<Self, Failure> {
        serde_json::from_slice(&record.context).map_err(|e| Failure::internal("stored context", e))
    }

    /// The payment, as it was checked when it was claimed.
    pub(super) fn payment(&self, service: &Service) -> Result<exact::Authorized, Failure> {
        let config = &service.settings.config;
        let domain = token_domain(service);
        let payment = verify_claimed(&self.payment, config.network, config.asset, &domain, self.seen_at);
        payment.map_err(|e| Failure::internal("stored payment", e))
    }
}

/// The configured token's EIP-712 domain.
pub(super) fn token_domain(service: &Service) -> TokenDomain {
    let config = &service.settings.config;
    TokenDomain { name: config.asset_name.clone(), version: config.asset_version.clone() }
}

/// The authorization as the ledger remembers it; none if an amount or a time is out of range, which no real one is.
pub(super) fn remembered(transfer: &Transfer) -> Option<Authorization> {
    Some(Authorization {
        network: transfer.network.to_string(),
        asset: transfer.asset.into(),
        pay_to: transfer.to.into(),
        amount: u128::try_from(transfer.value.get()).ok()?,
        payer: transfer.from.into(),
        nonce: transfer.nonce.into(),
        valid_before: u64::try_from(transfer.valid_before).unwrap_or(u64::MAX),
    })
}
