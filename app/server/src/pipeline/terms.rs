//! The terms that a payment has to meet: those of the network that it names (SPEC 6.2), and the 402 that refuses it.

use std::sync::Arc;

use precis_payment::exact;
use precis_payment::wire::{PaymentPayload, PaymentRequired, PaymentRequirements, SettleResponse};
use precis_store::Flow;

use super::admit::Admitted;
use super::{offer, prepay, quote};
use crate::error::{Class, Failure};
use crate::service::{Generation, Rail, Service};

/// Terms that one payment is held against.
#[derive(Clone)]
pub(super) struct Terms {
    /// Our own terms on the network of the payment.
    pub(super) own: PaymentRequirements,
    /// Time at which the payment is taken.
    pub(super) flow: Flow,
    /// The quote that goes with a refusal.
    quote: PaymentRequired,
    /// The keyset that signs its offers.
    asked_of: Arc<Generation>,
}

/// The network that the payment names. One that is not ours gets the terms of the first, which it does not meet.
pub(super) fn rail<'a>(service: &'a Service, payload: &PaymentPayload) -> Result<&'a Rail, Failure> {
    let payments = &service.payments;
    let rail = payments.on(payload.accepted.network).or(payments.rails.first());
    rail.ok_or_else(|| Failure::internal("settings", "no network"))
}

impl Terms {
    /// Of a request, its quote and the payment that came with it.
    pub(super) fn of(
        service: &Service,
        rail: &Rail,
        admitted: &Admitted,
        payload: &PaymentPayload,
        (required, flow): (PaymentRequired, Flow),
    ) -> Result<Self, Failure> {
        let (task, tokens) = (admitted.input.task(), admitted.tokens);
        let own = quote::requirements(service, rail, Some(&admitted.commitment), task, tokens)?;
        let terms = Self { own, flow, quote: required, asked_of: Arc::clone(&admitted.asked_of) };
        let chosen = prepay::chosen(&service.settings.config, payload, flow);
        Ok(if chosen == flow { terms } else { terms.first() })
    }

    /// The same with the payment first.
    pub(super) fn first(self) -> Self {
        Self { own: prepay::first(self.own), flow: Flow::Upfront, quote: prepay::first_of(self.quote), ..self }
    }

    /// The 402 of a payment that does not fit, which names the member that is wrong.
    pub(super) fn refuse(&self, service: &Service, payload: &PaymentPayload, reason: exact::Invalid) -> Failure {
        let member = match reason {
            exact::Invalid::Requirements => Some(exact::differing(&payload.accepted, &self.own)),
            _ => reason.member(),
        };
        let why = member.map_or_else(|| reason.to_string(), |member| format!("{member}: {reason}"));
        self.refuse_for(service, payload, reason, &why)
    }

    /// The 402 with another sentence.
    pub(super) fn refuse_for(
        &self,
        service: &Service,
        payload: &PaymentPayload,
        reason: exact::Invalid,
        why: &str,
    ) -> Failure {
        let quote = PaymentRequired { error: Some(format!("{}: {why}", reason.code())), ..self.quote.clone() };
        let payer = payload.payload.authorization.from;
        let failed = SettleResponse::failed(self.own.network, Some(payer), reason.code(), None);
        offer::refuse(service, &self.asked_of, Class::PaymentInvalid, why, quote).with_settlement(failed)
    }
}
