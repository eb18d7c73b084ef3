//! Several documents in one command: files, folders, links; each is bought once, and the whole stays within its bound.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Output;

use crate::desk::{Desk, Running, TEXT, code, stderr, stdout};
use crate::support::{FakeService, Step, Wrong};
use serde_json::Value;

/// A document of its own, which begins as every document at this service has to.
fn write(desk: &Desk, name: &str) {
    let path = desk.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("{}This is {name}.", TEXT.repeat(30))).unwrap();
}

async fn summarize(desk: &Desk, service: &FakeService, files: &[&str], more: &[&str]) -> Output {
    let with = ["--url", &service.url, "--key-file", "key"];
    desk.run(&[&["summarize"], files, &with, more].concat()).await
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}{}", stdout(output), stderr(output)))
}

fn files(said: &Value) -> Vec<&str> {
    said["documents"].as_array().unwrap().iter().map(|entry| entry["file"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_document_is_bought_in_order_under_a_heading_and_their_number_is_said_first() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    ["b.txt", "a.txt"].iter().for_each(|name| write(&desk, name));
    let said = summarize(&desk, &service, &["b.txt", "a.txt"], &["--max-total", "3000atomic"]).await;
    assert_eq!((code(&said), stdout(&said)), (0, "== b.txt\nHello\n\n== a.txt\nHello\n"), "{}", stderr(&said));
    let before = stderr(&said).split("payment: ").next().unwrap();
    let count = "documents: 2, each paid for itself, at most 100000atomic each, at most 3000atomic in all\n";
    assert!(before.contains(count), "{}", stderr(&said));
    assert!(stderr(&said).ends_with("documents: 2 of 2 done, 3000 atomic units spent\n"), "{}", stderr(&said));
    assert_eq!(stderr(&said).matches("verify: ").count(), 1, "the service is verified once");
    assert_eq!(service.seen().authorizations(), 2);
    assert_eq!(desk.kept("receipt-1.json").len(), 2);

    let again = summarize(&desk, &service, &["b.txt", "a.txt"], &["--max-total", "0"]).await;
    assert_eq!((code(&again), stdout(&again)), (0, stdout(&said)), "{}", stderr(&again));
    assert_eq!(service.seen().authorizations(), 2, "what was bought costs nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_fails_does_not_keep_the_others_from_being_bought() {
    let before = vec![Step::Code(422, "not_summarizable")];
    let service = FakeService::start(Wrong { before, ..Wrong::default() }).await;
    let desk = Desk::new(&service);
    ["refused.txt", "good.txt"].iter().for_each(|name| write(&desk, name));
    std::fs::write(desk.path("binary.txt"), [b'a', 0xff]).unwrap();
    let named = ["binary.txt", "refused.txt", "absent.txt", "good.txt"];
    let said = summarize(&desk, &service, &named, &["--json"]).await;
    assert_eq!(code(&said), 2, "that of the first: {}", stderr(&said));
    let value = json(&said);
    assert_eq!(files(&value), named);
    let of = |number: usize| &value["documents"][number];
    assert!(of(0)["error"]["message"].as_str().unwrap().contains("UTF-8"));
    assert_eq!(of(0)["money"]["status"], "untouched");
    assert!(of(1)["error"]["message"].as_str().unwrap().contains("not_summarizable"));
    assert_eq!(of(1)["money"]["status"], "signed");
    assert_eq!(of(3)["result"]["summary"], "Hello");
    assert_eq!((value["spent"].as_str(), value["exitCode"].as_u64()), (Some("3000"), Some(2)), "what is signed counts");
    assert!(stderr(&said).contains("error: binary.txt: "), "{}", stderr(&said));
    assert!(stderr(&said).contains("money: nothing was signed or charged for this document"), "{}", stderr(&said));
    assert!(stderr(&said).contains("# fetches what it pays for, and buys the others"), "{}", stderr(&said));
    assert!(!stderr(&said).contains("signed nothing") && !stderr(&said).contains("signs nothing"), "{}", stderr(&said));
    assert!(stderr(&said).contains("documents: 1 of 4 done"), "{}", stderr(&said));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_hit_every_document_stops_at_the_first() {
    let service =
        FakeService::start(Wrong { before: vec![Step::Unfit("insufficient_funds")], ..Wrong::default() }).await;
    let desk = Desk::new(&service);
    ["a.txt", "b.txt", "c.txt"].iter().for_each(|name| write(&desk, name));
    let named = ["a.txt", "b.txt", "c.txt"];
    let poor = summarize(&desk, &service, &named, &[]).await;
    assert_eq!((code(&poor), stdout(&poor)), (4, ""), "{}", stderr(&poor));
    assert!(stderr(&poor).contains("not bought: b.txt\nnot bought: c.txt\n"), "{}", stderr(&poor));
    assert_eq!(service.seen().payments.len(), 1);
    let keyless = desk.run(&["summarize", "a.txt", "b.txt", "--url", &service.url, "--json"]).await;
    assert_eq!(code(&keyless), 2, "{}", stderr(&keyless));
    assert_eq!(json(&keyless)["documents"][1]["status"], "not-bought");
    let nobody = desk.run(&["summarize", "a.txt", "b.txt", "--url", "http://127.0.0.1:9", "--key-file", "key"]).await;
    assert_eq!(code(&nobody), 3, "{}", stderr(&nobody));
    assert_eq!(stderr(&nobody).matches("cannot be reached").count(), 1, "{}", stderr(&nobody));
    let service = FakeService::start(Wrong { attestation_byte: Some(3_000), ..Wrong::default() }).await;
    let other = summarize(&desk, &service, &named, &[]).await;
    assert!([1, 5].contains(&code(&other)), "{}", stderr(&other));
    assert!(stderr(&other).contains("not bought: c.txt\n") && service.seen().payments.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bound_over_all_stops_before_it_is_passed_and_says_what_was_not_bought() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let named = ["a.txt", "b.txt", "c.txt", "d.txt"];
    named.iter().for_each(|name| write(&desk, name));
    let said = summarize(&desk, &service, &named, &["--max-total", "4499atomic"]).await;
    assert_eq!((code(&said), stdout(&said)), (4, "== a.txt\nHello\n\n== b.txt\nHello\n"), "{}", stderr(&said));
    let why = "error: c.txt: the price is 1500 atomic units, which with the 3000 atomic units spent before is over 4499 atomic units in all";
    assert!(stderr(&said).contains(why), "{}", stderr(&said));
    assert!(stderr(&said).ends_with("not bought: d.txt\ndocuments: 2 of 4 done, 3000 atomic units spent\n"));
    assert_eq!(service.seen().authorizations(), 2);
    let alone = summarize(&desk, &service, &["c.txt"], &["--max-total", "1499atomic"]).await;
    assert_eq!(code(&alone), 4, "it bounds one as well: {}", stderr(&alone));
    let rest = summarize(&desk, &service, &named, &["--max-total", "3000atomic"]).await;
    assert_eq!(code(&rest), 0, "what was bought before is not counted again: {}", stderr(&rest));
    assert_eq!(service.seen().authorizations(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_may_still_be_taken_counts_and_the_price_of_each_is_bounded_for_itself() {
    let service = FakeService::start(Wrong { before: vec![Step::Accept; 2], ..Wrong::default() }).await;
    let desk = Desk::new(&service);
    ["a.txt", "b.txt"].iter().for_each(|name| write(&desk, name));
    let ordered = summarize(&desk, &service, &["a.txt", "b.txt"], &["--no-wait", "--max-total", "2000atomic"]).await;
    assert_eq!(code(&ordered), 6, "{}", stderr(&ordered));
    assert_eq!(service.seen().authorizations(), 1, "{}", stderr(&ordered));
    let next = stderr(&ordered).lines().find(|line| line.starts_with("next: ")).unwrap();
    assert!(next.contains("--max-total 2000atomic") && !next.contains("--no-wait"), "it buys others besides: {next}");
    let capped = summarize(&desk, &service, &["c.txt", "b.txt"], &["--max-price", "1499atomic"]).await;
    assert!(
        stderr(&capped).contains("error: b.txt: the price is 1500 atomic units, over the cap"),
        "{}",
        stderr(&capped)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_command_buys_no_more_and_counts_what_is_signed() {
    let service =
        FakeService::start(Wrong { before: vec![Step::Accept], polls: vec![Step::Accept; 10_000], ..Wrong::default() })
            .await;
    let desk = Desk::new(&service);
    ["a.txt", "b.txt"].iter().for_each(|name| write(&desk, name));
    let mut command =
        desk.command(&["summarize", "a.txt", "b.txt", "--url", &service.url, "--key-file", "key", "--json"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut running = Running::start(command);
    running.says("job: accepted");
    running.signal("INT");
    let (exit, out, said) = running.end();
    assert_eq!(exit, Some(6), "{said}");
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((value["spent"].as_str(), value["documents"][1]["status"].as_str()), (Some("1500"), Some("not-bought")));
    assert_eq!(service.seen().authorizations(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_document_twice_is_bought_once_whatever_it_is_called() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    std::fs::copy(desk.path("document.txt"), desk.path("copy.txt")).unwrap();
    let named = ["document.txt", "copy.txt", "document.txt"];
    let said = summarize(&desk, &service, &named, &["--again", "--json"]).await;
    assert_eq!(code(&said), 0, "{}", stderr(&said));
    let value = json(&said);
    assert_eq!(files(&value), ["document.txt"]);
    assert_eq!(value["documents"][0]["sameDocument"], serde_json::json!(["copy.txt", "document.txt"]));
    assert!(stderr(&said).contains("same document: copy.txt; bought once"), "{}", stderr(&said));
    assert_eq!(service.seen().authorizations(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_gives_its_documents_by_name_and_says_what_it_skips() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    for name in ["in/2.txt", "in/10.md", "in/.hidden.txt", "in/deep/3.txt", "in/main.rs"] {
        write(&desk, name);
    }
    std::fs::write(desk.path("in/picture.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    let said = summarize(&desk, &service, &["in"], &["--json"]).await;
    assert_eq!(code(&said), 0, "{}", stderr(&said));
    let value = json(&said);
    assert_eq!(files(&value), ["in/10.md", "in/2.txt"]);
    for words in [
        "skipped: in/deep: a folder; --recursive",
        "skipped: in/main.rs: ",
        "skipped: in/picture.png: the document is a picture",
    ] {
        assert!(stderr(&said).contains(words), "{words}: {}", stderr(&said));
    }
    assert_eq!(value["skipped"].as_array().unwrap().len(), 3);
    assert!(!stderr(&said).contains("hidden"), "{}", stderr(&said));
    let deep = summarize(&desk, &service, &["in"], &["--recursive", "--json"]).await;
    assert_eq!(files(&json(&deep)), ["in/10.md", "in/2.txt", "in/deep/3.txt"]);
    assert_eq!(service.seen().authorizations(), 3);
    std::fs::create_dir(desk.path("empty")).unwrap();
    let empty = summarize(&desk, &service, &["empty"], &[]).await;
    assert_eq!(code(&empty), 2, "{}", stderr(&empty));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_markdown_page_has_the_name_the_summary_and_what_was_paid() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    write(&desk, "my_file.txt");
    let page = desk.summarize(&service, &["--format", "markdown"]).await;
    assert_eq!(code(&page), 0, "{}", stderr(&page));
    assert!(
        stdout(&page).starts_with("# document.txt\n\nHello\n\n---\n\n    paid: 1500 atomic units in"),
        "{}",
        stdout(&page)
    );
    for line in ["    INSECURE", "    receipt: ", "    receipt: kept in "] {
        assert!(stdout(&page).contains(line), "{line}: {}", stdout(&page));
    }
    let pages =
        summarize(&desk, &service, &["document.txt", "my_file.txt"], &["--format", "markdown", "--grounding"]).await;
    let text = stdout(&pages);
    assert!(text.contains("Hello\n\n    [1] Hello\n        verbatim, bytes 0 to 5\n\n---"), "{text}");
    assert!(text.contains("    already paid, nothing was charged") && text.contains("\n\n# my\\_file.txt\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn together_buys_one_summary_of_a_joined_document_that_can_be_kept_and_checked() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    ["in/b.txt", "in/a.md", "c.txt"].iter().for_each(|name| write(&desk, name));
    std::fs::copy(desk.path("c.txt"), desk.path("copy.txt")).unwrap();
    let named = ["in", "c.txt", "copy.txt"];
    let more = ["--together", "--save-document", "sent.md", "--receipt", "r.json"];
    let said = summarize(&desk, &service, &named, &[&more[..], &["--grounding"]].concat()).await;
    assert_eq!(code(&said), 0, "{}", stderr(&said));
    assert!(
        stdout(&said).starts_with("Hello\n\n[1] Hello\n    verbatim, in/a.md, bytes 8 to 13\n"),
        "{}",
        stdout(&said)
    );
    assert!(stderr(&said).contains("together: 3 documents, "), "{}", stderr(&said));
    assert!(stderr(&said).contains("same document: copy.txt; taken once"), "{}", stderr(&said));
    let sent = std::fs::read_to_string(desk.path("sent.md")).unwrap();
    assert!(sent.starts_with("# a.md\n\nHello there.") && sent.contains("\n\n# b.txt\n\nHello there."), "{sent}");
    let checked = desk.run(&["receipt", "verify", "r.json", "--document", "sent.md"]).await;
    assert_eq!(code(&checked), 0, "{}", stdout(&checked));
    let again = summarize(&desk, &service, &["./in/", "./c.txt"], &["--together", "--json"]).await;
    let value = json(&again);
    assert_eq!((value["alreadyPaid"].as_bool(), value["parts"][1]["file"].as_str()), (Some(true), Some("./in/b.txt")));
    assert_eq!(service.seen().authorizations(), 1, "it is the same purchase wherever the files are named from");
}

#[tokio::test(flavor = "multi_thread")]
async fn together_buys_nothing_if_one_document_is_missing_or_all_are_too_large() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    for name in ["half.txt", "other.txt"] {
        std::fs::write(desk.path(name), format!("Hello {name}. ").repeat(40_000)).unwrap();
    }
    for (named, words) in [
        (["document.txt", "absent.txt"], "absent.txt: cannot read the document"),
        (["half.txt", "other.txt"], "with other.txt the texts have more than 1048576 bytes together"),
    ] {
        let said = summarize(&desk, &service, &named, &["--together"]).await;
        assert_eq!((code(&said), stdout(&said)), (2, ""), "{}", stderr(&said));
        assert!(stderr(&said).contains(words), "{}", stderr(&said));
    }
    assert!(service.seen().outer.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_several_documents_cannot_share_is_refused_before_anything_is_sent() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    write(&desk, "a.txt");
    for (named, more, words) in [
        (&["a.txt", "document.txt"][..], &["--receipt", "r.json"][..], "--receipt names one file"),
        (&["a.txt", "document.txt"], &["--save-document", "sent"], "--save-document names one file"),
        (&["-", "a.txt", "-"], &[], "standard input is named twice"),
        (&["a.txt", "http://192.0.2.1/a.txt"], &["--max-words", "0"], "max_words"),
    ] {
        let said = summarize(&desk, &service, named, more).await;
        assert_eq!(code(&said), 2, "{}", stderr(&said));
        assert!(stderr(&said).contains(words), "{words}: {}", stderr(&said));
    }
    assert!(service.seen().payments.is_empty());
}
