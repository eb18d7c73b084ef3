//! The channel as its two users see it, against honest and hostile bytes.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use precis_channel::*;
use precis_protocol::headers::*;
use proptest::prelude::*;

const KEY_ID: u8 = 7;

fn pair() -> (Gateway, ClientChannel) {
    let key = ChannelKey::generate(KEY_ID).unwrap();
    let client = ClientChannel::new(&key.config()).unwrap();
    (Gateway::new(key, vec!["summaries.example".into()]), client)
}

fn post(body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post("https://summaries.example/v1/summaries?mode=extractive")
        .header("content-type", "text/plain")
        .header(PAYMENT_SIGNATURE, "e30=")
        .body(body.into())
        .unwrap()
}

fn ok(body: impl Into<Bytes>) -> Response<Bytes> {
    Response::builder().header("content-type", "application/json").body(body.into()).unwrap()
}

fn reason(gateway: &Gateway, media_type: &str, body: &[u8]) -> Option<Reason> {
    gateway.open(media_type, body).err().map(|error| error.reason())
}

#[test]
fn request_and_answer_cross_the_channel_whole() {
    let (gateway, client) = pair();
    let (sealed, opener) = client.seal(post("a document")).unwrap();
    let (request, responder) = gateway.open(OHTTP_CHUNKED_REQ, &sealed).unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "/v1/summaries?mode=extractive");
    assert_eq!(request.headers()["host"], "summaries.example");
    assert_eq!(request.headers()[PAYMENT_SIGNATURE], "e30=");
    assert_eq!(request.body(), "a document");
    assert!(request.extensions().get::<Encapsulated>().is_some());

    let (media_type, sealed) = responder.seal(ok("{}")).unwrap();
    assert_eq!(media_type, OHTTP_CHUNKED_RES);
    let response = opener.open(media_type, &sealed).unwrap();
    assert_eq!((response.status().as_u16(), &response.body()[..]), (200, &b"{}"[..]));
    assert_eq!(response.headers()["content-type"], "application/json");
}

#[test]
fn the_unchunked_form_is_answered_in_kind() {
    let (gateway, _) = pair();
    let client = ohttp::ClientRequest::from_encoded_config_list(&gateway.key().config_list()).unwrap();
    let (sealed, opener) = client.encapsulate(b"\x00\x03GET\x05https\x00\x0b/v1/service").unwrap();
    let (request, responder) = gateway.open(OHTTP_REQ, &sealed).unwrap();
    assert_eq!(request.uri(), "/v1/service");
    let (media_type, sealed) = responder.seal(ok("{}")).unwrap();
    assert_eq!(media_type, OHTTP_RES);
    let message = opener.decapsulate(&sealed).unwrap();
    assert_eq!(message.len(), 1024);
    assert!(message.starts_with(&[0x01, 0x40, 0xc8]));
}

#[test]
fn the_configuration_is_one_key_and_one_suite() {
    let key = ChannelKey::generate(KEY_ID).unwrap();
    let config = key.config();
    assert_eq!(config.len(), CONFIG_BYTES);
    assert_eq!(config_public_key(&config).unwrap(), key.public_key());
    assert_eq!(key.config_list()[..2], [0, 41]);
    assert_eq!(key.config_list()[2..], config);
    assert_ne!(ChannelKey::generate(KEY_ID).unwrap().public_key(), key.public_key());
}

#[test]
fn other_configurations_are_refused_by_the_client() {
    let config = ChannelKey::generate(KEY_ID).unwrap().config();
    let refused = |config: &[u8]| ClientChannel::new(config).err() == Some(ChannelError::Configuration);
    // KEM, length of the suites, KDF, AEAD.
    for at in [1, 2, 35, 36, 37, 38, 39, 40] {
        let mut changed = config.clone();
        changed[at] ^= 3;
        assert!(refused(&changed), "byte {at}");
    }
    assert!(refused(&config[..40]));
    assert!(refused(&[&config[..], &[0]].concat()));
    // Two suites, the second being ChaCha20-Poly1305.
    let mut two = config.clone();
    two[36] = 8;
    two.extend_from_slice(&[0, 1, 0, 3]);
    assert!(refused(&two));
    // A public key of low order has no shared secret.
    let mut low_order = config;
    low_order[3..35].fill(0);
    let client = ClientChannel::new(&low_order).unwrap();
    assert_eq!(client.seal(post("x")).err(), Some(ChannelError::Configuration));
}

