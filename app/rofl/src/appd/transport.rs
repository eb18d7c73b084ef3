//! One HTTP/1.1 exchange over a UNIX socket, bounded in time and size.

use std::{convert::Infallible, path::Path, time::Duration};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::{net::UnixStream, time::timeout};
use zeroize::Zeroizing;

use super::error::AppdError;

/// A whole exchange may take this long. The daemon waits up to 60 s for a transaction, but the
/// calls made here never submit one.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest answer: 54 metadata pairs at their maximum are below 1 MiB; JSON escapes at most sixfold.
const MAX_ANSWER_BYTES: usize = 6 * 1024 * 1024;

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) plain_text: bool,
    pub(super) body: Zeroizing<Vec<u8>>,
}

pub(super) async fn call(socket: &Path, method: Method, path: &str, body: Option<String>) -> Result<Answer, AppdError> {
    timeout(CALL_TIMEOUT, exchange(socket, method, path, body))
        .await
        .unwrap_or_else(|_| Err(AppdError::Unreachable("no answer in time".to_owned())))
}

async fn exchange(socket: &Path, method: Method, path: &str, body: Option<String>) -> Result<Answer, AppdError> {
    let unreachable = |error: &dyn std::fmt::Display| AppdError::Unreachable(error.to_string());
    let stream = UnixStream::connect(socket).await.map_err(|error| unreachable(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| unreachable(&error))?;
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let request = request
        .body(Full::new(Bytes::from(body.unwrap_or_default())))
        .map_err(|_| AppdError::Malformed("a request"))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|error| unreachable(&error))?;
        let (head, mut body) = response.into_parts();
        let mut bytes = Zeroizing::new(Vec::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| unreachable(&error))?;
            let Some(data) = frame.data_ref() else { continue };
            if bytes.len() + data.len() > MAX_ANSWER_BYTES {
                return Err(AppdError::Malformed("an answer of bearable length"));
            }
            bytes.extend_from_slice(data);
        }
        let plain_text =
            head.headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/plain"));
        Ok(Answer { status: head.status, plain_text, body: bytes })
    };
    // The connection is driven here rather than in a task of its own: dropping the call ends it.
    let drive = async {
        // How it ended does not matter: what was not answered by then fails in the exchange.
        let _ended = connection.await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        biased;
        outcome = exchange => outcome,
        never = drive => match never {},
    }
}
