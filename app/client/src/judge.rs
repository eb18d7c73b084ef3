//! The receipt decides: whether a result is handed over, and whether a failure is one that cost nothing.

use std::borrow::Cow;

use alloy_primitives::B256;
use precis_payment::wire::{PaymentPayload, SettleResponse};
use precis_protocol::digest::Digest;
use precis_protocol::problem::{Charged, Problem, outcome};
use precis_protocol::receipt::{self, ReceiptFile, ReceiptStatus, SavedRequest, SignedReceipt};
use precis_protocol::result::TaskResult;
use precis_protocol::{answer, tags};
use precis_verify::{Body, Exchange, ExpectedPayment};
use precis_verify::{Online, VerifiedService};

use crate::answer::{Delivered, Ended};
use crate::error::ClientError;
use crate::failure::JobFailure;
use crate::offer;
use crate::receipts::Delivery;
use crate::request::Parts;
use crate::session::Session;
use crate::terms::Terms;

/// A signed payment and the salt of its nonce.
pub(crate) struct Payment {
    pub payload: PaymentPayload,
    pub salt: [u8; 32],
}

/// What one authorization bought, or was to buy.
pub(crate) struct Order<'a> {
    pub request: &'a Parts,
    pub terms: &'a Terms,
    pub payment: &'a Payment,
}

impl Session {
    /// A result, if its receipt verifies.
    pub(crate) async fn accept(
        &self,
        order: &Order<'_>,
        delivered: Delivered,
        resumed: bool,
        now: u64,
    ) -> Result<Delivery, ClientError> {
        let (result_bytes, receipt_bytes) = answer::split(order.request.task(), &delivered.body)
            .map_err(|_| ClientError::malformed("the paid answer is not a result with its receipt"))?;
        let (result_bytes, receipt_bytes) = (result_bytes.as_slice(), receipt_bytes.as_slice());
        let exchange = Exchange {
            document: order.request.comparable(),
            text: order.request.read_text(),
            ..self.observed(order, delivered.status, result_bytes, receipt_bytes)
        };
        let service = self.signed_by(receipt_bytes, order.payment).await?;
        let transcript = precis_verify::check_receipt(&service, &exchange, Some(now));
        if !transcript.is_verified() {
            return Err(ClientError::Receipt(Box::new(transcript)));
        }
        let receipt =
            SignedReceipt::parse(receipt_bytes).map_err(|_| ClientError::malformed("the receipt cannot be read"))?;
        let result = TaskResult::read(order.request.task(), result_bytes)
            .map_err(|_| ClientError::malformed("the result cannot be read"))?;
        let recorded =
            receipt.payment.clone().ok_or_else(|| ClientError::malformed("the receipt records no payment"))?;
        check_settlement(delivered.settlement.as_ref(), &recorded)?;
        let earlier_boot = matches!(service, Cow::Owned(_));
        offer::check_receipt(delivered.settlement.as_ref(), order.terms, &service, &receipt, earlier_boot)?;
        let file = file(order.request, delivered.status, result_bytes, receipt, &service);
        Ok(Delivery { result, payment: recorded, settlement: delivered.settlement, receipt: file, transcript, resumed })
    }

    /// A failure, with its receipt if that verifies and says what the answer says.
    ///
    /// # Errors
    /// When the service cannot be asked for what the receipt is judged by: the same payment again then.
    pub(crate) async fn conclude(&self, order: &Order<'_>, ended: Ended, now: u64) -> Result<JobFailure, ClientError> {
        let Ended { status, problem } = ended;
        let unproven = |problem, transcript| JobFailure { problem, receipt: None, transcript };
        let Some(receipt_bytes) = problem.receipt.as_ref().and_then(|receipt| serde_json::to_vec(receipt).ok()) else {
            return Ok(unproven(problem, None));
        };
        let service = match self.signed_by(&receipt_bytes, order.payment).await {
            Ok(service) => service,
            Err(ClientError::Receipt(transcript)) => return Ok(unproven(problem, Some(*transcript))),
            Err(ClientError::CannotVerify(_)) => return Ok(unproven(problem, None)),
            Err(error) => return Err(error),
        };
        let result = outcome(&problem.code, problem.refund.as_deref());
        let exchange = self.observed(order, status, &result, &receipt_bytes);
        let transcript = precis_verify::check_receipt(&service, &exchange, Some(now));
        let proof = SignedReceipt::parse(&receipt_bytes)
            .ok()
            .filter(|receipt| transcript.is_verified() && says(receipt, &problem))
            .map(|receipt| file(order.request, status, &result, receipt, &service));
        Ok(JobFailure { problem, receipt: proof, transcript: Some(transcript) })
    }

    /// The exchange as this client saw it.
    fn observed<'a>(
        &self,
        order: &'a Order<'_>,
        status_code: u16,
        result: &'a [u8],
        receipt: &'a [u8],
    ) -> Exchange<'a> {
        let Order { request, terms, payment } = order;
        let signed = &payment.payload.payload.authorization;
        Exchange {
            method: request.method(),
            path: request.path(),
            media_type: request.media_type(),
            body: Body::Bytes(request.body()),
            status_code,
            result,
            receipt,
            channel: Some(self.channel.recorded()),
            payment: Some(ExpectedPayment {
                network: terms.network(),
                asset: terms.asset(),
                pay_to: terms.pay_to(),
                amount: terms.amount(),
                payer: signed.from,
                nonce: signed.nonce,
                nonce_salt: Some(payment.salt),
            }),
            document: None,
            text: None,
            summary: None,
            on_chain: Online::NotAsked,
        }
    }
}

/// Whether a receipt that verifies says that the payer lost nothing, in the way the answer does.
fn says(receipt: &SignedReceipt, problem: &Problem) -> bool {
    match (receipt.receipt.status, &problem.refund) {
        (ReceiptStatus::FailedUncharged, None) => problem.charged == Charged::No,
        (ReceiptStatus::FailedRefunded, Some(refund)) => refund.parse::<B256>().is_ok_and(|hash| !hash.is_zero()),
        _ => false,
    }
}

fn file(
    request: &Parts,
    status_code: u16,
    result: &[u8],
    receipt: SignedReceipt,
    service: &VerifiedService,
) -> ReceiptFile {
    ReceiptFile {
        version: tags::RECEIPT_FILE.into(),
        request: SavedRequest {
            method: request.method().into(),
            path: request.path().into(),
            media_type: request.media_type().to_ascii_lowercase(),
            body_digest: Digest::of(request.body()),
        },
        status_code,
        result: result.to_vec(),
        receipt,
        attestation: service.attestation_bytes().to_vec(),
    }
}

/// The settlement header is a report; the receipt is what counts, so that they must agree.
fn check_settlement(settlement: Option<&SettleResponse>, recorded: &receipt::Payment) -> Result<(), ClientError> {
    match settlement {
        Some(s) if !s.success || s.transaction != Some(recorded.transaction) => {
            Err(ClientError::malformed("the settlement reported is not the one in the receipt"))
        }
        _ => Ok(()),
    }
}
