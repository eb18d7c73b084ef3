//! The child process from outside: what it reads, and what a document cannot make it do.
#![cfg(all(feature = "documents", target_os = "linux"))]
#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use precis_extract::sandbox::{Bounds, Reader};
use precis_extract::{Bound, ExtractError, Hints, Kind, Limits};

const LIMITS: Limits = Limits { max_bytes: 8 * 1024 * 1024 };

fn reader(bounds: Bounds) -> Reader {
    Reader::of_program(env!("CARGO_BIN_EXE_precis-extract").into(), bounds)
}

fn html(sentence: &str) -> Vec<u8> {
    format!("<!doctype html><html><body><p>{sentence}</p></body></html>").into_bytes()
}

#[test]
fn a_document_is_read_in_the_child_as_without_it() {
    let page = html("The harbour opened in March, after two years of delay.");
    let read = reader(Bounds::default()).read(&page, Hints::default(), &LIMITS).unwrap();
    assert_eq!(read, precis_extract::documents::read(&page, Hints::default(), &LIMITS).unwrap());
    assert_eq!(read.text, "The harbour opened in March, after two years of delay.");
}

#[test]
fn text_is_read_without_a_child() {
    let none = Reader::of_program("/nonexistent".into(), Bounds::default());
    assert_eq!(none.read(b"Just text.\r\n", Hints::default(), &LIMITS).unwrap().text, "Just text.\r\n");
    let page = none.read(&html("A page."), Hints::default(), &LIMITS);
    assert_eq!(page, Err(ExtractError::Unavailable(Kind::Html)));
}

#[test]
fn a_refusal_comes_back_as_it_is() {
    let outcome = reader(Bounds::default()).read(b"{\\rtf1 never ends", Hints::default(), &LIMITS);
    assert_eq!(outcome, Err(ExtractError::Damaged(Kind::Rtf)));
}

#[test]
fn a_child_that_takes_too_much_memory_breaks_off() {
    let bounds = Bounds { memory: 16 * 1024 * 1024, ..Bounds::default() };
    let page = html(&"Many words stand in this page. ".repeat(200_000));
    let outcome = reader(bounds).read(&page, Hints::default(), &LIMITS);
    assert_eq!(outcome, Err(ExtractError::Broken(Kind::Html)));
}

#[test]
fn a_program_that_never_answers_is_ended_after_the_time_it_has() {
    let bounds = Bounds { wall: Duration::from_millis(200), ..Bounds::default() };
    let waits = Reader::of_program("/bin/cat".into(), bounds);
    // As the child, this program fails at once; one that hangs is a shell that waits for its input.
    assert!(waits.read(&html("A page."), Hints::default(), &LIMITS).is_err());
    let started = Instant::now();
    let hangs = Reader::of_program(hanging().into(), bounds);
    assert_eq!(
        hangs.read(&html("A page."), Hints::default(), &LIMITS),
        Err(ExtractError::Exceeds(Kind::Html, Bound::Time))
    );
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// A program that reads nothing and answers nothing.
fn hanging() -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = format!("{}/hangs-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(b"#!/bin/sh\nexec /bin/sleep 600\n").unwrap();
    file.set_permissions(std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn the_child_answers_nothing_without_a_question() {
    for input in [&b""[..], b"\n", b"{}\n", b"{\"max_bytes\":1}\nx"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_precis-extract"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
    }
}

#[test]
fn the_child_can_open_no_file_no_socket_and_no_process() {
    use std::os::unix::process::ExitStatusExt as _;
    let attempt = |what: &str| {
        Command::new(env!("CARGO_BIN_EXE_precis-extract")).args(["attempt", what]).env_clear().status().unwrap()
    };
    assert!(attempt("nothing").success());
    for what in
        ["read a file", "write a file", "open a socket", "connect", "start a process", "start a thread", "look around"]
    {
        // Bad system call.
        assert_eq!(attempt(what).signal(), Some(31), "{what}");
    }
}

/// A PDF of `objects`, the first of which is the catalog.
fn pdf(objects: &[String]) -> Vec<u8> {
    let mut file = "%PDF-1.4\n".to_owned();
    for (index, object) in objects.iter().enumerate() {
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    file.push_str("trailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n");
    file.into_bytes()
}

#[test]
fn a_page_that_never_ends_is_given_up_after_the_time_it_has() {
    let stream = |dictionary: &str, content: &str| {
        format!("<<{dictionary}/Length {}>>stream\n{content}\nendstream", content.len())
    };
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>".to_owned(),
        stream("", "/X Do"),
    ];
    // Each draws the next one sixteen times.
    for level in 0..40 {
        let form = format!("/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X {} 0 R>>>>", level + 6);
        objects.push(stream(&form, &"/X Do ".repeat(16)));
    }
    objects.push(stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]", "0 0 1 1 re f"));
    let bounds = Bounds { processor: Duration::from_secs(1), ..Bounds::default() };
    let outcome = reader(bounds).read(&pdf(&objects), Hints::default(), &LIMITS);
    assert_eq!(outcome, Err(ExtractError::Exceeds(Kind::Pdf, Bound::Time)));
}

#[test]
fn a_page_that_unpacks_to_gigabytes_is_refused() {
    // A run of 128 equal bytes is two, and runs of runs are fewer.
    let mut content = vec![0u8; 16 * 1024];
    for pair in content.chunks_exact_mut(2) {
        pair.copy_from_slice(&[129, 129]);
    }
    let content: String = content.iter().map(|byte| format!("{byte:02x}")).collect();
    let filters = format!("/Filter[/ASCIIHexDecode{}]", "/RunLengthDecode".repeat(4));
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R>>".to_owned(),
        format!("<<{filters}/Length {}>>stream\n{content}\nendstream", content.len()),
    ];
    let outcome = reader(Bounds::default()).read(&pdf(&objects), Hints::default(), &LIMITS);
    assert!(outcome.is_err(), "{outcome:?}");
}
