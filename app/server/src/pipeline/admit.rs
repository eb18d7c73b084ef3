//! Step 1 and 2: what arrived is understood, bounded, readable and worth its tokens, before anything is priced.

use std::sync::Arc;
use std::time::Duration;

use precis_model::{Screened, Screening};
use precis_protocol::receipt::Channel;
use precis_protocol::request::Commitment;
use precis_protocol::summary::{Options, SummaryRequest};
use precis_protocol::{encoding, headers, limits, strict};
use zeroize::Zeroizing;

use crate::documents;
use crate::edge::Visitor;
use crate::error::{Class, Failure};
use crate::request::Whole;
use crate::service::{Generation, Service};

/// A request out of its channel, not yet looked at.
pub struct Opened {
    request: Whole,
}

impl Opened {
    /// Takes over a whole request.
    pub fn new(request: Whole) -> Self {
        Self { request }
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

/// Extracted text: a secret, so it has no `Debug` and is wiped.
pub type Text = Zeroizing<String>;

/// A request whose document can be summarized, with its metered size.
pub struct Admitted {
    /// What the request commits to (SPEC 6.1).
    pub(super) commitment: Commitment,
    /// Channel it came through.
    pub(super) channel: Channel,
    /// The keyset that it was sealed to, or the one in force.
    pub(super) asked_of: Arc<Generation>,
    /// The document.
    pub(super) text: Arc<Text>,
    /// How to summarize it.
    pub(super) options: Options,
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
    let request = opened.request;
    let visitor = visitor(&request)?;
    let (payment, nonce_salt) =
        (request.headers.get(headers::PAYMENT_SIGNATURE).cloned(), request.headers.get(headers::NONCE_SALT).cloned());
    let (channel, bytes) = (request.channel, request.body.len());
    let asked_of = request.sealed_to.clone().unwrap_or_else(|| service.identity.current());
    let parsing = move || {
        let commitment = commitment(&request, request.method.as_str(), request.path());
        let commitment = commitment.ok_or_else(|| Failure::new(Class::BodyTooLarge, ""))?;
        parse(&request).map(|asked| (commitment, asked))
    };
    let (commitment, asked) = visitor.parse(bytes, parsing).await??;
    let (text, options, tokens) = meter(service, &visitor, asked).await?;
    Ok(Admitted { commitment, channel, asked_of, text, options, tokens, payment, nonce_salt })
}

/// What a body asks for. Without a document it can only be quoted.
pub(crate) struct Asked {
    pub(crate) document: Option<Text>,
    pub(crate) options: Options,
}

/// What the body of a quote asks for.
enum Priced {
    /// A count of tokens.
    Tokens(u32, Options),
    /// A document, and what an order of it would commit to.
    Document(Option<Commitment>, Asked),
}

/// The price-relevant part of a quote request.
pub(super) async fn asked_tokens(
    service: &Arc<Service>,
    opened: Opened,
) -> Result<(Option<Commitment>, Options, u32), Failure> {
    let request = opened.request;
    let (visitor, bytes) = (visitor(&request)?, request.body.len());
    match visitor.parse(bytes, move || priced(&request)).await?? {
        Priced::Tokens(tokens, options) => Ok((None, options, tokens)),
        Priced::Document(commitment, asked) => {
            let (_, options, tokens) = meter(service, &visitor, asked).await?;
            Ok((commitment, options, tokens))
        }
    }
}

fn priced(request: &Whole) -> Result<Priced, Failure> {
    if let Some((tokens, options)) = tokens_only(request)? {
        return Ok(Priced::Tokens(tokens, options));
    }
    // A quote prices the paid route: its commitment names that route, so that the requirements can be paid there.
    let path = request
        .uri
        .query()
        .map_or_else(|| headers::SUMMARIES_PATH.to_owned(), |query| format!("{}?{query}", headers::SUMMARIES_PATH));
    let commitment = commitment(request, "POST", &path);
    Ok(Priced::Document(commitment, parse(request)?))
}

fn commitment(request: &Whole, method: &str, path: &str) -> Option<Commitment> {
    Commitment::new(method, path, &request.media_type, &request.body)
}

fn visitor(request: &Whole) -> Result<Visitor, Failure> {
    request.visitor.clone().ok_or_else(|| Failure::internal("admission", "a request that was not admitted"))
}

fn tokens_only(request: &Whole) -> Result<Option<(u32, Options)>, Failure> {
    if !is_json(&request.media_type) {
        return Ok(None);
    }
    match body_json(request)? {
        SummaryRequest { document: None, media_type: None, data: None, tokens: Some(tokens), options } => {
            check(&options)?;
            Ok(Some((tokens, options)))
        }
        _ => Ok(None),
    }
}

fn is_json(media_type: &str) -> bool {
    media_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn body_json(request: &Whole) -> Result<SummaryRequest, Failure> {
    request_of(&request.body, limits::MAX_REQUEST_BODY_BYTES)
}

/// The request that a JSON body of at most `longest` bytes is.
pub(super) fn request_of(body: &[u8], longest: usize) -> Result<SummaryRequest, Failure> {
    // An array would be read as the members in their order, which nobody means.
    if body.trim_ascii_start().first() != Some(&b'{') && body.len() <= longest {
        return Err(Failure::new(Class::BadRequest, "the body is not a JSON object"));
    }
    strict::from_slice(body, longest).map_err(|error| Failure::new(Class::BadRequest, error.to_string()))
}

fn check(options: &Options) -> Result<(), Failure> {
    options.check().map_err(|error| Failure::new(Class::BadOptions, error.to_string()))
}

/// Document and options of a request, by its bytes alone.
pub(crate) fn parse(request: &Whole) -> Result<Asked, Failure> {
    let (media_type, data, options) = if is_json(&request.media_type) {
        let body = body_json(request)?;
        let (media_type, data) = match (body.document, body.media_type, body.data, body.tokens) {
            (Some(document), None, None, None) => ("text/plain".to_owned(), Zeroizing::new(document.into_bytes())),
            (None, Some(media_type), Some(data), None) => {
                let data = encoding::base64_decode(&data)
                    .map_err(|error| Failure::new(Class::BadRequest, format!("`data`: {error}")))?;
                (media_type, Zeroizing::new(data))
            }
            _ => return Err(Failure::new(Class::BadRequest, "send either `document`, or `media_type` with `data`")),
        };
        (media_type, data, body.options)
    } else {
        (
            request.media_type.clone(),
            Zeroizing::new(request.body.to_vec()),
            query_options(request.uri.query().unwrap_or_default())?,
        )
    };
    check(&options)?;
    let text = documents::text(&media_type, &data)?;
    Ok(Asked { document: Some(Zeroizing::new(text)), options })
}

fn query_options(query: &str) -> Result<Options, Failure> {
    let uri = format!("/?{query}").parse().map_err(|_| Failure::new(Class::BadOptions, "the query is malformed"))?;
    axum::extract::Query::<Options>::try_from_uri(&uri).map(|options| options.0).map_err(|_| {
        Failure::new(
            Class::BadOptions,
            "options in the query are `mode`, `max_words`, `max_sentences`, `focus`, each once",
        )
    })
}

/// Counts the tokens of what was asked, in turns that others can come between: nobody has paid for it yet.
async fn meter(service: &Arc<Service>, visitor: &Visitor, asked: Asked) -> Result<(Arc<Text>, Options, u32), Failure> {
    let Asked { document: Some(text), options } = asked else {
        return Err(Failure::new(Class::BadRequest, "a document is missing"));
    };
    let (text, summarizer) = (Arc::new(text), Arc::clone(&service.engine.of(options.mode).summarizer));
    let mut screening = Screening::default();
    loop {
        let (text_now, summarizer, before) = (Arc::clone(&text), Arc::clone(&summarizer), screening);
        let work = (text.len().saturating_sub(before.read()), Screening::STEP_BYTES);
        let screened = visitor.count(work, move || summarizer.screen(&text_now, before)).await?;
        match screened.map_err(|error| model_failure(&error))? {
            Screened::Admitted { tokens } => {
                visitor.stays();
                return Ok((text, options, tokens));
            }
            Screened::GoOn(after) => screening = after,
        }
    }
}

/// How a summarizer's refusal is answered; the same before and after payment.
pub(super) fn model_failure(error: &precis_model::Error) -> Failure {
    match error {
        precis_model::Error::NotSummarizable(reason) => Failure::new(Class::NotSummarizable, reason.code()),
        precis_model::Error::TooLong { .. } => Failure::new(Class::DocumentTooLong, error.to_string()),
        precis_model::Error::Cancelled => Failure::new(Class::Cancelled, ""),
        other => {
            tracing::error!(event = "work.failed", why = %other);
            Failure::new(Class::WorkFailed, "")
        }
    }
}
