//! The Oasis node's gRPC methods that the service and its clients call, with CBOR messages:
//! `Beacon/GetEpoch`, `RuntimeClient/GetTransactionsWithResults`, and of `RuntimeClient/Query` the queries `rofl.App` and
//! `rofl.AppInstance`; any other is `unimplemented`.

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
    registrar::{Registrar, Registration},
};

/// Account of the devnet's admin: nobody has its key.
const ADMIN: [u8; 21] = [0; 21];

/// Longest request: the methods take less than a hundred bytes.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

pub(super) fn router(registrar: Arc<Registrar>) -> Router {
    let unimplemented = || async { Status::unimplemented("the devnet lacks it").into_http::<axum::body::Body>() };
    Router::new()
        .route("/oasis-core.Beacon/GetEpoch", post(|state, request| unary(state, request, epoch)))
        .route(
            "/oasis-core.RuntimeClient/GetTransactionsWithResults",
            post(|state, request| unary(state, request, transactions)),
        )
        .route("/oasis-core.RuntimeClient/Query", post(|state, request| unary(state, request, query)))
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

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

/// The state of the one app and its one instance, in any round.
fn query(registrar: &Registrar, request: Value) -> Result<Value, Status> {
    let machine = &registrar.machine;
    let method = member(&request, "method").and_then(Value::as_text);
    let arguments = member(&request, "args").and_then(Value::as_bytes);
    let (Some(method), Some(arguments)) = (method, arguments) else {
        return Err(Status::invalid_argument("method and args are required"));
    };
    if member(&request, "runtime_id").and_then(Value::as_bytes).is_none_or(|id| id[..] != machine.chain.runtime_id) {
        return Err(Status::not_found("client: no hosted runtime is available"));
    }
    let arguments: Value = ciborium::from_reader(arguments.as_slice())
        .map_err(|_| Status::invalid_argument("the arguments are not CBOR"))?;
    let app = member(&arguments, if method == "rofl.App" { "id" } else { "app" }).and_then(Value::as_bytes);
    if app.is_none_or(|app| app[..] != machine.app_id_bytes) {
        return Err(Status::unknown("rofl: unknown application"));
    }
    let data = match method {
        "rofl.App" => app_config(registrar),
        "rofl.AppInstance" => {
            let key = member(&arguments, "rak").and_then(|rak| member(rak, "ed25519")).and_then(Value::as_bytes);
            let registration = registrar.registrations().into_iter().next();
            match registration.filter(|_| key.is_some_and(|key| key[..] == machine.keys.rak_public())) {
                Some(registration) => instance(registrar, &registration),
                None => return Err(Status::unknown("rofl: unknown instance")),
            }
        }
        _ => return Err(Status::unimplemented("the devnet lacks it")),
    };
    Ok(map(vec![("data", bytes(&encode(&data)))]))
}

/// `AppConfig` of the runtime SDK's module rofl.
fn app_config(registrar: &Registrar) -> Value {
    let machine = &registrar.machine;
    let enclave = map(vec![("mr_enclave", bytes(&machine.measurements.identity())), ("mr_signer", bytes(&[0; 32]))]);
    let quotes = map(vec![("tcb_validity_period", 30.into()), ("min_tcb_evaluation_data_number", 18.into())]);
    let policy = map(vec![
        ("quotes", map(vec![("pcs", quotes)])),
        ("enclaves", Value::Array(vec![enclave])),
        ("endorsements", Value::Array(vec![map(vec![("any", map(Vec::new()))])])),
        ("fees", 2.into()),
        ("max_expiration", 3.into()),
    ]);
    map(vec![
        ("id", bytes(&machine.app_id_bytes)),
        ("policy", policy),
        ("admin", bytes(&ADMIN)),
        ("stake", Value::Array(vec![bytes(&[]), bytes(&[])])),
        ("metadata", map(vec![("net.oasis.rofl.name", "precis-devnet".into())])),
        ("secrets", map(Vec::new())),
        ("sek", bytes(&[0; 32])),
    ])
}

/// `Registration` of the same module.
fn instance(registrar: &Registrar, registration: &Registration) -> Value {
    let (machine, keys) = (&registrar.machine, &registrar.machine.keys);
    let pairs = registration.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str().into())).collect();
    map(vec![
        ("app", bytes(&machine.app_id_bytes)),
        ("node_id", bytes(keys.node.verifying_key().as_bytes())),
        ("rak", bytes(&keys.rak_public())),
        ("rek", bytes(&keys.rek)),
        ("expiration", registration.expiration.into()),
        ("extra_keys", Value::Array(vec![map(vec![("secp256k1", bytes(&keys.extra_public()))])])),
        ("metadata", map(pairs)),
    ])
}

fn transactions(registrar: &Registrar, request: Value) -> Result<Value, Status> {
    let runtime_id = member(&request, "runtime_id").and_then(Value::as_bytes);
    let round = member(&request, "round").and_then(Value::as_integer);
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
