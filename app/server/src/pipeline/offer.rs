//! Offers and receipts as the x402 standard has a server sign them (SPEC 6.6): an offer for every entry of a quote, a receipt in
//! every settlement. The attested receipt key signs both, which makes their signer known. They name the service's URL; where the
//! platform filled that in, neither is made.

use precis_payment::offer::{self, Offer, Signed};
use precis_payment::wire::{self, PaymentRequired, SettleResponse};
use precis_protocol::receipt::SignedReceipt;

use super::state::Settled;
use crate::clock;
use crate::error::{Class, Failure};
use crate::service::{Generation, Service};
use crate::task;

/// The 402 of `class`: the quote with an offer for each of its entries, signed by the keyset that the request was sealed to.
pub(super) fn refuse(
    service: &Service,
    asked_of: &Generation,
    class: Class,
    detail: impl Into<String>,
    quote: PaymentRequired,
) -> Failure {
    if !service.origin.vouched {
        return Failure::new(class, detail).with_quote(quote);
    }
    let key = &asked_of.receipt_key;
    let offers = quote.accepts.iter().zip(0..).map(|(required, index)| {
        let valid_until = clock::now().saturating_add(required.max_timeout_seconds);
        let signed = Signed::sign(Offer::new(&quote.resource.url, required, valid_until), key)?;
        Some(Signed { accept_index: Some(index), ..signed })
    });
    match offers.collect::<Option<Vec<_>>>() {
        Some(offers) => {
            let extensions = Some(offer::with_offers(quote.extensions, offers));
            Failure::new(class, detail).with_quote(PaymentRequired { extensions, ..quote })
        }
        None => Failure::internal("offer", "not signed"),
    }
}

/// `PAYMENT-RESPONSE` of a settled job, with the standard's receipt of the same payment, time and keyset as our own.
pub(super) fn settlement(
    service: &Service,
    by: &Generation,
    settled: &Settled,
    own: &SignedReceipt,
) -> Result<String, Failure> {
    let authorization = &settled.record.authorization;
    let path = task::offering(settled.context.task)?.path();
    let (network, payer) = (settled.context.payment.accepted.network, authorization.payer.into());
    let mut response = SettleResponse::settled(network, payer, authorization.amount.into(), settled.paid);
    if service.origin.vouched {
        let receipt =
            offer::Receipt::new(&resource_url(service, path), network, payer, settled.paid, own.receipt.issued_at);
        let receipt =
            Signed::sign(receipt, &by.receipt_key).ok_or_else(|| Failure::internal("offer receipt", "not signed"))?;
        response.extensions = Some(offer::with_receipt(None, receipt));
    }
    wire::encode(&response).map_err(|e| Failure::internal("settlement", e))
}

/// The paid resource at `path`, as quotes, offers and receipts name it.
pub(super) fn resource_url(service: &Service, path: &str) -> String {
    format!("{}{path}", service.origin.url)
}
