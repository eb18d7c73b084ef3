//! Step 3: the price of this request, as requirements that only this request can satisfy (SPEC 5.3, 6.2).

use std::sync::Arc;

use precis_payment::AtomicUnits;
use precis_payment::wire::{PaymentRequired, PaymentRequirements, ResourceInfo};
use precis_protocol::Mode;
use precis_protocol::request::Commitment;
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
}

/// Prices the request; without a payment header that is the answer (402).
///
/// # Errors
/// `payment_required` with the quote.
pub fn quote(service: &Service, mut admitted: Admitted) -> Result<Quoted, Failure> {
    let required = required(service, Some(&admitted.commitment), admitted.options.mode, admitted.tokens);
    match admitted.payment.take() {
        Some(payment) => Ok(Quoted { admitted, payment, required }),
        None => {
            let unpaid =
                PaymentRequired { error: Some("payment_required: send `PAYMENT-SIGNATURE`".into()), ..required };
            Err(offer::refuse(service, Class::PaymentRequired, "", unpaid))
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
    let required = required(service, commitment.as_ref(), options.mode, tokens);
    let amount = service.settings.prices.modes.get(options.mode).amount(tokens).to_string();
    let predicted_seconds = service.engine.of(options.mode).summarizer.predict(tokens).as_secs() + 1;
    Ok(Quote { mode: options.mode, tokens, amount, predicted_seconds, requirements: required.accepts })
}

fn required(service: &Service, commitment: Option<&Commitment>, mode: Mode, tokens: u32) -> PaymentRequired {
    let payment = &service.identity.keyset.payment;
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
    PaymentRequired {
        x402_version: precis_payment::wire::Version2,
        error: None,
        resource: ResourceInfo {
            url: offer::resource_url(service),
            description: Some(format!("One {} summary, made and signed inside a TEE", mode.name())),
            mime_type: Some("application/json".into()),
            service_name: Some("Precis".into()),
            ..ResourceInfo::default()
        },
        accepts: vec![requirements],
        extensions: None,
    }
}
