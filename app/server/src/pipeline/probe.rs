//! A request for a summary that has no document: catalogues and agents look so for a 402. It is told the prices (SPEC 5.3).

use axum::http::HeaderMap;
use precis_extract::DocumentType;
use precis_protocol::summary::SummaryRequest;
use precis_protocol::{Mode, headers};

use super::admit::request_of;
use super::quote;
use crate::error::{Class, Failure};
use crate::request::Whole;
use crate::service::Service;

/// Largest body that is looked into, bytes: options without a document are short.
const MAX_PROBE_BYTES: usize = 2048;
/// Header of a payment of x402 version 1.
const PAYMENT_OF_VERSION_1: &str = "x-payment";

/// The mode whose prices are asked for, if `request` has neither document nor payment: no body, or JSON with options alone. A
/// body that is said to be a document is one, also when it is empty.
pub fn asked_mode(request: &Whole) -> Option<Mode> {
    let paid = request.headers.contains_key(headers::PAYMENT_SIGNATURE);
    let long = request.body.len() > MAX_PROBE_BYTES;
    if paid || long || DocumentType::parse(&request.media_type).is_ok() {
        return None;
    }
    if request.body.trim_ascii().is_empty() {
        return Some(Mode::default());
    }
    match request_of(&request.body, MAX_PROBE_BYTES).ok()? {
        SummaryRequest { document: None, media_type: None, data: None, tokens: None, options } => {
            options.check().is_ok().then_some(options.mode)
        }
        _ => None,
    }
}

/// The 402 of a request without a document: the price list, and the least that a summary costs. No offer is signed for that,
/// since it cannot be paid: a payment is for one document.
pub fn prices(service: &Service, mode: Mode) -> Failure {
    let quote = quote::least(service, mode);
    Failure::new(Class::DocumentRequired, "").with_quote(quote).with_prices(service.settings.prices.clone())
}

/// Whether a request carries a payment of x402 version 1 and none of version 2.
pub fn pays_by_version_1(headers: &HeaderMap) -> bool {
    headers.contains_key(PAYMENT_OF_VERSION_1) && !headers.contains_key(headers::PAYMENT_SIGNATURE)
}
