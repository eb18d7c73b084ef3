//! Step 7: the receipt over what was observed in this enclave: request, result, payment, code, model (SPEC 7).

use std::sync::Arc;

use alloy_primitives::{B256, U256};
use precis_protocol::receipt::{Payment, Receipt, ReceiptStatus, Salts, SignedReceipt};
use precis_protocol::request::{Commitment, response_digest};
use precis_protocol::summary::SummaryResult;
use precis_store::{JobResult, Record, Stage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::context::Context;
use super::offer;
use super::settle::Settled;
use super::stored::{self, Stored, Version};
use crate::error::{Class, Failure};
use crate::random;
use crate::service::{Generation, Service};

/// What is released with a result, stored (sealed) in the receipt's place once the job is paid: keys and time of one keyset
/// signed it, so that no later one could make the same bytes again.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    /// The signed receipt, its exact JSON.
    pub(super) receipt: Box<RawValue>,
    /// `PAYMENT-RESPONSE` as it is sent.
    pub(super) settlement: String,
}

impl Stored for Kept {
    const VERSION: Version = Version { major: 1, minor: 0 };
    const MEMBERS: &'static [&'static str] = &["receipt", "settlement"];
}

impl Kept {
    /// What was stored with the result of a settled job.
    pub(super) fn stored(result: &JobResult) -> Result<Self, Failure> {
        let stored = result.receipt.as_deref();
        let stored = stored.ok_or_else(|| Failure::internal("ledger", "a settled job without its receipt"))?;
        stored::read(stored).map_err(|e| Failure::internal("stored receipt", e))
    }
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
    let result = settled.result()?;
    if settled.record.state.stage() == Stage::Settled {
        return Ok(Receipted { kept: Kept::stored(result)?, settled, stored: true });
    }
    let made: SummaryResult =
        serde_json::from_slice(&result.response).map_err(|e| Failure::internal("stored result", e))?;
    let statement = Statement {
        status: ReceiptStatus::Completed,
        http: result.status,
        bytes: &result.response,
        completed: Some(&made),
        paid: settled.paid,
    };
    let (signed, by) = sign(service, &settled.record, &settled.context, &statement).await?;
    let settlement = offer::settlement(service, &by, &settled, &signed)?;
    let receipt = serde_json::value::to_raw_value(&signed).map_err(|e| Failure::internal("receipt", e))?;
    Ok(Receipted { settled, kept: Kept { receipt, settlement }, stored: false })
}

/// What a receipt states beside the request.
pub(super) struct Statement<'a> {
    pub(super) status: ReceiptStatus,
    /// HTTP status of the response.
    pub(super) http: u16,
    /// The response's exact bytes, or what stands for them (SPEC 7.6).
    pub(super) bytes: &'a [u8],
    /// The result, if there is one.
    pub(super) completed: Option<&'a SummaryResult>,
    /// The transaction that paid; zero if none did.
    pub(super) paid: B256,
}

/// Signs what became of a job, as the next receipt of the keyset in force, which is returned with it.
///
/// # Errors
/// Without evidence, randomness, or a recent block of the payment chain; [`Class::CannotSign`] outside the keyset's period.
pub(super) async fn sign(
    service: &Service,
    record: &Record,
    context: &Context,
    statement: &Statement<'_>,
) -> Result<(SignedReceipt, Arc<Generation>), Failure> {
    let block = service.payments.recent_block().await?;
    let by = service.identity.current();
    let own = by.evidence().ok_or_else(|| Failure::internal("receipt", "no evidence"))?;
    let random = || random::bytes::<32>().map_err(|e| Failure::internal("random", e));
    let salts = Salts { request: random()?, response: random()? };
    let receipt_id = random()?;
    let authorization = &record.authorization;
    let payment = Payment {
        network: authorization.network.clone(),
        asset: authorization.asset.into(),
        pay_to: authorization.pay_to.into(),
        amount: U256::from(authorization.amount),
        payer: authorization.payer.into(),
        nonce: authorization.nonce.into(),
        nonce_committed: context.nonce_committed,
        transaction: statement.paid,
    };
    let model = service.engine.of(context.mode);
    let made = statement.completed;
    let request_digest = Commitment::from_bytes(context.commitment).receipt_digest(&salts.request);
    let response_digest = response_digest(&salts.response, statement.http, statement.bytes);
    let receipt = |issued_at, sequence, previous_receipt| Receipt {
        receipt_id,
        app_id: own.app_id,
        enclave_identity: own.enclave_identity,
        keyset_digest: by.keyset_digest,
        model_digest: made.map_or(model.digest, |made| made.model),
        parameters_digest: model.parameters_digest,
        request_digest,
        response_digest,
        issued_at,
        block_number: block.number,
        block_hash: block.hash,
        sequence,
        previous_receipt,
        input_tokens: context.tokens,
        output_tokens: made.map_or(0, |made| made.usage.output_tokens),
        tokens_read: made.map_or(0, |made| made.coverage.tokens_read),
        channel: context.channel,
        status: statement.status,
    };
    let signed = by.sign_next(|now, sequence, previous| {
        SignedReceipt::sign(receipt(now, sequence, previous), Some(payment), salts, &by.receipt_key)
    });
    let signed = signed.ok_or_else(|| Failure::new(Class::CannotSign, ""))?;
    tracing::info!(event = "receipt.signed", sequence = signed.receipt.sequence, status = ?statement.status);
    Ok((signed, by))
}
