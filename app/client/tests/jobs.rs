//! Summaries that take longer: followed, fetched later, called off.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use crate::support::buyer::{buy, fail, in_directory, options, request, session, session_over, wallet, watch};
use crate::support::{FakeService, Step, Wrong, now};
use precis_client::{ClientError, Connection, Progress, PurchaseOptions, Retry};

fn taken(polls: &[Step]) -> Wrong {
    Wrong { before: vec![Step::Accept], polls: polls.to_vec(), ..Wrong::default() }
}

#[tokio::test]
async fn a_job_is_followed_for_as_long_as_it_goes_on_and_the_document_is_sent_once() {
    let service = FakeService::start(taken(&[Step::Accept; 40])).await;
    let few = Retry { attempts: 2, ..options(None).retry };
    let (bought, events) = watch(&service, &PurchaseOptions { retry: few, ..options(None) }).await;
    assert_eq!(bought.unwrap_or_else(|e| panic!("{e}")).result.summary, "Hello");
    let seen = service.seen();
    assert_eq!((seen.payments.len(), seen.of_jobs("GET")), (1, 41));
    assert!(seen.outer.iter().all(|r| !r.contains("/v1/summaries")), "the token travels encrypted, too");
    let working: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Progress::Working { status, tokens_read, tokens } => Some((status.as_str(), *tokens_read, *tokens)),
            _ => None,
        })
        .collect();
    assert_eq!(working, [("accepted", 0, 0), ("working", 300, 900)], "told when it changes");
}

#[tokio::test]
async fn patience_ends_and_the_next_run_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let service = FakeService::start(taken(&[])).await;
    let patient = options(Some(in_directory(directory.path())));
    let hasty = Retry { patience: Duration::ZERO, ..patient.retry };
    let error = fail(&service, &PurchaseOptions { retry: hasty, ..patient.clone() }).await;
    assert!(matches!(error, ClientError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains("run the same command again"), "{error}");
    assert!(buy(&service, &patient).await.is_ok());
    let seen = service.seen();
    assert_eq!((seen.payments.len(), seen.of_jobs("GET")), (1, 1));
}

#[tokio::test]
async fn an_order_that_is_not_waited_for_is_fetched_by_the_next_run_without_the_document() {
    let directory = tempfile::tempdir().unwrap();
    let service = FakeService::start(taken(&[Step::Accept])).await;
    let waiting = options(Some(in_directory(directory.path())));
    let leaving = PurchaseOptions { wait: false, ..waiting.clone() };
    assert!(matches!(fail(&service, &leaving).await, ClientError::Underway(_)));
    assert_eq!(service.seen().preferences, ["respond-async"]);
    assert!(matches!(fail(&service, &leaving).await, ClientError::Underway(_)), "looked, not there yet");
    let purchase = buy(&service, &waiting).await.unwrap_or_else(|e| panic!("{e}"));
    assert!(purchase.resumed);
    let seen = service.seen();
    let posts = seen.inner.iter().filter(|request| request.starts_with("POST")).count();
    assert_eq!((posts, seen.of_jobs("GET")), (2, 2), "for the terms, for the payment, and never again");
}

#[tokio::test]
async fn a_receipt_of_an_earlier_boot_that_is_dated_before_the_payment_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let wrong = Wrong {
        receipt: Some(|receipt| receipt["receipt"]["issuedAt"] = 1_600_000_000.into()),
        ..taken(&[Step::Restart])
    };
    let service = FakeService::start(wrong).await;
    let options = options(Some(in_directory(directory.path())));
    fail(&service, &options).await;
    let error = fail(&service, &options).await;
    assert!(matches!(error, ClientError::CannotVerify(_)), "{error}");
    assert!(error.to_string().contains("dated before the payment was signed"), "{error}");
}

