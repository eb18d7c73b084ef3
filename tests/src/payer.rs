//! A payer that signs what it is told to, also what no honest client would.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, hex};
use anyhow::Context as _;
use k256::ecdsa::SigningKey;
use precis_payment::authorize::{address_of, authorize};
use precis_payment::wire::{self, PaymentPayload, PaymentRequirements};
use precis_protocol::request::Commitment;
use reqwest::Client;

use crate::http::{Answer, Ask};

/// A key and its account.
pub struct Payer {
    key: SigningKey,
    /// Account of the key.
    pub address: Address,
}

impl Payer {
    /// Reads a key file.
    ///
    /// # Errors
    /// If it holds no key.
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::from_hex(text.trim())
    }

    /// A key in hex.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_hex(text: &str) -> anyhow::Result<Self> {
        let key = SigningKey::from_slice(&hex::decode(text)?)?;
        Ok(Self { address: address_of(&key), key })
    }

    /// An authorization for `required`, valid from now, with a nonce of its own.
    ///
    /// # Errors
    /// If the requirements cannot be paid.
    pub fn authorize(&self, required: &PaymentRequirements) -> anyhow::Result<PaymentPayload> {
        self.authorize_at(required, now()?)
    }

    /// The same as if it were another time.
    ///
    /// # Errors
    /// If the requirements cannot be paid.
    pub fn authorize_at(&self, required: &PaymentRequirements, now: u64) -> anyhow::Result<PaymentPayload> {
        Ok(authorize(&self.key, required, None, now, nonce()?)?)
    }

    /// An authorization for `required` whose nonce commits to `ask`, and its salt as a header carries it (SPEC 6.3).
    ///
    /// # Errors
    /// If the requirements cannot be paid.
    pub fn commit(&self, required: &PaymentRequirements, ask: &Ask) -> anyhow::Result<(PaymentPayload, String)> {
        let salt = nonce()?;
        let commitment = Commitment::new("POST", &ask.path, &ask.media_type, &ask.body).context("too large")?;
        let payload = authorize(&self.key, required, None, now()?, commitment.payment_nonce(&salt))?;
        Ok((payload, hex::encode(salt)))
    }

    /// Asks for the price of `ask` and signs for it; the value of `PAYMENT-SIGNATURE`.
    ///
    /// # Errors
    /// If the service quotes no price.
    pub async fn pay(&self, client: &Client, origin: &str, ask: &Ask) -> anyhow::Result<String> {
        let quote = ask.send(client, origin, &[]).await?.quote()?;
        Ok(wire::encode(&self.authorize(quote.accepts.first().context("no requirements")?)?)?)
    }
}

/// Sends `ask` with a payment header.
///
/// # Errors
/// If no answer comes.
pub async fn send_paid(client: &Client, origin: &str, ask: &Ask, payment: &str) -> anyhow::Result<Answer> {
    ask.send(client, origin, &[(precis_protocol::headers::PAYMENT_SIGNATURE, payment)]).await
}

/// Unix seconds.
///
/// # Errors
/// If the clock is before 1970.
pub fn now() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// Unlike every other nonce: process, count and time.
fn nonce() -> anyhow::Result<[u8; 32]> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let mut nonce = [0; 32];
    nonce[..16].copy_from_slice(&nanos.to_be_bytes());
    nonce[16..24].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    nonce[24..28].copy_from_slice(&std::process::id().to_be_bytes());
    Ok(nonce)
}
