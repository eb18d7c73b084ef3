//! The Oasis node's gRPC methods that the service and its clients call, with CBOR messages:
//! `Beacon/GetEpoch`, `RuntimeClient/GetTransactionsWithResults`; any other is `unimplemented`.

use std::{future::Future, pin::Pin, sync::Arc};

use axum::{Router, extract::State, routing::post};
use bytes::{Buf, BufMut, Bytes};
use ciborium::Value;
use http::Request;
use tonic::{
    Response, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::{Grpc, UnaryService},
};

use super::{
    mock::cbor::{bytes, encode, map},
    registrar::Registrar,
};

/// Longest request: both methods take less than a hundred bytes.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

pub(super) fn router(registrar: Arc<Registrar>) -> Router {
    let unimplemented = || async { Status::unimplemented("the devnet lacks it").into_http::<axum::body::Body>() };
    Router::new()
        .route("/oasis-core.Beacon/GetEpoch", post(|state, request| unary(state, request, epoch)))
        .route(
            "/oasis-core.RuntimeClient/GetTransactionsWithResults",
            post(|state, request| unary(state, request, transactions)),
        )
        .fallback(unimplemented)
        .with_state(registrar)
}

type Method = fn(&Registrar, Value) -> Result<Value, Status>;

async fn unary(
    State(registrar): State<Arc<Registrar>>,
    request: Request<axum::body::Body>,
    method: Method,
) -> http::Response<tonic::body::Body> {
    Grpc::new(RawCodec).max_decoding_message_size(MAX_REQUEST_BYTES).unary(Call { registrar, method }, request).await
}

/// Any height is taken for the latest.
fn epoch(registrar: &Registrar, height: Value) -> Result<Value, Status> {
    match height {
        Value::Integer(_) => Ok(registrar.epoch().into()),
        _ => Err(Status::invalid_argument("a height is an integer")),
    }
}

fn transactions(registrar: &Registrar, request: Value) -> Result<Value, Status> {
    let member = |name: &str| {
        let members = request.as_map()?;
        members.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
    };
    let runtime_id = member("runtime_id").and_then(Value::as_bytes);
    let round = member("round").and_then(Value::as_integer);
    let (Some(runtime_id), Some(Ok(round))) = (runtime_id, round.map(u64::try_from)) else {
        return Err(Status::invalid_argument("runtime_id and round are required"));
    };
    if runtime_id[..] != registrar.machine.chain.runtime_id {
        return Err(Status::not_found("client: no hosted runtime is available"));
    }
    let found = registrar.transactions(round);
    let raw = found.ok_or_else(|| Status::not_found("roothash: block not found"))?;
    let result = encode(&map(vec![("ok", Value::Null)]));
    let item = |tx: Vec<u8>| map(vec![("tx", bytes(&tx)), ("result", bytes(&result))]);
    Ok(Value::Array(raw.into_iter().map(item).collect()))
}

struct Call {
    registrar: Arc<Registrar>,
    method: Method,
}

impl UnaryService<Bytes> for Call {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let message = request.into_inner();
        let outcome = ciborium::from_reader(message.as_ref())
            .map_err(|_| Status::invalid_argument("the message is not CBOR"))
            .and_then(|value| (self.method)(&self.registrar, value))
            .map(|value| Response::new(Bytes::from(encode(&value))));
        Box::pin(std::future::ready(outcome))
    }
}

/// Hands messages through as bytes.
#[derive(Clone, Copy)]
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
