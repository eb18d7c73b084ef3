//! A rofl-appd on a UNIX socket: the same routes, statuses and content types as the daemon of
//! rofl-containers 0.9.0, byte-exact keys under its mock root, and metadata that the registrar
//! puts on the devnet's chain. There is no runtime behind it: queries and transactions are checked
//! and then refused as the daemon refuses them when its node is away ("runtime not available").

mod answer;
mod tx;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use anyhow::Context;
use axum::{Router, body::Body, extract::State};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use tokio::{net::UnixListener, task::JoinSet};

use self::answer::{Answer, NO_RUNTIME};
use super::{
    kdf::{KeyKind, kms_key},
    registrar::Registrar,
};

/// The daemon's limit for JSON bodies.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Serves the daemon on `socket`, replacing a socket left there by an earlier run.
pub(super) fn serve(socket: &Path, registrar: Arc<Registrar>, tasks: &mut JoinSet<()>) -> anyhow::Result<()> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).context("cannot replace the rofl-appd socket");
        }
        _ => {}
    }
    let listener = UnixListener::bind(socket).with_context(|| format!("cannot listen on {}", socket.display()))?;
    let app = Router::new().fallback(handle).with_state(registrar);
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "rofl-appd stopped");
        }
    });
    Ok(())
}

async fn handle(State(registrar): State<Arc<Registrar>>, request: Request<Body>) -> axum::response::Response {
    let json_errors = answer::wants_json(request.headers());
    let head = request.method() == Method::HEAD;
    let answer = route(&registrar, request).await;
    answer.into_response(json_errors, head)
}

async fn route(registrar: &Registrar, request: Request<Body>) -> Answer {
    let path = request.uri().path().to_owned();
    // As Rocket does, HEAD is answered by the route for GET.
    let method = match *request.method() {
        Method::HEAD => Method::GET,
        ref other => other.clone(),
    };
    let Some(path) = path.strip_prefix("/rofl/v1") else {
        return Answer::Page(StatusCode::NOT_FOUND);
    };
    match (method, path) {
        (Method::GET, "/app/id") => Answer::Text(StatusCode::OK, registrar.app_id().to_owned()),
        (Method::GET, "/metadata") => Answer::json(&registrar.metadata()),
        (Method::POST, "/keys/generate") => with_json(request, generate).await,
        (Method::POST, "/metadata") => with_json(request, |map| changed(registrar.replace_metadata(map))).await,
        (Method::PUT, "/metadata") => with_json(request, |map| changed(registrar.upsert_metadata(map))).await,
        (Method::DELETE, "/metadata") => {
            with_json(request, |keys: BTreeSet<String>| {
                registrar.delete_metadata(&keys);
                Answer::Empty
            })
            .await
        }
        (Method::POST, "/query") => with_json(request, query).await,
        (Method::POST, "/tx/sign-submit") => with_json(request, tx::sign_submit).await,
        _ => Answer::Page(StatusCode::NOT_FOUND),
    }
}

/// Reads the body as JSON whatever its content type says. Text that is not JSON is 400, JSON of
/// another shape is 422, more than 1 MiB is 413: each with the framework's own page.
async fn with_json<T, F>(request: Request<Body>, then: F) -> Answer
where
    T: for<'de> Deserialize<'de>,
    F: FnOnce(T) -> Answer,
{
    let body = match Limited::new(request.into_body(), MAX_BODY_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Answer::Page(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Err(_) => return Answer::Page(StatusCode::BAD_REQUEST),
    };
    let Ok(text) = std::str::from_utf8(&body) else {
        return Answer::Page(StatusCode::BAD_REQUEST);
    };
    match serde_json::from_str(text) {
        Ok(value) => then(value),
        Err(error) if error.is_data() => Answer::Page(StatusCode::UNPROCESSABLE_ENTITY),
        Err(_) => Answer::Page(StatusCode::BAD_REQUEST),
    }
}

#[derive(Deserialize)]
struct GenerateRequest {
    key_id: Unescaped,
    kind: KeyKind,
}

/// A string whose JSON form has no escapes: the daemon borrows it from the request.
struct Unescaped(String);

impl<'de> Deserialize<'de> for Unescaped {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'de str>::deserialize(deserializer).map(|text| Self(text.to_owned()))
    }
}

fn generate(request: GenerateRequest) -> Answer {
    let key = hex::encode(kms_key(request.kind, &request.key_id.0));
    Answer::json(&BTreeMap::from([("key", key)]))
}

fn changed(outcome: Result<(), super::registrar::LimitExceeded>) -> Answer {
    match outcome {
        Ok(()) => Answer::Empty,
        Err(_) => Answer::Text(StatusCode::BAD_REQUEST, "invalid argument".to_owned()),
    }
}

#[derive(Deserialize)]
struct QueryRequest {
    #[serde(rename = "method")]
    _method: String,
    args: tx::Hex,
}

fn query(request: QueryRequest) -> Answer {
    let parsed: Result<ciborium::Value, _> = ciborium::from_reader(&*request.args.0);
    let reason = if parsed.is_ok() { NO_RUNTIME } else { "parsing failed" };
    Answer::Text(StatusCode::INTERNAL_SERVER_ERROR, format!("Query failed: {reason}"))
}