#[test]
fn a_repeated_encapsulated_key_is_refused() {
    let (gateway, client) = pair();
    let (sealed, _) = client.seal(post("once")).unwrap();
    assert!(gateway.open(OHTTP_CHUNKED_REQ, &sealed).is_ok());
    assert_eq!(reason(&gateway, OHTTP_CHUNKED_REQ, &sealed), Some(Reason::Replayed));
    assert_eq!(reason(&gateway, OHTTP_REQ, &sealed), Some(Reason::Replayed));
    assert_eq!(gateway.opened(), 1);
}

#[test]
fn of_concurrent_copies_one_is_opened() {
    let (gateway, client) = pair();
    let (sealed, _) = client.seal(post("once")).unwrap();
    let opened = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                if gateway.open(OHTTP_CHUNKED_REQ, &sealed).is_ok() {
                    opened.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(opened.into_inner(), 1);
}

#[test]
fn a_full_replay_table_refuses_and_garbage_does_not_fill_it() {
    let key = ChannelKey::generate(KEY_ID).unwrap();
    let client = ClientChannel::new(&key.config()).unwrap();
    let gateway = Gateway::with_limits(key, Vec::new(), Limits::default(), 2);
    let (first, _) = client.seal(post("1")).unwrap();
    for at in 7..39 {
        let mut garbage = first.clone();
        garbage[at] ^= 1;
        assert_eq!(reason(&gateway, OHTTP_CHUNKED_REQ, &garbage), Some(Reason::Decryption));
    }
    assert_eq!(gateway.opened(), 0);
    for body in [first, client.seal(post("2")).unwrap().0] {
        assert!(gateway.open(OHTTP_CHUNKED_REQ, &body).is_ok());
    }
    let (third, _) = client.seal(post("3")).unwrap();
    assert_eq!(reason(&gateway, OHTTP_CHUNKED_REQ, &third), Some(Reason::ReplayTableFull));
}

#[test]
fn every_failure_reads_the_same_outside() {
    let (gateway, client) = pair();
    let (sealed, _) = client.seal(post("x")).unwrap();
    let mut texts = vec![
        gateway.open("text/plain", &sealed).err().unwrap().to_string(),
        gateway.open(OHTTP_CHUNKED_REQ, &sealed[..50]).err().unwrap().to_string(),
        gateway.open(OHTTP_REQ, &sealed).err().unwrap().to_string(),
    ];
    texts.dedup();
    assert_eq!(texts.len(), 1);
}

#[test]
fn suites_that_are_not_offered_are_refused() {
    let (gateway, client) = pair();
    let mut config = gateway.key().config();
    config[40] = 3;
    // The stream of the cryptography crate would take ChaCha20-Poly1305 though the configuration does not offer it.
    let foreign = ohttp::ClientRequest::from_encoded_config(&config).unwrap();
    let mut body = Vec::new();
    let mut stream = foreign.encapsulate_stream(&mut body).unwrap();
    futures_write(&mut stream, b"\x00\x03GET\x05https\x00\x01/");
    drop(stream);
    assert_eq!(reason(&gateway, OHTTP_CHUNKED_REQ, &body), Some(Reason::UnknownKey));

    let (sealed, _) = client.seal(post("x")).unwrap();
    for at in 0..7 {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(reason(&gateway, OHTTP_CHUNKED_REQ, &changed), Some(Reason::UnknownKey), "byte {at}");
    }
}

fn futures_write(stream: &mut (impl futures::AsyncWrite + Unpin), bytes: &[u8]) {
    use std::{
        pin::Pin,
        task::{Context, Waker},
    };
    let mut context = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut *stream).poll_write(&mut context, bytes).is_ready());
    assert!(Pin::new(stream).poll_close(&mut context).is_ready());
}

