#![allow(clippy::unwrap_used, clippy::panic)]

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { request: 1 << 20, response: 1 << 20 };

/// RFC 9458 appendix A: a request and a response with every empty section left out.
const RFC_9458_REQUEST: &[u8] = b"\x00\x03GET\x05https\x0bexample.com\x01/";
const RFC_9458_RESPONSE: &[u8] = &[0x01, 0x40, 0xc8];

fn request(bytes: &[u8]) -> Result<Request<Bytes>, MessageError> {
    decode_request(Bytes::copy_from_slice(bytes), &LIMITS)
}

fn response(bytes: &[u8]) -> Result<Response<Bytes>, MessageError> {
    decode_response(Bytes::copy_from_slice(bytes), &LIMITS)
}

fn foreign(mode: bhttp::Mode, fields: &[(&str, &str)], content: &[u8]) -> Vec<u8> {
    let mut message =
        bhttp::Message::request(b"POST".to_vec(), b"https".to_vec(), b"a.example".to_vec(), b"/v1/x?y=1".to_vec());
    for (name, value) in fields {
        message.put_header(*name, *value);
    }
    message.write_content(content);
    let mut bytes = Vec::new();
    message.write_bhttp(mode, &mut bytes).unwrap();
    bytes
}

#[test]
fn the_messages_of_rfc_9458_are_read() {
    let request = request(RFC_9458_REQUEST).unwrap();
    assert_eq!((request.method(), request.uri().path()), (&Method::GET, "/"));
    assert_eq!(request.headers()["host"], "example.com");
    assert!(request.body().is_empty());
    assert_eq!(response(RFC_9458_RESPONSE).unwrap().status(), StatusCode::OK);
}

#[test]
fn both_forms_of_another_implementation_are_read() {
    for mode in [bhttp::Mode::KnownLength, bhttp::Mode::IndeterminateLength] {
        let bytes = foreign(mode, &[("content-type", "text/plain"), ("a", "1"), ("a", "2")], b"hello");
        let request = request(&bytes).unwrap();
        assert_eq!(request.uri(), "/v1/x?y=1");
        assert_eq!(request.headers()["content-type"], "text/plain");
        assert_eq!(request.headers().get_all("a").iter().count(), 2);
        assert_eq!(request.body(), "hello");
    }
}

#[test]
fn another_implementation_reads_ours() {
    let sent = Request::post("https://a.example/v1/x?y=1")
        .header("content-type", "text/plain")
        .body(Bytes::from_static(b"hello"))
        .unwrap();
    let bytes = encode_request(sent, &LIMITS).unwrap();
    assert_eq!(bytes.len(), 1024);
    let read = bhttp::Message::read_bhttp(&mut std::io::Cursor::new(&bytes[..])).unwrap();
    assert_eq!(read.control().authority(), Some(&b"a.example"[..]));
    assert_eq!(read.control().path(), Some(&b"/v1/x?y=1"[..]));
    assert_eq!(read.header().get(b"content-type"), Some(&b"text/plain"[..]));
    assert_eq!(read.content(), b"hello");

    let sent =
        Response::builder().status(402).header("payment-required", "e30=").body(Bytes::from_static(b"{}")).unwrap();
    let bytes = encode_response(sent, &LIMITS).unwrap();
    let read = bhttp::Message::read_bhttp(&mut std::io::Cursor::new(&bytes[..])).unwrap();
    assert_eq!(read.control().status().map(|status| status.code()), Some(402));
    assert_eq!(read.content(), b"{}");
}

#[test]
fn chunks_of_indeterminate_content_are_joined_and_must_be_terminated() {
    let head = b"\x02\x04POST\x05https\x00\x02/x\x00";
    let whole = [&head[..], b"\x02ab\x03cde\x00\x00\x00\x00"].concat();
    assert_eq!(request(&whole).unwrap().body(), "abcde");
    // Content and trailers may be left out together, but not half.
    assert!(request(head).unwrap().body().is_empty());
    assert_eq!(request(&[&head[..], b"\x02ab"].concat()).unwrap_err(), MessageError::Malformed);
    // Nor may a field section end without its terminator.
    assert_eq!(request(b"\x02\x04POST\x05https\x00\x02/x\x01a\x01b").unwrap_err(), MessageError::Malformed);
}

