//! What a service says of itself now, fetched with a fresh nonce: nothing of it is believed before it is appraised.

use bytes::Bytes;
use precis_protocol::attestation::Attestation;
use precis_protocol::evidence_file::OwnCollateral;
use precis_protocol::keyset::Keyset;
use precis_protocol::{headers, limits};
use precis_verify::policy::Policy;
use precis_verify::{Appraisal, Presented};

use crate::channel::ChannelChoice;
use crate::entropy;
use crate::error::ClientError;
use crate::online::{Answers, Sources};
use crate::transport::{Answer, Transport};

/// Longest key configuration list read, bytes.
const MAX_KEY_LIST_BYTES: usize = 4096;

/// What a service says of itself, and what others say of the chains that it names.
pub(crate) struct Found {
    pub nonce: [u8; 32],
    pub attestation: Bytes,
    pub ohttp_keys: Bytes,
    pub answers: Answers,
    pub own_collateral: Option<OwnCollateral>,
    pub tls_key: Option<Vec<u8>>,
}

/// Fetches attestation and channel key, and asks the sources.
pub(crate) async fn find(
    transport: &Transport,
    sources: &Sources,
    channel: ChannelChoice,
) -> Result<Found, ClientError> {
    let nonce = entropy::random32()?;
    let path = format!("{}?nonce={}", headers::ATTESTATION_PATH, hex::encode(nonce));
    let document = async || fetch(transport, &path, limits::MAX_ATTESTATION_BYTES, "attestation").await;
    let keys = async || fetch(transport, headers::OHTTP_GATEWAY_PATH, MAX_KEY_LIST_BYTES, "channel key").await;
    let (mut attestation, mut ohttp_keys) = (document().await?, keys().await?);
    if !fits(&attestation.body, &ohttp_keys.body) {
        // The keys may have been replaced between the two answers. The verifier judges what comes now.
        (attestation, ohttp_keys) = (document().await?, keys().await?);
    }
    let tls_key = attestation.tls_key.filter(|_| channel == ChannelChoice::PlainHttps);
    let (attestation, ohttp_keys) = (attestation.body, ohttp_keys.body);
    let answers = sources.ask(&attestation).await;
    Ok(Found { nonce, attestation, ohttp_keys, answers, own_collateral: None, tls_key })
}

/// Whether both are of one keyset, as far as they can be read.
fn fits(attestation: &[u8], ohttp_keys: &[u8]) -> bool {
    let keyset = Attestation::parse(attestation).ok().and_then(|attestation| Keyset::parse(&attestation.keyset).ok());
    keyset.is_none_or(|keyset| ohttp_keys.ends_with(&keyset.ohttp_config))
}

impl Found {
    /// Judges what was presented: a pure function of it, the policy and `now` (Unix seconds).
    pub(crate) fn appraise(&self, policy: &Policy, now: u64) -> Appraisal {
        let presented = Presented {
            attestation: &self.attestation,
            nonce: Some(self.nonce),
            ohttp_config: Some(&self.ohttp_keys),
            tls_key: self.tls_key.as_deref(),
            collateral: self.own_collateral.as_ref().map(|own| &*own.collateral),
            ..Presented::default()
        };
        precis_verify::verify(&self.answers.add_to(presented), policy, now)
    }
}

async fn fetch(transport: &Transport, path: &str, limit: usize, what: &str) -> Result<Answer, ClientError> {
    let answer = transport.get(path, limit).await?;
    if answer.status != http::StatusCode::OK {
        return Err(ClientError::Unavailable(format!(
            "{} answered {} for its {what}; check that it is a Precis service, or try again later",
            transport.origin(),
            answer.status.as_u16()
        )));
    }
    Ok(answer)
}
