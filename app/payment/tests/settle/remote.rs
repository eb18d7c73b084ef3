//! A facilitator elsewhere: honest, forgetful and lying ones.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse as _,
    routing::{get, post},
};
use precis_payment::exact::{Invalid, verify_offline};
use precis_payment::facilitator::{Facilitator, Settlement, Standing, Unavailable, VerifyError};
use precis_payment::local::LocalFacilitator;
use precis_payment::remote::HttpFacilitator;
use precis_payment::wire::FacilitatorRequest;
use serde_json::{Value, json};

use crate::world::*;

/// How a remote facilitator behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Honest,
    /// Settles and loses the answer.
    Forgetful,
    /// Settles and says that it did not.
    Denying,
    /// Does nothing and says that it settled.
    Boasting,
    /// Does nothing and refuses with a reason that is not one.
    Rude,
}

struct Remote {
    local: LocalFacilitator,
    manner: Manner,
}

async fn verify(State(remote): State<Arc<Remote>>, Json(request): Json<FacilitatorRequest>) -> Json<Value> {
    let reason = match verify_offline(&request.payment_payload, &request.payment_requirements, now(), 6) {
        Ok(authorized) => remote.local.verify(&authorized).await.err().map(|error| match error {
            VerifyError::Invalid(reason) => reason.code(),
            VerifyError::Unavailable(_) | VerifyError::Unknown(_) => "unexpected_verify_error",
        }),
        Err(reason) => Some(reason.code()),
    };
    Json(json!({"isValid": reason.is_none(), "invalidReason": reason}))
}

async fn settle_remotely(
    State(remote): State<Arc<Remote>>,
    Json(request): Json<FacilitatorRequest>,
) -> Result<Json<Value>, StatusCode> {
    let network = request.payment_requirements.network.to_string();
    let boast = json!({"success": true, "transaction": B256::repeat_byte(5), "network": network});
    let refusal = json!({"success": false, "errorReason": "<b>no</b>", "transaction": "", "network": network});
    match remote.manner {
        Manner::Boasting => return Ok(Json(boast)),
        Manner::Rude => return Ok(Json(refusal)),
        Manner::Honest | Manner::Forgetful | Manner::Denying => {}
    }
    let authorized = verify_offline(&request.payment_payload, &request.payment_requirements, now(), 6).unwrap();
    let settlement = settle(&remote.local, &authorized).await;
    match remote.manner {
        Manner::Forgetful => Err(StatusCode::GATEWAY_TIMEOUT),
        Manner::Denying => Ok(Json(refusal)),
        _ => Ok(Json(serde_json::to_value(settlement.response(authorized.transfer())).unwrap())),
    }
}

async fn supported() -> Json<Value> {
    Json(
        json!({"kinds": [{"x402Version": 2, "scheme": "exact", "network": "eip155:31337"}], "extensions": [], "signers": {}}),
    )
}

async fn remote(world: &World, manner: Manner) -> HttpFacilitator {
    let remote = Arc::new(Remote { local: world.facilitator(), manner });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/x402", listener.local_addr().unwrap());
    let routes = Router::new()
        .route("/x402/verify", post(verify))
        .route("/x402/settle", post(settle_remotely))
        .route("/x402/supported", get(supported))
        .with_state(remote);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let facilitator = HttpFacilitator::new(http_client(), &url, world.view()).unwrap();
    facilitator.with_confirm_timeout(Duration::from_millis(500))
}

#[tokio::test]
async fn an_honest_facilitator_settles_and_the_chain_confirms_it() {
    let world = World::new().await;
    let facilitator = remote(&world, Manner::Honest).await;
    assert_eq!(facilitator.ready().await, Ok(()));
    let authorized = world.authorized(1);
    assert_eq!(facilitator.verify(&authorized).await, Ok(Standing::Payable));
    let first = paid(settle(&facilitator, &authorized).await);
    assert_eq!(world.balance(world.payee).await, PRICE);
    assert_eq!(paid(settle(&facilitator, &authorized).await), first, "the same again is the same payment");
    world.drain_payer().await;
    let poor = world.authorized(2);
    assert_eq!(facilitator.verify(&poor).await, Err(VerifyError::Invalid(Invalid::InsufficientFunds)));
    let refused = settle(&facilitator, &poor).await;
    assert_eq!(refused, Settlement::Rejected { reason: Invalid::InsufficientFunds, transaction: None });
}

#[tokio::test]
async fn a_lost_answer_is_unknown_until_the_chain_tells() {
    let world = World::new().await;
    let facilitator = remote(&world, Manner::Forgetful).await;
    let authorized = world.authorized(1);
    assert_eq!(settle(&facilitator, &authorized).await, Settlement::Unknown { transaction: None });
    paid(facilitator.resume(authorized.transfer(), None, now()).await);
    assert_eq!(world.balance(world.payee).await, PRICE);
}

#[tokio::test]
async fn a_denied_settlement_that_is_on_chain_counts() {
    let world = World::new().await;
    let facilitator = remote(&world, Manner::Denying).await;
    paid(settle(&facilitator, &world.authorized(1)).await);
}

#[tokio::test]
async fn a_claimed_settlement_that_is_not_on_chain_does_not_count() {
    let world = World::new().await;
    let facilitator = remote(&world, Manner::Boasting).await;
    let authorized = world.authorized(1);
    let claimed = settle(&facilitator, &authorized).await;
    assert_eq!(claimed, Settlement::Unknown { transaction: Some(B256::repeat_byte(5)) });
    // It is asked again with the same payment, which it can settle once.
    assert_eq!(
        facilitator.resume(authorized.transfer(), None, now()).await,
        Settlement::Deferred(Unavailable::Displaced)
    );
    assert_eq!(world.balance(world.payee).await, 0);
}

