//! The command and summaries that take longer, fail, or are paid first.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::desk::{Desk, code, stderr, stdout};
use crate::support::{FakeService, Step, Wrong};
use serde_json::Value;

const RECEIPT: [&str; 2] = ["--receipt", "receipt.json"];

fn taken(polls: Vec<Step>) -> Wrong {
    Wrong { before: vec![Step::Accept], polls, ..Wrong::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_not_waited_for_exits_with_six_and_the_same_command_fetches_it() {
    let service = FakeService::start(taken(vec![Step::Accept])).await;
    let desk = Desk::new(&service);
    for _ in 0..2 {
        let ordered = desk.summarize(&service, &["--no-wait"]).await;
        assert_eq!((code(&ordered), stdout(&ordered)), (6, ""), "{}", stderr(&ordered));
        assert!(stderr(&ordered).contains("run the same command again"), "{}", stderr(&ordered));
    }
    let fetched = desk.summarize(&service, &[]).await;
    assert_eq!((code(&fetched), stdout(&fetched)), (0, "Hello\n"), "{}", stderr(&fetched));
    assert!(desk.kept("pending.json").is_empty());
    assert_eq!(service.seen().payments.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_called_off_without_a_key_and_its_receipt_is_kept() {
    let service = FakeService::start(taken(Vec::new())).await;
    let desk = Desk::new(&service);
    let order = desk.summarize(&service, &[&RECEIPT[..], &["--no-wait", "--json"]].concat()).await;
    assert_eq!(code(&order), 6, "{}", stderr(&order));
    assert_eq!(serde_json::from_slice::<Value>(&order.stdout).unwrap()["status"], "accepted");
    let arguments = ["summarize", "document.txt", "--url", &service.url, "--cancel"];
    let cancelled = desk.run(&[&arguments[..], &RECEIPT].concat()).await;
    assert_eq!(code(&cancelled), 0, "{}", stderr(&cancelled));
    assert_eq!(stdout(&cancelled), "called off; nothing was charged\n");
    assert!(desk.kept("pending.json").is_empty());
    let checked = desk.run(&["receipt", "verify", "receipt.json.failure.json", "--document", "document.txt"]).await;
    assert_eq!(code(&checked), 0, "{}{}", stdout(&checked), stderr(&checked));
    let again = desk.run(&[&arguments[..], &RECEIPT].concat()).await;
    assert_eq!(code(&again), 2, "there is nothing left to call off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_said_with_its_cost_and_its_receipt_verifies_offline() {
    let cases =
        [(vec![Step::Failed], "not charged"), (vec![Step::Refunded], "charged and paid back by transaction 0x9999")];
    for (before, words) in cases {
        let service = FakeService::start(Wrong { before, ..Wrong::default() }).await;
        let desk = Desk::new(&service);
        let failed = desk.summarize(&service, &RECEIPT).await;
        assert_eq!((code(&failed), stdout(&failed)), (3, ""), "{}", stderr(&failed));
        assert!(stderr(&failed).contains(words), "{}", stderr(&failed));
        assert!(desk.kept("pending.json").is_empty(), "final, so that the next run may pay anew");
        let checked = desk.run(&["receipt", "verify", "receipt.json.failure.json"]).await;
        assert_eq!(code(&checked), 0, "{}{}", stdout(&checked), stderr(&checked));
        assert!(stderr(&checked).contains("there is no summary"), "{}", stderr(&checked));
        assert_eq!(code(&desk.summarize(&service, &RECEIPT).await), 0);
        assert_eq!(service.seen().authorizations(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_is_not_proved_keeps_the_payment() {
    let receipt: fn(&mut Value) = |r| r["receipt"]["sequence"] = 2.into();
    let service =
        FakeService::start(Wrong { before: vec![Step::Failed], receipt: Some(receipt), ..Wrong::default() }).await;
    let desk = Desk::new(&service);
    let failed = desk.summarize(&service, &[&RECEIPT[..], &["--json"]].concat()).await;
    assert_eq!(code(&failed), 1, "{}", stderr(&failed));
    assert!(stderr(&failed).contains("does not verify"), "{}", stderr(&failed));
    let json: Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!(
        (json["job"]["problem"]["code"].as_str(), json["job"]["receiptFile"].is_null()),
        (Some("work_failed"), true)
    );
    assert!(!desk.kept("pending.json").is_empty() && !desk.path("receipt.json.failure.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_payment_is_signed_only_with_the_risk_said() {
    let service = FakeService::start(Wrong { before: vec![Step::Status(402)], ..Wrong::default() }).await;
    let desk = Desk::new(&service);
    assert_eq!(code(&desk.summarize(&service, &[]).await), 4);
    let anew = desk.summarize(&service, &["--new-payment"]).await;
    assert_eq!(code(&anew), 0, "{}", stderr(&anew));
    assert!(stderr(&anew).contains("You may be charged twice"), "{}", stderr(&anew));
    assert_eq!(service.seen().authorizations(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_before_the_work_is_said_on_standard_error() {
    let service = FakeService::start(Wrong { upfront: true, ..Wrong::default() }).await;
    let desk = Desk::new(&service);
    let output = desk.summarize(&service, &[]).await;
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("taken before the work, and paid back if that fails"), "{}", stderr(&output));
}
