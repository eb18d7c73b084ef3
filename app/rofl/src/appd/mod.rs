//! Client of rofl-appd, the platform daemon on a UNIX socket inside the enclave's VM.
//!
//! Keys it derives belong to the *application*: every replica and every code version gets the same
//! ones. Metadata it takes is published with the instance's next registration; success means that
//! the change is queued, not that it is on chain.

mod error;
mod transport;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use http::{Method, StatusCode};
use serde::Deserialize;
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

pub use error::AppdError;
use transport::Answer;

/// Pause between attempts while the daemon is not there yet: it is started beside the containers.
const READY_PAUSE: Duration = Duration::from_millis(250);

/// What to derive. The kind is part of the derivation: one id gives unrelated keys of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// 32 bytes of entropy.
    Raw256,
    /// 48 bytes of entropy.
    Raw384,
    /// 32-byte Ed25519 seed (RFC 8032).
    Ed25519,
    /// 32-byte secp256k1 scalar.
    Secp256k1,
}

impl KeyKind {
    /// The daemon's name of the kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw256 => "raw-256",
            Self::Raw384 => "raw-384",
            Self::Ed25519 => "ed25519",
            Self::Secp256k1 => "secp256k1",
        }
    }

    /// Length of the key in bytes.
    #[must_use]
    pub fn length(self) -> usize {
        if self == Self::Raw384 { 48 } else { 32 }
    }
}

/// Client of one rofl-appd socket. Holds no connection: the daemon drops idle ones after 5 s.
#[derive(Clone, Debug)]
pub struct Appd {
    socket: PathBuf,
}

impl Appd {
    /// Where the platform mounts the socket.
    pub const DEFAULT_SOCKET: &str = "/run/rofl-appd.sock";

    /// A client of the socket at `path`. Nothing is opened yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { socket: path.into() }
    }

    /// The socket's path.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits until the daemon answers and returns the app id.
    ///
    /// # Errors
    /// The last [`AppdError`] once `patience` is used up; a refusal is returned at once.
    pub async fn ready(&self, patience: Duration) -> Result<String, AppdError> {
        let deadline = Instant::now() + patience;
        loop {
            match self.app_id().await {
                Err(AppdError::Unreachable(_)) if Instant::now() + READY_PAUSE < deadline => {
                    sleep(READY_PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// The application's id, `rofl1…`.
    ///
    /// # Errors
    /// [`AppdError`].
    pub async fn app_id(&self) -> Result<String, AppdError> {
        let answer = self.call(Method::GET, "app/id", None).await?;
        let id = std::str::from_utf8(&answer).unwrap_or_default();
        let shaped = id.starts_with("rofl1")
            && id.len() <= 90
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if shaped { Ok(id.to_owned()) } else { Err(AppdError::Malformed("an app id")) }
    }

    /// Derives the key `key_id` of the given kind; the same bytes for the application's whole life.
    ///
    /// `key_id` must need no escaping in JSON (the daemon refuses escapes): plain ASCII.
    ///
    /// # Errors
    /// [`AppdError`]; `Malformed` if the key has not exactly the kind's length.
    pub async fn generate_key(&self, key_id: &str, kind: KeyKind) -> Result<Zeroizing<Vec<u8>>, AppdError> {
        #[derive(Deserialize)]
        struct Generated<'a> {
            // Borrowed, so that no copy of the key outlives the zeroized answer.
            key: &'a str,
        }
        const WANT: AppdError = AppdError::Malformed("a key");
        let request = serde_json::json!({ "key_id": key_id, "kind": kind.name() });
        let answer = self.call(Method::POST, "keys/generate", Some(request.to_string())).await?;
        let generated: Generated<'_> = serde_json::from_slice(&answer).map_err(|_| WANT)?;
        let mut key = Zeroizing::new(vec![0; kind.length()]);
        hex::decode_to_slice(generated.key, &mut key).map_err(|_| WANT)?;
        Ok(key)
    }

    /// The metadata this application has set, keys without their on-chain prefix.
    ///
    /// # Errors
    /// [`AppdError`].
    pub async fn get_metadata(&self) -> Result<BTreeMap<String, String>, AppdError> {
        let answer = self.call(Method::GET, "metadata", None).await?;
        serde_json::from_slice(&answer).map_err(|_| AppdError::Malformed("metadata"))
    }

    /// Adds or changes the given pairs and leaves the others. Platforms before rofl-containers 0.9.0
    /// have no such route; there the current metadata is read, merged and replaced.
    ///
    /// # Errors
    /// [`AppdError`]; `Refused` 400 when a limit is exceeded (54 pairs, keys of 1010 and values of
    /// 16384 bytes).
    pub async fn put_metadata(&self, pairs: &BTreeMap<String, String>) -> Result<(), AppdError> {
        let encode = |map: &BTreeMap<String, String>| {
            serde_json::to_string(map).map_err(|_| AppdError::Malformed("encodable metadata"))
        };
        match self.call(Method::PUT, "metadata", Some(encode(pairs)?)).await {
            Err(AppdError::Refused { status, .. }) if status == StatusCode::NOT_FOUND.as_u16() => {
                let mut merged = self.get_metadata().await?;
                merged.extend(pairs.clone());
                self.call(Method::POST, "metadata", Some(encode(&merged)?)).await.map(drop)
            }
            outcome => outcome.map(drop),
        }
    }

    /// Queries the runtime through the host node. `args` and the answer are CBOR.
    ///
    /// # Errors
    /// [`AppdError`]; `Refused` 500 when the runtime refuses the method or its arguments.
    pub async fn query(&self, method: &str, args: &[u8]) -> Result<Vec<u8>, AppdError> {
        #[derive(Deserialize)]
        struct Queried {
            data: String,
        }
        const WANT: AppdError = AppdError::Malformed("a query result");
        let request = serde_json::json!({ "method": method, "args": hex::encode(args) });
        let answer = self.call(Method::POST, "query", Some(request.to_string())).await?;
        let queried: Queried = serde_json::from_slice(&answer).map_err(|_| WANT)?;
        hex::decode(queried.data).map_err(|_| WANT)
    }

    async fn call(&self, method: Method, route: &str, body: Option<String>) -> Result<Zeroizing<Vec<u8>>, AppdError> {
        let Answer { status, plain_text, body } =
            transport::call(&self.socket, method, &format!("/rofl/v1/{route}"), body).await?;
        if status == StatusCode::OK {
            return Ok(body);
        }
        const MAX_WORDS: usize = 200;
        let words = if plain_text { String::from_utf8_lossy(&body) } else { "".into() };
        let text = words.chars().take(MAX_WORDS).filter(|c| !c.is_control()).collect();
        Err(AppdError::Refused { status: status.as_u16(), text })
    }
}
