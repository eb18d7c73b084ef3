//! Jobs that end without a summary, and when another authorization may be signed.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use precis_client::{ClientError, JobFailure, Progress, PurchaseOptions};
use precis_verify::Beside;
use support::buyer::{TEXT, buy, fail, in_directory, options, watch};
use support::jobs::REFUND;
use support::{FakeService, Step, Wrong, now};

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
    assert!(matches!(bought.err().unwrap(), ClientError::PaymentRefused(_)));
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
    let quote: fn(&mut _, &support::Evidence) = |q, e| support::offers::offer_by(e.receipt_key(), q, now() + 3600);
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
    let capped =
        PurchaseOptions { new_payment: true, max_price: "1499".parse().unwrap(), ..options(Some(pending.clone())) };
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
