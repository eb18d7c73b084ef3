//! The command from outside: exit codes, what goes where, and what never leaves the machine.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Output;

use crate::desk::{Desk, KEY, code, run, stderr, stdout};
use crate::support::{FakeService, Step, Wrong};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_goes_to_stdout_and_everything_else_to_stderr() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let output = desk.summarize(&service, &["--receipt", "receipt.json"]).await;
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stdout(&output), "Hello\n");
    for stage in ["INSECURE", "verify: ", "price: 1500 atomic units", "paid: ", "receipt: "] {
        assert!(stderr(&output).contains(stage), "{stage}: {}", stderr(&output));
    }
    assert!(!stderr(&output).contains("canary"), "nothing of the document");
    assert!(desk.kept("pending.json").is_empty(), "a finished purchase leaves no unfinished payment");
    let checked = desk.run(&["receipt", "verify", "receipt.json", "--document", "document.txt"]).await;
    assert_eq!(code(&checked), 0, "{}{}", stdout(&checked), stderr(&checked));
    assert!(
        stdout(&checked).ends_with("not evaluated\n") && stdout(&checked).contains("VERIFIED (INSECURE)"),
        "{}",
        stdout(&checked)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_everything_in_one_document() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let output = desk.summarize(&service, &["--format", "json"]).await;
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["result"]["summary"], "Hello");
    assert_eq!(value["payment"]["amount"], "1500");
    assert_eq!(value["transcript"]["verdict"], "VERIFIED");
    assert_eq!(value["insecure"], true);
    std::fs::write(desk.path("from-json"), value["receiptFile"].to_string()).unwrap();
    assert_eq!(code(&desk.run(&["receipt", "verify", "from-json"]).await), 0);
    let quote = desk.run(&["quote", "document.txt", "--url", &service.url, "--format", "json"]).await;
    let quote: Value = serde_json::from_slice(&quote.stdout).unwrap();
    assert_eq!((quote["tokens"].as_u64(), quote["amount"].as_str()), (Some(900), Some("1500")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_byte_of_the_attestation_decides_and_nothing_leaves_the_machine() {
    for at in [700, 3_000, 12_000] {
        let service = FakeService::start(Wrong { attestation_byte: Some(at), ..Wrong::default() }).await;
        let desk = Desk::new(&service);
        for output in [desk.run(&["verify", &service.url]).await, desk.summarize(&service, &[]).await] {
            assert!([1, 5].contains(&code(&output)), "byte {at}: {}", stderr(&output));
        }
        assert!(service.seen().outer.iter().all(|r| r.starts_with("GET ")), "byte {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_answer_or_receipt_withholds_the_summary() {
    let wrongs = [
        Wrong { answer_byte: true, ..Wrong::default() },
        Wrong { plaintext: Some(200), ..Wrong::default() },
        Wrong { receipt: Some(|r| r["receipt"]["sequence"] = 2.into()), ..Wrong::default() },
        Wrong { result: Some(|r| *r = r.replace("Hello", "Jello")), ..Wrong::default() },
    ];
    for wrong in wrongs {
        let service = FakeService::start(wrong).await;
        let desk = Desk::new(&service);
        let output = desk.summarize(&service, &[]).await;
        assert!([1, 5].contains(&code(&output)), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_byte_of_a_saved_receipt_decides() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    assert_eq!(code(&desk.summarize(&service, &["--receipt", "receipt.json"]).await), 0);
    let good = std::fs::read(desk.path("receipt.json")).unwrap();
    // The request, the result, the receipt and the salts stand in the first bytes, the evidence behind them.
    for at in (10..good.len()).step_by(good.len() / 40) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(desk.path("bad.json"), &bad).unwrap();
        let output = desk.run(&["receipt", "verify", "bad.json"]).await;
        assert!([1, 5].contains(&code(&output)), "byte {at}: {}", stdout(&output));
    }
    std::fs::write(desk.path("other.txt"), "Hello, another document.").unwrap();
    let other = desk.run(&["receipt", "verify", "receipt.json", "--document", "other.txt"]).await;
    assert_eq!(code(&other), 1, "the sentence stands there too, but it is not the document that was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn payment_refusals_and_the_cap_exit_with_four() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let capped = desk.summarize(&service, &["--max-price", "1499atomic", "--format", "json"]).await;
    assert_eq!(code(&capped), 4);
    let error: Value = serde_json::from_slice(&capped.stdout).unwrap();
    assert_eq!(error["error"]["exitCode"], 4);
    assert!(service.seen().payments.is_empty());
    let service = FakeService::start(Wrong { before: vec![Step::Status(402)], ..Wrong::default() }).await;
    let desk = Desk::new(&service);
    assert_eq!(code(&desk.summarize(&service, &[]).await), 4);
    assert_eq!(desk.kept("pending.json").len(), 1, "the payment is kept without --receipt too");
    let resumed = desk.summarize(&service, &[]).await;
    assert_eq!((code(&resumed), stdout(&resumed)), (0, "Hello\n"));
    assert!(desk.kept("pending.json").is_empty());
    let seen = service.seen();
    assert_eq!(seen.payments[0].payload, seen.payments[1].payload);
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_errors_exit_with_two_before_anything_is_sent() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let expect = async |output: Output, words: &str| {
        assert_eq!(code(&output), 2, "{}", stderr(&output));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    };
    let mut without_policy = desk.command(&["verify", &service.url]);
    without_policy.env_remove("PRECIS_POLICY");
    expect(run(without_policy).await, "no policy").await;
    std::fs::write(desk.path("binary"), [0xff, 0xfe, 0]).unwrap();
    expect(desk.run(&["summarize", "binary", "--url", &service.url, "--key-file", "key"]).await, "not UTF-8").await;
    expect(desk.run(&["summarize", "document.txt", "--url", &service.url]).await, "no key").await;
    let mut two_keys = desk.command(&["summarize", "document.txt", "--url", &service.url, "--key-file", "key"]);
    two_keys.env("PRECIS_KEY", KEY);
    expect(run(two_keys).await, "two keys").await;
    desk.key(KEY, 0o640);
    let shared = desk.summarize(&service, &[]).await;
    assert!(!stderr(&shared).contains(KEY));
    expect(shared, "chmod 600").await;
    desk.key("0x1234", 0o600);
    expect(desk.summarize(&service, &[]).await, "secp256k1").await;
    expect(desk.run(&["verify", "ftp://precis.example"]).await, "not an http").await;
    assert!(service.seen().outer.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_from_standard_input_and_a_key_from_the_environment_work() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let mut command = desk.command(&["summarize", "-", "--media-type", "text/markdown", "--url", &service.url]);
    command.env("PRECIS_KEY", KEY).stdin(std::fs::File::open(desk.path("document.txt")).unwrap());
    let output = run(command).await;
    assert_eq!((code(&output), stdout(&output)), (0, "Hello\n"), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_exits_with_three() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let output = desk.run(&["verify", &nobody]).await;
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert!(stderr(&output).contains("cannot be reached"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_auditor_gets_every_check_and_its_reason() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let output = desk.run(&["verify", &service.url]).await;
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert!(stdout(&output).starts_with("VERIFIED (INSECURE)") && stdout(&output).contains("\nINSECURE: "));
    assert!(stdout(&output).contains("channel.key"));
    let explained = desk.run(&["verify", &service.url, "--explain"]).await;
    assert!(stdout(&explained).lines().count() > stdout(&output).lines().count());
    let json = desk.run(&["verify", &service.url, "--format", "json"]).await;
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["transcript"]["insecure"], true);
}
