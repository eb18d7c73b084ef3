//! Fetching what a service says about itself. Nothing is sent but a random nonce, and nothing that comes back is believed yet.

use std::time::Duration;

use bytes::Bytes;
use precis_protocol::evidence_file::EvidenceFile;
use precis_protocol::{headers, limits, tags};
use precis_verify::policy::Policy;
use precis_verify::{Appraisal, Presented};

use crate::entropy;
use crate::error::ClientError;
use crate::exchange::ChannelChoice;
use crate::online::{Answers, Sources};
use crate::session::Session;
use crate::transport::Transport;

/// Longest key configuration list read, bytes.
const MAX_KEY_LIST_BYTES: usize = 4096;

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
    nonce: [u8; 32],
    attestation: Bytes,
    ohttp_keys: Bytes,
    answers: Answers,
}

/// Fetches the attestation for a fresh nonce and the key configuration that the gateway hands out, and asks the sources that the
/// connection names.
///
/// # Errors
/// [`ClientError::Input`] for a URL that is not an origin, [`ClientError::Unavailable`] when either document cannot be had.
pub async fn discover(url: &str, connection: Connection) -> Result<Discovered, ClientError> {
    let transport = Transport::new(url, connection.timeout)?;
    if connection.channel == ChannelChoice::PlainHttps && !transport.is_private() {
        return Err(ClientError::Input(
            "without the encrypted channel the URL must be https; use https or drop --plain-https".into(),
        ));
    }
    let nonce = entropy::random32()?;
    let path = format!("{}?nonce={}", headers::ATTESTATION_PATH, hex::encode(nonce));
    let attestation = fetch(&transport, &path, limits::MAX_ATTESTATION_BYTES, "attestation").await?;
    let ohttp_keys = fetch(&transport, headers::OHTTP_GATEWAY_PATH, MAX_KEY_LIST_BYTES, "channel key").await?;
    let answers = connection.sources.ask(&attestation).await;
    Ok(Discovered { transport, channel: connection.channel, nonce, attestation, ohttp_keys, answers })
}

impl Discovered {
    /// Judges what was presented: a pure function of it, the policy and `now` (Unix seconds).
    pub fn appraise(&self, policy: &Policy, now: u64) -> Appraisal {
        let presented = Presented {
            attestation: &self.attestation,
            nonce: Some(self.nonce),
            ohttp_config: Some(&self.ohttp_keys),
            ..Presented::default()
        };
        precis_verify::verify(&self.answers.add_to(presented), policy, now)
    }

    /// What was presented, to be kept and judged again by [`precis_verify::verify_evidence_file`]. `now` is Unix seconds.
    #[must_use]
    pub fn to_file(&self, now: u64) -> EvidenceFile {
        EvidenceFile {
            version: tags::EVIDENCE_FILE.to_owned(),
            service: self.transport.origin().to_owned(),
            saved_at: now,
            nonce: self.nonce,
            ohttp_keys: self.ohttp_keys.to_vec(),
            attestation: self.attestation.to_vec(),
        }
    }

    /// The nonce that was sent.
    #[must_use]
    pub fn nonce(&self) -> [u8; 32] {
        self.nonce
    }

    /// The attestation document, exact bytes.
    #[must_use]
    pub fn attestation(&self) -> &[u8] {
        &self.attestation
    }

    /// The only way to a [`Session`]: every required check passed under `policy` at `now` (Unix seconds).
    ///
    /// # Errors
    /// The appraisal with its transcript when the verdict is not VERIFIED.
    pub fn verify(self, policy: &Policy, now: u64) -> Result<Session, Box<Appraisal>> {
        let mut appraisal = self.appraise(policy, now);
        match appraisal.service.take() {
            Some(service) => Ok(Session::new(self.transport, self.channel, service, policy, appraisal)),
            None => Err(Box::new(appraisal)),
        }
    }
}

async fn fetch(transport: &Transport, path: &str, limit: usize, what: &str) -> Result<Bytes, ClientError> {
    let answer = transport.get(path, limit).await?;
    if answer.status != http::StatusCode::OK {
        return Err(ClientError::Unavailable(format!(
            "{} answered {} for its {what}; check that it is a Precis service, or try again later",
            transport.origin(),
            answer.status.as_u16()
        )));
    }
    Ok(answer.body)
}
