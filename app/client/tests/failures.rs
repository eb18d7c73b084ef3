//! Jobs that end without a summary, and when another authorization may be signed.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::buyer::{TEXT, buy, fail, in_directory, options, watch};
use crate::support::jobs::REFUND;
use crate::support::{FakeService, Step, Wrong, now};
use precis_client::{ClientError, JobFailure, Progress, PurchaseOptions};
use precis_verify::Beside;

fn failure(error: ClientError) -> Box<JobFailure> {
    match error {
        ClientError::JobFailed(failure) => failure,
        error => panic!("{error}"),
    }
}

fn verifies_alone(service: &FakeService, failure: &JobFailure) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("failure.json");
    failure.save_receipt(&path).unwrap();
    let saved = std::fs::read(&path).unwrap();
    let (policy, document) = (&service.evidence.policy, TEXT.repeat(30));
    let appraisal = precis_verify::verify_receipt_file(
        &saved,
        policy,
        now(),
        &Beside { document: Some(document.as_bytes()), ..Beside::default() },
    );
    assert!(appraisal.transcript.is_verified(), "{}", appraisal.transcript);
}

#[tokio::test]
async fn a_failure_with_its_receipt_is_final_at_once_and_the_receipt_verifies_alone() {
    let directory = tempfile::tempdir().unwrap();
    let service = FakeService::start(Wrong { before: vec![Step::Failed], ..Wrong::default() }).await;
    let pending = in_directory(directory.path());
    let options = options(Some(pending.clone()));
    let failure = failure(fail(&service, &options).await);
    assert!(failure.to_string().contains("not charged"), "{failure}");
    verifies_alone(&service, &failure);
    assert_eq!(service.seen().payments.len(), 1, "asked once");
    assert!(pending.path().exists(), "until the caller has kept the receipt");
    pending.remove().unwrap();
    assert!(buy(&service, &options).await.is_ok());
    assert_eq!(service.seen().authorizations(), 2);
}

#[tokio::test]
async fn a_refund_is_waited_for_with_the_same_payment_until_its_receipt_is_there() {
    let by_payment = vec![Step::Refunding, Step::Refunding, Step::Refunded];
    let by_job = vec![Step::Refunding, Step::Refunded];
    let cases = [
        (Wrong { before: by_payment, ..Wrong::default() }, 3, 0),
        (Wrong { before: vec![Step::Accept], polls: by_job, ..Wrong::default() }, 1, 2),
    ];
    for (wrong, payments, looks) in cases {
        let service = FakeService::start(wrong).await;
        let (bought, events) = watch(&service, &options(None)).await;
        let failure = failure(bought.err().unwrap());
        assert_eq!(failure.refund(), Some(REFUND.to_string().as_str()));
        assert!(failure.to_string().contains(&REFUND.to_string()), "{failure}");
        assert!(events.iter().any(|event| matches!(event, Progress::Refunding { .. })));
        verifies_alone(&service, &failure);
        let seen = service.seen();
        assert_eq!((seen.payments.len(), seen.of_jobs("GET"), seen.authorizations()), (payments, looks, 1));
    }
}

#[tokio::test]
async fn a_failure_whose_receipt_is_missing_or_altered_proves_nothing_and_the_payment_is_kept() {
    let edits: [fn(&mut serde_json::Value); 3] = [
        |r| r["receipt"]["status"] = "failed-refunded".into(),
        |r| r["payment"]["nonce"] = serde_json::json!(alloy_primitives::B256::repeat_byte(1)),
        |r| r["signature"] = format!("0x{}", "11".repeat(65)).into(),
    ];
    for edit in edits {
        let directory = tempfile::tempdir().unwrap();
        let wrong = Wrong { before: vec![Step::Failed], receipt: Some(edit), ..Wrong::default() };
        let service = FakeService::start(wrong).await;
        let pending = in_directory(directory.path());
        let failure = failure(fail(&service, &options(Some(pending.clone()))).await);
        assert!(failure.receipt.is_none() && failure.transcript.is_some());
        assert!(failure.to_string().contains("does not verify"), "{failure}");
        assert!(pending.path().exists());
    }
    let service = FakeService::start(Wrong { before: vec![Step::Code(410, "abandoned")], ..Wrong::default() }).await;
    let failure = failure(fail(&service, &options(None)).await);
    assert!(failure.receipt.is_none() && failure.to_string().contains("no receipt"), "{failure}");
}

#[tokio::test]
async fn a_failure_before_a_restart_is_proved_by_the_keys_of_that_time() {
    let directory = tempfile::tempdir().unwrap();
    let polls = vec![Step::Restart, Step::Failed];
    let service = FakeService::start(Wrong { before: vec![Step::Accept], polls, ..Wrong::default() }).await;
    let options = options(Some(in_directory(directory.path())));
    // The new keys are verified on the way.
    let failure = failure(fail(&service, &options).await);
    assert!(failure.receipt.is_some(), "{failure}");
    verifies_alone(&service, &failure);
}

