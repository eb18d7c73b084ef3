//! What is outside the enclave may be absent at boot.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use precis_protocol::headers;
use precis_tests::http::{self, Ask};
use precis_tests::process::eventually;
use precis_tests::proxy::LatePort;
use precis_tests::stack::{Devnet, Server, Stack};
use precis_tests::story::Story;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// Waits until `/readyz` says that it waits for something that contains `word`.
async fn waits_for(server: &Server, word: &str) -> anyhow::Result<()> {
    let (client, url) = (http::client()?, format!("{}/readyz", server.internal_url));
    eventually(word, async || {
        let answer = http::get(&client, &url).await.ok()?;
        let told = answer.json().ok()?;
        (answer.status == 503 && told["waitingFor"].as_str()?.contains(word)).then_some(())
    })
    .await
}

/// A rofl-appd that says yes to the first change of metadata and forgets it: another application on the machine has replaced
/// it before anything was registered. Everything else goes to the real one, a connection for each request.
fn forgetful(socket: &Path, real: PathBuf) -> anyhow::Result<()> {
    let listener = UnixListener::bind(socket)?;
    tokio::spawn(async move {
        let mut forgot = false;
        while let Ok((mut near, _)) = listener.accept().await {
            let mut start = vec![0; 4096];
            let Ok(read) = near.read(&mut start).await else { continue };
            start.truncate(read);
            if !forgot && start.windows(14).any(|window| window == b"metadata HTTP/") {
                forgot = true;
                drop(near.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await);
                continue;
            }
            let Ok(mut far) = UnixStream::connect(&real).await else { continue };
            tokio::spawn(async move {
                far.write_all(&start).await?;
                tokio::io::copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    Ok(())
}

#[tokio::test]
async fn a_keyset_that_was_replaced_before_it_was_registered_is_published_again() {
    let dir = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(dir.path(), &[]).await.unwrap();
    let socket = dir.path().join("appd.forgetful.sock");
    let mut env = devnet.env.clone();
    env.insert("PRECIS_ATTESTATION__APPD_SOCKET".into(), socket.to_str().unwrap().into());
    forgetful(&socket, devnet.get("PRECIS_DEVNET_APPD_SOCKET").unwrap().into()).unwrap();
    let mut server = Server::listening(dir.path(), &env, &[]).await.unwrap();
    server.ready().await.unwrap();
    assert!(server.process.output().contains("no registration carries the metadata yet"), "it was not forgotten");
}

#[tokio::test]
async fn a_service_starts_where_there_are_no_certificate_files() {
    let nowhere = [("SSL_CERT_FILE", "/nonexistent".to_owned()), ("SSL_CERT_DIR", "/nonexistent".to_owned())];
    drop(Stack::start_with(&[], &nowhere).await.unwrap());
}

#[tokio::test]
async fn no_answer_before_readiness_and_no_log_holds_the_value_of_a_setting() {
    let dir = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(dir.path(), &[]).await.unwrap();
    let secrets = ["operator", "password", "key-in-the-path", "key-in-the-query"];
    let [user, password, path, query] = secrets;
    let closed = |route: &str| format!("http://{user}:{password}@127.0.0.1:1/{path}{route}?key={query}");
    let client = http::client().unwrap();
    for (setting, value, word) in [
        ("PRECIS_PAYMENT__NETWORK__0__RPC_URLS", closed(""), "chain"),
        ("PRECIS_PAYMENT__FACILITATOR__URL", closed(""), "settlement"),
        ("PRECIS_ATTESTATION__NEXUS_URL", closed("/v1"), "evidence"),
        ("PRECIS_ATTESTATION__PCS_URL", closed(""), "evidence"),
        ("PRECIS_ATTESTATION__OASIS_GRPC_URL", format!("http://{user}:{password}@127.0.0.1:1"), "evidence"),
    ] {
        let mut env = devnet.env.clone();
        env.insert(setting.into(), value);
        let server = Server::listening(dir.path(), &env, &[]).await.unwrap();
        waits_for(&server, word)
            .await
            .unwrap_or_else(|error| panic!("{setting}: {error}\n{}", server.process.output()));
        let public = http::get(&client, &format!("{}/v1/service", server.url)).await.unwrap();
        public.refused(503, "not_ready").unwrap();
        let internal = http::get(&client, &format!("{}/readyz", server.internal_url)).await.unwrap();
        for told in [public.text(), internal.text(), server.process.output()] {
            assert!(!secrets.iter().any(|secret| told.contains(secret)), "{setting}: {told}");
        }
        assert!(!public.text().contains("127.0.0.1"), "{}", public.text());
        server.process.kill().unwrap();
    }
}

#[tokio::test]
async fn a_service_whose_surroundings_are_absent_says_so_and_becomes_ready_when_they_appear() {
    let dir = tempfile::tempdir().unwrap();
    let devnet = Devnet::start(dir.path(), &[]).await.unwrap();
    let chain = LatePort::choose().await.unwrap();
    let socket = dir.path().join("appd.late.sock");
    let mut env = devnet.env.clone();
    env.insert("PRECIS_PAYMENT__NETWORK__0__RPC_URLS".into(), chain.url());
    env.insert("PRECIS_ATTESTATION__APPD_SOCKET".into(), socket.to_str().unwrap().into());
    let real = |fact| devnet.get(fact).unwrap();
    let mut server = Server::listening(dir.path(), &env, &[]).await.unwrap();
    let client = http::client().unwrap();
    let mut story = Story::new();

    story
        .tell("without rofl-appd it is alive, not ready, and says what it waits for", async {
            waits_for(&server, "appd").await?;
            ensure!(http::get(&client, &format!("{}/livez", server.internal_url)).await?.status == 200, "livez");
            let answer = Ask::json("Some text. More text.", json!({})).send(&client, &server.url, &[]).await?;
            answer.refused(503, "not_ready")?;
            ensure!(!answer.header("retry-after").is_empty(), "no Retry-After");
            // An earlier life may have taken the payment that is sent again, or that of the job that is asked for.
            let sealed = Ask { path: headers::OHTTP_GATEWAY_PATH.into(), ..Ask::raw(headers::OHTTP_REQ, "x") };
            sealed.send(&client, &server.url, &[]).await?.refused_and_charged(503, "not_ready", &json!("unknown"))?;
            let job = client.get(format!("{}/v1/summaries/{}", server.url, "0".repeat(32))).bearer_auth("0".repeat(64));
            http::answer(job).await?.refused_and_charged(503, "not_ready", &json!("unknown"))?;
            http::get(&client, &format!("{}/.well-known/ohttp-gateway", server.url)).await?.refused(503, "not_ready")
        })
        .await;
    story
        .tell("with rofl-appd but without the chain it waits for the chain", async {
            std::os::unix::fs::symlink(real("PRECIS_DEVNET_APPD_SOCKET"), &socket)?;
            waits_for(&server, "chain").await
        })
        .await;
    chain.open(real("PRECIS_RPC_URL")).await.unwrap();
    story
        .tell("once both have appeared it becomes ready and quotes", async {
            server.ready().await?;
            Ask::json("Some text. More text.", json!({}))
                .send(&client, &server.url, &[])
                .await?
                .refused(402, "payment_required")
        })
        .await;
    story.end().unwrap();
}
