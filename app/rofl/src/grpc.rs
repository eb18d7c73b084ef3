//! The calls that services and verifiers make to an Oasis node. Messages are CBOR, not protobuf: the node's
//! gRPC codec is named "cbor" and is forced on both sides (oasis-core go/common/grpc).

use std::{
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, BufMut, Bytes};
use ciborium::Value;
use http::header::{CONTENT_TYPE, HeaderValue};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::{Service, http::uri::PathAndQuery},
    transport::{Channel, ClientTlsConfig, Endpoint},
};

/// Longest answer accepted from a node; a full round of transactions is far below it.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Transactions looked at in one round.
const MAX_TRANSACTIONS: usize = 10_000;
/// One call may take this long.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// Connecting may take this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const GET_TRANSACTIONS: &str = "/oasis-core.RuntimeClient/GetTransactionsWithResults";
const QUERY: &str = "/oasis-core.RuntimeClient/Query";
const GET_EPOCH: &str = "/oasis-core.Beacon/GetEpoch";
/// `roothash.RoundLatest`.
const ROUND_LATEST: u64 = u64::MAX;
/// `consensus.HeightLatest`.
const HEIGHT_LATEST: i64 = 0;

/// Why a node gave no usable answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The URL is not one (operator).
    #[error("not a usable gRPC URL: {0}")]
    Url(String),
    /// The node was not reached in time: retry later.
    #[error("the Oasis node is unreachable: {0}")]
    Unreachable(String),
    /// The node refused: its gRPC code and words.
    #[error("the Oasis node refused ({code}): {message}")]
    Refused {
        /// gRPC status code, as a word.
        code: String,
        /// The node's words.
        message: String,
    },
    /// The answer is not what the method returns.
    #[error("the Oasis node answered something else than {0}")]
    Malformed(&'static str),
}

/// A connection to an Oasis node's gRPC endpoint. Connects on first use and again when broken.
#[derive(Clone)]
pub struct Node {
    channel: Channel,
}

impl Node {
    /// `url` is `https://host:port`, or `http://` for a node on the loopback interface.
    ///
    /// # Errors
    /// [`NodeError::Url`]. Nothing is sent yet.
    pub fn new(url: &str) -> Result<Self, NodeError> {
        let mut endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(|error| NodeError::Url(error.to_string()))?
            .timeout(CALL_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT);
        if url.starts_with("https://") {
            endpoint = endpoint
                .tls_config(ClientTlsConfig::new().with_webpki_roots())
                .map_err(|error| NodeError::Url(error.to_string()))?;
        }
        Ok(Self { channel: endpoint.connect_lazy() })
    }

    /// The current epoch as this node tells it.
    ///
    /// # Errors
    /// [`NodeError`], except `Url`.
    pub async fn epoch(&self) -> Result<u64, NodeError> {
        let answer = self.call(GET_EPOCH, &Value::from(HEIGHT_LATEST)).await?;
        answer.as_integer().and_then(|epoch| u64::try_from(epoch).ok()).ok_or(NodeError::Malformed("an epoch"))
    }

    /// The raw transactions of one runtime round, in order.
    ///
    /// # Errors
    /// [`NodeError`], except `Url`; a round the node does not have is `Refused`.
    pub async fn transactions(&self, runtime_id: [u8; 32], round: u64) -> Result<Vec<Vec<u8>>, NodeError> {
        const WANT: NodeError = NodeError::Malformed("a list of transactions");
        let request = Value::Map(vec![
            (Value::from("round"), Value::from(round)),
            (Value::from("runtime_id"), Value::Bytes(runtime_id.to_vec())),
        ]);
        let items = match self.call(GET_TRANSACTIONS, &request).await? {
            // A round without transactions is a nil slice in Go, which encodes as null.
            Value::Null => return Ok(Vec::new()),
            Value::Array(items) if items.len() <= MAX_TRANSACTIONS => items,
            _ => return Err(WANT),
        };
        items
            .into_iter()
            .map(|item| {
                let Value::Map(members) = item else { return Err(WANT) };
                members
                    .into_iter()
                    .find(|(key, _)| key.as_text() == Some("tx"))
                    .and_then(|(_, tx)| tx.into_bytes().ok())
                    .ok_or(WANT)
            })
            .collect()
    }

    /// A query of the runtime, in its latest round.
    pub(crate) async fn query(
        &self,
        runtime_id: [u8; 32],
        method: &str,
        arguments: &Value,
    ) -> Result<Value, NodeError> {
        let mut encoded = Vec::new();
        ciborium::into_writer(arguments, &mut encoded).map_err(|_| NodeError::Malformed("an encodable request"))?;
        let request = Value::Map(vec![
            (Value::from("args"), Value::Bytes(encoded)),
            (Value::from("round"), Value::from(ROUND_LATEST)),
            (Value::from("method"), Value::from(method)),
            (Value::from("runtime_id"), Value::Bytes(runtime_id.to_vec())),
        ]);
        let Value::Map(members) = self.call(QUERY, &request).await? else {
            return Err(NodeError::Malformed("the result of a query"));
        };
        let data = members.into_iter().find(|(key, _)| key.as_text() == Some("data"));
        let data =
            data.and_then(|(_, data)| data.into_bytes().ok()).ok_or(NodeError::Malformed("the result of a query"))?;
        ciborium::from_reader(data.as_slice()).map_err(|_| NodeError::Malformed("CBOR"))
    }

    async fn call(&self, path: &'static str, request: &Value) -> Result<Value, NodeError> {
        let mut message = Vec::new();
        ciborium::into_writer(request, &mut message).map_err(|_| NodeError::Malformed("an encodable request"))?;
        let mut grpc = Grpc::new(CborContentType(self.channel.clone())).max_decoding_message_size(MAX_ANSWER_BYTES);
        grpc.ready().await.map_err(|error| NodeError::Unreachable(cause(&error)))?;
        let path = PathAndQuery::from_static(path);
        let answer =
            grpc.unary(Request::new(Bytes::from(message)), path, RawCodec).await.map_err(refusal)?.into_inner();
        ciborium::from_reader(answer.as_ref()).map_err(|_| NodeError::Malformed("CBOR"))
    }
}

fn refusal(status: Status) -> NodeError {
    use tonic::Code::{Cancelled, DeadlineExceeded, Unavailable};
    match status.code() {
        Cancelled | DeadlineExceeded | Unavailable => NodeError::Unreachable(cause(&status)),
        code => NodeError::Refused { code: format!("{code:?}"), message: status.message().to_owned() },
    }
}

/// The innermost words of an error: the transport's own say only "transport error".
fn cause(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// Names the codec in the content type, as the node's own clients do.
#[derive(Clone)]
struct CborContentType<S>(S);

impl<S, B> Service<http::Request<B>> for CborContentType<S>
where
    S: Service<http::Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let value = HeaderValue::from_static("application/grpc+cbor");
        request.headers_mut().insert(CONTENT_TYPE, value);
        self.0.call(request)
    }
}

/// Hands messages through as bytes; CBOR is read and written by the caller.
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