#[tokio::test]
async fn a_failure_without_a_receipt_is_tried_again_as_before() {
    let service = FakeService::start(Wrong { before: vec![Step::Code(500, "work_failed")], ..Wrong::default() }).await;
    assert!(buy(&service, &options(None)).await.is_ok());
    let seen = service.seen();
    assert_eq!((seen.payments.len(), seen.authorizations()), (2, 1));
}

#[tokio::test]
async fn another_authorization_is_signed_only_when_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let service = FakeService::start(Wrong { before: vec![Step::Status(402); 3], ..Wrong::default() }).await;
    let kept = options(Some(in_directory(directory.path())));
    fail(&service, &kept).await;
    fail(&service, &kept).await;
    assert_eq!(service.seen().authorizations(), 1);
    let told = PurchaseOptions { new_payment: true, ..kept.clone() };
    let (bought, events) = watch(&service, &told).await;
    assert!(matches!(bought.err().unwrap(), ClientError::PaymentRefused { .. }));
    assert!(events.iter().any(|event| matches!(event, Progress::Discarding { .. })));
    assert_eq!(service.seen().authorizations(), 2);
    let purchase = buy(&service, &kept).await.unwrap_or_else(|e| panic!("{e}"));
    assert!(purchase.resumed, "the new one is kept in its turn");
    assert_eq!(service.seen().authorizations(), 2);
}

#[tokio::test]
async fn a_failure_without_a_receipt_gives_way_once_the_authorization_has_lapsed() {
    let directory = tempfile::tempdir().unwrap();
    // Offers that are good at the later time too: the service's clock does not move.
    let quote: fn(&mut _, &crate::support::Evidence) =
        |q, e| crate::support::offers::offer_by(e.receipt_key(), q, now() + 3600);
    let before = vec![Step::Code(410, "cancelled"); 3];
    let service = FakeService::start(Wrong { before, quote: Some(quote), ..Wrong::default() }).await;
    let kept = options(Some(in_directory(directory.path())));
    assert!(failure(fail(&service, &kept).await).receipt.is_none());
    assert!(failure(fail(&service, &kept).await).receipt.is_none());
    assert_eq!(service.seen().authorizations(), 1, "it may still be taken");
    let _ = buy(&service, &PurchaseOptions { clock: || now() + 600, ..kept }).await;
    assert_eq!(service.seen().authorizations(), 2);
}

#[tokio::test]
async fn being_told_to_pay_anew_changes_nothing_before_the_terms_are_good() {
    let directory = tempfile::tempdir().unwrap();
    let service = FakeService::start(Wrong { before: vec![Step::Status(402)], ..Wrong::default() }).await;
    let pending = in_directory(directory.path());
    fail(&service, &options(Some(pending.clone()))).await;
    let capped = PurchaseOptions {
        new_payment: true,
        max_price: Some("1499atomic".parse().unwrap()),
        ..options(Some(pending.clone()))
    };
    assert!(matches!(fail(&service, &capped).await, ClientError::Terms(_)));
    assert!(pending.path().exists());
}

#[tokio::test]
async fn a_payment_that_is_taken_first_is_said_before_it_is_signed() {
    for upfront in [false, true] {
        let service = FakeService::start(Wrong { upfront, ..Wrong::default() }).await;
        let (bought, events) = watch(&service, &options(None)).await;
        assert!(bought.is_ok());
        assert!(matches!(events[0], Progress::Terms { upfront: said, .. } if said == upfront));
    }
}

#[tokio::test]
async fn a_refusal_for_good_ends_the_payment_and_the_next_run_signs_with_the_key_that_it_is_given() {
    for step in [Step::Refused("invalid_transaction_state"), Step::Unfit("insufficient_funds")] {
        let directory = tempfile::tempdir().unwrap();
        let service = FakeService::start(Wrong { before: vec![step], ..Wrong::default() }).await;
        let pending = in_directory(directory.path());
        let kept = options(Some(pending.clone()));
        let error = fail(&service, &kept).await;
        assert!(matches!(error, ClientError::PaymentRefused { is_final: true, .. }), "{step:?}: {error}");
        assert!(!pending.path().exists(), "{step:?}: it will not be taken any more");
        let purchase = buy(&service, &kept).await.unwrap_or_else(|e| panic!("{step:?}: {e}"));
        assert!(!purchase.resumed, "{step:?}");
        assert_eq!(service.seen().authorizations(), 2, "{step:?}");
    }
}

#[tokio::test]
async fn a_payment_of_an_earlier_run_that_is_refused_for_good_gives_way_in_the_same_run() {
    let directory = tempfile::tempdir().unwrap();
    let before = vec![Step::Code(503, "busy"), Step::Unfit("insufficient_funds")];
    let service = FakeService::start(Wrong { before, ..Wrong::default() }).await;
    let kept = options(Some(in_directory(directory.path())));
    let once = PurchaseOptions { retry: precis_client::Retry { attempts: 1, ..kept.retry }, ..kept.clone() };
    fail(&service, &once).await;
    let other = precis_client::Wallet::from_hex(&"43".repeat(32)).unwrap();
    let mut given_way = 0;
    let session = crate::support::buyer::session(&service).await;
    let purchase = session
        .purchase(&crate::support::buyer::request(), Some(&other), &kept, &mut |event| {
            given_way += usize::from(matches!(event, Progress::GivenWay { .. }));
        })
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((purchase.payment.payer, given_way), (other.address(), 1), "the funded key paid");
    assert_eq!(service.seen().authorizations(), 2);
}

