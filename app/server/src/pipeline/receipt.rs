//! Step 7: the receipt over what was observed in this enclave: request, result, payment, code, model (SPEC 7).

use std::sync::PoisonError;

use alloy_primitives::B256;
use precis_protocol::Digest;
use precis_protocol::receipt::{Payment, Receipt, ReceiptStatus, Salts, SignedReceipt};
use precis_protocol::request::response_digest;
use precis_protocol::summary::SummaryResult;

use super::settle::Settled;
use crate::error::Failure;
use crate::service::Service;
use crate::{clock, random};

/// Status code the result travels under.
const OK: u16 = 200;

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

/// A settled job with its receipt.
pub struct Receipted {
    pub(super) settled: Settled,
    /// The signed receipt as JSON.
    pub(super) receipt: Vec<u8>,
    /// Whether it was stored before, and is only being delivered again.
    pub(super) stored: bool,
}

/// Signs. A job that was delivered before keeps the receipt it had.
///
/// # Errors
/// When the receipt cannot be signed: then nothing is released, and the same payment may be retried.
pub async fn receipt(service: &Service, settled: Settled) -> Result<Receipted, Failure> {
    if let Some(receipt) = settled.record.result.as_ref().and_then(|result| result.receipt.clone()) {
        return Ok(Receipted { settled, receipt, stored: true });
    }
    let block = service.payments.recent_block().await?;
    let result = settled.result()?;
    let parsed: SummaryResult = serde_json::from_slice(result).map_err(|e| Failure::internal("stored result", e))?;
    let own = service.identity.evidence().ok_or_else(|| Failure::internal("receipt", "no evidence"))?;
    let random = || random::bytes::<32>().map_err(|e| Failure::internal("random", e));
    let salts = Salts { request: random()?, response: random()? };
    let transfer = settled.purchase.payment.transfer();
    let payment = Payment {
        network: transfer.network.to_string(),
        asset: transfer.asset,
        pay_to: transfer.to,
        amount: transfer.value.into(),
        payer: transfer.from,
        nonce: transfer.nonce,
        nonce_committed: settled.purchase.nonce_committed,
        transaction: settled.paid.transaction,
    };
    let receipt_id = random()?;
    // Held while signing, so that sequence and predecessor are never used twice.
    let mut chain = service.receipts.lock().unwrap_or_else(PoisonError::into_inner);
    let receipt = Receipt {
        receipt_id,
        app_id: own.app_id,
        enclave_identity: own.enclave_identity,
        keyset_digest: service.identity.keyset_digest,
        model_digest: parsed.model,
        parameters_digest: service.engine.of(parsed.mode).parameters_digest,
        request_digest: settled.purchase.commitment.receipt_digest(&salts.request),
        response_digest: response_digest(&salts.response, OK, result),
        issued_at: clock::now(),
        block_number: block.number,
        block_hash: block.hash,
        sequence: chain.sequence + 1,
        previous_receipt: chain.previous,
        input_tokens: parsed.usage.input_tokens,
        output_tokens: parsed.usage.output_tokens,
        tokens_read: parsed.coverage.tokens_read,
        channel: settled.purchase.channel,
        status: ReceiptStatus::Completed,
    };
    let signed = SignedReceipt::sign(receipt, Some(payment), salts, &service.identity.receipt_key)
        .ok_or_else(|| Failure::internal("receipt", "not signed"))?;
    *chain = ReceiptChain { sequence: signed.receipt.sequence, previous: signed.digest() };
    drop(chain);
    tracing::info!(event = "receipt.signed", sequence = signed.receipt.sequence);
    let receipt = serde_json::to_vec(&signed).map_err(|e| Failure::internal("receipt", e))?;
    Ok(Receipted { settled, receipt, stored: false })
}
