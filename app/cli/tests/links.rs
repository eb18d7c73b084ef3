//! Documents behind links, which the command fetches itself.

#![allow(clippy::unwrap_used, clippy::panic)]

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::get;

use crate::desk::{Desk, TEXT, code, stderr, stdout};
use crate::support::{FakeService, Wrong};
use serde_json::Value;

/// A server of documents on this machine.
async fn documents() -> String {
    let text = || TEXT.repeat(30);
    let page = || format!("<!doctype html><title>x</title><p>{}</p>", TEXT.repeat(30));
    let hops = |axum::extract::Path(number): axum::extract::Path<u32>| async move {
        if number == 0 {
            TEXT.repeat(30).into_response()
        } else {
            Redirect::temporary(&format!("/hops/{}", number - 1)).into_response()
        }
    };
    let app = Router::new()
        .route("/report.md", get(move || async move { ([("content-type", "text/plain; charset=utf-8")], text()) }))
        .route(
            "/page",
            get(move || async move { ([("content-type", "application/octet-stream"), ("set-cookie", "a=b")], page()) }),
        )
        .route("/data", get(|| async { ([("content-type", "application/json")], "{}") }))
        .route("/large", get(|| async { "x".repeat(1024 * 1024 + 1) }))
        .route("/closed", get(|| async { (StatusCode::FORBIDDEN, "secret words") }))
        .route("/busy", get(|| async { (StatusCode::SERVICE_UNAVAILABLE, "secret words") }))
        .route("/away", get(|| async { Redirect::temporary("http://192.0.2.1/secret-words") }))
        .route("/nowhere", get(|| async { StatusCode::FOUND }))
        .route("/hops/{number}", get(hops));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_behind_a_link_is_bought_as_it_was_fetched() {
    let service = FakeService::start(Wrong::default()).await;
    let (desk, site) = (Desk::new(&service), documents().await);
    let buy = async |path: &str| {
        let link = format!("{site}{path}");
        desk.run(&[
            "summarize",
            &link,
            "--url",
            &service.url,
            "--key-file",
            "key",
            "--json",
            "--save-document",
            "fetched",
        ])
        .await
    };
    let said = buy("/report.md?version=2#top").await;
    assert_eq!(code(&said), 0, "{}", stderr(&said));
    let value: Value = serde_json::from_slice(&said.stdout).unwrap();
    let request = &value["receiptFile"]["request"];
    assert_eq!(request["mediaType"], "text/plain", "as the header says, though the name says Markdown: {request}");
    std::fs::write(desk.path("receipt.json"), value["receiptFile"].to_string()).unwrap();
    let checked = desk.run(&["receipt", "verify", "receipt.json", "--document", "fetched"]).await;
    assert_eq!(code(&checked), 0, "{}", stdout(&checked));
    for path in ["/hops/0", "/hops/5"] {
        let same = buy(path).await;
        assert_eq!(code(&same), 0, "{}", stderr(&same));
        let value: Value = serde_json::from_slice(&same.stdout).unwrap();
        assert_eq!(value["alreadyPaid"], true, "the bytes are the same, wherever they are from");
    }
    assert_eq!(service.seen().authorizations(), 1);
    let quote = desk.run(&["quote", &format!("{site}/report.md"), "--url", &service.url]).await;
    assert_eq!(code(&quote), 0, "{}", stderr(&quote));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_gives_no_document_is_refused_in_plain_words_and_repeats_nothing() {
    let service = FakeService::start(Wrong::default()).await;
    let (desk, site) = (Desk::new(&service), documents().await);
    for (path, exit, words) in [
        ("/absent", 2, "leads to no document (404)"),
        ("/closed", 2, "is not open to everybody (403)"),
        ("/busy", 3, "is not to be had now (503)"),
        ("/large", 2, "is larger than 1048576 bytes"),
        ("/data", 2, "media type"),
        ("/away", 2, "redirects to an address that is not https"),
        ("/nowhere", 2, "redirects without saying where to"),
        ("/hops/6", 2, "redirects more than 5 times"),
    ] {
        let link = format!("{site}{path}");
        let said = desk.run(&["summarize", &link, "--url", &service.url, "--key-file", "key"]).await;
        assert_eq!(code(&said), exit, "{path}: {}", stderr(&said));
        assert!(stderr(&said).contains(words), "{path}: {}", stderr(&said));
        assert!(!stderr(&said).contains("secret") && !stderr(&said).contains("192.0.2.1"), "{}", stderr(&said));
        assert!(stderr(&said).contains("money: this command signed nothing"), "{}", stderr(&said));
    }
    let far = desk.run(&["summarize", "http://192.0.2.1/a.txt", "--url", &service.url, "--key-file", "key"]).await;
    assert!(code(&far) == 2 && stderr(&far).contains("is not https"), "{}", stderr(&far));
    assert!(service.seen().outer.is_empty(), "nothing was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_stands_beside_files_and_one_that_fails_stops_none() {
    let service = FakeService::start(Wrong::default()).await;
    let (desk, site) = (Desk::new(&service), documents().await);
    let (busy, report) = (format!("{site}/busy"), format!("{site}/report.md"));
    std::fs::write(desk.path("other.txt"), format!("{TEXT} Another.")).unwrap();
    let said = desk.run(&["summarize", &busy, "other.txt", &report, "--url", &service.url, "--key-file", "key"]).await;
    assert_eq!(code(&said), 3, "{}", stderr(&said));
    assert_eq!(stdout(&said), format!("== other.txt\nHello\n\n== {report}\nHello\n"), "{}", stderr(&said));
    assert_eq!(service.seen().authorizations(), 2);
}