#[test]
fn connect_other_authorities_and_the_gateway_itself_are_refused() {
    let (gateway, client) = pair();
    let target = |uri: &str| {
        let (sealed, _) = client.seal(Request::get(uri).body(Bytes::new()).unwrap()).unwrap();
        reason(&gateway, OHTTP_CHUNKED_REQ, &sealed)
    };
    assert_eq!(target("https://summaries.example/v1/service"), None);
    assert_eq!(target("https://SUMMARIES.example:443/v1/service"), None);
    assert_eq!(target("/v1/service"), None);
    assert_eq!(target("https://other.example/v1/service"), Some(Reason::Target));
    assert_eq!(target("https://summaries.example:8443/v1/service"), Some(Reason::Target));
    assert_eq!(target("https://summaries.example/.well-known/ohttp-gateway"), Some(Reason::Target));
    assert_eq!(target("https://summaries.example/.well-known/ohttp%2dgateway/"), Some(Reason::Target));

    let connect = Request::connect("summaries.example:443").body(Bytes::new()).unwrap();
    assert_eq!(client.seal(connect).err(), Some(ChannelError::Request));
    let foreign = ohttp::ClientRequest::from_encoded_config(&gateway.key().config()).unwrap();
    let (sealed, _) = foreign.encapsulate(b"\x00\x07CONNECT\x05https\x00\x01/").unwrap();
    assert_eq!(reason(&gateway, OHTTP_REQ, &sealed), Some(Reason::Target));
}

#[test]
fn a_gateway_without_hosts_takes_any_authority() {
    let key = ChannelKey::generate(KEY_ID).unwrap();
    let client = ClientChannel::new(&key.config()).unwrap();
    let gateway = Gateway::new(key, Vec::new());
    let (sealed, _) = client.seal(post("x")).unwrap();
    assert!(gateway.open(OHTTP_CHUNKED_REQ, &sealed).is_ok());
}

#[test]
fn no_truncation_of_a_request_opens() {
    let (gateway, client) = pair();
    let (sealed, _) = client.seal(post("document")).unwrap();
    for length in 0..sealed.len() {
        assert!(gateway.open(OHTTP_CHUNKED_REQ, &sealed[..length]).is_err(), "{length} bytes");
        assert!(gateway.open(OHTTP_REQ, &sealed[..length]).is_err(), "{length} bytes");
    }
    assert!(gateway.open(OHTTP_CHUNKED_REQ, &sealed).is_ok());
}

#[test]
fn no_request_with_a_changed_byte_opens() {
    let (gateway, client) = pair();
    let (sealed, _) = client.seal(post("document")).unwrap();
    for at in 0..sealed.len() {
        for flip in [0x01, 0x40, 0x80, 0xff] {
            let mut changed = sealed.clone();
            changed[at] ^= flip;
            assert!(gateway.open(OHTTP_CHUNKED_REQ, &changed).is_err(), "byte {at}");
        }
    }
    assert!(gateway.open(OHTTP_CHUNKED_REQ, &[&sealed[..], &[0]].concat()).is_err());
    assert!(gateway.open(OHTTP_CHUNKED_REQ, &sealed).is_ok());
}

/// An answer of several chunks, and fresh openers for it, which only one client can make: the openers of other requests must all fail.
fn answer(size: usize) -> (Vec<u8>, Opener, Opener) {
    let (gateway, client) = pair();
    let (sealed, opener) = client.seal(post("one")).unwrap();
    let (_, other) = client.seal(post("two")).unwrap();
    let (_, responder) = gateway.open(OHTTP_CHUNKED_REQ, &sealed).unwrap();
    let (_, body) = responder.seal(ok(vec![b'x'; size])).unwrap();
    (body, opener, other)
}

