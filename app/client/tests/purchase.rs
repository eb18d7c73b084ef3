//! The client against services that do one thing wrong.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::buyer::{
    TEXT, buy, in_directory, options, plain, request, request_for, request_with, session, session_over, wallet,
};
use crate::support::{AMOUNT, FakeService, Step, Wrong, now, stranger};
use precis_client::{ClientError, Connection, PurchaseOptions, TermsError, discover};
use precis_protocol::Style;
use precis_protocol::summary::Options;
use precis_verify::Beside;

/// The document beside a saved receipt.
fn given(document: &[u8]) -> Beside<'_> {
    Beside { document: Some(document), ..Beside::default() }
}

async fn buy_wrong(wrong: Wrong) -> (FakeService, ClientError) {
    let service = FakeService::start(wrong).await;
    match buy(&service, &options(None)).await {
        Ok(_) => panic!("the purchase should have failed"),
        Err(error) => (service, error),
    }
}

#[tokio::test]
async fn a_summary_is_bought_with_one_payment_and_a_receipt_that_verifies_alone() {
    let service = FakeService::start(Wrong::default()).await;
    let purchase = buy(&service, &options(None)).await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(purchase.result.summary, "Hello");
    assert_eq!(purchase.payment.amount, alloy_primitives::U256::from(AMOUNT));
    assert!(purchase.settlement.unwrap().success);
    let seen = service.seen();
    assert_eq!(seen.payments.len(), 1);
    assert_eq!(seen.inner, ["POST /v1/summaries?mode=extractive", "POST /v1/summaries?mode=extractive"]);
    assert!(
        seen.outer_bodies.iter().all(|b| !b.windows(6).any(|w| w == b"canary")),
        "the document travels encrypted only"
    );
}

