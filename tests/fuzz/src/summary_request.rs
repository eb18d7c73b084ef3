use precis_protocol::encoding::base64_decode;
use precis_protocol::limits::{MAX_DOCUMENT_BYTES, MAX_JSON_DEPTH, MAX_REQUEST_BODY_BYTES};
use precis_protocol::strict;
use precis_protocol::summary::{SummaryRequest, SummaryResponse, SummaryResult};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Text that is compared as a tree, bytes.
const LARGEST_TREE_BYTES: usize = 64 * 1024;

/// Strict JSON and the bodies of the paid route: nothing is deeper than allowed or stands twice, and encoding changes nothing.
pub fn summary_request(bytes: &[u8]) {
    // A tree of values takes many times the memory of its text, which only this oracle spends.
    if let Ok(value) = strict::from_slice::<Value>(bytes, LARGEST_TREE_BYTES) {
        assert!(depth(&value) <= MAX_JSON_DEPTH, "nested too deeply");
        assert_eq!(members(&value), names(bytes), "a member stands twice");
    }
    if let Ok(request) = stable::<SummaryRequest>(bytes) {
        let _ = request.options.check();
        if let (Some(media_type), Some(Ok(data))) = (&request.media_type, request.data.as_deref().map(base64_decode)) {
            let limits = precis_extract::Limits { max_bytes: MAX_DOCUMENT_BYTES };
            if let Ok(text) = precis_extract::extract(media_type, &data, &limits) {
                assert!(text.len() <= MAX_DOCUMENT_BYTES);
            }
        }
    }
    let _ = stable::<SummaryResult>(bytes);
    if let Ok(response) = strict::from_slice::<SummaryResponse>(bytes, MAX_REQUEST_BODY_BYTES) {
        let text = std::str::from_utf8(bytes).unwrap();
        assert!(text.contains(response.result.get()) && text.contains(response.receipt.get()), "not the exact bytes");
    }
}

/// What `bytes` say as a `T`, which must say the same once encoded.
fn stable<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, strict::StrictError> {
    let parsed = strict::from_slice::<T>(bytes, MAX_REQUEST_BODY_BYTES)?;
    let encoded = serde_json::to_vec(&parsed).unwrap();
    let again = strict::from_slice::<T>(&encoded, usize::MAX).unwrap();
    assert_eq!(serde_json::to_vec(&again).unwrap(), encoded);
    Ok(parsed)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Members of all objects, where the last of equal names has won.
fn members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

/// Colons outside strings: one for each member as written.
fn names(json: &[u8]) -> usize {
    let (mut count, mut inside, mut escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => inside = !inside,
            b':' if !inside => count += 1,
            _ => {}
        }
    }
    count
}