#[test]
fn informational_responses_are_left_out() {
    assert_eq!(response(b"\x01\x40\x67\x00\x40\xc8\x00\x02ok").unwrap().body(), "ok");
    let endless = [&b"\x01"[..], &b"\x40\x67\x00".repeat(9), b"\x40\xc8"].concat();
    assert_eq!(response(&endless).unwrap_err(), MessageError::Malformed);
}

#[test]
fn padding_is_zeros() {
    let mut padded = RFC_9458_REQUEST.to_vec();
    padded.resize(512, 0);
    assert!(request(&padded).is_ok());
    *padded.last_mut().unwrap() = 1;
    assert_eq!(request(&padded).unwrap_err(), MessageError::Malformed);
}

#[test]
fn requests_and_responses_are_not_confused() {
    assert_eq!(response(RFC_9458_REQUEST).unwrap_err(), MessageError::Malformed);
    assert_eq!(request(RFC_9458_RESPONSE).unwrap_err(), MessageError::Malformed);
}

#[test]
fn fields_of_one_hop_and_pretended_fields_are_dropped() {
    let fields = [
        ("connection", "x-one-hop, close"),
        ("x-one-hop", "1"),
        ("keep-alive", "1"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("x-forwarded-for", "1.2.3.4"),
        ("forwarded", "for=1.2.3.4"),
        ("precis-internal-channel", "2"),
        ("precis-nonce-salt", "00"),
        ("content-length", "5"),
    ];
    let headers = request(&foreign(bhttp::Mode::KnownLength, &fields, b"hello")).unwrap().headers().clone();
    let mut left: Vec<&str> = headers.keys().map(|name| name.as_str()).collect();
    left.sort_unstable();
    assert_eq!(left, ["host", "precis-nonce-salt"]);
}

#[test]
fn a_false_content_length_is_malformed() {
    for length in ["4", "+5", "5, 5", "x", ""] {
        let bytes = foreign(bhttp::Mode::KnownLength, &[("content-length", length)], b"hello");
        let result = request(&bytes);
        assert_eq!(result.unwrap_err(), MessageError::Malformed, "{length}");
    }
}

#[test]
fn malformed_fields_are_refused() {
    for (name, value) in
        [("Upper", "1"), (":path", "/"), ("a b", "1"), ("a", " 1"), ("a", "1\t"), ("a", "1\r\nb: 2"), ("", "1")]
    {
        let bytes = foreign(bhttp::Mode::KnownLength, &[(name, value)], b"");
        assert_eq!(request(&bytes).unwrap_err(), MessageError::Malformed, "{name}: {value}");
    }
}

#[test]
fn field_counts_and_sizes_are_bounded() {
    let many: Vec<(&str, &str)> = std::iter::repeat_n(("a", "1"), 65).collect();
    assert_eq!(request(&foreign(bhttp::Mode::KnownLength, &many, b"")).unwrap_err(), MessageError::TooLarge);
    assert!(request(&foreign(bhttp::Mode::KnownLength, &many[..64], b"")).is_ok());
    let long = "v".repeat(MAX_HEADER_BYTES);
    for mode in [bhttp::Mode::KnownLength, bhttp::Mode::IndeterminateLength] {
        assert_eq!(request(&foreign(mode, &[("a", &long)], b"")).unwrap_err(), MessageError::TooLarge);
        assert!(request(&foreign(mode, &[("a", &long[1..])], b"")).is_ok());
    }
}

#[test]
fn content_is_bounded_in_both_forms_and_directions() {
    let limits = Limits { request: 4, response: 4 };
    for mode in [bhttp::Mode::KnownLength, bhttp::Mode::IndeterminateLength] {
        assert!(decode_request(foreign(mode, &[], b"1234").into(), &limits).is_ok());
        assert_eq!(decode_request(foreign(mode, &[], b"12345").into(), &limits).unwrap_err(), MessageError::TooLarge);
    }
    let answer = |content: &'static [u8]| encode_response(Response::new(Bytes::from_static(content)), &limits);
    assert!(answer(b"1234").is_ok());
    assert_eq!(answer(b"12345").unwrap_err(), MessageError::TooLarge);
}

#[test]
fn a_length_beyond_the_message_takes_no_memory() {
    // Content of 2^62 - 1 bytes is announced, of which there are none.
    let huge = [RFC_9458_REQUEST, b"\x00", &[0xff; 8]].concat();
    assert_eq!(request(&huge).unwrap_err(), MessageError::TooLarge);
}

#[test]
fn schemes_paths_and_authorities_are_checked() {
    let with = |scheme: &str, authority: &str, path: &str, fields: &[(&str, &str)]| {
        let mut message = bhttp::Message::request(b"GET".to_vec(), scheme.into(), authority.into(), path.into());
        for (name, value) in fields {
            message.put_header(*name, *value);
        }
        let mut bytes = Vec::new();
        message.write_bhttp(bhttp::Mode::KnownLength, &mut bytes).unwrap();
        request(&bytes)
    };
    assert!(with("https", "", "/", &[]).unwrap().headers().get("host").is_none());
    assert_eq!(with("https", "", "/", &[("host", "b.example")]).unwrap().headers()["host"], "b.example");
    assert!(with("https", "b.example", "/", &[("host", "B.example")]).is_ok());
    assert!(with("https", "a.example", "/", &[("host", "b.example")]).is_err());
    assert!(with("https", "", "/", &[("host", "a"), ("host", "a")]).is_err());
    assert!(with("https", "user@a.example", "/", &[]).is_err());
    assert!(with("https", "a b", "/", &[]).is_err());
    assert!(with("http", "a.example", "/", &[]).is_err());
    assert!(with("https", "a.example", "https://c.example/", &[]).is_err());
    assert!(with("https", "a.example", "*", &[]).is_err());
    assert!(with("https", "a.example", "", &[]).is_err());
    assert!(with("https", "a.example", "/a b", &[]).is_err());
}

#[test]
fn padded_sizes_are_those_of_the_specification() {
    for (length, padded) in [
        (0, 1024),
        (1, 1024),
        (1024, 1024),
        (1025, 2048),
        (40_000, 65_536),
        (65_536, 65_536),
        (65_537, 131_072),
        (200_000, 262_144),
        (262_144, 262_144),
    ] {
        assert_eq!(padded_len(length), padded);
    }
}

proptest! {
    #[test]
    fn integers_survive_the_round_trip(value in 0..varint::END, rest in proptest::collection::vec(any::<u8>(), 0..4)) {
        let mut bytes = Vec::new();
        varint::write(value, &mut bytes);
        bytes.extend_from_slice(&rest);
        prop_assert_eq!(varint::read(&bytes), Some((value, &rest[..])));
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_read_but_never_panic(kind in 0u8..4, bytes in proptest::collection::vec(prop_oneof![0u8..8, any::<u8>()], 0..120)) {
        let bytes = [&[kind], &bytes[..]].concat();
        let _ = request(&bytes);
        let _ = response(&bytes);
    }

    #[test]
    fn messages_survive_the_round_trip_at_padded_sizes(
        path in "/[a-z0-9/._~%-]{0,40}",
        value in "[!-~]{0,60}",
        status in 200u16..600,
        content in proptest::collection::vec(any::<u8>(), 0..70_000),
    ) {
        let content = Bytes::from(content);
        let sent = Request::post(format!("https://a.example{path}")).header("x-value", &value).body(content.clone()).unwrap();
        let bytes = encode_request(sent, &LIMITS).unwrap();
        prop_assert_eq!(padded_len(bytes.len()), bytes.len());
        let read = request(&bytes).unwrap();
        prop_assert_eq!(read.uri().path_and_query().unwrap().as_str(), path);
        prop_assert_eq!(read.headers()["x-value"].as_bytes(), value.as_bytes());
        prop_assert_eq!(read.body(), &content);

        let sent = Response::builder().status(status).header("x-value", &value).body(content.clone()).unwrap();
        let bytes = encode_response(sent, &LIMITS).unwrap();
        prop_assert_eq!(padded_len(bytes.len()), bytes.len());
        let read = response(&bytes).unwrap();
        prop_assert_eq!(read.status().as_u16(), status);
        let expected: HeaderMap = [("x-value".parse().unwrap(), value.parse().unwrap())].into_iter().collect();
        prop_assert_eq!(read.headers(), &expected);
        prop_assert_eq!(read.body(), &content);
    }

    #[test]
    fn no_truncation_of_a_message_reads_as_the_message(cut in 0usize..200) {
        let bytes = foreign(bhttp::Mode::KnownLength, &[("a", "1")], b"hello");
        let cut = cut % (bytes.len() - 1);
        // Leaving out the empty trailer section is allowed; anything before that is not.
        prop_assert_eq!(request(&bytes[..cut]).ok().filter(|read| read.body() == "hello").is_some(), false);
    }
}
