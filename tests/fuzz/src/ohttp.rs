use std::sync::LazyLock;

use bytes::Bytes;
use http::{Request, Response};
use precis_channel::{ChannelKey, ClientChannel, Encapsulated, Gateway, Opener};
use precis_protocol::headers::{OHTTP_CHUNKED_REQ, OHTTP_CHUNKED_RES, OHTTP_REQ};

use crate::script::edits;

/// Key id, KEM, KDF, AEAD and encapsulated key of a request.
const REQUEST_HEAD_BYTES: usize = 7 + 32;
/// The nonce of a response.
const RESPONSE_HEAD_BYTES: usize = 16;
const KEY_ID: u8 = 7;

/// A gateway that opens nothing but garbage, and the head of a request that it would open.
static REFUSING: LazyLock<(Gateway, Vec<u8>)> = LazyLock::new(|| {
    let (gateway, client) = pair();
    let (mut sealed, _) = client.seal(request(&Bytes::new())).unwrap();
    sealed.truncate(REQUEST_HEAD_BYTES);
    (gateway, sealed)
});

/// Both ends of the channel. The first byte says what the rest is: a hostile request (bare, or behind the head of a real one), a hostile
/// answer, or edits of a sealed request or answer; the second, how large the sealed message is. What opens is what was sealed, whole.
pub fn ohttp(bytes: &[u8]) {
    let [kind, size, rest @ ..] = bytes else { return };
    let content = Bytes::from(vec![b'x'; usize::from(*size) * 129]);
    match kind % 5 {
        0 => refused(rest),
        1 => refused(&[&REFUSING.1, rest].concat()),
        kind => {
            let (gateway, client) = pair();
            let (sealed, opener) = client.seal(request(&content)).unwrap();
            sealed_and_spoiled(kind, &gateway, &sealed, opener, &content, rest);
        }
    }
}

fn pair() -> (Gateway, ClientChannel) {
    let key = ChannelKey::generate(KEY_ID).unwrap();
    let client = ClientChannel::new(&key.config()).unwrap();
    (Gateway::new(key, vec!["a.example".to_owned()]), client)
}

fn refused(hostile: &[u8]) {
    let gateway = &REFUSING.0;
    for media_type in [OHTTP_CHUNKED_REQ, OHTTP_REQ] {
        assert!(gateway.open(media_type, hostile).is_err(), "nobody sealed this");
    }
    assert_eq!(gateway.opened(), 0, "garbage fills the table of replays");
}

fn sealed_and_spoiled(kind: u8, gateway: &Gateway, sealed: &[u8], opener: Opener, content: &Bytes, script: &[u8]) {
    match kind {
        2 => {
            let hostile = spoil(sealed, REQUEST_HEAD_BYTES, script);
            assert!(gateway.open(OHTTP_REQ, &hostile).is_err(), "chunks open as one message");
            let opened = gateway.open(OHTTP_CHUNKED_REQ, &hostile);
            assert!(opened.is_ok() || hostile != sealed, "an honest request is refused");
            let Ok((opened, _)) = opened else { return };
            assert_eq!(opened.body(), content, "a part of a request");
            assert_eq!((opened.uri().path(), opened.method().as_str()), ("/v1/summaries", "POST"));
            assert!(opened.extensions().get::<Encapsulated>().is_some());
            assert!(gateway.open(OHTTP_CHUNKED_REQ, &hostile).is_err(), "a request opens twice");
        }
        3 => assert!(opener.open(OHTTP_CHUNKED_RES, script).is_err(), "nobody sealed this"),
        _ => {
            let (_, responder) = gateway.open(OHTTP_CHUNKED_REQ, sealed).unwrap();
            let (media_type, answer) = responder.seal(Response::new(content.clone())).unwrap();
            let hostile = spoil(&answer, RESPONSE_HEAD_BYTES, script);
            let opened = opener.open(media_type, &hostile);
            assert!(opened.is_ok() || hostile != answer, "an honest answer is refused");
            let Ok(opened) = opened else { return };
            assert_eq!((opened.status().as_u16(), opened.body()), (200, content), "a part of an answer");
        }
    }
}

fn request(content: &Bytes) -> Request<Bytes> {
    Request::post("https://a.example/v1/summaries").body(content.clone()).unwrap()
}

/// `sealed` with edits of its bytes and of its sequence of chunks.
fn spoil(sealed: &[u8], head: usize, script: &[u8]) -> Vec<u8> {
    let (head, mut rest) = sealed.split_at(head);
    let mut parts = vec![head.to_vec()];
    while let Some((chunk, after)) = split_chunk(rest) {
        parts.push(chunk.to_vec());
        rest = after;
    }
    for edit in edits(script) {
        let [count, first] = [parts.len(), edit.part / 8];
        let (a, b) = (first % count, (first + 1) % count);
        match edit.part % 8 {
            0 => drop(parts.remove(a)),
            1 => parts.swap(a, b),
            2 => parts.insert(a, parts[a].clone()),
            3 => parts.truncate(a),
            // Two chunks in one, with the length of the first.
            4 if a < b => {
                let second = parts.remove(b);
                parts[a].extend_from_slice(&second);
            }
            // The length of a chunk in its longest form.
            5 if a > 0 => lengthen(&mut parts[a]),
            _ => edit.apply(&mut parts[a]),
        }
        if parts.is_empty() {
            break;
        }
    }
    parts.concat()
}

/// The first chunk with its length, and what follows it. The final one, whose length is zero, reaches to the end.
fn split_chunk(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, head) = varint(bytes)?;
    if length == 0 { Some((bytes, &[])) } else { bytes.split_at_checked(head + length) }
}

fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = 1 << (bytes.first()? >> 6);
    let mut encoded = bytes.get(..head)?.to_vec();
    encoded[0] &= 0x3f;
    let value = encoded.iter().fold(0, |value, byte| value << 8 | usize::from(*byte));
    Some((value, head))
}

fn lengthen(chunk: &mut Vec<u8>) {
    let Some((length, head)) = varint(chunk) else { return };
    let mut longest = (length as u64).to_be_bytes();
    longest[0] |= 0xc0;
    drop(chunk.splice(..head, longest));
}
