//! Admission: a request gets a place among its own kind, or is refused at once.
//!
//! Orders that carry a payment, owners who look after their jobs, questions with a document and questions without one have
//! places of their own, so that none of them can take those of another. A body is read first, under its own bounds. What is
//! in an encapsulated request is known once it is open: until then it has a place for that, and then one of its kind.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use precis_payment::wire::{self, PaymentPayload};
use precis_protocol::problem::Charged;
use precis_protocol::receipt::Channel;
use precis_protocol::{headers, limits};
use tokio::time::Instant;

use super::answer::held;
use super::bodies::Bodies;
use super::buffer::Budgeted;
use super::limits::Limits;
use super::readers::{Caller, Readers};
use super::room::{Guest, Place, Room};
use super::shares::{Share, Shares};
use super::source::{Source, TrustedProxies};
use crate::error::{Class, Failure};

/// How many bytes are parsed, or opened, in the time in which one is counted.
const EASIER_THAN_COUNTING: usize = 32;

/// An encapsulated request of so many bytes is a small one.
const SMALL_BYTES: usize = 128 * 1024;

/// Address of the other end of the connection, as an extension of a request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Bounds of the process, and what is taken of them now.
pub struct Edge {
    trusted: TrustedProxies,
    bodies: Bodies,
    opened: Arc<Shares>,
    paid: Arc<Room>,
    documents: Arc<Room>,
    polls: Arc<Shares>,
    lookups: Arc<Shares>,
    encapsulated: Arc<Shares>,
    answers: Arc<Shares>,
    readers: Readers,
    limits: Limits,
}

/// What a request is, as far as its place depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Paid,
    Poll,
    Lookup,
    Document,
    Encapsulated,
}

impl Kind {
    fn of(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        if *method == Method::POST {
            match path {
                headers::OHTTP_GATEWAY_PATH => Self::Encapsulated,
                headers::SUMMARIES_PATH if headers.contains_key(headers::PAYMENT_SIGNATURE) => Self::Paid,
                _ => Self::Document,
            }
        } else if path.starts_with(headers::SUMMARIES_PATH) || path.starts_with(headers::RECEIPTS_PATH) {
            Self::Poll
        } else {
            Self::Lookup
        }
    }

    /// A refusal of such a request. Of what may carry a payment nobody knows here whether it was charged before.
    fn refuse(self, failure: Failure) -> Failure {
        match self {
            Self::Paid | Self::Encapsulated | Self::Poll => failure.charged(Charged::Unknown),
            Self::Document | Self::Lookup => failure,
        }
    }
}

impl Edge {
    /// Nothing is taken.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn new(limits: Limits, trusted: TrustedProxies) -> std::io::Result<Self> {
        let places = &limits.places;
        Ok(Self {
            trusted,
            bodies: Bodies::new(&limits),
            opened: Shares::new(limits.opened_bytes),
            paid: Room::new(places.paid),
            documents: Room::new(places.documents),
            polls: Shares::new(places.polls),
            lookups: Shares::new(places.lookups),
            encapsulated: Shares::new(places.encapsulated),
            answers: Shares::new(limits.answer_bytes),
            readers: Readers::start()?,
            limits,
        })
    }

    /// Proxies whose word is taken.
    pub fn trusted(&self) -> &TrustedProxies {
        &self.trusted
    }

    /// The answer, which takes of the budget until the peer has all of it. What was paid for is never held back: it keeps
    /// the place of its request instead.
    fn answer(&self, kind: Kind, source: Source, place: Taken, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let bytes = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
        let body = match self.answers.take(source, bytes, 0) {
            Some(share) => held(body, share),
            None if kind == Kind::Paid => held(body, place),
            None => return kind.refuse(Failure::new(Class::Overloaded, "")).into_response(),
        };
        Response::from_parts(parts, body)
    }

    fn place(&self, kind: Kind, source: Source, bytes: usize) -> Option<Taken> {
        let room = |room: &Arc<Room>| room.enter(source, bytes).map(Taken::Place);
        let shares = |shares: &Arc<Shares>| shares.take(source, 1, 0).map(Taken::Share);
        match kind {
            Kind::Paid => room(&self.paid),
            Kind::Document => room(&self.documents),
            Kind::Poll => shares(&self.polls),
            Kind::Lookup => shares(&self.lookups),
            Kind::Encapsulated => shares(&self.encapsulated),
        }
    }
}

