//! Step 4: the payment is understood, fits this request, would settle, and is claimed for this request alone (SPEC 6.4).

use std::time::Duration;

use alloy_primitives::{B256, U256};
use axum::http::HeaderValue;
use precis_payment::chain::RpcError;
use precis_payment::exact::{self, Transfer, verify_offline};
use precis_payment::facilitator::{Standing, VerifyError};
use precis_payment::wire::{self, PaymentPayload, PaymentRequirements};
use precis_protocol::Task;
use precis_protocol::encoding::lower_hex;
use precis_protocol::problem::Charged;
use precis_store::{Claim, ClaimKey, Flow, JobId, NewClaim, Record};

use super::admit::Admitted;
use super::quote::Quoted;
use super::state::Work;
use super::terms::{self, Terms};
use super::{identifier, prepay, quote};
use crate::error::{Class, Failure};
use crate::flights::JobKey;
use crate::jobs::context::{Context, remembered};
use crate::jobs::ended;
use crate::jobs::ledger::ledger_failure;
use crate::jobs::reverters;
use crate::service::{Known, Permit, Rail, SETTLEMENT_SECONDS, Service};
use crate::task::offering;
use crate::{clock, random};

/// Longest that chain or facilitator may take to judge a payment.
const VERIFY_TIMEOUT: Duration = Duration::from_secs(20);

/// Seconds a payer's clock may be ahead of ours.
const CLOCK_SKEW_SECONDS: u64 = 2 * 3600;

/// A request whose payment is claimed for it.
pub struct Authorized {
    pub(super) key: ClaimKey,
    /// Whether the job has ended, so that there is nothing to wait for.
    pub(super) ended: bool,
    pub(super) work: Work,
}

impl Authorized {
    /// Names the job.
    pub fn key(&self) -> JobKey {
        *self.key.as_bytes()
    }
}

/// A payment that was judged, with what its claim takes; nothing is written down yet.
pub struct Judged {
    admitted: Admitted,
    payload: PaymentPayload,
    terms: Terms,
    key: ClaimKey,
    fingerprint: [u8; 32],
    nonce_committed: bool,
    standing: Claims,
}

impl Judged {
    /// Whether the payment was claimed before.
    pub fn is_claimed(&self) -> bool {
        matches!(self.standing, Claims::Earlier(_))
    }
}

/// How a payment stands to the ledger.
enum Claims {
    /// Claimed before, for the same purchase.
    Earlier(Box<Record>),
    /// Not seen before, with a place in the queue.
    New(Box<NewClaim>, Permit),
}