#[tokio::test]
async fn an_order_that_could_not_be_found_again_is_not_placed() {
    let service = FakeService::start(Wrong::default()).await;
    let error = fail(&service, &PurchaseOptions { wait: false, ..options(None) }).await;
    assert!(matches!(error, ClientError::Input(_)), "{error}");
    assert!(service.seen().inner.is_empty());
}

#[tokio::test]
async fn a_client_that_waits_less_than_the_service_says_so() {
    for (seconds, preference) in [(120, ""), (10, "wait=5")] {
        let service = FakeService::start(Wrong::default()).await;
        let connection = Connection { timeout: Duration::from_secs(seconds), ..Connection::default() };
        let session = session_over(&service, connection).await;
        assert!(session.purchase(&request(), Some(&wallet()), &options(None), &mut |_| {}).await.is_ok());
        assert_eq!(service.seen().preferences, [preference]);
    }
    for (soon, preference) in [(1, "wait=1"), (600, "")] {
        let service = FakeService::start(Wrong::default()).await;
        let watched = PurchaseOptions { word_after: Some(Duration::from_secs(soon)), ..options(None) };
        assert!(watch(&service, &watched).await.0.is_ok());
        assert_eq!(service.seen().preferences, [preference]);
    }
}

#[tokio::test]
async fn a_job_that_has_not_begun_is_called_off_and_the_receipt_proves_it() {
    let directory = tempfile::tempdir().unwrap();
    let service = FakeService::start(taken(&[])).await;
    let pending = in_directory(directory.path());
    let leaving = PurchaseOptions { wait: false, ..options(Some(pending.clone())) };
    assert!(matches!(fail(&service, &leaving).await, ClientError::Underway(_)));
    let failure = session(&service).await.cancel(&request(), &pending, now()).await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((failure.problem.code.as_str(), failure.refund()), ("cancelled", None));
    assert!(failure.receipt.is_some() && pending.path().exists());
    assert_eq!(service.seen().of_jobs("DELETE"), 1);
}

/// Whether an error is the right one.
type Expected = fn(&ClientError) -> bool;

#[tokio::test]
async fn a_job_that_has_begun_ended_or_is_not_known_is_not_called_off() {
    let cases: [(Step, Expected); 3] = [
        (Step::Code(409, "job_begun"), |e| matches!(e, ClientError::RequestRefused(_))),
        (Step::Code(404, "unknown_job"), |e| matches!(e, ClientError::RequestRefused(_))),
        (Step::Failed, |e| matches!(e, ClientError::JobFailed(failure) if failure.receipt.is_some())),
    ];
    for (step, expected) in cases {
        let directory = tempfile::tempdir().unwrap();
        let service = FakeService::start(taken(&[step])).await;
        let pending = in_directory(directory.path());
        let leaving = PurchaseOptions { wait: false, ..options(Some(pending.clone())) };
        assert!(matches!(fail(&service, &leaving).await, ClientError::Underway(_)));
        let error = session(&service).await.cancel(&request(), &pending, now()).await.err().unwrap();
        assert!(expected(&error), "{step:?}: {error}");
        assert!(pending.path().exists(), "{step:?}");
    }
}

#[tokio::test]
async fn what_was_never_accepted_cannot_be_called_off() {
    let directory = tempfile::tempdir().unwrap();
    let service = FakeService::start(Wrong { before: vec![Step::Status(402)], ..Wrong::default() }).await;
    let pending = in_directory(directory.path());
    let nothing = session(&service).await.cancel(&request(), &pending, now()).await.err().unwrap();
    assert!(matches!(nothing, ClientError::Input(_)) && nothing.to_string().contains("nothing to call off"));
    fail(&service, &options(Some(pending.clone()))).await;
    let unnamed = session(&service).await.cancel(&request(), &pending, now()).await.err().unwrap();
    assert!(matches!(unnamed, ClientError::Input(_)) && unnamed.to_string().contains("--no-wait"), "{unnamed}");
    assert_eq!(service.seen().of_jobs("DELETE"), 0);
}