#[test]
fn the_answer_to_another_request_does_not_open() {
    let (body, opener, other) = answer(10);
    assert_eq!(other.open(OHTTP_CHUNKED_RES, &body).err(), Some(ChannelError::Inauthentic));
    assert!(opener.open(OHTTP_CHUNKED_RES, &body).is_ok());
}

#[test]
fn a_reflected_request_does_not_open_as_an_answer() {
    let (_, client) = pair();
    let (sealed, opener) = client.seal(post("one")).unwrap();
    assert!(opener.open(OHTTP_CHUNKED_RES, &sealed).is_err());
}

#[test]
fn every_other_media_type_is_a_hard_failure() {
    for media_type in ["", "application/json", "application/problem+json", OHTTP_RES, OHTTP_CHUNKED_REQ] {
        let (body, opener, _) = answer(10);
        assert_eq!(opener.open(media_type, &body).err(), Some(ChannelError::NotEncrypted), "{media_type}");
    }
}

#[test]
fn an_answer_that_is_truncated_reordered_or_changed_does_not_open() {
    const CHUNK: usize = 16 * 1024 + 16;
    type Edit = Box<dyn Fn(&[u8]) -> Vec<u8>>;
    let changes: Vec<(&str, Edit)> = vec![
        ("whole chunks dropped from the end", Box::new(|body| body[..16 + 4 + CHUNK].to_vec())),
        ("final chunk dropped", Box::new(|body| body[..body.len() - 17].to_vec())),
        ("final tag cut", Box::new(|body| body[..body.len() - 1].to_vec())),
        ("first chunk dropped", Box::new(|body| [&body[..16], &body[16 + 4 + CHUNK..]].concat())),
        (
            "first two chunks exchanged",
            Box::new(|body| {
                let (head, rest) = body.split_at(16);
                [head, &rest[4 + CHUNK..2 * (4 + CHUNK)], &rest[..4 + CHUNK], &rest[2 * (4 + CHUNK)..]].concat()
            }),
        ),
        ("first chunk doubled", Box::new(|body| [&body[..16 + 4 + CHUNK], &body[16..]].concat())),
        ("a chunk made final", Box::new(|body| [&body[..16], &[0], &body[20..20 + CHUNK]].concat())),
        ("final marker moved forward", Box::new(|body| [&body[..16 + 4 + CHUNK], &body[body.len() - 17..]].concat())),
        (
            "another nonce",
            Box::new(|body| {
                let mut body = body.to_vec();
                body[0] ^= 1;
                body
            }),
        ),
        ("nothing", Box::new(|_| Vec::new())),
        ("bytes after the end", Box::new(|body| [body, &[0]].concat())),
    ];
    for (name, change) in changes {
        let (body, opener, _) = answer(100_000);
        assert_eq!(opener.open(OHTTP_CHUNKED_RES, &change(&body)).err(), Some(ChannelError::Inauthentic), "{name}");
    }
}

#[test]
fn no_truncation_of_an_answer_and_no_changed_byte_opens() {
    let (length, _, _) = answer(10);
    for at in 0..length.len() {
        let (body, opener, _) = answer(10);
        assert!(opener.open(OHTTP_CHUNKED_RES, &body[..at]).is_err(), "{at} bytes");
        let (mut body, opener, _) = answer(10);
        body[at] ^= 0x40;
        assert!(opener.open(OHTTP_CHUNKED_RES, &body).is_err(), "byte {at}");
    }
}

#[test]
fn answers_over_the_limit_are_refused_on_both_sides() {
    let key = ChannelKey::generate(KEY_ID).unwrap();
    let config = key.config();
    let small = Limits { request: 1000, response: 1000 };
    let client = ClientChannel::with_limits(&config, small).unwrap();
    assert_eq!(client.seal(post(vec![0; 1001])).err(), Some(ChannelError::TooLarge));

    let gateway = Gateway::with_limits(key, Vec::new(), Limits::default(), 10);
    let (sealed, opener) = client.seal(post("x")).unwrap();
    let (_, responder) = gateway.open(OHTTP_CHUNKED_REQ, &sealed).unwrap();
    let (media_type, body) = responder.seal(ok(vec![0; 1001])).unwrap();
    assert_eq!(opener.open(media_type, &body).err(), Some(ChannelError::TooLarge));

    let (sealed, _) = client.seal(post("x")).unwrap();
    let (_, responder) = gateway.open(OHTTP_CHUNKED_REQ, &sealed).unwrap();
    let too_large = vec![0; Limits::default().response + 1];
    assert_eq!(responder.seal(ok(too_large)).err().map(|error| error.reason()), Some(Reason::Response));
}

