//! A facilitator elsewhere that loses its answers, denies what it did, boasts of what it did not do, or does it later.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy_primitives::B256;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use precis_payment::wire::FacilitatorRequest;
use precis_tests::testbed::town::Town;
use serde_json::{Value, json};

use super::steps::Document::{Failing, Good};
use super::steps::Step::{self, Ask, Boot, Order, Submit};
use super::{FLOWS, ends_as, town};

/// How it behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Honest,
    /// Settles and loses the answer.
    Forgetful,
    /// Settles, and answers when nobody listens any more.
    Slow,
    /// Settles and says that it did not.
    Denying,
    /// Does nothing and says that it settled.
    Boasting,
    /// Does nothing and does not answer.
    Deaf,
    /// Does nothing and refuses.
    Rude,
}

struct Office {
    town: Arc<Town>,
    /// Until a payment was sent to be settled; honest afterwards.
    manner: Mutex<Manner>,
}

async fn settle(
    State(office): State<Arc<Office>>,
    Json(request): Json<FacilitatorRequest>,
) -> Result<Json<Value>, StatusCode> {
    let manner = std::mem::replace(&mut *office.manner.lock().unwrap(), Manner::Honest);
    let network = request.payment_requirements.network.to_string();
    let refusal = |why: &str| json!({"success": false, "errorReason": why, "transaction": "", "network": network});
    let done = |hash: B256| json!({"success": true, "transaction": hash, "network": network});
    match manner {
        Manner::Boasting => return Ok(Json(done(B256::repeat_byte(5)))),
        Manner::Deaf => return Err(StatusCode::GATEWAY_TIMEOUT),
        Manner::Rude => return Ok(Json(refusal("<b>no</b>"))),
        Manner::Honest | Manner::Forgetful | Manner::Slow | Manner::Denying => {}
    }
    let settled = office.town.bank.submit(&request.payment_payload).await;
    match (manner, settled) {
        (Manner::Forgetful, _) => Err(StatusCode::GATEWAY_TIMEOUT),
        (Manner::Slow, _) => {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Err(StatusCode::GATEWAY_TIMEOUT)
        }
        (Manner::Denying, _) => Ok(Json(refusal("<b>no</b>"))),
        (_, Ok(hash)) => Ok(Json(done(hash))),
        (_, Err(_)) => Ok(Json(refusal("unexpected_settle_error"))),
    }
}

async fn office() -> Arc<Office> {
    let town = town(&[]).await.unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    town.set("PRECIS_PAYMENT__FACILITATOR__URL", &format!("http://{}", listener.local_addr().unwrap()));
    let office = Arc::new(Office { town, manner: Mutex::new(Manner::Honest) });
    let network = office.town.devnet.get("PRECIS_DEVNET_NETWORK").unwrap().to_owned();
    let kinds = json!({"kinds": [{"x402Version": 2, "scheme": "exact", "network": network}]});
    let routes = Router::new()
        .route("/verify", post(async || Json(json!({"isValid": true}))))
        .route("/settle", post(settle))
        .route("/supported", get(async move || Json(kinds.clone())))
        .with_state(Arc::clone(&office));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    office
}

async fn ends(office: &Arc<Office>, manner: Manner, flow: &str, state: &str, steps: &[Step]) {
    eprintln!("{manner:?}, {flow}");
    *office.manner.lock().unwrap() = manner;
    ends_as(&office.town, flow, state, steps).await;
}

#[tokio::test]
async fn a_facilitator_that_forgets_denies_or_boasts_costs_one_charge_and_one_result() {
    let office = office().await;
    for (flow, _) in FLOWS {
        use Manner::{Boasting, Deaf, Denying, Forgetful, Honest, Rude};
        for manner in [Honest, Forgetful, Denying, Boasting, Deaf, Rude] {
            ends(&office, manner, flow, "settled", &[Boot, Order(Good), Ask]).await;
        }
        // What it refused it submits later, while the authorization is good.
        ends(&office, Rude, flow, "settled", &[Boot, Order(Good), Ask, Submit]).await;
    }
    ends(&office, Manner::Forgetful, "upfront", "refunded", &[Boot, Order(Failing), Ask]).await;
}

#[tokio::test]
async fn a_facilitator_that_answers_too_late_is_asked_of_the_chain() {
    let office = office().await;
    ends(&office, Manner::Slow, "authorization", "settled", &[Boot, Order(Good), Ask]).await;
}
