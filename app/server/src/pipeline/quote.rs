//! Step 3: the price of this request, as requirements that only this request can satisfy (SPEC 5.3, 6.2).

use std::sync::Arc;

use precis_payment::AtomicUnits;
use precis_payment::wire::{EXTRA_FLOW, FLOW_UPFRONT, PaymentRequired, PaymentRequirements, ResourceInfo};
use precis_protocol::Mode;
use precis_protocol::request::Commitment;
use precis_store::Flow;
use serde::Serialize;

use super::admit::{Admitted, Opened, asked_tokens};
use super::offer;
use crate::error::{Class, Failure};
use crate::service::Service;

/// A request with the price it has here and now, and a payment header to judge.
pub struct Quoted {
    pub(super) admitted: Admitted,
    pub(super) payment: axum::http::HeaderValue,
    pub(super) required: PaymentRequired,
    /// When the payment is taken.
    pub(super) flow: Flow,
}

/// Prices the request; without a payment header that is the answer (402).
///
/// # Errors
/// `payment_required` with the quote, or `work_too_long` where it would not be worked on unpaid.
pub fn quote(service: &Service, mut admitted: Admitted) -> Result<Quoted, Failure> {
    let (mode, tokens) = (admitted.options.mode, admitted.tokens);
    let flow = flow(service, mode, tokens);
    let required = required(service, Some(&admitted.commitment), mode, tokens);
    match admitted.payment.take() {
        Some(payment) => Ok(Quoted { admitted, payment, required, flow }),
        None => {
            unpaid_work(service, mode, tokens)?;
            // Nobody is asked to sign what would be refused.
            service.takes_payments(service.engine.timeout_seconds(mode, tokens))?;
            service.payments.worth_settling(service.settings.prices.modes.get(mode).amount(tokens).into())?;
            let unpaid =
                PaymentRequired { error: Some("payment_required: send `PAYMENT-SIGNATURE`".into()), ..required };
            Err(offer::refuse(service, &admitted.asked_of, Class::PaymentRequired, "", unpaid))
        }
    }
}

/// Answer of `POST /v1/quotes` (SPEC 5.4).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    mode: Mode,
    tokens: u32,
    amount: String,
    predicted_seconds: u64,
    requirements: Vec<PaymentRequirements>,
}

/// Prices a document, or a token count, for nothing.
///
/// # Errors
/// A [`Failure`] of the client's making.
pub async fn quote_only(service: &Arc<Service>, opened: Opened) -> Result<Quote, Failure> {
    let (commitment, options, tokens) = asked_tokens(service, opened).await?;
    let longest = service.engine.of(options.mode).summarizer.limits().max_document_tokens;
    if tokens > longest {
        return Err(Failure::new(Class::DocumentTooLong, format!("the limit is {longest} tokens")));
    }
    unpaid_work(service, options.mode, tokens)?;
    service.takes_payments(service.engine.timeout_seconds(options.mode, tokens))?;
    let amount = service.settings.prices.modes.get(options.mode).amount(tokens);
    service.payments.worth_settling(amount.into())?;
    let required = required(service, commitment.as_ref(), options.mode, tokens);
    let predicted_seconds = service.engine.predicted_seconds(options.mode, tokens);
    Ok(Quote {
        mode: options.mode,
        tokens,
        amount: amount.to_string(),
        predicted_seconds,
        requirements: required.accepts,
    })
}

/// Work that takes long is paid for before it is done.
fn flow(service: &Service, mode: Mode, tokens: u32) -> Flow {
    match service.settings.upfront_seconds {
        Some(seconds) if service.engine.predicted_seconds(mode, tokens) > seconds => Flow::Upfront,
        _ => Flow::Authorization,
    }
}

/// Work that takes very long is not done unpaid, where it cannot be paid first: whoever moves the money away before the
/// settlement would have it for nothing.
///
/// # Errors
/// `work_too_long`.
pub(super) fn unpaid_work(service: &Service, mode: Mode, tokens: u32) -> Result<(), Failure> {
    let predicted = service.engine.predicted_seconds(mode, tokens);
    match service.settings.unpaid_seconds {
        Some(most) if predicted > most && flow(service, mode, tokens) == Flow::Authorization => {
            let detail = format!("it would take about {predicted} seconds, and the most is {most}");
            Err(Failure::new(Class::WorkTooLong, detail))
        }
        _ => Ok(()),
    }
}

/// The least that a summary costs. Marked as such and without a request digest, since it cannot be paid.
pub(super) fn least(service: &Service, mode: Mode) -> PaymentRequired {
    let mut quote = required(service, None, mode, 1);
    quote.error =
        Some("document_required: the least that a summary costs; send the document for its exact price".into());
    quote.accepts = quote.accepts.into_iter().map(|entry| entry.with_extra(EXTRA_PRICE, PRICE_LEAST)).collect();
    quote
}

/// `extra` key that says what kind of price an entry has, where it is not the exact price of a request.
const EXTRA_PRICE: &str = "price";
/// The least that any request costs.
const PRICE_LEAST: &str = "minimum";

fn required(service: &Service, commitment: Option<&Commitment>, mode: Mode, tokens: u32) -> PaymentRequired {
    let payment = &service.identity.payment;
    let config = &service.settings.config;
    let amount = service.settings.prices.modes.get(mode).amount(tokens);
    let mut requirements = PaymentRequirements {
        scheme: "exact".into(),
        network: config.network,
        amount: AtomicUnits::from(amount),
        asset: payment.asset,
        pay_to: payment.pay_to,
        max_timeout_seconds: service.engine.timeout_seconds(mode, tokens),
        extra: serde_json::Map::new(),
        other: serde_json::Map::new(),
    }
    .with_extra("name", &config.asset_name)
    .with_extra("version", &config.asset_version)
    .with_extra("assetTransferMethod", "eip3009");
    if let Some(commitment) = commitment {
        let digest = commitment.quote_digest(&service.identity.quote_secret);
        requirements = requirements.with_extra("requestDigest", &hex::encode(digest));
    }
    if flow(service, mode, tokens) == Flow::Upfront {
        requirements = requirements.with_extra(EXTRA_FLOW, FLOW_UPFRONT);
    }
    PaymentRequired {
        x402_version: precis_payment::wire::Version2,
        error: None,
        resource: ResourceInfo {
            url: offer::resource_url(service),
            description: Some(format!("One {} summary, made and signed inside a TEE", mode.name())),
            mime_type: Some("application/json".into()),
            service_name: Some("Precis".into()),
            tags: Some(["summarization", "confidential", "tee"].map(str::to_owned).to_vec()),
            ..ResourceInfo::default()
        },
        accepts: vec![requirements],
        extensions: Some(service.extensions.clone()),
    }
}
