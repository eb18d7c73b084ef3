//! Step 7: the receipt over what was observed in this enclave: request, result, payment, code, model (SPEC 7).

use std::sync::PoisonError;

use alloy_primitives::{B256, U256};
use precis_protocol::Digest;
use precis_protocol::challenge::Block;
use precis_protocol::encoding::hex_array;
use precis_protocol::receipt::{Channel, Payment, Receipt, ReceiptStatus, Salts, SignedReceipt};
use precis_protocol::request::{Commitment, response_digest};
use precis_protocol::summary::SummaryResult;
use precis_store::{JobResult, Stage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::authorize::Purchase;
use super::offer;
use super::settle::Settled;
use crate::error::Failure;
use crate::service::Service;
use crate::{clock, random};

/// The chain of receipts of this boot (SPEC 7.4).
pub struct ReceiptChain {
    sequence: u64,
    previous: B256,
}

impl ReceiptChain {
    /// Before the first receipt.
    pub fn genesis(keyset: &Digest) -> Self {
        Self { sequence: 0, previous: B256::from(*keyset.as_bytes()) }
    }
}

/// What a receipt needs to know of the request. Stored (sealed) in the receipt's place until there is one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    #[serde(with = "hex_array")]
    commitment: [u8; 32],
    channel: Channel,
    nonce_committed: bool,
}

impl Draft {
    pub(super) fn of(purchase: &Purchase) -> Self {
        let (channel, nonce_committed) = (purchase.channel, purchase.nonce_committed);
        Self { commitment: *purchase.commitment.as_bytes(), channel, nonce_committed }
    }

    pub(super) fn store(&self) -> Result<Vec<u8>, Failure> {
        serde_json::to_vec(self).map_err(|e| Failure::internal("receipt draft", e))
    }
}

/// What is released with a result, stored (sealed) in the receipt's place once the job is paid: keys and time of this boot
/// signed it, so that no later one could make the same bytes again.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// The signed receipt, its exact JSON.
    pub(super) receipt: Box<RawValue>,
    /// `PAYMENT-RESPONSE` as it is sent.
    pub(super) settlement: String,
}

/// A settled job with its receipt.
pub struct Receipted {
    pub(super) settled: Settled,
    /// What goes out with the result.
    pub(super) kept: Kept,
    /// Whether it was stored before, and is only being delivered again.
    pub(super) stored: bool,
}

/// Signs. A job that was delivered before keeps the receipt it had.
///
/// # Errors
/// When the receipt cannot be signed: then nothing is released, and the same payment may be retried.
pub async fn receipt(service: &Service, settled: Settled) -> Result<Receipted, Failure> {
    let stored = settled
        .result()?
        .receipt
        .as_deref()
        .ok_or_else(|| Failure::internal("ledger", "a result without its draft"))?;
    if settled.record.state.stage() == Stage::Settled {
        let kept = serde_json::from_slice(stored).map_err(|e| Failure::internal("stored receipt", e))?;
        return Ok(Receipted { settled, kept, stored: true });
    }
    let draft: Draft = serde_json::from_slice(stored).map_err(|e| Failure::internal("receipt draft", e))?;
    let block = service.payments.recent_block().await?;
    let signed = sign(service, &settled, &draft, block)?;
    let settlement = offer::settlement(service, &settled, &signed)?;
    let receipt = serde_json::value::to_raw_value(&signed).map_err(|e| Failure::internal("receipt", e))?;
    Ok(Receipted { settled, kept: Kept { receipt, settlement }, stored: false })
}

fn sign(service: &Service, settled: &Settled, draft: &Draft, block: Block) -> Result<SignedReceipt, Failure> {
    let JobResult { status, response, .. } = settled.result()?;
    let result: SummaryResult = serde_json::from_slice(response).map_err(|e| Failure::internal("stored result", e))?;
    let own = service.identity.evidence().ok_or_else(|| Failure::internal("receipt", "no evidence"))?;
    let random = || random::bytes::<32>().map_err(|e| Failure::internal("random", e));
    let salts = Salts { request: random()?, response: random()? };
    let receipt_id = random()?;
    let authorization = &settled.record.authorization;
    let payment = Payment {
        network: authorization.network.clone(),
        asset: authorization.asset.into(),
        pay_to: authorization.pay_to.into(),
        amount: U256::from(authorization.amount),
        payer: authorization.payer.into(),
        nonce: authorization.nonce.into(),
        nonce_committed: draft.nonce_committed,
        transaction: settled.paid,
    };
    // Held while signing, so that sequence and predecessor are never used twice.
    let mut chain = service.receipts.lock().unwrap_or_else(PoisonError::into_inner);
    let receipt = Receipt {
        receipt_id,
        app_id: own.app_id,
        enclave_identity: own.enclave_identity,
        keyset_digest: service.identity.keyset_digest,
        model_digest: result.model,
        parameters_digest: service.engine.of(result.mode).parameters_digest,
        request_digest: Commitment::from_bytes(draft.commitment).receipt_digest(&salts.request),
        response_digest: response_digest(&salts.response, *status, response),
        issued_at: clock::now(),
        block_number: block.number,
        block_hash: block.hash,
        sequence: chain.sequence + 1,
        previous_receipt: chain.previous,
        input_tokens: result.usage.input_tokens,
        output_tokens: result.usage.output_tokens,
        tokens_read: result.coverage.tokens_read,
        channel: draft.channel,
        status: ReceiptStatus::Completed,
    };
    let signed = SignedReceipt::sign(receipt, Some(payment), salts, &service.identity.receipt_key)
        .ok_or_else(|| Failure::internal("receipt", "not signed"))?;
    *chain = ReceiptChain { sequence: signed.receipt.sequence, previous: signed.digest() };
    tracing::info!(event = "receipt.signed", sequence = signed.receipt.sequence);
    Ok(signed)
}
