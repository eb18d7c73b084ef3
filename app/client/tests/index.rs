//! The index of purchases: one process at a time, private, and whole whatever a process was killed at.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::buyer::{buy, fail, options, request, request_for};
use crate::support::{FakeService, Step, Wrong, now};
use precis_client::{ClientError, Index, Place, PurchaseOptions};

fn open(state: &Path, service: &FakeService) -> Place {
    Index::at(state).open(&service.evidence.policy.app_id, request().commitment()).unwrap_or_else(|e| panic!("{e}"))
}

fn kept(place: &Place) -> PurchaseOptions {
    options(Some(place.pending()))
}

#[tokio::test]
async fn what_was_bought_is_found_again_with_its_receipt_and_nothing_is_under_way() {
    let state = tempfile::tempdir().unwrap();
    let service = FakeService::start(Wrong::default()).await;
    let place = open(state.path(), &service);
    assert!(place.bought(&request(), &service.evidence.policy, now()).unwrap().is_none());
    let purchase = buy(&service, &kept(&place)).await.unwrap_or_else(|e| panic!("{e}"));
    assert!(place.pending().signed().unwrap().is_some(), "until the receipt is kept");
    let path = place.keep_receipt(&purchase.receipt).unwrap();
    assert!(place.pending().signed().unwrap().is_none());
    let (found, again) = place.bought(&request(), &service.evidence.policy, now()).unwrap().unwrap();
    assert_eq!((found, again.result.summary.as_str()), (path, "Hello"));
    let other = Index::at(state.path()).look(&service.evidence.policy.app_id, request_for("Another.").commitment());
    assert!(other.receipt().unwrap().is_none(), "another request is another purchase");
    let mut policy = service.evidence.policy.clone();
    policy.enclave_identities = [[9; 32]].into_iter().collect();
    let refused = place.bought(&request(), &policy, now());
    assert!(matches!(refused.err().unwrap(), ClientError::Kept { .. }), "not sound under this policy");
}

#[tokio::test]
async fn only_its_owner_reads_the_record() {
    let state = tempfile::tempdir().unwrap();
    let service = FakeService::start(Wrong { before: vec![Step::Status(402)], ..Wrong::default() }).await;
    let place = open(&state.path().join("new"), &service);
    fail(&service, &kept(&place)).await;
    let mut open = vec![state.path().join("new")];
    let (mut directories, mut files) = (0, 0);
    while let Some(path) = open.pop() {
        let metadata = std::fs::metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & 0o777;
        if metadata.is_dir() {
            directories += 1;
            assert_eq!(mode, 0o700, "{}", path.display());
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files += 1;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
    assert_eq!((directories, files), (4, 2), "the state, purchases, app and request; lock and payment");
}

#[tokio::test]
async fn a_second_process_is_told_to_wait_and_may_only_look() {
    let state = tempfile::tempdir().unwrap();
    let service = FakeService::start(Wrong::default()).await;
    let place = open(state.path(), &service);
    let index = Index::at(state.path());
    let busy = index.open(&service.evidence.policy.app_id, request().commitment()).unwrap_err();
    assert!(matches!(busy, ClientError::Unavailable(_)), "{busy}");
    assert!(busy.to_string().contains(&format!("process {}", std::process::id())), "{busy}");
    assert!(!index.look(&service.evidence.policy.app_id, request().commitment()).is_held());
    drop(place);
    assert!(open(state.path(), &service).is_held());
}

#[tokio::test]
async fn a_process_that_was_killed_between_the_receipt_and_the_payment_leaves_a_finished_purchase() {
    let state = tempfile::tempdir().unwrap();
    let service = FakeService::start(Wrong::default()).await;
    let place = open(state.path(), &service);
    let purchase = buy(&service, &kept(&place)).await.unwrap_or_else(|e| panic!("{e}"));
    let payment = std::fs::read(place.pending().path()).unwrap();
    let receipt = place.keep_receipt(&purchase.receipt).unwrap();
    // As if it had been killed before the payment was removed, and another while it wrote.
    std::fs::write(place.pending().path(), &payment).unwrap();
    let half = receipt.with_file_name("receipt-2.json.0011223344556677.tmp");
    std::fs::write(&half, &payment[..40]).unwrap();
    drop(place);
    let place = open(state.path(), &service);
    assert!(place.pending().signed().unwrap().is_none() && !half.exists());
    assert!(place.bought(&request(), &service.evidence.policy, now()).unwrap().is_some());
}

#[tokio::test]
async fn a_payment_that_was_signed_after_the_last_receipt_is_still_under_way() {
    let state = tempfile::tempdir().unwrap();
    let before = vec![Step::Cut, Step::Status(402)];
    let service = FakeService::start(Wrong { before, ..Wrong::default() }).await;
    let place = open(state.path(), &service);
    let purchase = crate::support::buyer::buy(&service, &kept(&place)).await;
    assert!(purchase.is_err(), "refused without a reason");
    let purchase = buy(&service, &kept(&place)).await.unwrap_or_else(|e| panic!("{e}"));
    place.keep_receipt(&purchase.receipt).unwrap();
    // Bought again, and killed before the answer.
    let other = FakeService::start(Wrong { before: vec![Step::Status(402)], ..Wrong::default() }).await;
    fail(&other, &kept(&place)).await;
    drop(place);
    let place = open(state.path(), &service);
    assert!(place.pending().signed().unwrap().is_some());
    assert!(place.bought(&request(), &service.evidence.policy, now()).unwrap().is_none(), "finish that one first");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_stops_the_purchase() {
    let state = tempfile::tempdir().unwrap();
    let service = FakeService::start(Wrong::default()).await;
    let place = open(state.path(), &service);
    std::fs::write(place.pending().path(), b"{\"version\":").unwrap();
    let error = fail(&service, &kept(&place)).await;
    assert!(matches!(error, ClientError::Input(_)) && error.to_string().contains("check the wallet"), "{error}");
    assert!(service.seen().payments.is_empty());
    drop(place);
    let index = Index::at(state.path());
    assert!(index.open(&service.evidence.policy.app_id, request().commitment()).is_err());
}
