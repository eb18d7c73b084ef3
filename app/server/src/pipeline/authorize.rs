//! Step 4: the payment is understood, fits this request, would settle, and is claimed for this request alone (SPEC 6.4).

use std::sync::Arc;

use alloy_primitives::{B256, U256};
use axum::http::HeaderValue;
use precis_model::Permit;
use precis_payment::exact::{self, TokenDomain, Transfer, verify_offline};
use precis_payment::facilitator::{Standing, VerifyError};
use precis_payment::wire::{self, PaymentPayload, PaymentRequired, SettleResponse};
use precis_protocol::encoding::lower_hex;
use precis_protocol::request::Commitment;
use precis_store::{Authorization, Claim, ClaimKey, JobId, NewClaim, Record, State};

use super::admit::{Admitted, Text};
use super::offer;
use super::quote::Quoted;
use crate::error::{Class, Failure};
use crate::jobs::JobKey;
use crate::service::Service;
use crate::{clock, random};

/// Seconds an authorization must outlive its claim: settlement itself, on a slow block.
const SETTLEMENT_SECONDS: u64 = 30;

/// Seconds a payer's clock may be ahead of ours.
const CLOCK_SKEW_SECONDS: u64 = 2 * 3600;

/// What is being bought, by which payment, through which channel.
pub struct Purchase {
    /// What the request commits to.
    pub(super) commitment: Commitment,
    /// Channel of the request.
    pub(super) channel: precis_protocol::receipt::Channel,
    /// The payment, checked.
    pub(super) payment: exact::Authorized,
    /// Whether the nonce commits to the request (SPEC 6.3).
    pub(super) nonce_committed: bool,
}

/// A request whose payment is claimed for it.
pub struct Authorized {
    pub(super) purchase: Purchase,
    pub(super) key: ClaimKey,
    pub(super) text: Arc<Text>,
    pub(super) options: precis_protocol::summary::Options,
    pub(super) tokens: u32,
    /// A place in the queue, taken before the payment was claimed; absent when an earlier claim is taken up again.
    pub(super) permit: Option<Permit>,
}

impl Authorized {
    /// Names the job.
    pub fn key(&self) -> JobKey {
        *self.key.as_bytes()
    }
}

/// Judges the payment and claims it.
///
/// # Errors
/// 400 for a payment that is not understood, 402 with the quote for one that does not fit, 409 for one that was used for
/// another request, 503 when the queue is full or the chain does not answer. Nothing was charged in any of them.
pub async fn authorize(service: &Service, quoted: Quoted) -> Result<Authorized, Failure> {
    let Quoted { admitted, payment, required } = quoted;
    let payload: PaymentPayload =
        wire::decode(payment.as_bytes()).map_err(|error| Failure::new(Class::MalformedPayment, error.to_string()))?;
    let nonce_committed = committed(&admitted, &payload.payload.authorization.nonce)?;
    let config = &service.settings.config;
    let authorization = remembered(&Transfer::new(config.network, config.asset, &payload.payload.authorization))?;
    let key = authorization.claim_key();
    let fingerprint = admitted.commitment.fingerprint(&service.identity.fingerprint_key);

    let known = service.payments.ledger.get(&key).await.map_err(ledger_failure)?;
    let (payment, permit) = match known {
        Some(record) => (take_up(service, &payload, &record, &fingerprint)?, None),
        None => {
            let (payment, permit) = fresh(service, &payload, &required).await?;
            let claim = NewClaim {
                job_id: JobId(random::bytes().map_err(|e| Failure::internal("random", e))?),
                authorization,
                fingerprint,
                token_digest: None,
                at: clock::now(),
                max_unsettled: Some(config.max_unsettled_per_payer.into()),
            };
            match service.payments.ledger.claim(claim).await.map_err(ledger_failure)? {
                Claim::Fresh(_) => {
                    tracing::info!(
                        event = "payment.claimed",
                        tokens = admitted.tokens,
                        mode = admitted.options.mode.name()
                    );
                    (payment, Some(permit))
                }
                Claim::TooManyUnsettled { .. } => return Err(Failure::new(Class::TooManyUnsettled, "")),
                // Another copy was faster: both wait for one job.
                Claim::Existing(record) => (take_up(service, &payload, &record, &fingerprint)?, None),
            }
        }
    };
    let Admitted { commitment, channel, text, options, tokens, .. } = admitted;
    let purchase = Purchase { commitment, channel, payment, nonce_committed };
    Ok(Authorized { purchase, key, text, options, tokens, permit })
}

