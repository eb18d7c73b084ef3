//! Receipts: what one states of a job, its signature by the keyset in force, and how it is kept with a result (SPEC 7).

use std::sync::Arc;

use alloy_primitives::{B256, U256};
use precis_protocol::Digest;
use precis_protocol::receipt::{Payment, Receipt, ReceiptStatus, Salts, SignedReceipt};
use precis_protocol::request::{Commitment, response_digest, text_digest};
use precis_protocol::result::Tokens;
use precis_store::{JobResult, Record};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::context::Context;
use super::stored::{self, Stored, Version};
use crate::error::{Class, Failure};
use crate::random;
use crate::service::{Generation, Service};

/// What is released with a result, stored (sealed) in the receipt's place once the job is paid: keys and time of one keyset
/// signed it, so that no later one could make the same bytes again.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The signed receipt, its exact JSON.
    pub(crate) receipt: Box<RawValue>,
    /// `PAYMENT-RESPONSE` as it is sent.
    pub(crate) settlement: String,
}

impl Stored for Kept {
    const VERSION: Version = Version { major: 1, minor: 0 };
    const MEMBERS: &'static [&'static str] = &["receipt", "settlement"];
}

impl Kept {
    /// What was stored with the result of a settled job.
    pub(crate) fn stored(result: &JobResult) -> Result<Self, Failure> {
        let stored = result.receipt.as_deref();
        let stored = stored.ok_or_else(|| Failure::internal("ledger", "a settled job without its receipt"))?;
        stored::read(stored).map_err(|e| Failure::internal("stored receipt", e))
    }
}

/// What a receipt states beside the request.
pub(crate) struct Statement<'a> {
    pub(crate) status: ReceiptStatus,
    /// HTTP status of the response.
    pub(crate) http: u16,
    /// The response's exact bytes, or what stands for them (SPEC 7.6).
    pub(crate) bytes: &'a [u8],
    /// Tokens of the result, if there is one.
    pub(crate) completed: Option<Tokens>,
    /// The transaction that paid; zero if none did.
    pub(crate) paid: B256,
}

/// Signs what became of a job, as the next receipt of the keyset in force, which is returned with it.
///
/// # Errors
/// Without evidence, randomness, or a recent block of the network that was paid on; [`Class::CannotSign`] outside the keyset's period.
pub(crate) async fn sign(
    service: &Service,
    record: &Record,
    context: &Context,
    statement: &Statement<'_>,
) -> Result<(SignedReceipt, Arc<Generation>), Failure> {
    let block = service.payments.of(&record.authorization)?.recent_block().await?;
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
    let known = service.engine.known(context.task)?;
    let made = statement.completed;
    let request_digest = Commitment::from_bytes(context.commitment).receipt_digest(&salts.request);
    let text_digest = text_digest(&salts.request, &context.text);
    let response_digest = response_digest(&salts.response, statement.http, statement.bytes);
    let receipt = |issued_at, sequence, previous_receipt| Receipt {
        receipt_id,
        app_id: own.app_id,
        enclave_identity: own.enclave_identity,
        keyset_digest: by.keyset_digest,
        task: context.task.digest(),
        model_digest: known.facts.model,
        parameters_digest: known.parameters_digest,
        request_digest,
        text_digest,
        response_digest,
        issued_at,
        block_number: block.number,
        block_hash: block.hash,
        sequence,
        previous_receipt,
        input_tokens: context.tokens,
        output_tokens: made.map_or(0, |made| made.output),
        tokens_read: made.map_or(0, |made| made.read),
        subordinates: Digest::from_bytes([0; 32]),
        spent: U256::ZERO,
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
