//! The command keeps its word about money: nothing is paid twice, and whatever it ends with, it says what is signed.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::desk::{Desk, Running, code, stderr, stdout};
use crate::support::{FakeService, Step, Wrong};
use serde_json::Value;

fn json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn wrong(before: Vec<Step>, polls: Vec<Step>) -> Wrong {
    Wrong { before, polls, ..Wrong::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_fetched_by_the_same_payment_whatever_receipt_file_is_named() {
    let service = FakeService::start(wrong(vec![Step::Accept], Vec::new())).await;
    let desk = Desk::new(&service);
    let ordered = desk.summarize(&service, &["--no-wait"]).await;
    assert_eq!(code(&ordered), 6, "{}", stderr(&ordered));
    assert!(stderr(&ordered).contains("money: a payment of 1500 atomic units"), "{}", stderr(&ordered));
    assert!(!stderr(&ordered).contains("--no-wait"), "the command that fetches it: {}", stderr(&ordered));
    let fetched = desk.summarize(&service, &["--receipt", "r.json"]).await;
    assert_eq!((code(&fetched), stdout(&fetched)), (0, "Hello\n"), "{}", stderr(&fetched));
    assert_eq!(service.seen().authorizations(), 1);
    assert_eq!(code(&desk.run(&["receipt", "verify", "r.json"]).await), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_purchase_that_is_repeated_is_printed_and_not_paid() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    assert_eq!(code(&desk.summarize(&service, &[]).await), 0);
    let asked = service.seen().outer.len();
    for more in [&[][..], &["--receipt", "r.json"], &["--no-wait"], &["--new-payment"], &["--max-price", "0"]] {
        let again = desk.summarize(&service, more).await;
        assert_eq!((code(&again), stdout(&again)), (0, "Hello\n"), "{}", stderr(&again));
        assert!(
            stderr(&again).contains("already paid, nothing was charged; --again buys another"),
            "{}",
            stderr(&again)
        );
    }
    let without_key = desk.run(&["summarize", "document.txt", "--url", &service.url, "--json"]).await;
    assert_eq!(json(&without_key)["alreadyPaid"], true, "{}", stderr(&without_key));
    assert_eq!(json(&without_key)["result"]["summary"], "Hello");
    assert_eq!(service.seen().outer.len(), asked, "nobody was asked");
    assert_eq!(code(&desk.run(&["receipt", "verify", "r.json"]).await), 0);

    let other = desk.summarize(&service, &["--max-words", "9"]).await;
    assert_eq!(code(&other), 0, "another request is another purchase: {}", stderr(&other));
    let bought = desk.summarize(&service, &["--again", "--json"]).await;
    assert_eq!((code(&bought), json(&bought)["alreadyPaid"].as_bool()), (0, Some(false)), "{}", stderr(&bought));
    assert_eq!(service.seen().authorizations(), 3);
    assert_eq!((desk.kept("receipt-1.json").len(), desk.kept("receipt-2.json").len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_purchase_says_what_is_signed_and_the_same_command_fetches_it() {
    for (signal, flags) in [("INT", &[][..]), ("TERM", &["--json"])] {
        let service = FakeService::start(wrong(vec![Step::Accept], vec![Step::Accept; 10_000])).await;
        let desk = Desk::new(&service);
        let mut running = desk.running(&service, flags);
        running.says("job: accepted");
        running.signal(signal);
        let (code_of, out, said) = running.end();
        assert_eq!(code_of, Some(6), "{said}");
        assert!(said.contains("error: interrupted"), "{said}");
        assert!(said.contains("is signed; the service may take it until 20"), "{said}");
        assert!(said.contains("next:  precis summarize document.txt --url"), "{said}");
        if let [_] = flags {
            let out: Value = serde_json::from_str(&out).unwrap();
            let payment = &service.seen().payments[0].payload.authorization;
            assert_eq!(out["money"]["amount"], "1500");
            assert_eq!(out["money"]["validBefore"].as_u64(), u64::try_from(payment.valid_before).ok());
        }
        service.finish();
        let fetched = desk.summarize(&service, &[]).await;
        assert_eq!((code(&fetched), stdout(&fetched)), (0, "Hello\n"), "{}", stderr(&fetched));
        assert_eq!(service.seen().authorizations(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_before_anything_is_signed_it_says_so() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for (signal, expected) in [("INT", 130), ("TERM", 143)] {
        let url = format!("http://{}", silent.local_addr().unwrap());
        let mut command = desk.command(&["summarize", "document.txt", "--url", &url, "--key-file", "key"]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let running = Running::start(command);
        // From here on it waits for the answer.
        let (_connection, _) = silent.accept().unwrap();
        running.signal(signal);
        let (code_of, _, said) = running.end();
        assert_eq!(code_of, Some(expected), "{said}");
        assert!(said.contains("money: this command signed nothing"), "{said}");
    }
    assert!(desk.kept("pending.json").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_the_payment_on_its_way_the_next_run_sends_the_same_one() {
    let service = FakeService::start(wrong(vec![Step::Hang; 3], Vec::new())).await;
    let desk = Desk::new(&service);
    for sent in 1..=3 {
        let mut running = desk.running(&service, &[]);
        while service.seen().payments.len() < sent {
            if running.has_ended() {
                panic!("it ended without paying: {}", running.end().2);
            }
            tokio::task::yield_now().await;
        }
        running.signal("KILL");
        assert_eq!(running.end().0, None);
    }
    let bought = desk.summarize(&service, &["--receipt", "r.json"]).await;
    assert_eq!(code(&bought), 0, "{}", stderr(&bought));
    let seen = service.seen();
    assert_eq!((seen.payments.len(), seen.authorizations()), (4, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_sign_one_payment_and_the_second_is_told_to_wait() {
    let service = FakeService::start(wrong(vec![Step::Accept], vec![Step::Accept; 10_000])).await;
    let desk = Desk::new(&service);
    let mut first = desk.running(&service, &[]);
    first.says("job: accepted");
    let second = desk.summarize(&service, &["--receipt", "r.json"]).await;
    assert_eq!(code(&second), 3, "{}", stderr(&second));
    assert!(stderr(&second).contains("another precis (process "), "{}", stderr(&second));
    assert!(stderr(&second).contains("is signed; the service may take it until"), "{}", stderr(&second));
    service.finish();
    let (code_of, out, said) = first.end();
    assert_eq!((code_of, out.as_str()), (Some(0), "Hello\n"), "{said}");
    assert_eq!(service.seen().authorizations(), 1);
    assert_eq!(code(&desk.summarize(&service, &[]).await), 0);
    assert_eq!(service.seen().authorizations(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_never_says_of_a_signed_payment_that_nothing_was_signed() {
    let service = FakeService::start(wrong(vec![Step::Accept], vec![Step::Accept])).await;
    let desk = Desk::new(&service);
    assert_eq!(code(&desk.summarize(&service, &["--no-wait"]).await), 6);
    let capped = desk.summarize(&service, &["--max-price", "1atomic", "--json"]).await;
    assert_eq!(code(&capped), 4, "{}", stderr(&capped));
    assert!(stderr(&capped).contains("an unfinished payment of 1500 atomic units is kept"), "{}", stderr(&capped));
    for untrue in ["nothing was signed", "signed nothing"] {
        assert!(!stderr(&capped).contains(untrue), "{}", stderr(&capped));
    }
    assert_eq!(json(&capped)["money"]["status"], "signed");
    let unreachable =
        desk.run(&["summarize", "document.txt", "--url", "http://127.0.0.1:9", "--key-file", "key"]).await;
    assert_eq!(code(&unreachable), 3);
    assert!(stderr(&unreachable).contains("a payment of 1500 atomic units"), "{}", stderr(&unreachable));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_wallet_that_was_refused_makes_way_for_a_funded_one() {
    let service = FakeService::start(wrong(vec![Step::Unfit("insufficient_funds")], Vec::new())).await;
    let desk = Desk::new(&service);
    let empty = desk.summarize(&service, &[]).await;
    assert_eq!(code(&empty), 4, "{}", stderr(&empty));
    assert!(stderr(&empty).contains("insufficient_funds") && stderr(&empty).contains("money: nothing was charged"));
    desk.key(&"43".repeat(32), 0o600);
    let funded = desk.summarize(&service, &[]).await;
    assert_eq!(code(&funded), 0, "{}", stderr(&funded));
    let seen = service.seen();
    let payer = |number: usize| seen.payments[number].payload.authorization.from;
    assert_ne!(payer(0), payer(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_that_could_not_be_written_is_printed_by_the_same_command_for_nothing() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let unwritable = desk.summarize(&service, &["--receipt", "nowhere/r.json"]).await;
    assert_eq!(code(&unwritable), 2, "{}", stderr(&unwritable));
    assert!(stderr(&unwritable).contains("money: paid"), "{}", stderr(&unwritable));
    let again = desk.summarize(&service, &["--receipt", "r.json"]).await;
    assert_eq!((code(&again), stdout(&again)), (0, "Hello\n"), "{}", stderr(&again));
    assert_eq!(service.seen().authorizations(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_for_its_record_nothing_is_sent() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let arguments = ["summarize", "document.txt", "--url", &service.url, "--key-file", "key"];
    let mut nowhere = desk.command(&arguments);
    nowhere.env_remove("XDG_STATE_HOME");
    let nowhere = crate::desk::run(nowhere).await;
    assert_eq!(code(&nowhere), 2, "{}", stderr(&nowhere));
    assert!(stderr(&nowhere).contains("PRECIS_STATE_HOME"), "{}", stderr(&nowhere));
    std::fs::write(desk.path("file"), "").unwrap();
    let mut blocked = desk.command(&arguments);
    blocked.env("PRECIS_STATE_HOME", desk.path("file/below"));
    let blocked = crate::desk::run(blocked).await;
    assert_eq!(code(&blocked), 2, "{}", stderr(&blocked));
    assert!(service.seen().outer.is_empty());
    let mut named = desk.command(&arguments);
    named.env("PRECIS_STATE_HOME", desk.path("elsewhere"));
    assert_eq!(code(&crate::desk::run(named).await), 0);
    assert!(desk.path("elsewhere/purchases").is_dir());
}