/// A payment not seen before: it must equal the quote of this very request and settle now.
async fn fresh(
    service: &Service,
    payload: &PaymentPayload,
    required: &PaymentRequired,
) -> Result<(exact::Authorized, Permit), Failure> {
    let invalid = |reason: exact::Invalid| payment_invalid(service, required, payload, reason);
    let Some(own) = required.accepts.first() else { return Err(Failure::internal("quote", "empty")) };
    let payment = verify_offline(payload, own, clock::now(), SETTLEMENT_SECONDS).map_err(invalid)?;
    // The ledger remembers an authorization until it is void, so that must not be for ever.
    if payment.transfer().valid_before > U256::from(clock::now() + own.max_timeout_seconds + CLOCK_SKEW_SECONDS) {
        return Err(invalid(exact::Invalid::ExpiresTooLate));
    }
    let permit = service.engine.reserve().ok_or_else(|| Failure::new(Class::Busy, ""))?;
    match service.payments.facilitator.verify(&payment).await {
        // An authorization that somebody else submitted, and that paid us, is honoured: the claim makes it once.
        Ok(Standing::Payable | Standing::Paid(_)) => Ok((payment, permit)),
        Err(VerifyError::Invalid(reason)) => Err(invalid(reason)),
        Err(VerifyError::Unavailable(why)) => {
            tracing::warn!(event = "payment.unverified", why = %why);
            Err(Failure::new(Class::ChainUnavailable, ""))
        }
    }
}

/// A payment claimed before: the same purchase goes on where it stands, another request is refused.
fn take_up(
    service: &Service,
    payload: &PaymentPayload,
    record: &Record,
    fingerprint: &[u8; 32],
) -> Result<exact::Authorized, Failure> {
    if &record.fingerprint != fingerprint {
        return Err(Failure::new(Class::PaymentReused, ""));
    }
    // Its terms were checked when it was claimed, under the quote of that boot; now only that this is that payment of that
    // payer. It may have expired since: what was settled in time stays bought.
    let reused = |_| Failure::new(Class::PaymentReused, "the payment is not the one that was claimed");
    let config = &service.settings.config;
    let domain = TokenDomain { name: config.asset_name.clone(), version: config.asset_version.clone() };
    let payment = exact::verify_claimed(payload, config.network, config.asset, &domain).map_err(reused)?;
    if record.authorization != remembered(payment.transfer())? {
        return Err(Failure::new(Class::PaymentReused, "the payment is not the one that was claimed"));
    }
    match &record.state {
        State::Rejected { code } => {
            let refused = SettleResponse::failed(config.network, Some(payment.payer()), code, None);
            Err(Failure::new(Class::SettlementRefused, code.clone()).with_settlement(refused))
        }
        State::Failed { code } => Err(Failure::new(Class::WorkFailed, code.clone())),
        _ => Ok(payment),
    }
}

/// The authorization as the ledger remembers it.
fn remembered(transfer: &Transfer) -> Result<Authorization, Failure> {
    // No real amount or time is out of range; what is can never be a payment for us.
    let out_of_range = || Failure::new(Class::MalformedPayment, "an amount or a time is out of range");
    Ok(Authorization {
        network: transfer.network.to_string(),
        asset: transfer.asset.into(),
        pay_to: transfer.to.into(),
        amount: u128::try_from(transfer.value.get()).map_err(|_| out_of_range())?,
        payer: transfer.from.into(),
        nonce: transfer.nonce.into(),
        valid_before: u64::try_from(transfer.valid_before).unwrap_or(u64::MAX),
    })
}

/// SPEC 6.3: a salt that is sent must fit.
fn committed(admitted: &Admitted, nonce: &B256) -> Result<bool, Failure> {
    let Some(salt) = &admitted.nonce_salt else { return Ok(false) };
    let mismatch = || Failure::new(Class::NonceCommitment, "");
    let salt = lower_hex(HeaderValue::to_str(salt).map_err(|_| mismatch())?).map_err(|_| mismatch())?;
    if admitted.commitment.payment_nonce(&salt) != *nonce {
        return Err(mismatch());
    }
    Ok(true)
}

fn payment_invalid(
    service: &Service,
    required: &PaymentRequired,
    payload: &PaymentPayload,
    reason: exact::Invalid,
) -> Failure {
    let quote = PaymentRequired { error: Some(format!("{}: {reason}", reason.code())), ..required.clone() };
    let network = required.accepts.first().map(|own| own.network);
    let failure = offer::refuse(service, Class::PaymentInvalid, reason.to_string(), quote);
    match network {
        Some(network) => {
            let payer = payload.payload.authorization.from;
            failure.with_settlement(SettleResponse::failed(network, Some(payer), reason.code(), None))
        }
        None => failure,
    }
}

pub(super) fn ledger_failure(error: precis_store::LedgerError) -> Failure {
    Failure::internal("ledger", error)
}
