//! A request without an input: catalogues and agents look so for a 402. It is told the prices (SPEC 5.3).

use axum::http::HeaderMap;
use precis_protocol::{Task, headers};

use super::quote;
use crate::error::{Class, Failure};
use crate::request::Whole;
use crate::service::Service;
use crate::task::Offering;

/// Header of a payment of x402 version 1.
const PAYMENT_OF_VERSION_1: &str = "x-payment";

/// The task whose prices are asked for, if `request` has neither input nor payment.
pub fn asked_price(offering: &dyn Offering, request: &Whole) -> Option<Task> {
    let paid = request.headers.contains_key(headers::PAYMENT_SIGNATURE);
    if paid { None } else { offering.asked_price(&request.sent()) }
}

/// The 402 of a request without an input: all prices, and the least that `task` costs. No offer is signed for that, since it cannot be
/// paid: a payment is for one input.
pub fn prices(service: &Service, task: Task) -> Failure {
    match quote::least(service, task) {
        Ok(quote) => {
            Failure::new(Class::DocumentRequired, "").with_quote(quote).with_prices(service.engine.prices().clone())
        }
        Err(failure) => failure,
    }
}

/// Whether a request carries a payment of x402 version 1 and none of version 2.
pub fn pays_by_version_1(headers: &HeaderMap) -> bool {
    headers.contains_key(PAYMENT_OF_VERSION_1) && !headers.contains_key(headers::PAYMENT_SIGNATURE)
}
