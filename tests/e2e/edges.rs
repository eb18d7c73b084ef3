//! Callers that cost nothing and want nothing: slow sockets, half requests, copies, floods. Others do not notice.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use precis_channel::ClientChannel;
use precis_protocol::headers;
use precis_tests::http::{self, Ask};
use precis_tests::payer::{Payer, send_paid};
use precis_tests::process::eventually;
use precis_tests::sockets::{connect, post, sent, until_closed};
use precis_tests::stack::{Devnet, Stack};
use precis_tests::testbed::parts::{BODIES, CONNECTIONS, PATIENCE, PLACES};
use precis_tests::testbed::{Started, Testbed, model};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const DOCUMENT: &str = "The ferry left at nine. It carried forty people. The lake was calm.";

/// A service with little of what the settings name.
struct Quay {
    devnet: Devnet,
    testbed: Testbed,
    client: Client,
    _dir: tempfile::TempDir,
}

impl Quay {
    async fn with(settings: &[(&str, usize)]) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let devnet = Devnet::start(dir.path(), &[]).await?;
        let mut env: BTreeMap<String, String> = devnet.env.clone();
        env.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())));
        let Started::Ready(testbed) = Testbed::start(dir.path(), &env).await? else { anyhow::bail!("it ended") };
        Ok(Self { devnet, testbed, client: http::client()?, _dir: dir })
    }

    fn origin(&self) -> &str {
        &self.testbed.url
    }

    /// The answer to somebody who wants to know what is sold.
    async fn service(&self) -> anyhow::Result<u16> {
        Ok(http::get(&http::client()?, &format!("{}/v1/service", self.origin())).await?.status.as_u16())
    }

    async fn quote(&self) -> anyhow::Result<http::Answer> {
        let ask = Ask { path: headers::QUOTES_PATH.into(), ..Ask::json(DOCUMENT, json!({})) };
        ask.send(&http::client()?, self.origin(), &[]).await
    }
}

/// Long enough for whoever means it, on a loaded machine too.
const SHORT: usize = 2_000;

