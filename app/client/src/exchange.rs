//! One request, one response, over the channel that was verified (SPEC 4).
//!
//! A caller that asked for encryption never sends in clear: an answer of another media type is an error, whatever it holds.

use bytes::Bytes;
use precis_channel::{ChannelError, ClientChannel};
use precis_protocol::receipt::Channel;
use precis_protocol::{headers, limits};

use crate::error::ClientError;
use crate::transport::{Answer, Transport};

/// How requests travel to a verified service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelChoice {
    /// Encrypted to the attested channel key.
    #[default]
    Encrypted,
    /// TLS only, by the caller's explicit choice: whoever ends the TLS connection reads the document.
    PlainHttps,
}

impl ChannelChoice {
    /// As a receipt names it (SPEC 7.2).
    pub(crate) fn recorded(self) -> Channel {
        match self {
            Self::Encrypted => Channel::Ohttp,
            Self::PlainHttps => Channel::Https,
        }
    }
}

/// Sends requests to one verified service.
pub(crate) enum Exchange {
    Encrypted { transport: Transport, config: Vec<u8> },
    Plain(Transport),
}

impl Exchange {
    /// The longest one exchange may take.
    pub(crate) fn timeout(&self) -> std::time::Duration {
        match self {
            Self::Encrypted { transport, .. } | Self::Plain(transport) => transport.timeout(),
        }
    }

    pub(crate) async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, ClientError> {
        match self {
            Self::Encrypted { transport, config } => encrypted(transport, config, request).await,
            Self::Plain(transport) => {
                let answer = transport.send(request, limits::MAX_RESPONSE_BYTES).await?;
                let mut response = http::Response::new(answer.body);
                *response.status_mut() = answer.status;
                *response.headers_mut() = answer.headers;
                Ok(response)
            }
        }
    }
}

async fn encrypted(
    transport: &Transport,
    config: &[u8],
    request: http::Request<Bytes>,
) -> Result<http::Response<Bytes>, ClientError> {
    let channel =
        ClientChannel::new(config).map_err(|_| ClientError::malformed("the attested channel key cannot be used"))?;
    let (sealed, opener) = channel
        .seal(request)
        .map_err(|_| ClientError::Input("the request cannot be encrypted within the channel's limits".into()))?;
    let envelope = http::Request::builder()
        .method(http::Method::POST)
        .uri(headers::OHTTP_GATEWAY_PATH)
        .header(http::header::CONTENT_TYPE, headers::OHTTP_CHUNKED_REQ)
        .body(Bytes::from(sealed))
        .map_err(|_| ClientError::Input("the request cannot be written as HTTP".into()))?;
    let answer = transport.send(envelope, limits::MAX_RESPONSE_BYTES).await?;
    refuse_plaintext(&answer)?;
    opener.open(&answer.media_type, &answer.body).map_err(|e| match e {
        ChannelError::NotEncrypted => outside(answer.status),
        _ => ClientError::CannotVerify(
            "the encrypted answer is incomplete or was altered; nothing of it is used, try again".into(),
        ),
    })
}

/// Everything but an encrypted answer ends here. Only a server error may be worth another try, encrypted again.
fn refuse_plaintext(answer: &Answer) -> Result<(), ClientError> {
    match answer.status {
        http::StatusCode::OK => Ok(()),
        status if status.is_server_error() => Err(ClientError::Unavailable(format!(
            "the service answered {} outside the encrypted channel; try again later",
            status.as_u16()
        ))),
        status => Err(outside(status)),
    }
}

fn outside(status: http::StatusCode) -> ClientError {
    ClientError::CannotVerify(format!(
        "the answer ({}) came outside the encrypted channel and is not used; something between you and the service answered, or its keys changed: verify it again",
        status.as_u16()
    ))
}