/// Judges the payment. A caller who hangs up ends it.
///
/// # Errors
/// 400 for a payment that is not understood, 402 with the quote for one that does not fit, 409 for one that was used for
/// another request, 503 when the queue is full or the chain does not answer. Nothing was charged in any of them.
pub async fn judge(service: &Service, quoted: Quoted) -> Result<Judged, Failure> {
    let Quoted { admitted, payment, required, flow } = quoted;
    let payload: PaymentPayload =
        wire::decode(payment.as_bytes()).map_err(|error| Failure::new(Class::MalformedPayment, error.to_string()))?;
    let rail = terms::rail(service, &payload)?;
    let terms = Terms::of(service, rail, &admitted, &payload, (required, flow))?;
    let identifier = identifier::of(service, &payload)?;
    let nonce_committed = committed(&admitted, &payload.payload.authorization.nonce)?;
    // As the payment names them: what was bought on a network that is served no more is still found. What is new has to name ours.
    let accepted = &payload.accepted;
    let transfer = Transfer::new(accepted.network, accepted.asset, &payload.payload.authorization);
    let authorization = remembered(&transfer)
        .ok_or_else(|| Failure::new(Class::MalformedPayment, "an amount or a time is out of range"))?;
    let key = authorization.claim_key();
    let fingerprint = admitted.commitment.fingerprint(&service.identity.fingerprint_key);

    // Before anything is verified: what was bought stays bought, also when the answer was lost and the authorization is void.
    let ledger = &service.payments.ledger;
    let standing = match ledger.get(&key).await.map_err(ledger_failure)? {
        Some(record) => Claims::Earlier(Box::new(take_up(&payload, record, &fingerprint, nonce_committed)?)),
        None => {
            if let Some(identifier) = &identifier
                && ledger.by_identifier(identifier).await.map_err(ledger_failure)?.is_some()
            {
                return Err(Failure::new(Class::IdentifierReused, ""));
            }
            let (task, tokens) = (admitted.input.task(), admitted.tokens);
            let sold = service.engine.of(task)?;
            if terms.flow == Flow::Authorization {
                quote::unpaid_work(service, &sold, tokens)?;
            }
            let needed = needed_seconds(&sold, tokens, terms.flow);
            let Fresh { seen_at, funds, most_unsettled } =
                fresh(service, rail, &terms, &payload, (task, needed), nonce_committed).await?;
            let permit = service.engine.reserve(task, tokens)?;
            let context = Context {
                payment: service.payments.kept(payload.clone(), &service.extensions_of(offering(task)?.path())),
                commitment: *admitted.commitment.as_bytes(),
                channel: admitted.channel,
                nonce_committed,
                seen_at,
                task,
                tokens,
                text: admitted.input.text_digest(),
            };
            let claim = NewClaim {
                job_id: JobId(random::bytes().map_err(|e| Failure::internal("random", e))?),
                authorization,
                fingerprint,
                identifier,
                flow: terms.flow,
                context: context.store()?,
                at: clock::now(),
                max_unsettled: Some(most_unsettled),
                funds,
            };
            Claims::New(Box::new(claim), permit)
        }
    };
    Ok(Judged { admitted, payload, terms, key, fingerprint, nonce_committed, standing })
}

/// Claims the payment for this request, unless it was claimed for it before.
///
/// # Errors
/// 402 for a payer who has claimed more than it has, 409 for a payment that was used for another request meanwhile, 429 for a
/// payer with too many jobs.
pub async fn claim(service: &Service, judged: Judged) -> Result<Authorized, Failure> {
    let Judged { admitted, payload, terms, key, fingerprint, nonce_committed, standing } = judged;
    let (record, permit) = match standing {
        Claims::Earlier(record) => (*record, None),
        Claims::New(claim, permit) => {
            let (task, flow, funds) = (admitted.input.task(), claim.flow, claim.funds.unwrap_or_default());
            match service.payments.ledger.claim(*claim).await.map_err(ledger_failure)? {
                Claim::Fresh(record) => {
                    tracing::info!(event = "payment.claimed", tokens = admitted.tokens, %task, ?flow);
                    (record, Some(permit))
                }
                Claim::TooManyUnsettled { .. } => return Err(Failure::new(Class::TooManyUnsettled, "")),
                Claim::FundsReserved { reserved } => {
                    return Err(reserved_funds(service, &terms, &payload, funds, reserved));
                }
                Claim::IdentifierTaken => return Err(Failure::new(Class::IdentifierReused, "")),
                // Another copy was faster: both wait for one job.
                Claim::Existing(record) => (take_up(&payload, record, &fingerprint, nonce_committed)?, None),
            }
        }
    };
    let Admitted { input, tokens, .. } = admitted;
    let ended = record.state.stage().is_final();
    Ok(Authorized { key, ended, work: Work { input, tokens, permit } })
}

/// How long an authorization must still be good for when it is claimed.
fn needed_seconds(known: &Known, tokens: u32, flow: Flow) -> u64 {
    match flow {
        Flow::Authorization => known.predicted_seconds(tokens) + SETTLEMENT_SECONDS,
        Flow::Upfront => SETTLEMENT_SECONDS,
    }
}

/// A payment not seen before, as the chain shows it.
struct Fresh {
    /// Time from which its use counts, by the chain's clock.
    seen_at: u64,
    /// What the payer has of the token; none where it has paid already.
    funds: Option<u128>,
    /// Unsettled jobs that it may have, this one included.
    most_unsettled: u64,
}