#[tokio::test]
async fn a_refusal_of_what_the_chain_would_carry_out_is_not_believed_and_its_words_are_kept() {
    let world = World::new().await;
    let facilitator = remote(&world, Manner::Rude).await;
    let authorized = world.authorized(1);
    let refused = settle(&facilitator, &authorized).await;
    assert_eq!(refused, Settlement::Unknown { transaction: None });
    let response = serde_json::to_string(&refused.response(authorized.transfer())).unwrap();
    assert!(!response.contains("<b>"), "{response}");
}

#[tokio::test]
async fn an_absent_facilitator_takes_nothing() {
    let world = World::new().await;
    let facilitator = HttpFacilitator::new(http_client(), "http://127.0.0.1:1", world.view()).unwrap();
    let authorized = world.authorized(1);
    let absent = Unavailable::Facilitator;
    assert_eq!(facilitator.ready().await, Err(absent));
    assert_eq!(facilitator.verify(&authorized).await, Err(VerifyError::Unavailable(absent)));
    assert_eq!(settle(&facilitator, &authorized).await, Settlement::Deferred(absent));
}

/// A facilitator behind `routes` at an origin of its own.
async fn serve(routes: Router) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    origin
}

/// Sends every request on to `to` with the path that came, by `status`.
fn redirecting(status: StatusCode, to: String) -> Router {
    Router::new().fallback(move |uri: axum::http::Uri| {
        let target = format!("{to}{}", uri.path().trim_start_matches("/old"));
        async move { (status, [(header::LOCATION, target)]) }
    })
}

fn honest(world: &World) -> Router {
    Router::new()
        .route("/x402/verify", post(verify))
        .route("/x402/settle", post(settle_remotely))
        .route("/x402/supported", get(supported))
        .with_state(Arc::new(Remote { local: world.facilitator(), manner: Manner::Honest }))
}

fn facilitator_at(world: &World, url: &str, credential: Option<&str>) -> HttpFacilitator {
    let _ = http_client();
    let credential = credential.map(|text| text.parse().unwrap());
    let client = precis_payment::http::facilitator_client(Duration::from_secs(5), credential.as_ref()).unwrap();
    HttpFacilitator::new(client, url, world.view()).unwrap()
}

#[tokio::test]
async fn redirects_within_the_origin_are_followed_and_all_others_are_named() {
    let world = World::new().await;
    let elsewhere = serve(honest(&world)).await;
    for status in [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT] {
        let moved = redirecting(status, String::new());
        let origin = serve(honest(&world).merge(Router::new().nest_service("/old", moved.clone()))).await;
        let facilitator = facilitator_at(&world, &format!("{origin}/old/x402"), None);
        assert_eq!(facilitator.ready().await, Ok(()), "{status}");
        let nonce = u8::try_from(status.as_u16() - 300).unwrap();
        paid(settle(&facilitator, &world.authorized(nonce)).await);
    }
    let before = world.balance(world.payee).await;
    let redirected = Unavailable::Redirected;
    for (status, to) in [
        (StatusCode::PERMANENT_REDIRECT, elsewhere.as_str()),
        (StatusCode::TEMPORARY_REDIRECT, elsewhere.as_str()),
        // These would become a GET.
        (StatusCode::FOUND, ""),
        (StatusCode::SEE_OTHER, ""),
        // Round and round.
        (StatusCode::PERMANENT_REDIRECT, "/old"),
    ] {
        let origin = serve(redirecting(status, to.to_owned())).await;
        let facilitator = facilitator_at(&world, &format!("{origin}/x402"), Some("Authorization: Bearer s3cr3t"));
        let authorized = world.authorized(99);
        assert_eq!(facilitator.ready().await, Err(redirected), "{status} {to}");
        assert_eq!(facilitator.verify(&authorized).await, Err(VerifyError::Unavailable(redirected)));
        assert_eq!(settle(&facilitator, &authorized).await, Settlement::Deferred(redirected));
    }
    assert_eq!(world.balance(world.payee).await, before);
}

#[tokio::test]
async fn a_credential_goes_with_every_request_and_a_refused_one_is_named() {
    let world = World::new().await;
    let guard = axum::middleware::from_fn(|request: axum::extract::Request, next: axum::middleware::Next| async move {
        match request.headers().get(header::AUTHORIZATION).map(|value| value.as_bytes()) {
            Some(b"Bearer s3cr3t") => next.run(request).await,
            _ => StatusCode::UNAUTHORIZED.into_response(),
        }
    });
    let origin = serve(honest(&world).layer(guard)).await;
    let facilitator = facilitator_at(&world, &format!("{origin}/x402"), Some("Authorization: Bearer s3cr3t"));
    assert_eq!(facilitator.ready().await, Ok(()));
    paid(settle(&facilitator, &world.authorized(1)).await);
    for credential in [None, Some("Authorization: Bearer other"), Some("X-Api-Key: s3cr3t")] {
        let facilitator = facilitator_at(&world, &format!("{origin}/x402"), credential);
        assert_eq!(facilitator.ready().await, Err(Unavailable::Credential));
        let authorized = world.authorized(2);
        let refused = Err(VerifyError::Unavailable(Unavailable::Credential));
        assert_eq!(facilitator.verify(&authorized).await, refused);
        assert_eq!(settle(&facilitator, &authorized).await, Settlement::Deferred(Unavailable::Credential));
    }
}
