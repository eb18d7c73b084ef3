//! Step 3: the price of this request, as requirements that only this request can satisfy, one entry for each network that takes
//! payments now (SPEC 5.3, 6.2).

use std::sync::Arc;

use precis_payment::AtomicUnits;
use precis_payment::wire::{EXTRA_FLOW, FLOW_UPFRONT, PaymentRequired, PaymentRequirements, ResourceInfo};
use precis_protocol::Task;
use precis_protocol::request::Commitment;
use precis_store::Flow;
use serde::Serialize;

use super::admit::{Admitted, Opened, asked_tokens};
use super::offer;
use crate::error::{Class, Failure};
use crate::service::{Known, Rail, Service, Sold, some_of};
use crate::task::{About, offering};

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
    let (task, tokens) = (admitted.input.task(), admitted.tokens);
    let sold = service.engine.of(task)?;
    let flow = flow(service, &sold, tokens);
    let quote = |rails: &[&Rail]| required(service, rails, Some(&admitted.commitment), task, tokens);
    match admitted.payment.take() {
        Some(payment) => {
            // What was bought is delivered, whether or not the network takes new payments.
            let all: Vec<&Rail> = service.payments.rails.iter().collect();
            let required = quote(&open(service, &sold, tokens).unwrap_or(all))?;
            Ok(Quoted { admitted, payment, required, flow })
        }
        None => {
            unpaid_work(service, &sold, tokens)?;
            // Nobody is asked to sign what would be refused.
            service.takes_payments(sold.timeout_seconds(tokens))?;
            let required = quote(&open(service, &sold, tokens)?)?;
            let unpaid =
                PaymentRequired { error: Some("payment_required: send `PAYMENT-SIGNATURE`".into()), ..required };
            Err(offer::refuse(service, &admitted.asked_of, Class::PaymentRequired, "", unpaid))
        }
    }
}

/// Answer of a quote route (SPEC 5.4).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    task: Task,
    tokens: u32,
    amount: String,
    predicted_seconds: u64,
    requirements: Vec<PaymentRequirements>,
}

/// Prices an input, or a token count, for nothing.
///
/// # Errors
/// A [`Failure`] of the client's making.
pub async fn quote_only(service: &Arc<Service>, opened: Opened) -> Result<Quote, Failure> {
    let (commitment, task, tokens) = asked_tokens(service, opened).await?;
    let sold = service.engine.of(task)?;
    unpaid_work(service, &sold, tokens)?;
    service.takes_payments(sold.timeout_seconds(tokens))?;
    let amount = sold.amount(tokens);
    let required = required(service, &open(service, &sold, tokens)?, commitment.as_ref(), task, tokens)?;
    let predicted_seconds = sold.predicted_seconds(tokens);
    Ok(Quote { task, tokens, amount: amount.to_string(), predicted_seconds, requirements: required.accepts })
}

/// The networks that a payment for so much work would be taken on now.
///
/// # Errors
/// The first network's reason, if none takes a payment.
fn open<'a>(service: &'a Service, sold: &Sold<'_>, tokens: u32) -> Result<Vec<&'a Rail>, Failure> {
    let price: AtomicUnits = sold.amount(tokens).into();
    some_of(service.payments.open()?.into_iter().map(|rail| rail.worth_settling(price).map(|()| rail)))
}

/// Work that takes long is paid for before it is done.
fn flow(service: &Service, known: &Known, tokens: u32) -> Flow {
    match service.settings.upfront_seconds {
        Some(seconds) if known.predicted_seconds(tokens) > seconds => Flow::Upfront,
        _ => Flow::Authorization,
    }
}

/// Work that takes very long is not done unpaid, where it cannot be paid first: whoever moves the money away before the
/// settlement would have it for nothing.
///
/// # Errors
/// `work_too_long`.
pub(super) fn unpaid_work(service: &Service, known: &Known, tokens: u32) -> Result<(), Failure> {
    let predicted = known.predicted_seconds(tokens);
    match service.settings.unpaid_seconds {
        Some(most) if predicted > most && flow(service, known, tokens) == Flow::Authorization => {
            let detail = format!("it would take about {predicted} seconds, and the most is {most}");
            Err(Failure::new(Class::WorkTooLong, detail))
        }
        _ => Ok(()),
    }
}

/// The least that `task` costs. Marked as such and without a request digest, since it cannot be paid.
///
/// # Errors
/// `not_sold`.
pub(super) fn least(service: &Service, task: Task) -> Result<PaymentRequired, Failure> {
    let all: Vec<&Rail> = service.payments.rails.iter().collect();
    let mut quote = required(service, &service.payments.open().unwrap_or(all), None, task, 1)?;
    quote.error = Some("document_required: the least that this costs; send the document for its exact price".into());
    quote.accepts = quote.accepts.into_iter().map(|entry| entry.with_extra(EXTRA_PRICE, PRICE_LEAST)).collect();
    Ok(quote)
}

/// `extra` key that says what kind of price an entry has, where it is not the exact price of a request.
const EXTRA_PRICE: &str = "price";
/// The least that any request costs.
const PRICE_LEAST: &str = "minimum";

fn required(
    service: &Service,
    rails: &[&Rail],
    commitment: Option<&Commitment>,
    task: Task,
    tokens: u32,
) -> Result<PaymentRequired, Failure> {
    let offering = offering(task)?;
    let About { description, tags } = offering.about(task);
    let accepts = rails.iter().map(|rail| requirements(service, rail, commitment, task, tokens));
    Ok(PaymentRequired {
        x402_version: precis_payment::wire::Version2,
        error: None,
        resource: ResourceInfo {
            url: offer::resource_url(service, offering.path()),
            description: Some(description),
            mime_type: Some("application/json".into()),
            service_name: Some("Precis".into()),
            tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
            ..ResourceInfo::default()
        },
        accepts: accepts.collect::<Result<_, _>>()?,
        extensions: Some(service.extensions_of(offering.path())),
    })
}

/// The terms of one network.
///
/// # Errors
/// `not_sold`.
pub(super) fn requirements(
    service: &Service,
    rail: &Rail,
    commitment: Option<&Commitment>,
    task: Task,
    tokens: u32,
) -> Result<PaymentRequirements, Failure> {
    let sold = service.engine.of(task)?;
    let mut requirements = PaymentRequirements {
        scheme: "exact".into(),
        network: rail.network(),
        amount: AtomicUnits::from(sold.amount(tokens)),
        asset: rail.settings.asset,
        pay_to: rail.payee,
        max_timeout_seconds: sold.timeout_seconds(tokens),
        extra: serde_json::Map::new(),
        other: serde_json::Map::new(),
    }
    .with_extra("name", &rail.settings.domain.name)
    .with_extra("version", &rail.settings.domain.version)
    .with_extra("assetTransferMethod", "eip3009");
    if let Some(commitment) = commitment {
        let digest = commitment.quote_digest(&service.identity.quote_secret);
        requirements = requirements.with_extra("requestDigest", &hex::encode(digest));
    }
    if flow(service, &sold, tokens) == Flow::Upfront {
        requirements = requirements.with_extra(EXTRA_FLOW, FLOW_UPFRONT);
    }
    Ok(requirements)
}
