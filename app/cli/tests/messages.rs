//! Every error as its reader sees it: what happened, what became of the money, what to do next.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;

use crate::desk::{Desk, KEY, code, run, stderr, stdout};
use crate::support::{FakeService, Step, Wrong};
use serde_json::Value;

/// What differs from run to run, replaced by its kind.
fn stable(text: &str, desk: &Desk, service: &FakeService) -> String {
    let text = text.replace(desk.path("").to_str().unwrap(), "DESK/").replace(&service.url, "URL");
    let mut out = String::new();
    for word in text.split_inclusive(|c: char| c.is_whitespace() || "();,".contains(c)) {
        let bare = word.trim_end_matches(|c: char| c.is_whitespace() || "();,".contains(c));
        let rest = &word[bare.len()..];
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        let kind = match bare {
            hex if hex.starts_with("0x") && hex.len() > 20 => "0x…",
            date if date.len() == 10 && date.starts_with("20") && date.as_bytes()[4] == b'-' => "DATE",
            time if time.len() == 8 && time.as_bytes()[2] == b':' && time.as_bytes()[5] == b':' => "TIME",
            number if digits(number) && out.ends_with("(process ") => "N",
            other => other,
        };
        out.push_str(kind);
        out.push_str(rest);
    }
    out
}

/// The words after the progress: from the error on.
fn error_of(text: &str) -> &str {
    text.find("error: ").map_or(text, |at| &text[at..])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_command_line_gets_wrong_is_said_before_anything_is_sent() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    std::fs::create_dir(desk.path("directory")).unwrap();
    std::fs::write(desk.path("binary"), [b'a', 0xff]).unwrap();
    std::fs::write(desk.path("empty"), " \n").unwrap();
    std::fs::write(desk.path("broken.toml"), "version = 2\n").unwrap();
    let summarize = ["summarize", "document.txt", "--url", &service.url, "--key-file", "key"];
    let with = |more: &[&'static str]| -> Vec<String> {
        summarize.iter().copied().chain(more.iter().copied()).map(str::to_owned).collect()
    };
    let of = |line: &[&'static str]| -> Vec<String> { line.iter().map(|&word| word.to_owned()).collect() };
    let file = |name: &'static str| of(&["summarize", name, "--url", "https://precis.example", "--key-file", "key"]);
    let key =
        |name: &'static str| of(&["summarize", "document.txt", "--url", "https://precis.example", "--key-file", name]);
    desk.key(KEY, 0o640);
    std::fs::rename(desk.path("key"), desk.path("shared")).unwrap();
    desk.key("0x1234", 0o600);
    std::fs::rename(desk.path("key"), desk.path("short")).unwrap();
    desk.key(KEY, 0o600);
    let cases = [
        ("no document", of(&["summarize", "--url", "https://precis.example"])),
        ("a document that is not there", file("absent.txt")),
        ("a document that is a directory", file("directory")),
        ("a document that is not UTF-8", file("binary")),
        ("an empty document", file("empty")),
        ("a policy that is not there", with(&["--policy", "absent.toml"])),
        ("a policy that is none", with(&["--policy", "broken.toml"])),
        ("a policy that is a directory", with(&["--policy", "directory"])),
        ("no key", of(&["summarize", "document.txt", "--url", "https://precis.example"])),
        ("a key file that is not there", key("absent")),
        ("a key file that is a directory", key("directory")),
        ("a key file that others read", key("shared")),
        ("a key that is none", key("short")),
        ("an address without a scheme", of(&["verify", "precis.example"])),
        ("an address with a path", of(&["verify", "https://precis.example/v1"])),
        ("an address with a password", of(&["verify", "https://u:p@precis.example"])),
        ("an address of another kind", of(&["verify", "ftp://precis.example"])),
        (
            "plain HTTP in place of the channel",
            of(&["quote", "document.txt", "--url", "http://192.0.2.1", "--plain-https"]),
        ),
        ("an unknown mode", with(&["--mode", "poetic"])),
        ("an unknown format", with(&["--format", "xml"])),
        ("an unknown media type", with(&["--media-type", "application/pdf"])),
        ("an unknown option", with(&["--fast"])),
        ("an unknown command", of(&["sumarize"])),
        ("no words at all", with(&["--max-words", "0"])),
        ("a number that is none", with(&["--max-words", "few"])),
        ("a timeout of nothing", with(&["--timeout", "0"])),
        ("a price that could be either", with(&["--max-price", "1"])),
        ("a part of an atomic unit", with(&["--max-price", "1.5atomic"])),
        ("a price that is none", with(&["--max-price", "cheap"])),
        ("to order and to call off", with(&["--no-wait", "--cancel"])),
        ("authorities that are not there", with(&["--cacert", "absent.pem"])),
        ("authorities that are none", with(&["--cacert", "document.txt"])),
        ("evidence that is not there", of(&["verify", "--evidence", "absent.json"])),
        ("a time that is none", of(&["verify", "--evidence", "document.txt", "--at", "noon"])),
        ("a receipt that is not there", of(&["receipt", "verify", "absent.json"])),
        ("a release that is none", of(&["policy", "from-release", "document.txt"])),
        ("nothing there", of(&["verify", "http://127.0.0.1:9"])),
    ];
    let mut table = String::new();
    for (name, arguments) in cases {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = desk.run(&arguments).await;
        let text = stable(error_of(stderr(&said)), &desk, &service);
        let _ = write!(table, "== {name}: exit {}\n{}\n\n", code(&said), text.trim_end());
        assert_eq!(stdout(&said), "", "{name}");
        let json = desk.run(&[&arguments[..], &["--json"]].concat()).await;
        // `--format xml --json` and the like are refused for another reason, but as JSON.
        let json: Value = serde_json::from_slice(&json.stdout).unwrap_or_else(|_| panic!("{name}: no JSON"));
        assert_eq!(json["error"]["exitCode"], code(&said), "{name}");
        assert!(json["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{name}");
    }
    let mut nobody = desk.command(&["summarize", "document.txt", "--url", &service.url]);
    nobody.env("PRECIS_KEY", KEY).env("PRECIS_KEY_FILE", "key");
    let said = run(nobody).await;
    let _ = write!(table, "== two keys: exit {}\n{}\n", code(&said), error_of(stderr(&said)).trim_end());
    assert!(service.seen().outer.is_empty(), "nothing was sent");
    insta::assert_snapshot!("usage", table);
}

/// How a service goes wrong, and what the command is given besides.
type Case = (&'static str, Wrong, &'static [&'static str]);

fn cases() -> Vec<Case> {
    use Step::{Accept, Code, Failed, Refunded, Refused, Status, Unfit};
    let before = |steps: &[Step]| Wrong { before: steps.to_vec(), ..Wrong::default() };
    let polls = |steps: &[Step]| Wrong { polls: steps.to_vec(), ..before(&[Accept]) };
    let requirements = |edit: fn(&mut Value)| Wrong { requirements: Some(edit), ..Wrong::default() };
    vec![
        ("another attestation", Wrong { attestation_byte: Some(3_000), ..Wrong::default() }, &[]),
        ("another channel key", Wrong { other_channel_key: true, ..Wrong::default() }, &[]),
        ("an answer in clear", Wrong { plaintext: Some(402), ..Wrong::default() }, &[]),
        ("a proxy that fails in clear", Wrong { plaintext: Some(502), ..Wrong::default() }, &[]),
        ("an altered answer", Wrong { answer_byte: true, ..Wrong::default() }, &[]),
        ("a price over the cap", Wrong::default(), &["--max-price", "1499atomic"]),
        ("a cap in a token that is not known", Wrong::default(), &["--max-price", "0.05"]),
        ("another payee", requirements(|r| r["payTo"] = serde_json::json!(crate::support::stranger())), &[]),
        ("another token", requirements(|r| r["asset"] = serde_json::json!(crate::support::stranger())), &[]),
        ("another price", requirements(|r| r["amount"] = "1501".into()), &[]),
        ("a flow that is not known", requirements(|r| r["extra"]["paymentFlow"] = "trust".into()), &[]),
        ("an authorization for a day", requirements(|r| r["maxTimeoutSeconds"] = 86_400.into()), &[]),
        ("a quote that is not bound", requirements(|r| r["extra"]["requestDigest"] = "".into()), &[]),
        ("a wallet without money", before(&[Unfit("insufficient_funds")]), &[]),
        ("a settlement that is refused", before(&[Refused("invalid_transaction_state")]), &[]),
        ("a refusal without a reason", before(&[Status(402)]), &[]),
        ("a payment that was used", before(&[Code(409, "payment_reused")]), &[]),
        ("a request that is refused", before(&[Code(422, "not_summarizable")]), &[]),
        ("a job that failed", before(&[Failed]), &[]),
        ("a job that was paid back", before(&[Refunded]), &[]),
        ("a failure without a receipt", before(&[Code(410, "abandoned")]), &[]),
        (
            "a receipt that is altered",
            Wrong { receipt: Some(|r| r["receipt"]["sequence"] = 2.into()), ..Wrong::default() },
            &[],
        ),
        ("an order that is placed", polls(&[]), &["--no-wait"]),
        ("nothing to call off", Wrong::default(), &["--cancel"]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_service_does_the_error_says_what_became_of_the_money() {
    let mut table = String::new();
    for (name, wrong, more) in cases() {
        let service = FakeService::start(wrong).await;
        let desk = Desk::new(&service);
        let said = desk.summarize(&service, more).await;
        let text = stderr(&said);
        let shown = if text.contains("error: ") { error_of(text) } else { text.split_once("job: ").unwrap().1 };
        let _ = write!(table, "== {name}: exit {}\n{}\n\n", code(&said), stable(shown, &desk, &service).trim_end());
        assert!(text.contains("\nmoney: "), "{name}: {text}");
        // What is said is what is kept, and what was sent.
        let signed = !desk.kept("pending.json").is_empty();
        assert_eq!(text.contains("is signed; the service may take it until"), signed, "{name}: {text}");
        assert!(signed || service.seen().payments.is_empty() || text.contains("charged"), "{name}: {text}");
    }
    insta::assert_snapshot!("service", table);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_says_why_it_cannot_be_called_off_or_gone_on_with() {
    let mut table = String::new();
    let cases: [(&str, Step, &[&str]); 3] = [
        ("work that has begun", Step::Code(409, "job_begun"), &["--cancel"]),
        ("a job that is forgotten", Step::Code(404, "unknown_job"), &["--cancel"]),
        ("a cap below what is signed", Step::Accept, &["--max-price", "1atomic"]),
    ];
    for (name, step, more) in cases {
        let service =
            FakeService::start(Wrong { before: vec![Step::Accept], polls: vec![step], ..Wrong::default() }).await;
        let desk = Desk::new(&service);
        assert_eq!(code(&desk.summarize(&service, &["--no-wait"]).await), 6);
        let said = desk.summarize(&service, more).await;
        let text = stable(error_of(stderr(&said)), &desk, &service);
        let _ = write!(table, "== {name}: exit {}\n{}\n\n", code(&said), text.trim_end());
    }
    let service = FakeService::start(Wrong { before: vec![Step::Status(402)], ..Wrong::default() }).await;
    let desk = Desk::new(&service);
    assert_eq!(code(&desk.summarize(&service, &[]).await), 4);
    let unnamed = desk.summarize(&service, &["--cancel"]).await;
    let text = stable(error_of(stderr(&unnamed)), &desk, &service);
    let _ = write!(table, "== an order that is not taken yet: exit {}\n{}\n\n", code(&unnamed), text.trim_end());
    std::fs::write(&desk.kept("pending.json")[0], "{").unwrap();
    let damaged = desk.summarize(&service, &[]).await;
    let text = stable(error_of(stderr(&damaged)), &desk, &service);
    let text = text.lines().map(without_commitment).collect::<Vec<_>>().join("\n");
    let _ = write!(table, "== a record that is damaged: exit {}\n{}\n\n", code(&damaged), text.trim_end());
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    assert_eq!(code(&desk.summarize(&service, &[]).await), 0);
    let policy = std::fs::read_to_string(desk.path("policy.toml")).unwrap();
    let at = policy.find("enclave_identities = [\"").unwrap() + 23;
    let digit = if policy.as_bytes()[at] == b'0' { "1" } else { "0" };
    let mut other = policy.clone();
    other.replace_range(at..=at, digit);
    std::fs::write(desk.path("policy.toml"), other).unwrap();
    let kept = desk.summarize(&service, &[]).await;
    let text = stable(error_of(stderr(&kept)), &desk, &service);
    let text = text.lines().map(without_commitment).collect::<Vec<_>>().join("\n");
    let _ = write!(table, "== bought before under another policy: exit {}\n{}\n", code(&kept), text.trim_end());
    insta::assert_snapshot!("orders", table);
}

/// A path in the record without the names that differ from run to run.
fn without_commitment(line: &str) -> String {
    match (line.find("purchases/"), line.rfind('/')) {
        (Some(from), Some(to)) if from < to => format!("{}purchases/…{}", &line[..from], &line[to..]),
        _ => line.to_owned(),
    }
}
