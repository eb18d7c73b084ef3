//! Results and receipts as an honest service makes them.

use alloy_primitives::{B256, U256};
use precis_payment::wire::PaymentPayload;
use precis_protocol::problem::outcome;
use precis_protocol::receipt::{Channel, Payment, Receipt, ReceiptStatus, Salts, SignedReceipt};
use precis_protocol::request::{Commitment, response_digest, text_digest};
use precis_protocol::{Digest, Task};
use serde_json::{Value, json};

use super::{Evidence, TOKENS, now};

/// The beginning of every document here.
const GREETING: &str = "Hello";

/// A request, as far as a receipt is about it.
#[derive(Clone, Copy)]
pub struct Asked {
    pub commitment: Commitment,
    /// Digest of the document's text.
    pub text: Digest,
    /// Offset of its first greeting.
    pub at: usize,
}

impl Asked {
    /// Of a request with a document as its body, or with one in JSON.
    pub fn new(path: &str, media_type: &str, body: &[u8]) -> Self {
        let inside =
            serde_json::from_slice::<Value>(body).ok().and_then(|body| body["document"].as_str().map(str::to_owned));
        let text = inside.map_or_else(|| Digest::of(body), |text| Digest::of(text.as_bytes()));
        let at = body.windows(GREETING.len()).position(|found| found == GREETING.as_bytes()).unwrap_or(0);
        Self { commitment: Commitment::new("POST", path, media_type, body).unwrap(), text, at }
    }
}

impl Evidence {
    /// Exact bytes of a result: the first greeting in the document, verbatim.
    pub fn result(&self, at: usize) -> String {
        json!({
            "id": "0b".repeat(16), "mode": "extractive", "summary": GREETING,
            "sentences": [{"text": GREETING, "start": at, "end": at + GREETING.len()}],
            "coverage": {"inputTokens": TOKENS, "tokensRead": TOKENS, "chunks": 1, "complete": true},
            "usage": {"inputTokens": TOKENS, "outputTokens": 2}, "verbatim": true, "model": self.keyset.tasks[&Task::SummaryExtractive].model
        })
        .to_string()
    }

    pub fn receipt(&self, asked: Asked, payment: &PaymentPayload, result: &str, encrypted: bool) -> SignedReceipt {
        let response = (ReceiptStatus::Completed, 200, result.as_bytes());
        self.sign(asked, payment, response, B256::repeat_byte(0x77), encrypted)
    }

    /// The receipt of a job that failed with 500 `work_failed`.
    pub fn failure(
        &self,
        asked: Asked,
        payment: &PaymentPayload,
        code: &str,
        status: u16,
        refund: Option<B256>,
        encrypted: bool,
    ) -> SignedReceipt {
        let outcome = outcome(code, refund.map(|hash| hash.to_string()).as_deref());
        let (end, paid) = match refund {
            None => (ReceiptStatus::FailedUncharged, B256::ZERO),
            Some(_) => (ReceiptStatus::FailedRefunded, B256::repeat_byte(0x77)),
        };
        self.sign(asked, payment, (end, status, &outcome), paid, encrypted)
    }

    fn sign(
        &self,
        asked: Asked,
        payment: &PaymentPayload,
        (status, http, response): (ReceiptStatus, u16, &[u8]),
        transaction: B256,
        encrypted: bool,
    ) -> SignedReceipt {
        let salts = Salts { request: [21; 32], response: [22; 32] };
        let authorization = &payment.payload.authorization;
        let payment = Payment {
            network: payment.accepted.network.to_string(),
            asset: payment.accepted.asset,
            pay_to: authorization.to,
            amount: authorization.value.get(),
            payer: authorization.from,
            nonce: authorization.nonce,
            nonce_committed: true,
            transaction,
        };
        let completed = status == ReceiptStatus::Completed;
        let receipt = Receipt {
            receipt_id: [1; 32],
            app_id: self.app_id,
            enclave_identity: self.identity,
            keyset_digest: Digest::of(&self.keyset_bytes),
            task: Task::SummaryExtractive.digest(),
            model_digest: self.keyset.tasks[&Task::SummaryExtractive].model.unwrap(),
            parameters_digest: self.keyset.tasks[&Task::SummaryExtractive].parameters,
            request_digest: asked.commitment.receipt_digest(&salts.request),
            text_digest: text_digest(&salts.request, &asked.text),
            response_digest: response_digest(&salts.response, http, response),
            issued_at: now(),
            block_number: 8,
            block_hash: B256::repeat_byte(8),
            sequence: 1,
            previous_receipt: B256::from(*Digest::of(&self.keyset_bytes).as_bytes()),
            input_tokens: TOKENS,
            output_tokens: if completed { 2 } else { 0 },
            tokens_read: if completed { TOKENS } else { 0 },
            subordinates: Digest::from_bytes([0; 32]),
            spent: U256::ZERO,
            channel: if encrypted { Channel::Ohttp } else { Channel::Https },
            status,
        };
        SignedReceipt::sign(receipt, Some(payment), salts, &self.receipt_key).unwrap()
    }
}
