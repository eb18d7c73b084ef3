//! Proxies and certificates.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use crate::desk::{Desk, code, run, stderr, stdout};
use crate::support::{FakeService, Wrong};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;

/// Reads the head of one HTTP request and answers 503.
fn answer(mut stream: impl std::io::Read + std::io::Write) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(&mut stream);
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let _ = stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    head
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_from_the_environment_is_used_unless_the_host_is_excepted_or_this_machine() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || answer(listener.accept().unwrap().0));
    let verify = |url: &str, excepted: &str| {
        let mut command = desk.command(&["verify", url]);
        command.env("HTTPS_PROXY", &proxy).env("HTTP_PROXY", &proxy).env("http_proxy", &proxy);
        command.env("NO_PROXY", excepted);
        command
    };
    let excepted = run(verify("https://precis.invalid", "precis.invalid")).await;
    assert_eq!(code(&excepted), 3, "{}", stderr(&excepted));
    let here = run(verify(&service.url, "")).await;
    assert_eq!(code(&here), 0, "{}", stderr(&here));
    assert!(!asked.is_finished(), "neither went to the proxy");
    let through = run(verify("https://precis.invalid", "other.invalid")).await;
    assert_eq!(code(&through), 3, "{}", stderr(&through));
    assert!(asked.join().unwrap().starts_with("CONNECT precis.invalid:443"), "through the proxy");
}

/// A server for `localhost` whose certificate is signed by an authority of its own; and that authority's certificate.
fn tls_server(name: &str) -> (String, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        let serve = |stream: TcpStream| {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            answer(&mut stream);
            stream.conn.send_close_notify();
            let _ = stream.flush();
            let _ = stream.sock.shutdown(std::net::Shutdown::Write);
            let _ = stream.sock.read(&mut [0]);
        };
        while let Ok((stream, _)) = listener.accept() {
            serve(stream);
        }
    });
    (url, authority.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_said_in_english_and_is_no_reason_to_try_again() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let (url, authority) = tls_server("localhost");
    let unknown = desk.run(&["verify", &url, "--json"]).await;
    assert_eq!(code(&unknown), 5, "{}", stderr(&unknown));
    let said: Value = serde_json::from_str(stdout(&unknown)).unwrap();
    let message = said["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("signed by nobody that this machine trusts") && message.contains("--cacert FILE"),
        "{message}"
    );
    for jargon in ["UnknownIssuer", "InvalidCertificate", "Custom", "{", "try again"] {
        assert!(!message.contains(jargon), "{message}");
    }
    std::fs::write(desk.path("ca.pem"), authority).unwrap();
    let trusted = desk.run(&["verify", &url, "--cacert", "ca.pem"]).await;
    assert_eq!(code(&trusted), 3, "{}", stderr(&trusted));
    assert!(stderr(&trusted).contains("answered 503"), "{}", stderr(&trusted));
    let (url, authority) = tls_server("other.example");
    std::fs::write(desk.path("ca.pem"), authority).unwrap();
    let other = desk.run(&["verify", &url, "--cacert", "ca.pem"]).await;
    assert_eq!(code(&other), 5, "{}", stderr(&other));
    assert!(stderr(&other).contains("its certificate is for another name"), "{}", stderr(&other));
    std::fs::write(desk.path("ca.pem"), "no certificate").unwrap();
    let unusable = desk.run(&["verify", &url, "--cacert", "ca.pem"]).await;
    assert_eq!(code(&unusable), 2, "{}", stderr(&unusable));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_behind_a_link_is_fetched_under_the_same_authorities_and_through_the_same_proxy() {
    let service = FakeService::start(Wrong::default()).await;
    let desk = Desk::new(&service);
    let (site, authority) = tls_server("localhost");
    std::fs::write(desk.path("ca.pem"), authority).unwrap();
    let link = format!("{site}/report.pdf");
    let arguments = ["quote", &link, "--url", &service.url];
    let unknown = desk.run(&arguments).await;
    assert_eq!(code(&unknown), 5, "{}", stderr(&unknown));
    assert!(stderr(&unknown).contains("signed by nobody that this machine trusts"), "{}", stderr(&unknown));
    let trusted = desk.run(&[&arguments[..], &["--cacert", "ca.pem"]].concat()).await;
    assert_eq!(code(&trusted), 3, "{}", stderr(&trusted));
    assert!(stderr(&trusted).contains("/report.pdf is not to be had now (503)"), "{}", stderr(&trusted));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || answer(listener.accept().unwrap().0));
    let mut through = desk.command(&["quote", "https://documents.invalid/report.pdf", "--url", &service.url]);
    through.env("HTTPS_PROXY", &proxy);
    assert_eq!(code(&run(through).await), 3);
    assert!(asked.join().unwrap().starts_with("CONNECT documents.invalid:443"), "through the proxy");
    assert!(service.seen().outer.is_empty());
}
