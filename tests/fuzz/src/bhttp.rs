use bytes::Bytes;
use http::HeaderMap;
use precis_channel::message::{
    Limits, MessageError, decode_request, decode_response, encode_request, encode_response, padded_len,
};
use precis_protocol::limits::{MAX_HEADER_BYTES, MAX_HEADER_FIELDS};

/// Small, so that a fuzzer reaches the limits.
const LIMITS: Limits = Limits { request: 2048, response: 4096 };

/// The Binary HTTP codec: what decodes is within the limits, carries nothing of one hop, and is the same after encoding.
pub fn bhttp(bytes: &[u8]) {
    let message = Bytes::copy_from_slice(bytes);
    if let Ok(request) = decode_request(message.clone(), &LIMITS) {
        assert!(request.body().len() <= LIMITS.request);
        assert!(request.uri().authority().is_none() && request.uri().path().starts_with('/'));
        check(request.headers());
        let again = encode_request(request.clone(), &LIMITS).and_then(|encoded| {
            assert_eq!(encoded.len(), padded_len(encoded.len()));
            decode_request(encoded.into(), &LIMITS)
        });
        match again {
            Ok(again) => {
                assert_eq!((again.method(), again.uri()), (request.method(), request.uri()));
                assert_eq!((again.headers(), again.body()), (request.headers(), request.body()));
            }
            // The one method that may not be sent, and which the gateway refuses (SPEC 4.2).
            Err(error) => assert!(request.method() == "CONNECT" && error == MessageError::Malformed, "{request:?}"),
        }
    }
    if let Ok(response) = decode_response(message, &LIMITS) {
        assert!(response.body().len() <= LIMITS.response && !response.status().is_informational());
        check(response.headers());
        let encoded = encode_response(response.clone(), &LIMITS).unwrap();
        assert_eq!(encoded.len(), padded_len(encoded.len()));
        let again = decode_response(encoded.into(), &LIMITS).unwrap();
        assert_eq!(again.status(), response.status());
        assert_eq!((again.headers(), again.body()), (response.headers(), response.body()));
    }
}

fn check(fields: &HeaderMap) {
    assert!(fields.len() <= MAX_HEADER_FIELDS + 1, "more fields than allowed");
    let bytes: usize = fields.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    assert!(bytes <= 2 * MAX_HEADER_BYTES);
    for name in ["connection", "transfer-encoding", "content-length", "keep-alive", "upgrade", "te"] {
        assert!(!fields.contains_key(name), "{name}");
    }
}