/// A place that is taken.
enum Taken {
    Place(Place),
    Share(#[expect(dead_code, reason = "it is given back when it is dropped")] Share),
}

impl Taken {
    async fn is_lost(&self) {
        match self {
            Self::Place(place) => place.is_lost().await,
            Self::Share(_) => std::future::pending().await,
        }
    }

    fn guest(&self) -> Option<Arc<Guest>> {
        match self {
            Self::Place(place) => Some(Arc::clone(place.guest())),
            Self::Share(_) => None,
        }
    }
}

/// Whoever sent a request; gives it turns at the readers.
#[derive(Clone)]
pub struct Visitor {
    edge: Arc<Edge>,
    source: Source,
    paid: bool,
    since: Instant,
    guest: Option<Arc<Guest>>,
}

impl Visitor {
    /// It has been read, and makes room for nobody any more.
    pub fn stays(&self) {
        if let Some(guest) = &self.guest {
            guest.stays();
        }
    }

    /// Does `work` off the async threads, in a turn of this visitor: `left` bytes are left to count, `turn` of them now.
    ///
    /// # Errors
    /// 503 when no turn comes in time.
    pub async fn count<T: Send + 'static>(
        &self,
        (left, turn): (usize, usize),
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let limits = &self.edge.limits;
        let patience = if self.paid { limits.paid_patience } else { limits.free_patience };
        let patience = patience.saturating_sub(self.since.elapsed());
        let caller = Caller { source: self.source, paid: self.paid, patience };
        let outcome = self.edge.readers.turn(caller, (left, turn), work).await;
        outcome.map_err(|failure| if self.paid { Kind::Paid.refuse(failure) } else { failure })
    }

    /// The same for work that is parsing so many bytes.
    ///
    /// # Errors
    /// 503 when no turn comes in time.
    pub async fn parse<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let counted = bytes / EASIER_THAN_COUNTING;
        self.count((counted, counted), work).await
    }

    /// Bytes for what comes out of an encapsulated request of so many.
    ///
    /// # Errors
    /// 503 where there are not so many.
    pub fn room_to_open(&self, bytes: usize) -> Result<Opening, Failure> {
        // Large ones leave room for small ones.
        let kept = if bytes > SMALL_BYTES { self.edge.limits.opened_bytes / 4 } else { 0 };
        let share = self.edge.opened.take(self.source, bytes, kept);
        share.map(Opening).ok_or_else(|| Kind::Encapsulated.refuse(Failure::new(Class::Overloaded, "")))
    }
}

/// Bytes of the budget for what is opened.
pub struct Opening(Share);

impl Opening {
    /// What was opened, which keeps its room for as long as anybody has it.
    #[must_use]
    pub fn hold(self, opened: Bytes) -> Bytes {
        Bytes::from_owner(Budgeted::new(opened, Some(self.0)))
    }
}

/// Reads the body and takes a place, around the routes.
pub async fn admit(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let (kind, request) = match arrive(&edge, request).await {
        Ok(arrived) => arrived,
        Err(failure) => return failure.into_response(),
    };
    let source = source(&edge, &request);
    let bytes = request.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
    let overloaded = || kind.refuse(Failure::new(Class::Overloaded, "")).into_response();
    let Some(place) = edge.place(kind, source, bytes) else { return overloaded() };
    let guest = place.guest();
    let visitor = Visitor { edge: Arc::clone(&edge), source, paid: kind == Kind::Paid, since: Instant::now(), guest };
    let mut request = request;
    request.extensions_mut().insert(visitor);
    tokio::select! {
        biased;
        () = place.is_lost() => overloaded(),
        response = next.run(request) => edge.answer(kind, source, place, response),
    }
}

