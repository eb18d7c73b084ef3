//! The client against daemons that are old, wrong or hostile.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use precis_rofl::{Appd, AppdError, KeyKind};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
};

/// A daemon that answers each connection with the next of `answers` and keeps what it was sent.
struct Daemon {
    _dir: tempfile::TempDir,
    socket: PathBuf,
    requests: Arc<Mutex<Vec<String>>>,
}

fn daemon(answers: Vec<Vec<u8>>) -> Daemon {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("appd.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !complete(&request) {
                let read = stream.read(&mut buffer).await.unwrap();
                assert_ne!(read, 0, "the client hung up");
                request.extend_from_slice(&buffer[..read]);
            }
            seen.lock().unwrap().push(String::from_utf8(request).unwrap());
            // A client that has seen enough hangs up, which is its right.
            let _ = stream.write_all(&answer).await;
        }
    });
    Daemon { _dir: dir, socket, requests }
}

fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    body.len() >= length.unwrap_or(0)
}

fn answer(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

fn pair(key: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

#[tokio::test]
async fn a_daemon_without_put_gets_the_merged_metadata_by_post() {
    let daemon = daemon(vec![
        answer("404 Not Found", "text/html; charset=utf-8", "<html>"),
        answer("200 OK", "application/json", r#"{"agent":"1","precis.keyset":"old"}"#),
        answer("200 OK", "application/json", ""),
    ]);
    Appd::new(&daemon.socket).put_metadata(&pair("precis.keyset", "new")).await.unwrap();
    let requests = daemon.requests.lock().unwrap();
    let starts: Vec<_> = requests.iter().map(|r| r.split(" HTTP").next().unwrap()).collect();
    assert_eq!(starts, ["PUT /rofl/v1/metadata", "GET /rofl/v1/metadata", "POST /rofl/v1/metadata"]);
    assert!(requests[2].ends_with(r#"{"agent":"1","precis.keyset":"new"}"#), "{}", requests[2]);
}

#[tokio::test]
async fn another_refusal_of_put_is_not_taken_for_an_old_daemon() {
    let daemon = daemon(vec![answer("400 Bad Request", "text/plain; charset=utf-8", "invalid argument")]);
    let outcome = Appd::new(&daemon.socket).put_metadata(&pair("k", "v")).await;
    assert!(
        matches!(&outcome, Err(AppdError::Refused { status: 400, text }) if text == "invalid argument"),
        "{outcome:?}"
    );
    assert_eq!(daemon.requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn keys_of_another_length_or_alphabet_are_malformed() {
    for key in ["00".repeat(31), "00".repeat(48), "zz".repeat(32), format!("0x{}", "00".repeat(31))] {
        let body = format!(r#"{{"key":"{key}"}}"#);
        let daemon = daemon(vec![answer("200 OK", "application/json", &body)]);
        let outcome = Appd::new(&daemon.socket).generate_key("id", KeyKind::Raw256).await;
        assert!(matches!(outcome, Err(AppdError::Malformed("a key"))), "{key}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(8 * 1024 * 1024, b'x');
    let daemon = daemon(vec![endless]);
    let outcome = Appd::new(&daemon.socket).get_metadata().await;
    assert!(matches!(outcome, Err(AppdError::Malformed(_))), "{outcome:?}");
}

#[tokio::test]
async fn what_is_no_app_id_is_malformed() {
    for body in ["", "oasis1qqqq", "rofl1qq\nSet-Cookie", "<html>"] {
        let daemon = daemon(vec![answer("200 OK", "text/plain", body)]);
        let outcome = Appd::new(&daemon.socket).app_id().await;
        assert!(matches!(outcome, Err(AppdError::Malformed("an app id"))), "{body:?}");
    }
}

#[tokio::test]
async fn a_daemon_that_hangs_up_is_unreachable() {
    let daemon = daemon(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{".to_vec()]);
    let outcome = Appd::new(&daemon.socket).get_metadata().await;
    assert!(matches!(outcome, Err(AppdError::Unreachable(_))), "{outcome:?}");
}