/// A payment not seen before: it must equal the quote of this very request and settle now.
async fn fresh(
    service: &Service,
    rail: &Rail,
    terms: &Terms,
    payload: &PaymentPayload,
    (task, needed_seconds): (Task, u64),
    nonce_committed: bool,
) -> Result<Fresh, Failure> {
    let invalid = |reason: exact::Invalid| terms.refuse(service, payload, reason);
    let mut own = terms.own.clone();
    let longest = own.max_timeout_seconds + CLOCK_SKEW_SECONDS;
    // A replica may have predicted another time; what counts is the authorization's own end.
    if payload.accepted.max_timeout_seconds > longest {
        return Err(invalid(exact::Invalid::Requirements));
    }
    own.max_timeout_seconds = payload.accepted.max_timeout_seconds;
    let now = clock::now();
    // Ended jobs are remembered for so long after their authorization's end. What was claimed and is forgotten must not be claimed
    // again, and whether it was taken is not known here any more.
    let end = u64::try_from(payload.payload.authorization.valid_before).unwrap_or(u64::MAX);
    if now >= end.saturating_add(service.settings.config.result_seconds) {
        return Err(forgotten(rail, payload).await.unwrap_or_else(|| invalid(exact::Invalid::ExpiresTooSoon)));
    }
    // Too late to be taken, but perhaps taken in time by somebody else, while the payer was told to come back.
    let (payment, late) = match verify_offline(payload, &own, now, needed_seconds) {
        Err(exact::Invalid::ExpiresTooSoon) => (verify_late(payload, &own, now).map_err(invalid)?, true),
        verified => (verified.map_err(invalid)?, false),
    };
    // The ledger remembers an authorization until it is void, so that must not be for ever.
    if payment.transfer().valid_before > U256::from(now + longest) {
        return Err(invalid(exact::Invalid::ExpiresTooLate));
    }
    service.takes_payments(own.max_timeout_seconds)?;
    rail.is_open()?;
    rail.worth_settling(payment.transfer().value)?;
    let at_our_expense = prepay::is_at_our_expense(&service.settings.config, &payment);
    let most_unsettled = prepay::most_unsettled(&service.settings.config, at_our_expense);
    let unavailable = |why: &dyn std::fmt::Display| {
        tracing::warn!(event = "payment.unverified", why = %why);
        Failure::new(Class::ChainUnavailable, "")
    };
    let seen_at = rail.chain_time().await?;
    // A contract account's own check can take as long as it likes.
    let verified = tokio::time::timeout(VERIFY_TIMEOUT, rail.facilitator.verify(&payment)).await;
    match verified.map_err(|slow| unavailable(&slow))? {
        Ok(Standing::Payable) if late => Err(invalid(exact::Invalid::ExpiresTooSoon)),
        // Refused only now that the chain shows the authorization unspent.
        Ok(Standing::Payable) if prepay::is_due(&service.settings.config, &payment) => {
            Err(terms.clone().first().refuse(service, payload, exact::Invalid::ContractFlow))
        }
        Ok(Standing::Payable) if at_our_expense && is_reverter(service, &payment, now).await? => {
            Err(invalid(exact::Invalid::AccountReverts))
        }
        // Refused only now that the chain shows the authorization unspent.
        Ok(Standing::Payable) if let Some(seconds) = service.payments.unsold.wait(payment.payer(), task, now) => {
            Err(Failure::new(Class::TooManyUnsold, "").retry_in(seconds))
        }
        // Before the ledger is asked what is reserved: what settles in between is counted as little as can be.
        Ok(Standing::Payable) => {
            let funds = rail.chain.funds_of(payment.payer()).await.map_err(|why| unavailable(&why))?;
            Ok(Fresh { seen_at, funds: Some(u128::try_from(funds).unwrap_or(u128::MAX)), most_unsettled })
        }
        // An authorization that somebody else submitted, and that paid us, is honoured: the claim makes it once. It was meant for
        // this service if it went to the enclave's own wallet, or names this request.
        Ok(Standing::Paid(paid)) if nonce_committed || rail.settings.pay_to.is_none() => {
            let paid_at = rail.chain.time_of(paid.block).await.map_err(|why| unavailable(&why))?;
            Ok(Fresh { seen_at: seen_at.min(paid_at), funds: None, most_unsettled })
        }
        Ok(Standing::Paid(_)) => Err(invalid(exact::Invalid::NonceUsed)),
        Err(VerifyError::Invalid(reason)) => Err(invalid(reason)),
        Err(VerifyError::Unavailable(why)) => Err(unavailable(&why)),
        // It may have been taken by somebody else: no refusal, and no other signature, before that is found.
        Err(VerifyError::Unknown(why)) => {
            tracing::warn!(event = "payment.undecided", why = %why);
            Err(Failure::new(Class::SettlementUnknown, "").charged(Charged::Unknown))
        }
    }
}

