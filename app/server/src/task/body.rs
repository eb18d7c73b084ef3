//! JSON bodies, as every task reads them.

use precis_protocol::{limits, strict};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::offering::Sent;
use crate::error::{Class, Failure};

/// Largest body that is looked into for options without an input, bytes: those are short.
pub(super) const MAX_PROBE_BYTES: usize = 2048;

pub(super) fn is_json(media_type: &str) -> bool {
    media_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// The body of a request.
pub(super) fn of<T: DeserializeOwned>(sent: &Sent<'_>) -> Result<T, Failure> {
    read(sent.body, limits::MAX_REQUEST_BODY_BYTES)
}

/// A body of at most `longest` bytes.
pub(super) fn read<T: DeserializeOwned>(body: &[u8], longest: usize) -> Result<T, Failure> {
    // An array would be read as the members in their order, which nobody means.
    if body.trim_ascii_start().first() != Some(&b'{') && body.len() <= longest {
        return Err(Failure::new(Class::BadRequest, "the body is not a JSON object"));
    }
    strict::from_slice(body, longest).map_err(|error| Failure::new(Class::BadRequest, error.to_string()))
}

/// The body of a request that is JSON.
///
/// # Errors
/// 415 for another type; [`Class::BadRequest`] when it is not what it should be.
pub(super) fn json<T: DeserializeOwned>(sent: &Sent<'_>) -> Result<T, Failure> {
    if !is_json(sent.media_type) {
        return Err(Failure::new(Class::UnsupportedMediaType, "send `application/json`"));
    }
    of(sent)
}

/// Checks that a short request is empty, or a JSON object without any of these members: then only its price can be meant.
pub(super) fn without(sent: &Sent<'_>, members: &[&str]) -> bool {
    if sent.body.len() > MAX_PROBE_BYTES {
        return false;
    }
    if sent.body.trim_ascii().is_empty() {
        return true;
    }
    let object: Result<serde_json::Map<String, serde_json::Value>, _> = read(sent.body, MAX_PROBE_BYTES);
    object.is_ok_and(|object| !members.iter().any(|member| object.contains_key(*member)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    tokens: u32,
}

/// The number of tokens that a request names instead of an input, if it names one.
pub(super) fn tokens_only(sent: &Sent<'_>) -> Result<Option<u32>, Failure> {
    if !is_json(sent.media_type) || sent.body.len() > MAX_PROBE_BYTES {
        return Ok(None);
    }
    let object: serde_json::Map<String, serde_json::Value> = read(sent.body, MAX_PROBE_BYTES)?;
    if !object.contains_key("tokens") {
        return Ok(None);
    }
    read(sent.body, MAX_PROBE_BYTES).map(|Tokens { tokens }| Some(tokens))
}
