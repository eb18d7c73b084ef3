//! One request, one response, over the channel that was verified (SPEC 4).
//!
//! A caller that asked for encryption never sends in clear: an answer of another media type is an error, whatever it holds.

use std::sync::Arc;

use bytes::Bytes;
use precis_channel::{ChannelError, ClientChannel};
use precis_protocol::{headers, limits};
use precis_verify::VerifiedService;
use serde::Deserialize;

use crate::channel::ChannelChoice;
use crate::error::ClientError;
use crate::renewal::Renewal;
use crate::transport::{Answer, Transport};

/// Sends requests to one verified service.
pub(crate) struct Exchange {
    transport: Transport,
    channel: ChannelChoice,
    renewal: Renewal,
}

/// Why an encrypted exchange gave no response.
enum Failed {
    /// The service no longer opens what is sealed to this key.
    Stale(ClientError),
    Other(ClientError),
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self::Other(error)
    }
}

impl Exchange {
    pub(crate) fn new(transport: Transport, channel: ChannelChoice, renewal: Renewal) -> Self {
        Self { transport, channel, renewal }
    }

    /// The longest one exchange may take.
    pub(crate) fn timeout(&self) -> std::time::Duration {
        self.transport.timeout()
    }

    /// The service as it was verified last.
    pub(crate) fn latest(&self) -> Arc<VerifiedService> {
        self.renewal.latest()
    }

    /// Verifies the service again, since its keys may have changed.
    ///
    /// # Errors
    /// As [`Renewal::renew`].
    pub(crate) async fn renew(&self) -> Result<Arc<VerifiedService>, ClientError> {
        self.renewal.renew(&self.transport).await
    }

    /// Sends a request. A service that replaced its channel key is verified again, under the same policy, and the same request
    /// is sent to the new one.
    pub(crate) async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, ClientError> {
        if self.channel == ChannelChoice::PlainHttps {
            let answer = self.transport.send(request, limits::MAX_RESPONSE_BYTES).await?;
            let mut response = http::Response::new(answer.body);
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            return Ok(response);
        }
        match encrypted(&self.transport, self.latest().ohttp_config(), request.clone()).await {
            Ok(response) => Ok(response),
            Err(Failed::Other(error)) => Err(error),
            Err(Failed::Stale(_)) => {
                let renewed = self.renew().await?;
                encrypted(&self.transport, renewed.ohttp_config(), request).await.map_err(|failed| match failed {
                    Failed::Stale(error) | Failed::Other(error) => error,
                })
            }
        }
    }
}

async fn encrypted(
    transport: &Transport,
    config: &[u8],
    request: http::Request<Bytes>,
) -> Result<http::Response<Bytes>, Failed> {
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
    if is_of_another_key(&answer) {
        return Err(Failed::Stale(outside(answer.status)));
    }
    refuse_plaintext(&answer)?;
    opener.open(&answer.media_type, &answer.body).map_err(|e| {
        Failed::Other(match e {
            ChannelError::NotEncrypted => outside(answer.status),
            _ => ClientError::CannotVerify(
                "the encrypted answer is incomplete or was altered; nothing of it is used, try again".into(),
            ),
        })
    })
}

/// Whether the gateway says that it cannot open the request (SPEC 4.3). Anybody in between can say that: it is a reason to
/// verify the service again, and for nothing else.
fn is_of_another_key(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        r#type: String,
    }
    answer.status == http::StatusCode::BAD_REQUEST
        && answer.media_type == headers::PROBLEM_JSON
        && serde_json::from_slice(&answer.body)
            .is_ok_and(|refusal: Refusal| refusal.r#type == headers::OHTTP_KEY_PROBLEM)
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
