//! Fetching what a service says about itself. Nothing is sent but a random nonce, and nothing that comes back is believed yet.

use std::time::Duration;

use precis_protocol::evidence_file::{EvidenceFile, OwnCollateral};
use precis_protocol::tags;
use precis_verify::Appraisal;
use precis_verify::check::{CHANNEL_TLS, Status};
use precis_verify::policy::Policy;

use crate::channel::ChannelChoice;
use crate::error::ClientError;
use crate::exchange::Exchange;
use crate::found::{Found, find};
use crate::online::Sources;
use crate::renewal::Renewal;
use crate::session::Session;
use crate::transport::Transport;

/// How to reach a service.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Bound on one whole HTTP exchange.
    pub timeout: Duration,
    /// How requests travel once the service is verified.
    pub channel: ChannelChoice,
    /// Whom to ask about the state of the chains.
    pub sources: Sources,
}

impl Default for Connection {
    /// Encrypted, two minutes for one exchange, nobody else asked.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(120), channel: ChannelChoice::Encrypted, sources: Sources::default() }
    }
}

/// What a service presented, unjudged. A request can only be sent after [`Discovered::verify`].
pub struct Discovered {
    transport: Transport,
    channel: ChannelChoice,
    sources: Sources,
    found: Found,
}

/// Fetches the attestation for a fresh nonce and the key configuration that the gateway hands out, and asks the sources that the
/// connection names.
///
/// # Errors
/// [`ClientError::Input`] for a URL that is not an origin, [`ClientError::Unavailable`] when either document cannot be had.
pub async fn discover(url: &str, connection: Connection) -> Result<Discovered, ClientError> {
    let transport = Transport::new(url, connection.timeout, &connection.sources.authorities)?;
    if connection.channel == ChannelChoice::PlainHttps && !transport.is_private() {
        return Err(ClientError::Input(
            "without the encrypted channel the URL must be https; use https or drop --plain-https".into(),
        ));
    }
    let found = find(&transport, &connection.sources, connection.channel).await?;
    Ok(Discovered { transport, channel: connection.channel, sources: connection.sources, found })
}

impl Discovered {
    /// The same, to be judged by collateral of the caller's own.
    #[must_use]
    pub fn with_collateral(self, own: OwnCollateral) -> Self {
        Self { found: Found { own_collateral: Some(own), ..self.found }, ..self }
    }

    /// Judges what was presented: a pure function of it, the policy and `now` (Unix seconds).
    pub fn appraise(&self, policy: &Policy, now: u64) -> Appraisal {
        self.found.appraise(policy, now)
    }

    /// What was presented, to be kept and judged again by [`precis_verify::verify_evidence_file`]. `now` is Unix seconds.
    #[must_use]
    pub fn to_file(&self, now: u64) -> EvidenceFile {
        EvidenceFile {
            version: tags::EVIDENCE_FILE.to_owned(),
            service: self.transport.origin().to_owned(),
            saved_at: now,
            nonce: self.found.nonce,
            ohttp_keys: self.found.ohttp_keys.to_vec(),
            attestation: self.found.attestation.to_vec(),
            own_collateral: self.found.own_collateral.clone(),
        }
    }

    /// The nonce that was sent.
    #[must_use]
    pub fn nonce(&self) -> [u8; 32] {
        self.found.nonce
    }

    /// The attestation document, exact bytes.
    #[must_use]
    pub fn attestation(&self) -> &[u8] {
        &self.found.attestation
    }

    /// The only way to a [`Session`]: every required check passed under `policy` at `now` (Unix seconds).
    ///
    /// # Errors
    /// The appraisal with its transcript when the verdict is not VERIFIED.
    pub fn verify(self, policy: &Policy, now: u64) -> Result<Session, Box<Appraisal>> {
        let mut appraisal = self.appraise(policy, now);
        let Some(service) = appraisal.service.take() else { return Err(Box::new(appraisal)) };
        // Requests in plain HTTPS go to the key that is on chain, whoever gets another certificate issued meanwhile.
        let attested = appraisal.transcript.outcome(CHANNEL_TLS).is_some_and(|outcome| outcome.status == Status::Pass);
        let tls_key = self.found.tls_key.as_deref().filter(|_| attested);
        let transport = match tls_key.map(|key| self.transport.to_key(key)) {
            None => self.transport,
            Some(Ok(pinned)) => pinned,
            Some(Err(_)) => return Err(Box::new(appraisal)),
        };
        let renewal = Renewal::new(service.clone(), policy, self.sources, now);
        let exchange = Exchange::new(transport, self.channel, renewal);
        Session::new(exchange, self.channel, service, policy, &appraisal).ok_or_else(|| Box::new(appraisal))
    }
}