/// Whether a contract account has made the wallet pay for a revert lately.
async fn is_reverter(service: &Service, payment: &exact::Authorized, now: u64) -> Result<bool, Failure> {
    let ledger = service.payments.ledger.as_ref();
    reverters::is_refused(ledger, payment.transfer().network, payment.payer(), now).await.map_err(ledger_failure)
}

/// Checks an authorization that has lapsed, or is about to, as it was when it was signed.
fn verify_late(
    payload: &PaymentPayload,
    own: &PaymentRequirements,
    now: u64,
) -> Result<exact::Authorized, exact::Invalid> {
    let end = u64::try_from(payload.payload.authorization.valid_before).unwrap_or(u64::MAX);
    verify_offline(payload, own, end.saturating_sub(own.max_timeout_seconds.max(1)).min(now), 0)
}

/// The answer to a payment that may have been taken and forgotten; none if the chain shows that it was not, and cannot be any more.
async fn forgotten(rail: &Rail, payload: &PaymentPayload) -> Option<Failure> {
    // No other chain and no other token tells of it.
    let here = (payload.accepted.network, payload.accepted.asset) == (rail.network(), rail.settings.asset);
    if !here || !rail.is_checked() {
        return Some(Failure::new(Class::ExpiredJob, "the payment may have been taken on a network that is not asked"));
    }
    let (chain, authorization) = (&rail.chain, &payload.payload.authorization);
    let used = async {
        let at = chain.pin().await?;
        let used = chain.is_used_at(authorization.from, authorization.nonce, &at).await?;
        Ok::<_, RpcError>(used || U256::from(at.timestamp) < authorization.valid_before)
    };
    match used.await {
        Ok(false) => None,
        Ok(true) => Some(Failure::new(Class::ExpiredJob, "the payment may have been taken, and lapsed too long ago")),
        Err(why) => {
            tracing::warn!(event = "payment.undecided", why = %why);
            Some(Failure::new(Class::SettlementUnknown, "").charged(Charged::Unknown))
        }
    }
}

/// A payment claimed before: the same purchase goes on where it stands, anything else is refused in one way. Its terms were
/// checked when it was claimed, and it may have expired since.
fn take_up(
    payload: &PaymentPayload,
    record: Record,
    fingerprint: &[u8; 32],
    nonce_committed: bool,
) -> Result<Record, Failure> {
    let context = Context::of(&record)?;
    // Once it is settled, authorization and signature can be read on chain. The salt of a committed nonce cannot: without it
    // nobody learns whether a document that they guessed is the one.
    let same = context.payment.payload == payload.payload
        && &record.fingerprint == fingerprint
        && (nonce_committed || !context.nonce_committed);
    if !same {
        return Err(Failure::new(Class::PaymentReused, ""));
    }
    match ended::without_result(&record, &context) {
        Some(failure) => Err(failure),
        None => Ok(record),
    }
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

/// The 402 of a payer who promised more than it has.
fn reserved_funds(service: &Service, terms: &Terms, payload: &PaymentPayload, funds: u128, reserved: u128) -> Failure {
    let why = format!(
        "payload.authorization.from: of the payer's {funds} atomic units {reserved} are claimed by its jobs that are not settled; \
         wait for them, or add funds"
    );
    terms.refuse_for(service, payload, exact::Invalid::InsufficientFunds, &why)
}
