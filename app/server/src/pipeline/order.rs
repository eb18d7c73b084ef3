//! Jobs that are fetched later (SPEC 5.8): the ticket of a 202, and what its bearer may do with it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use precis_payment::wire::SettleResponse;
use precis_protocol::{encoding, headers, job};
use precis_store::{Change, ClaimKey, Flow, JobId, Record, Stage, State};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::perform::go_on;
use super::seal;
use crate::clock;
use crate::error::{Class, Failure, insert_x402};
use crate::jobs::context::Context;
use crate::jobs::fail::fail;
use crate::jobs::ledger::{advance, ledger_failure, load};
use crate::jobs::{ended, hold};
use crate::sealed::Sealed;
use crate::service::Service;
use crate::task::offering;

/// Seconds until a bearer should look again.
const RETRY_AFTER: &str = "2";
/// How long a bearer waits for a job that is about to end.
const GLANCE: Duration = Duration::from_millis(500);
/// How long calling a job off may take.
const CALL_OFF: Duration = Duration::from_secs(5);

/// The answer to a paid request.
pub enum Answer {
    /// The result.
    Released(Sealed),
    /// It takes longer.
    Accepted(Ticket),
}

/// A job that is going on, for its owner.
pub struct Ticket {
    path: &'static str,
    id: String,
    token: String,
    preferred: bool,
    /// What took the money, if the payment was taken first.
    charge: Option<Box<SettleResponse>>,
}

impl Ticket {
    /// The ticket of a job as it stands; `preferred` if the caller asked for one.
    pub(super) fn of(service: &Service, record: &Record, preferred: bool) -> Result<Self, Failure> {
        let JobId(id) = record.job_id;
        let token = job::job_token(&service.identity.fingerprint_key, &id);
        let path = offering(Context::of(record)?.task)?.path();
        let charge = ended::charge(record).map(Box::new);
        Ok(Self { path, id: hex::encode(id), token: hex::encode(token), preferred, charge })
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Released(sealed) => sealed.into_response(),
            Self::Accepted(Ticket { path, id, token, preferred, charge }) => {
                let location = format!("{path}/{id}");
                let mut response =
                    going_on(json!({ "id": id, "status": "accepted", "token": token }), charge.as_deref());
                // Hex in a path: always a header value.
                if let Ok(location) = HeaderValue::from_str(&location) {
                    response.headers_mut().insert(header::LOCATION, location);
                }
                if preferred {
                    let applied = HeaderName::from_static("preference-applied");
                    response.headers_mut().insert(applied, HeaderValue::from_static("respond-async"));
                }
                response
            }
        }
    }
}