#[tokio::test]
async fn a_refusal_that_does_not_say_why_or_came_over_another_channel_keeps_the_payment() {
    for step in [Step::Status(402), Step::Unfit("invalid_transaction_state"), Step::Code(409, "payment_reused")] {
        let directory = tempfile::tempdir().unwrap();
        let service = FakeService::start(Wrong { before: vec![step], ..Wrong::default() }).await;
        let pending = in_directory(directory.path());
        fail(&service, &options(Some(pending.clone()))).await;
        assert!(pending.path().exists(), "{step:?}");
    }
    let directory = tempfile::tempdir().unwrap();
    let before = vec![Step::Unfit("insufficient_funds")];
    let service = FakeService::start(Wrong { before, ..Wrong::default() }).await;
    let pending = in_directory(directory.path());
    let session = crate::support::buyer::session_over(&service, crate::support::buyer::plain()).await;
    let (request, wallet) = (crate::support::buyer::request(), crate::support::buyer::wallet());
    let bought = session.purchase(&request, Some(&wallet), &options(Some(pending.clone())), &mut |_| {}).await;
    assert!(bought.is_err() && pending.path().exists(), "nobody knows who refused");
}

#[tokio::test]
async fn a_payment_that_was_accepted_and_then_forgotten_never_gives_way_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let quote: fn(&mut _, &crate::support::Evidence) =
        |q, e| crate::support::offers::offer_by(e.receipt_key(), q, now() + 3600);
    let late = Step::Unfit("invalid_exact_evm_payload_authorization_valid_before");
    let (before, polls) = (vec![Step::Accept, late], vec![Step::Code(410, "job_expired")]);
    let service = FakeService::start(Wrong { before, polls, quote: Some(quote), ..Wrong::default() }).await;
    let pending = in_directory(directory.path());
    let kept = options(Some(pending.clone()));
    assert!(matches!(fail(&service, &PurchaseOptions { wait: false, ..kept.clone() }).await, ClientError::Underway(_)));
    let error = fail(&service, &PurchaseOptions { clock: || now() + 600, ..kept }).await;
    assert!(matches!(error, ClientError::PaymentRefused { .. }), "{error}");
    assert!(pending.path().exists());
    assert_eq!(service.seen().authorizations(), 1, "it may have been charged");
}

#[tokio::test]
async fn a_lapsed_payment_gives_way_only_if_the_service_says_that_it_did_not_take_it() {
    for (uncharged, step, authorizations) in [
        (true, Step::Status(402), 2),
        (false, Step::Status(402), 1),
        (false, Step::Unfit("invalid_exact_evm_payload_authorization_valid_before"), 1),
        (true, Step::Code(410, "job_expired"), 1),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let quote: fn(&mut _, &crate::support::Evidence) =
            |q, e| crate::support::offers::offer_by(e.receipt_key(), q, now() + 3600);
        // The first answer is lost, so that nobody knows whether the payment was taken.
        let before = vec![Step::Status(503), step];
        let service = FakeService::start(Wrong { before, quote: Some(quote), uncharged, ..Wrong::default() }).await;
        let pending = in_directory(directory.path());
        let kept = options(Some(pending.clone()));
        let once = PurchaseOptions { retry: precis_client::Retry { attempts: 1, ..kept.retry }, ..kept.clone() };
        fail(&service, &once).await;
        let _ = buy(&service, &PurchaseOptions { clock: || now() + 600, ..kept }).await;
        assert_eq!(service.seen().authorizations(), authorizations, "{uncharged} {step:?}");
        assert!(pending.path().exists(), "{uncharged} {step:?}");
    }
}

#[tokio::test]
async fn a_payment_that_is_kept_needs_no_key_and_obeys_a_cap_only_when_one_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let service = FakeService::start(Wrong { before: vec![Step::Accept], ..Wrong::default() }).await;
    let kept = options(Some(in_directory(directory.path())));
    assert!(matches!(fail(&service, &PurchaseOptions { wait: false, ..kept.clone() }).await, ClientError::Underway(_)));
    let capped = PurchaseOptions { max_price: Some("1atomic".parse().unwrap()), ..kept.clone() };
    let error = fail(&service, &capped).await;
    assert!(matches!(error, ClientError::Terms(precis_client::TermsError::KeptOverCap { .. })), "{error}");
    assert!(!error.to_string().contains("nothing was signed"), "{error}");
    let session = crate::support::buyer::session(&service).await;
    let purchase = session.purchase(&crate::support::buyer::request(), None, &kept, &mut |_| {}).await;
    assert!(purchase.is_ok_and(|purchase| purchase.resumed));
    assert_eq!(service.seen().payments.len(), 1);
}