#[tokio::test]
async fn a_saved_receipt_verifies_offline() {
    let service = FakeService::start(Wrong::default()).await;
    let purchase = buy(&service, &options(None)).await.unwrap_or_else(|e| panic!("{e}"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("receipt.json");
    purchase.save_receipt(&path).unwrap();
    let saved = std::fs::read(&path).unwrap();
    let document = TEXT.repeat(30);
    let appraisal =
        precis_verify::verify_receipt_file(&saved, &service.evidence.policy, now(), &given(document.as_bytes()));
    assert!(appraisal.transcript.is_verified(), "{}", appraisal.transcript);
    let other =
        precis_verify::verify_receipt_file(&saved, &service.evidence.policy, now(), &given(b"Another document."));
    assert!(!other.transcript.is_verified());
}

#[tokio::test]
async fn nothing_is_sent_to_a_service_whose_attestation_differs_in_one_byte() {
    for at in [40, 900, 5_000, 9_000, 20_000] {
        let service = FakeService::start(Wrong { attestation_byte: Some(at), ..Wrong::default() }).await;
        precis_client::install_tls_provider();
        let found = discover(&service.url, Connection::default()).await.unwrap();
        assert!(found.verify(&service.evidence.policy, now()).is_err(), "byte {at}");
        assert!(service.seen().outer.iter().all(|r| r.starts_with("GET ")), "byte {at}");
    }
}

#[tokio::test]
async fn nothing_is_sent_when_the_gateway_hands_out_another_key() {
    let service = FakeService::start(Wrong { other_channel_key: true, ..Wrong::default() }).await;
    precis_client::install_tls_provider();
    let found = discover(&service.url, Connection::default()).await.unwrap();
    let Err(appraisal) = found.verify(&service.evidence.policy, now()) else { panic!("verified") };
    assert!(appraisal.transcript.failures().any(|o| o.check.id == "channel.key"));
    assert!(service.seen().inner.is_empty());
}

#[tokio::test]
async fn a_plaintext_answer_to_an_encrypted_request_is_a_hard_failure() {
    for status in [200, 402, 400] {
        let (service, error) = buy_wrong(Wrong { plaintext: Some(status), ..Wrong::default() }).await;
        assert!(matches!(error, ClientError::CannotVerify(_)), "{status}: {error}");
        assert_eq!(service.seen().payments.len(), 0);
    }
    let (_, error) = buy_wrong(Wrong { media_type: Some("application/json"), ..Wrong::default() }).await;
    assert!(matches!(error, ClientError::CannotVerify(_)), "{error}");
}

#[tokio::test]
async fn an_altered_or_exchanged_answer_opens_to_nothing() {
    let (service, error) = buy_wrong(Wrong { answer_byte: true, ..Wrong::default() }).await;
    assert!(matches!(error, ClientError::CannotVerify(_)), "{error}");
    assert_eq!(service.seen().payments.len(), 0);
    let (_, error) = buy_wrong(Wrong { swapped: true, ..Wrong::default() }).await;
    assert!(matches!(error, ClientError::CannotVerify(_)), "{error}");
}

#[tokio::test]
async fn terms_other_than_the_attested_ones_are_not_signed() {
    let edits: [fn(&mut serde_json::Value); 5] = [
        |r| r["payTo"] = serde_json::json!(stranger()),
        |r| r["asset"] = serde_json::json!(stranger()),
        |r| r["amount"] = "1501".into(),
        |r| r["extra"]["paymentFlow"] = "trust".into(),
        |r| r["extra"]["requestDigest"] = "".into(),
    ];
    for edit in edits {
        let (service, error) = buy_wrong(Wrong { requirements: Some(edit), ..Wrong::default() }).await;
        assert!(matches!(error, ClientError::Terms(_)), "{error}");
        assert_eq!(service.seen().payments.len(), 0);
    }
}

#[tokio::test]
async fn a_price_over_the_cap_is_not_paid() {
    let service = FakeService::start(Wrong::default()).await;
    let capped = PurchaseOptions { max_price: Some("1499atomic".parse().unwrap()), ..options(None) };
    let error = buy(&service, &capped).await.err().unwrap();
    assert!(matches!(error, ClientError::Terms(TermsError::OverCap { .. })), "{error}");
    assert_eq!(service.seen().payments.len(), 0);
}

#[tokio::test]
async fn a_summary_whose_receipt_or_result_differs_is_withheld() {
    let receipts: [fn(&mut serde_json::Value); 3] = [
        |r| r["receipt"]["inputTokens"] = 901.into(),
        |r| r["payment"]["transaction"] = serde_json::json!(alloy_primitives::B256::repeat_byte(1)),
        |r| r["salts"]["response"] = "00".repeat(32).into(),
    ];
    for edit in receipts {
        let (_, error) = buy_wrong(Wrong { receipt: Some(edit), ..Wrong::default() }).await;
        assert!(matches!(error, ClientError::Receipt(_)), "{error}");
    }
    let (_, error) = buy_wrong(Wrong { result: Some(|r| *r = r.replace("Hello", "Jello")), ..Wrong::default() }).await;
    assert!(matches!(error, ClientError::Receipt(_)), "{error}");
}

#[tokio::test]
async fn a_summary_in_another_style_than_the_one_asked_for_is_withheld() {
    for (style, fits) in [(Style::Bullets, false), (Style::Decisions, false), (Style::Tldr, true)] {
        let service = FakeService::start(Wrong::default()).await;
        let request = request_with(TEXT, &Options { style, ..Options::default() });
        let session = session(&service).await;
        let bought = session.purchase(&request, Some(&wallet()), &options(None), &mut |_| ()).await;
        match bought {
            Ok(purchase) => assert!(fits && purchase.result.summary == "Hello", "{}", style.name()),
            Err(error) => assert!(!fits && matches!(error, ClientError::Receipt(_)), "{error}"),
        }
    }
}

#[tokio::test]
async fn lost_connections_and_unknown_settlements_are_answered_with_the_same_payment() {
    let service = FakeService::start(Wrong { before: vec![Step::Cut, Step::Status(503)], ..Wrong::default() }).await;
    let purchase = buy(&service, &options(None)).await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(purchase.result.summary, "Hello");
    let seen = service.seen();
    assert_eq!(seen.payments.len(), 3);
    assert!(seen.payments.iter().all(|p| *p == seen.payments[0]), "never a second authorization");
}

#[tokio::test]
async fn tries_are_bounded_and_the_payment_is_kept_for_the_next_run() {
    let directory = tempfile::tempdir().unwrap();
    let service = FakeService::start(Wrong { before: vec![Step::Status(503); 4], ..Wrong::default() }).await;
    let pending = in_directory(directory.path());
    let error = buy(&service, &options(Some(pending.clone()))).await.err().unwrap();
    assert!(matches!(error, ClientError::SettlementUnknown(_)), "{error}");
    assert!(error.to_string().contains(pending.path().to_str().unwrap()), "{error}");
    let purchase = buy(&service, &options(Some(pending))).await.unwrap_or_else(|e| panic!("{e}"));
    assert!(purchase.resumed);
    let seen = service.seen();
    assert_eq!(seen.payments.len(), 5);
    assert!(
        seen.payments.iter().all(|p| p.payload == seen.payments[0].payload),
        "the next run sends the same authorization"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_unfinished_payment_is_on_disk_before_it_is_sent_and_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let service = FakeService::start(Wrong { before: vec![Step::Status(402)], ..Wrong::default() }).await;
    let pending = in_directory(directory.path());
    let error = buy(&service, &options(Some(pending.clone()))).await.err().unwrap();
    assert!(matches!(error, ClientError::PaymentRefused { .. }), "{error}");
    let mode = std::fs::metadata(pending.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn an_unfinished_payment_for_another_request_is_never_used_or_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let service = FakeService::start(Wrong { before: vec![Step::Status(402)], ..Wrong::default() }).await;
    let pending = in_directory(directory.path());
    let options = options(Some(pending.clone()));
    assert!(buy(&service, &options).await.is_err());
    let kept = std::fs::read(pending.path()).unwrap();
    let other =
        session(&service).await.purchase(&request_for("Another text. "), Some(&wallet()), &options, &mut |_| {}).await;
    assert!(matches!(other.err().unwrap(), ClientError::Input(_)));
    assert_eq!(std::fs::read(pending.path()).unwrap(), kept);
    assert_eq!(service.seen().payments.len(), 1);
}

#[tokio::test]
async fn only_an_expired_authorization_that_was_refused_gives_way_to_a_new_one() {
    let directory = tempfile::tempdir().unwrap();
    // Offers that are good at the later time too: the service's clock does not move.
    let quote: fn(&mut _, &crate::support::Evidence) =
        |q, e| crate::support::offers::offer_by(e.receipt_key(), q, now() + 3600);
    let before = vec![Step::Status(402); 3];
    let service = FakeService::start(Wrong { before, quote: Some(quote), uncharged: true, ..Wrong::default() }).await;
    let options = options(Some(in_directory(directory.path())));
    assert!(buy(&service, &options).await.is_err());
    assert!(buy(&service, &options).await.is_err());
    let later = PurchaseOptions { clock: || now() + 600, ..options };
    // The service's own clock has not moved, so that the receipt is from the past by the client's; what counts here is what is sent.
    let _ = buy(&service, &later).await;
    let seen = service.seen();
    let nonces: Vec<_> = seen.payments.iter().map(|p| p.payload.authorization.nonce).collect();
    assert_eq!(nonces.len(), 4);
    assert_eq!((nonces[0], nonces[0]), (nonces[1], nonces[2]));
    assert_ne!(nonces[2], nonces[3]);
}

#[tokio::test]
async fn a_quote_is_checked_against_the_attested_price_list() {
    let service = FakeService::start(Wrong::default()).await;
    let quote = session(&service).await.quote(&request()).await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((quote.tokens, quote.amount.to_string()), (crate::support::TOKENS, AMOUNT.to_string()));
    let service = FakeService::start(Wrong { quoted: Some("1400"), ..Wrong::default() }).await;
    let error = session(&service).await.quote(&request()).await.err().unwrap();
    assert!(matches!(error, ClientError::Terms(TermsError::Price { .. })), "{error}");
}

#[tokio::test]
async fn plain_https_is_only_by_request_and_the_receipt_says_so() {
    let service = FakeService::start(Wrong::default()).await;
    let session = session_over(&service, plain()).await;
    let purchase = session
        .purchase(&request(), Some(&wallet()), &options(None), &mut |_| {})
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(purchase.receipt.receipt.receipt.channel, precis_protocol::receipt::Channel::Https);
    assert!(
        matches!(discover("http://192.0.2.1", plain()).await.err().unwrap(), ClientError::Input(_)),
        "never in clear beyond this machine"
    );
}
