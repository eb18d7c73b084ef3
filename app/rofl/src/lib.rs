//! What the enclave asks of its platform: keys and metadata from rofl-appd, the bytes of its own
//! registration from the Oasis network, and Intel's collateral for the quote inside it.
//!
//! Nothing fetched here is trusted. Registrations and collateral are signed and are verified
//! elsewhere; whoever serves them can at worst withhold them. The same code runs on ROFL and on the
//! devnet: only the endpoints differ. This crate knows nothing of payment or of the service's routes.

mod app;
pub mod appd;
pub mod collateral;
mod grpc;
mod http;
pub mod register;

pub use app::{App, AppInstance};
pub use appd::{Appd, AppdError, KeyKind};
pub use collateral::{CollateralError, CollateralSource, INTEL_PCS_URL};
pub use grpc::{Node, NodeError};
pub use http::{HttpError, http_client};
pub use register::{Found, RegisterError, Retry, Search, current_epoch, find_registration};