/// The request with its whole body.
async fn arrive(edge: &Edge, request: Request) -> Result<(Kind, Request), Failure> {
    let inside = request.extensions().get::<Channel>() == Some(&Channel::Ohttp);
    if !inside && header_bytes(request.headers()).is_none() {
        return Err(Failure::new(Class::HeadersTooLarge, ""));
    }
    let kind = Kind::of(request.method(), request.uri().path(), request.headers());
    if kind == Kind::Paid {
        legible(request.headers())?;
    }
    // What came out of the channel has arrived, and no other method has a body that anybody reads.
    if inside || *request.method() != Method::POST {
        return Ok((kind, request));
    }
    let limit = match kind {
        Kind::Encapsulated => limits::MAX_ENCAPSULATED_BYTES,
        _ => limits::MAX_REQUEST_BODY_BYTES,
    };
    let source = source(edge, &request);
    let (parts, body) = request.into_parts();
    let body = edge.bodies.read(source, &parts.headers, body, limit).await.map_err(|failure| kind.refuse(failure))?;
    Ok((kind, Request::from_parts(parts, Body::from(body))))
}

/// Whoever sent it: known from outside for what came through the channel.
fn source(edge: &Edge, request: &Request) -> Source {
    match request.extensions().get::<Visitor>() {
        Some(outside) => outside.source,
        None => {
            let nowhere = IpAddr::from([0, 0, 0, 0]);
            let peer = request.extensions().get::<Peer>().map_or(nowhere, |peer| peer.0);
            edge.trusted.source(peer, request.headers())
        }
    }
}

/// Size of the header section as SPEC 10 counts it, if it is within its limits.
fn header_bytes(headers: &HeaderMap) -> Option<usize> {
    let size = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    (headers.len() <= limits::MAX_HEADER_FIELDS && size <= limits::MAX_HEADER_BYTES).then_some(size)
}

/// A payment that nobody can read is refused before its document is.
fn legible(headers: &HeaderMap) -> Result<(), Failure> {
    let Some(payment) = headers.get(headers::PAYMENT_SIGNATURE) else { return Ok(()) };
    let read = wire::decode::<PaymentPayload>(payment.as_bytes());
    read.map(drop).map_err(|error| Failure::new(Class::MalformedPayment, error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_kind_of_request_has_places_of_its_own() {
        let (none, mut paying) = (HeaderMap::new(), HeaderMap::new());
        paying.insert(headers::PAYMENT_SIGNATURE, "e30=".parse().unwrap());
        for (method, path, headers, kind) in [
            (Method::POST, "/v1/summaries", &none, Kind::Document),
            (Method::POST, "/v1/summaries", &paying, Kind::Paid),
            (Method::POST, "/v1/quotes", &paying, Kind::Document),
            (Method::GET, "/v1/summaries/00", &none, Kind::Poll),
            (Method::DELETE, "/v1/summaries/00", &none, Kind::Poll),
            (Method::GET, "/v1/receipts/00", &none, Kind::Poll),
            (Method::GET, "/v1/service", &paying, Kind::Lookup),
            (Method::GET, "/.well-known/ohttp-gateway", &none, Kind::Lookup),
            (Method::POST, "/.well-known/ohttp-gateway", &none, Kind::Encapsulated),
            (Method::GET, "/nowhere", &none, Kind::Lookup),
        ] {
            assert_eq!(Kind::of(&method, path, headers), kind, "{method} {path}");
        }
    }

    #[test]
    fn the_header_section_is_counted_in_bytes_and_fields() {
        let mut headers = HeaderMap::new();
        headers.insert("a", "b".repeat(limits::MAX_HEADER_BYTES - 1).parse().unwrap());
        assert_eq!(header_bytes(&headers), Some(limits::MAX_HEADER_BYTES));
        headers.insert("c", "".parse().unwrap());
        assert_eq!(header_bytes(&headers), None);
        let mut headers = HeaderMap::new();
        for number in 0..=limits::MAX_HEADER_FIELDS {
            assert_eq!(header_bytes(&headers).is_some(), number <= limits::MAX_HEADER_FIELDS);
            headers.insert(axum::http::HeaderName::try_from(format!("x-{number}")).unwrap(), "1".parse().unwrap());
        }
        assert_eq!(header_bytes(&headers), None);
    }
}