#[tokio::test]
async fn half_a_request_and_an_idle_socket_are_closed_and_nobody_else_is() {
    let quay = Quay::with(&[(PATIENCE, SHORT)]).await.unwrap();
    let mut silent = JoinSet::new();
    let halves: [&[u8]; 4] = [b"", b"GET /v1/service HTTP/1.1\r\nhost: a", b"PRI * HTTP/2.0\r\n", b"P"];
    for half in halves {
        silent.spawn(until_closed(sent(quay.origin(), half).await.unwrap()));
    }
    // After a whole request too: at first it rests, then it begins another one and does not end it.
    for half in [&b""[..], b"GET "] {
        let mut kept = sent(quay.origin(), b"GET /v1/service HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let mut answered = vec![0; 16];
        kept.read_exact(&mut answered).await.unwrap();
        assert!(answered.starts_with(b"HTTP/1.1 200"));
        kept.write_all(half).await.unwrap();
        silent.spawn(until_closed(kept));
    }
    while let Some(closed) = silent.join_next().await {
        let told = closed.unwrap().unwrap();
        assert!(!told.contains("HTTP/1.1"), "{told}");
    }
    assert_eq!(quay.service().await.unwrap(), 200);
}

#[tokio::test]
async fn a_body_that_stops_or_drips_is_told_so() {
    let quay = Quay::with(&[(PATIENCE, SHORT)]).await.unwrap();
    let mut stopped = sent(quay.origin(), &post(headers::QUOTES_PATH, "text/plain", 1000)).await.unwrap();
    stopped.write_all(b"A").await.unwrap();
    let dripping = sent(quay.origin(), &post(headers::SUMMARIES_PATH, "text/plain", 1000)).await.unwrap();
    let (reading, mut writing) = dripping.into_split();
    let drip = async {
        while writing.write_all(b"A").await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let (stopped, dripped, ()) = tokio::join!(until_closed(stopped), until_closed(reading), drip);
    for told in [stopped.unwrap(), dripped.unwrap()] {
        assert!(told.starts_with("HTTP/1.1 408 ") && told.contains(r#""code":"body_timeout""#), "{told}");
    }
}

#[tokio::test]
async fn a_header_section_over_the_limit_is_refused_on_plain_http() {
    let quay = Quay::with(&[]).await.unwrap();
    let with = |fields: String| format!("GET /v1/service HTTP/1.1\r\nconnection: close\r\n{fields}\r\n");
    let many = |count: usize| (0..count).map(|number| format!("x-{number}: 1\r\n")).collect::<String>();
    for (what, fields, refused) in [
        ("what is allowed", format!("x-long: {}\r\n{}", "a".repeat(31 * 1024), many(60)), false),
        ("too many bytes", format!("x-long: {}\r\n", "a".repeat(33 * 1024)), true),
        ("far too many bytes", format!("x-long: {}\r\n", "a".repeat(1 << 20)), true),
        ("too many fields", many(70), true),
        ("far too many fields", many(1000), true),
    ] {
        let mut socket = connect(quay.origin()).await.unwrap();
        // It may be refused before all of it is sent.
        let _ = socket.write_all(with(fields).as_bytes()).await;
        let told = until_closed(socket).await.unwrap();
        let status = if refused { "HTTP/1.1 431 " } else { "HTTP/1.1 200 " };
        assert!(told.starts_with(status), "{what}: {}", told.lines().next().unwrap_or_default());
    }
}

/// The settings that a server of HTTP/2 announces.
async fn announced(mut socket: TcpStream) -> anyhow::Result<BTreeMap<u16, u32>> {
    const SETTINGS: u8 = 4;
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").await?;
    let mut head = [0; 9];
    socket.read_exact(&mut head).await?;
    ensure!(head[3] == SETTINGS, "the first frame is of kind {}", head[3]);
    let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
    socket.read_exact(&mut payload).await?;
    let pairs = payload.chunks_exact(6);
    Ok(pairs.map(|p| (u16::from_be_bytes([p[0], p[1]]), u32::from_be_bytes([p[2], p[3], p[4], p[5]]))).collect())
}

#[tokio::test]
async fn http_2_has_few_streams_small_windows_and_bounded_header_sections() {
    const MAX_CONCURRENT_STREAMS: u16 = 3;
    const INITIAL_WINDOW_SIZE: u16 = 4;
    const MAX_HEADER_LIST_SIZE: u16 = 6;
    let quay = Quay::with(&[]).await.unwrap();
    let settings = announced(connect(quay.origin()).await.unwrap()).await.unwrap();
    assert_eq!(settings.get(&MAX_CONCURRENT_STREAMS), Some(&32), "{settings:?}");
    assert_eq!(settings.get(&MAX_HEADER_LIST_SIZE), Some(&(32 * 1024)), "{settings:?}");
    assert!(settings.get(&INITIAL_WINDOW_SIZE).is_none_or(|window| *window <= 65_536), "{settings:?}");

    http::client().unwrap();
    let client = Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
    let url = format!("{}/v1/service", quay.origin());
    let answer = client.get(&url).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_2));
    // Refused by an answer or by the end of its stream; the next request is answered.
    let large = client.get(&url).header("x-long", "a".repeat(40 * 1024)).send().await;
    assert!(large.is_err() || large.unwrap().status() == 431);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn slow_bodies_take_no_place_of_anybody_and_make_room_for_whoever_comes() {
    let quay = Quay::with(&[(BODIES, 8)]).await.unwrap();
    let mut slow = Vec::new();
    for path in [headers::QUOTES_PATH, headers::SUMMARIES_PATH, headers::OHTTP_GATEWAY_PATH] {
        for _ in 0..16 {
            let mut socket = sent(quay.origin(), &post(path, "text/plain", 100_000)).await.unwrap();
            socket.write_all(b"A").await.unwrap();
            slow.push(socket);
        }
    }
    assert_eq!(quay.service().await.unwrap(), 200);
    // Refused at once and told to come back, until those that were there first have been slow for long enough.
    let mut refused = 0;
    eventually("quote", async || {
        let answer = quay.quote().await.ok()?;
        if answer.status == 200 {
            return Some(());
        }
        answer.refused(503, "overloaded").unwrap();
        assert_eq!(answer.header("retry-after"), "2");
        refused += 1;
        None
    })
    .await
    .unwrap();
    drop(slow);
}

#[tokio::test]
async fn the_internal_listener_answers_whatever_happens_on_the_public_one() {
    let quay = Quay::with(&[(CONNECTIONS, 16)]).await.unwrap();
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(sent(quay.origin(), b"GET /v1/ser").await.unwrap());
    }
    let internal = |path: &str| format!("{}{path}", quay.testbed.internal_url);
    for path in ["/livez", "/readyz"] {
        assert_eq!(http::get(&http::client().unwrap(), &internal(path)).await.unwrap().status, 200, "{path}");
    }
    // And a newcomer on the public one finds a place, which one that rests leaves to it.
    assert_eq!(quay.service().await.unwrap(), 200);
    assert_eq!(quay.quote().await.unwrap().status, 200);
}

#[tokio::test]
async fn what_finds_no_place_is_refused_at_once_and_nothing_untrue_is_said_of_money() {
    let quay = Quay::with(&[(PLACES, 1), (model::DELAY, 5_000)]).await.unwrap();
    let payer = Payer::from_file(Path::new(quay.devnet.get("PRECIS_PAYER_KEY_FILE").unwrap())).unwrap();
    let asks = [DOCUMENT, "Another document. It has two sentences."].map(|text| Ask::json(text, json!({})));
    let mut paid = Vec::new();
    for ask in &asks {
        paid.push(payer.pay(&quay.client, quay.origin(), ask).await.unwrap());
    }
    let send = |number: usize| send_paid(&quay.client, quay.origin(), &asks[number], &paid[number]);
    let (one, other) = tokio::join!(send(0), send(1));
    let (one, other) = (one.unwrap(), other.unwrap());
    let (served, refused) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!((served.status.as_u16(), refused.status.as_u16()), (200, 503), "{}", refused.text());
    let problem = refused.json().unwrap();
    assert_eq!(problem["code"], "overloaded");
    // Whether an earlier copy of this payment was charged, the edge does not know.
    assert_eq!(problem["charged"], "unknown");
    assert_eq!(refused.header("retry-after"), "2");
    assert_eq!(quay.service().await.unwrap(), 200);
    // The same payment is taken once there is a place.
    let last = usize::from(served.body == send(0).await.unwrap().body);
    assert_eq!(send(last).await.unwrap().status, 200);
}

/// MiB of a line of /proc/PID/status.
fn memory(process: u32, line: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = status.lines().find_map(|l| l.strip_prefix(line)).with_context(|| line.to_owned())?;
    Ok(value.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse::<u64>()? / 1024)
}

/// What the server says that callers can take of its memory, MiB; the whole bound.
fn stated(log: &str) -> anyhow::Result<(u64, u64)> {
    let line = log.lines().find(|line| line.contains(r#""edge.memory""#)).context("no bound is stated")?;
    let told: Value = serde_json::from_str(line)?;
    let term = |name: &str| told[name].as_u64().with_context(|| format!("{name} in {line}"));
    let mut callers = 0;
    for name in ["bodies_mib", "opened_mib", "readers_mib", "texts_mib", "answers_mib", "connections_mib", "rest_mib"] {
        callers += term(name)?;
    }
    let total = term("total_mib")?;
    ensure!(total == callers + term("loaded_mib")? + term("models_mib")? + term("jobs_mib")? || total > callers);
    Ok((callers, total))
}

#[tokio::test]
async fn a_flood_of_large_encapsulated_requests_stays_within_the_stated_memory_and_gives_it_back() {
    const REQUESTS: usize = 190;
    const AT_A_TIME: usize = 48;
    let stack = Stack::start().await.unwrap();
    let process = stack.server.process.id();
    let (callers, total) = stated(&stack.server.process.output()).unwrap();
    let url = format!("{}{}", stack.server.url, headers::OHTTP_GATEWAY_PATH);
    let config = http::get(&http::client().unwrap(), &url).await.unwrap().body[2..].to_vec();
    let before = memory(process, "VmRSS").unwrap();

    let mut flood = JoinSet::new();
    let mut answered: BTreeMap<u16, usize> = BTreeMap::new();
    for _ in 0..REQUESTS {
        if flood.len() >= AT_A_TIME {
            note(&mut answered, flood.join_next().await);
        }
        let (config, url) = (config.clone(), url.clone());
        flood.spawn(async move {
            let channel = ClientChannel::new(&config)?;
            let inner = ::http::Request::post("https://precis.invalid/v1/summaries")
                .header("content-type", "text/plain")
                .body(Bytes::from(vec![b'a'; 8 << 20]))?;
            let (sealed, _opener) = channel.seal(inner)?;
            let request = http::client()?.post(url).header("content-type", ClientChannel::REQUEST_MEDIA_TYPE);
            http::answer(request.body(sealed)).await.map(|answer| answer.status.as_u16())
        });
    }
    while let Some(ended) = flood.join_next().await {
        note(&mut answered, Some(ended));
    }
    assert!(answered.get(&200).is_some_and(|opened| *opened > 0), "{answered:?}");
    assert!(answered.keys().all(|status| [0, 200, 503].contains(status)), "{answered:?}");

    let peak = memory(process, "VmHWM").unwrap();
    assert!(peak - before.min(peak) <= callers, "{peak} MiB at the peak, {before} before, {callers} stated");
    assert!(peak <= total, "{peak} MiB, {total} stated");
    eventually("return of the memory", async || {
        // Something has to be asked, so that the allocator has an occasion.
        http::get(&http::client().ok()?, &format!("{}/v1/service", stack.server.url)).await.ok()?;
        (memory(process, "VmRSS").ok()? <= before + 96).then_some(())
    })
    .await
    .unwrap();
    println!("{before} MiB before, {peak} at the peak, {} after; {answered:?}", memory(process, "VmRSS").unwrap());
}

/// Counts an answer by its status; 0 for none.
fn note(answered: &mut BTreeMap<u16, usize>, ended: Option<Result<anyhow::Result<u16>, tokio::task::JoinError>>) {
    let status = ended.and_then(Result::ok).and_then(Result::ok).unwrap_or(0);
    *answered.entry(status).or_default() += 1;
}

#[tokio::test]
async fn an_honest_quote_does_not_wait_for_forty_hostile_ones() {
    let stack = Stack::start().await.unwrap();
    let quote = |text: String| Ask { path: headers::QUOTES_PATH.into(), ..Ask::raw("text/plain", text) };
    // Nothing shows that it has too many tokens until they are counted.
    let hostile = quote("Слово за словом, и ещё одно. ".repeat(10_000).chars().take(270_000).collect());
    let mut flood = JoinSet::new();
    for _ in 0..40 {
        let (hostile, origin) = (hostile.clone(), stack.server.url.clone());
        flood.spawn(async move { Ok::<_, anyhow::Error>(hostile.send(&http::client()?, &origin, &[]).await?.status) });
    }
    // One that was refused at once shows that the others have filled their places.
    let refused = flood.join_next().await.unwrap().unwrap().unwrap();
    assert!([503, 413].contains(&refused.as_u16()), "{refused}");
    let honest = quote(DOCUMENT.into()).send(&http::client().unwrap(), &stack.server.url, &[]).await.unwrap();
    let waiting = flood.len() - std::iter::from_fn(|| flood.try_join_next()).count();
    assert_eq!(honest.status, 200, "{}", honest.text());
    assert!(waiting > 0, "it was answered after all of them");
    while flood.join_next().await.is_some() {}
}
