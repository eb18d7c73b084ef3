//! A client of the service.

use std::path::Path;
use std::time::Duration;

use precis_client::{
    Budget, ChannelChoice, ClientError, Connection, Document, MediaType, PendingFile, Progress, Purchase,
    PurchaseOptions, Retry, Session, SummaryRequest, Wallet, discover,
};
use precis_protocol::summary::Options;

use super::{FakeService, now};

pub const TEXT: &str = "Hello there. A canary sentence that must never travel in clear.";

pub fn request() -> SummaryRequest {
    request_for(TEXT)
}

pub fn request_for(text: &str) -> SummaryRequest {
    request_with(text, &Options::default())
}

pub fn request_with(text: &str, options: &Options) -> SummaryRequest {
    let document = Document::new(text.repeat(30).into_bytes(), MediaType::Plain).unwrap();
    SummaryRequest::new(&document, options).unwrap()
}

pub fn wallet() -> Wallet {
    Wallet::from_hex(&"42".repeat(32)).unwrap()
}

pub fn options(pending: Option<PendingFile>) -> PurchaseOptions {
    let retry = Retry { attempts: 4, pause: Duration::ZERO, ..Retry::default() };
    PurchaseOptions {
        max_price: None,
        budget: Budget::default(),
        pending,
        retry,
        wait: true,
        word_after: None,
        new_payment: false,
        clock: now,
    }
}

pub fn plain() -> Connection {
    Connection { channel: ChannelChoice::PlainHttps, ..Connection::default() }
}

pub async fn session(service: &FakeService) -> Session {
    session_over(service, Connection::default()).await
}

pub async fn session_over(service: &FakeService, connection: Connection) -> Session {
    precis_client::install_tls_provider();
    let found = discover(&service.url, connection).await.unwrap();
    match found.verify(&service.evidence.policy, now()) {
        Ok(session) => session,
        Err(appraisal) => panic!("{}", appraisal.transcript),
    }
}

pub async fn buy(service: &FakeService, options: &PurchaseOptions) -> Result<Purchase, ClientError> {
    watch(service, options).await.0
}

/// Buys, and tells what happened.
pub async fn watch(service: &FakeService, options: &PurchaseOptions) -> (Result<Purchase, ClientError>, Vec<Progress>) {
    let mut events = Vec::new();
    let session = session(service).await;
    let bought = session.purchase(&request(), Some(&wallet()), options, &mut |event| events.push(event)).await;
    (bought, events)
}

pub async fn fail(service: &FakeService, options: &PurchaseOptions) -> ClientError {
    match buy(service, options).await {
        Ok(_) => panic!("the purchase should have failed"),
        Err(error) => error,
    }
}

pub fn in_directory(directory: &Path) -> PendingFile {
    PendingFile::at(directory.join("pending.json"))
}