fn going_on(body: Value, charge: Option<&SettleResponse>) -> Response {
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    insert_x402(&mut response, headers::PAYMENT_RESPONSE, charge);
    let out = response.headers_mut();
    out.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `GET {path}/{id}`: the result, how far it is, or how it ended.
///
/// # Errors
/// 404 for anyone but the bearer of its token; the job's own failure.
pub async fn fetch(service: &Arc<Service>, id: &str, bearer: Option<&HeaderValue>) -> Result<Response, Failure> {
    let record = owned(service, id, bearer).await?;
    if record.state.stage() == Stage::Settled {
        return Ok(seal::again(&record)?.into_response());
    }
    if let Some(failure) = ended::without_result(&record, &Context::of(&record)?) {
        return Err(failure);
    }
    let key = record.claim_key();
    let worked_on = service.flights.in_flight(key.as_bytes());
    let watched = worked_on.clone().unwrap_or_default();
    // Joins the job, or ends what needs no document, or says that the document must be sent again.
    match go_on(service, key, GLANCE).await {
        Some(outcome) => outcome.map(IntoResponse::into_response),
        None => {
            let (read, total) = watched.progress();
            let record = load(service, &key).await?;
            let status = match record.state.stage() {
                Stage::Settling | Stage::Unknown if record.result.is_some() => "settling",
                _ if watched.has_begun() => "working",
                _ => "queued",
            };
            let progress = json!({ "id": id, "status": status, "tokensRead": read, "tokens": total });
            Ok(going_on(progress, ended::charge(&record).as_ref()))
        }
    }
}

/// `GET /v1/receipts/{id}`: the signed receipt of a job that has ended, with or without a result.
///
/// # Errors
/// 404 for anyone but the bearer of its token, and while there is no receipt.
pub async fn fetch_receipt(
    service: &Arc<Service>,
    id: &str,
    bearer: Option<&HeaderValue>,
) -> Result<Response, Failure> {
    let record = owned(service, id, bearer).await?;
    let none = || ended::about(&record, Failure::new(Class::UnknownJob, "the job has no receipt"));
    let stored = record.result.as_ref().and_then(|result| result.receipt.as_deref()).ok_or_else(none)?;
    // Beside a result it is stored together with the settlement.
    let receipt: Value = match record.state.stage() {
        Stage::Settled => {
            let kept: Value = serde_json::from_slice(stored).map_err(|e| Failure::internal("stored receipt", e))?;
            kept.get("receipt").cloned().ok_or_else(none)?
        }
        _ => serde_json::from_slice(stored).map_err(|e| Failure::internal("stored receipt", e))?,
    };
    Ok(([(header::CACHE_CONTROL, "private")], Json(receipt)).into_response())
}

/// `DELETE {path}/{id}`: calls the job off if its work has not begun; nothing is charged then.
///
/// # Errors
/// 404 for anyone but the bearer of its token, 409 once the work has begun.
pub async fn cancel(service: &Arc<Service>, id: &str, bearer: Option<&HeaderValue>) -> Result<Response, Failure> {
    let record = owned(service, id, bearer).await?;
    let (key, context) = (record.claim_key(), Context::of(&record)?);
    let failure = match record.state.stage() {
        Stage::Claimed | Stage::Running if record.flow == Flow::Authorization => {
            match service.flights.in_flight(key.as_bytes()) {
                Some(watched) if !watched.cancel_waiting() => return Err(Failure::new(Class::JobBegun, "")),
                Some(_) => match go_on(service, key, CALL_OFF).await {
                    Some(Err(failure)) => failure,
                    Some(Ok(_)) => return Err(Failure::new(Class::JobBegun, "")),
                    None => Failure::internal("cancel", "the job does not end"),
                },
                // Another replica works on it, and only that could call it off.
                None if !hold::is_free(service, &key).await? => return Err(Failure::new(Class::JobBegun, "")),
                None => hold::held(service, &key, interrupted(service, &key, &context)).await?,
            }
        }
        _ => ended::without_result(&record, &context)
            .unwrap_or_else(|| ended::about(&record, Failure::new(Class::JobBegun, ""))),
    };
    match failure.class() {
        Class::Cancelled if failure.is_uncharged() => {
            Ok(Json(json!({ "id": id, "status": "cancelled", "charged": false })).into_response())
        }
        _ => Err(failure),
    }
}

/// A job that nobody works on ends at once.
async fn interrupted(service: &Service, key: &ClaimKey, context: &Context) -> Result<Failure, Failure> {
    let record = load(service, key).await?;
    let record = match record.state.stage() {
        Stage::Claimed => record,
        Stage::Running => advance(service, &record, Change::to(State::Claimed, clock::now())).await?,
        _ => return Ok(Failure::new(Class::JobBegun, "")),
    };
    fail(service, record, context, Class::Cancelled).await
}

/// The job, if `bearer` is its token. Without it nothing can be told from any other job, or from none.
async fn owned(service: &Service, id: &str, bearer: Option<&HeaderValue>) -> Result<Record, Failure> {
    let unknown = || Failure::new(Class::UnknownJob, "");
    let id: [u8; 16] = encoding::lower_hex(id).map_err(|_| unknown())?;
    let token = bearer.and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    let token: [u8; 32] = encoding::lower_hex(token.unwrap_or_default()).map_err(|_| unknown())?;
    let own = job::job_token(&service.identity.fingerprint_key, &id);
    if !bool::from(own.ct_eq(&token)) {
        return Err(unknown());
    }
    // Tokens are given out with jobs only, so there was one.
    let found = service.payments.ledger.by_job_id(&JobId(id)).await.map_err(ledger_failure)?;
    found.ok_or_else(|| Failure::new(Class::ExpiredJob, ""))
}