#[test]
fn a_request_larger_than_any_is_refused_unread() {
    let (gateway, client) = pair();
    let (mut sealed, _) = client.seal(post("x")).unwrap();
    sealed.resize(9 * 1024 * 1024, 0);
    assert_eq!(reason(&gateway, OHTTP_CHUNKED_REQ, &sealed), Some(Reason::TooLarge));
}

#[test]
fn sizes_outside_tell_only_the_bucket() {
    let (gateway, client) = pair();
    let sizes = |request: usize, response: usize| {
        let (sealed, _) = client.seal(post(vec![b'x'; request])).unwrap();
        let (_, responder) = gateway.open(OHTTP_CHUNKED_REQ, &sealed).unwrap();
        (sealed.len(), responder.seal(ok(vec![b'x'; response])).unwrap().1.len())
    };
    assert_eq!(sizes(1, 1), sizes(600, 700));
    assert_eq!(sizes(130_000, 2100), sizes(70_000, 3900));
    assert_ne!(sizes(600, 700), sizes(1100, 1100));
}

#[test]
fn ten_mebibytes_cross_in_both_directions() {
    const SIZE: usize = 10 * 1024 * 1024;
    let key = ChannelKey::generate(KEY_ID).unwrap();
    let limits = Limits { request: SIZE, response: SIZE };
    let client = ClientChannel::with_limits(&key.config(), limits).unwrap();
    let gateway = Gateway::with_limits(key, Vec::new(), limits, 10);
    let document = Bytes::from(vec![b'd'; SIZE]);

    let start = Instant::now();
    let (sealed, opener) = client.seal(post(document.clone())).unwrap();
    let sent = start.elapsed();
    let (request, responder) = gateway.open(OHTTP_CHUNKED_REQ, &sealed).unwrap();
    let opened = start.elapsed();
    let (media_type, answer) = responder.seal(ok(document.clone())).unwrap();
    let answered = start.elapsed();
    let response = opener.open(media_type, &answer).unwrap();
    let done = start.elapsed();
    eprintln!(
        "10 MiB: seal {sent:?}, open {:?}, seal answer {:?}, open answer {:?}; {} bytes over the document",
        opened - sent,
        answered - opened,
        done - answered,
        sealed.len() - SIZE
    );
    assert!(*request.body() == document && *response.body() == document);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_never_open_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), genuine_header in any::<bool>()) {
        let (gateway, client) = pair();
        let mut body = bytes.clone();
        if genuine_header {
            body = [&[KEY_ID, 0, 0x20, 0, 1, 0, 1], &bytes[..]].concat();
        }
        prop_assert!(gateway.open(OHTTP_CHUNKED_REQ, &body).is_err());
        prop_assert!(gateway.open(OHTTP_REQ, &body).is_err());
        let (_, opener) = client.seal(post("x")).unwrap();
        prop_assert!(opener.open(OHTTP_CHUNKED_RES, &bytes).is_err());
    }

    #[test]
    fn any_sealed_plaintext_is_refused_or_opened_but_never_panics(plaintext in proptest::collection::vec(prop_oneof![0u8..8, any::<u8>()], 0..200)) {
        let (gateway, _) = pair();
        let client = ohttp::ClientRequest::from_encoded_config(&gateway.key().config()).unwrap();
        let (sealed, _) = client.encapsulate(&plaintext).unwrap();
        if let Some(reason) = reason(&gateway, OHTTP_REQ, &sealed) {
            prop_assert!(matches!(reason, Reason::Message | Reason::TooLarge | Reason::Target));
        }
    }
}
