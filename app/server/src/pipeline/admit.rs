//! Step 1 and 2: what arrived is understood, bounded, readable and worth its tokens, before anything is priced.

use std::sync::Arc;
use std::time::Duration;

use precis_protocol::receipt::Channel;
use precis_protocol::request::Commitment;
use precis_protocol::{Task, headers};
use precis_summarize::Screening;

use crate::edge::Visitor;
use crate::error::{Class, Failure};
use crate::request::Whole;
use crate::service::{Generation, Service};
use crate::task::{Counted, Counting, Input, Offering, model_failure};

/// A request out of its channel, not yet looked at.
pub struct Opened {
    offering: &'static dyn Offering,
    request: Whole,
}

impl Opened {
    /// Takes over a whole request for something that `offering` sells.
    pub fn new(offering: &'static dyn Offering, request: Whole) -> Self {
        Self { offering, request }
    }

    /// How long the caller wants to wait for its answer (RFC 7240), at most `longest`.
    pub(super) fn patience(&self, longest: Duration) -> Patience {
        let mut patience = Patience { within: longest, asynchronous: false };
        let preferences = self.request.headers.get_all(headers::PREFER).iter().filter_map(|value| value.to_str().ok());
        for preference in preferences.flat_map(|value| value.split(',')).map(str::trim) {
            if preference.eq_ignore_ascii_case("respond-async") {
                patience = Patience { within: Duration::ZERO, asynchronous: true };
            } else if let Some(seconds) = preference.strip_prefix("wait=").and_then(|value| value.parse().ok()) {
                patience.within = patience.within.min(Duration::from_secs(seconds));
            }
        }
        patience
    }
}

/// How long a caller waits.
pub(super) struct Patience {
    pub(super) within: Duration,
    /// Whether it asked not to be kept waiting.
    pub(super) asynchronous: bool,
}

/// A request whose input can be worked on, with its metered size.
pub struct Admitted {
    /// Commitment of the request (SPEC 6.1).
    pub(super) commitment: Commitment,
    /// Channel it came through.
    pub(super) channel: Channel,
    /// The keyset that it was sealed to, or the one in force.
    pub(super) asked_of: Arc<Generation>,
    /// The input.
    pub(super) input: Arc<dyn Input>,
    /// Input tokens.
    pub(super) tokens: u32,
    /// `PAYMENT-SIGNATURE`, if any.
    pub(super) payment: Option<axum::http::HeaderValue>,
    /// `Precis-Nonce-Salt`, if any.
    pub(super) nonce_salt: Option<axum::http::HeaderValue>,
}

/// Parses, extracts and meters.
///
/// # Errors
/// A [`Failure`] of the client's making; nothing was charged.
pub async fn admit(service: &Arc<Service>, opened: Opened) -> Result<Admitted, Failure> {
    let Opened { offering, request } = opened;
    let visitor = visitor(&request)?;
    let (payment, nonce_salt) =
        (request.headers.get(headers::PAYMENT_SIGNATURE).cloned(), request.headers.get(headers::NONCE_SALT).cloned());
    let (channel, bytes) = (request.channel, request.body.len());
    let asked_of = request.sealed_to.clone().unwrap_or_else(|| service.identity.current());
    let parsing = move || {
        let commitment = commitment(&request, request.method.as_str(), request.path());
        let commitment = commitment.ok_or_else(|| Failure::new(Class::BodyTooLarge, ""))?;
        offering.read(&request.sent()).map(|input| (commitment, input))
    };
    let (commitment, input) = visitor.parse(bytes, parsing).await??;
    let tokens = meter(service, &visitor, &input).await?;
    Ok(Admitted { commitment, channel, asked_of, input, tokens, payment, nonce_salt })
}

/// The body of a quote.
enum Priced {
    /// A count of tokens.
    Tokens(Task, u32),
    /// An input, and the commitment of an order of it.
    Input(Option<Commitment>, Arc<dyn Input>),
}

/// The price-relevant part of a quote request: its commitment if it has an input, its task, its tokens.
pub(super) async fn asked_tokens(
    service: &Arc<Service>,
    opened: Opened,
) -> Result<(Option<Commitment>, Task, u32), Failure> {
    let Opened { offering, request } = opened;
    let (visitor, bytes) = (visitor(&request)?, request.body.len());
    match visitor.parse(bytes, move || priced(offering, &request)).await?? {
        Priced::Tokens(task, tokens) => {
            let longest = service.engine.of(task)?.facts.limits.max_tokens;
            if tokens > longest {
                return Err(Failure::new(Class::DocumentTooLong, format!("the limit is {longest} tokens")));
            }
            Ok((None, task, tokens))
        }
        Priced::Input(commitment, input) => {
            let tokens = meter(service, &visitor, &input).await?;
            Ok((commitment, input.task(), tokens))
        }
    }
}

fn priced(offering: &dyn Offering, request: &Whole) -> Result<Priced, Failure> {
    if let Some((task, tokens)) = offering.counted(&request.sent())? {
        return Ok(Priced::Tokens(task, tokens));
    }
    // A quote prices the paid route: its commitment names that route, so that the requirements can be paid there.
    let path =
        request.uri.query().map_or_else(|| offering.path().to_owned(), |query| format!("{}?{query}", offering.path()));
    let commitment = commitment(request, "POST", &path);
    Ok(Priced::Input(commitment, offering.read(&request.sent())?))
}

fn commitment(request: &Whole, method: &str, path: &str) -> Option<Commitment> {
    Commitment::new(method, path, &request.media_type, &request.body)
}

fn visitor(request: &Whole) -> Result<Visitor, Failure> {
    request.visitor.clone().ok_or_else(|| Failure::internal("admission", "a request that was not admitted"))
}

/// Counts the tokens of an input, in turns that others can come between: nobody has paid for it yet.
async fn meter(service: &Arc<Service>, visitor: &Visitor, input: &Arc<dyn Input>) -> Result<u32, Failure> {
    service.engine.of(input.task())?;
    let models = Arc::clone(service.engine.models());
    input.check(&models)?;
    let mut counting = Counting::default();
    loop {
        let (input_now, models, from) = (Arc::clone(input), Arc::clone(&models), counting);
        let work = (input.bytes().saturating_sub(from.read()), Screening::STEP_BYTES);
        let counted = visitor.count(work, move || input_now.count(&models, from)).await?;
        match counted.map_err(|error| model_failure(&error))? {
            Counted::Tokens(tokens) => {
                visitor.stays();
                return Ok(tokens);
            }
            Counted::GoOn(after) => counting = after,
        }
    }
}
