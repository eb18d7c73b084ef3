//! Discover, verify, quote, pay, send, check the receipt: for any [`task`].
//!
//! The order is in the types: [`discover`] gives a [`Discovered`]; only [`Discovered::verify`] gives a [`Session`], and only if every
//! required check passed; only a `Session` sends a document; only a receipt that verifies gives a [`Purchase`]. An unverified service
//! has nothing to send with:
//!
//! ```compile_fail
//! # async fn refused(found: precis_client::Discovered, request: precis_client::SummaryRequest) {
//! found.quote(&request).await;
//! # }
//! ```
//!
//! Requests travel encrypted to the attested channel key unless the caller chose [`ChannelChoice::PlainHttps`] by name. The client never
//! falls back from one to the other, and never signs a second authorization for the same request, unless the
//! caller asks for it by name.

mod amount;
mod answer;
mod archive;
mod bought;
mod budget;
mod cancel;
mod channel;
mod collateral;
pub mod date;
mod deliver;
mod discover;
mod document;
mod earlier;
mod entropy;
mod error;
mod exchange;
mod failure;
mod files;
mod found;
mod index;
mod job;
mod judge;
mod link;
mod offer;
mod online;
mod options;
mod pending;
mod pinned;
pub mod price;
mod problem;
mod progress;
mod purchase;
mod receipts;
mod renewal;
mod request;
mod session;
pub mod task;
mod terms;
mod text;
mod token;
mod token_call;
mod transport;
mod tries;
mod wallet;

pub use amount::Amount;
pub use archive::{ReceiptOnChain, Saved, verify_saved};
pub use budget::Budget;
pub use channel::ChannelChoice;
pub use collateral::{fetch_collateral, read_collateral};
pub use discover::{Connection, Discovered, discover};
pub use document::{Document, MediaType};
pub use error::ClientError;
pub use failure::JobFailure;
pub use files::{reason as io_reason, replace as replace_file};
pub use index::{Index, KeptReceipt, Place};
pub use link::{Fetched, fetch, is_link};
pub use online::Sources;
pub use options::{PurchaseOptions, Retry};
pub use pending::{PendingFile, SignedPayment};
pub use price::MaxPrice;
pub use progress::Progress;
pub use receipts::Purchase;
pub use request::{Parts, Request};
pub use session::{Quote, Session};
pub use task::{EmbeddingsRequest, RerankRequest, Summary, SummaryRequest, Task};
pub use terms::{MAX_AUTHORIZATION_SECONDS, OverTotal, TermsError};
pub use text::printable;
pub use token::Token;
pub use transport::Authorities;
pub use wallet::Wallet;

/// Installs the process's one TLS provider. Call it once, first thing in `main`; a second call changes nothing.
pub fn install_tls_provider() {
    // An error only says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
