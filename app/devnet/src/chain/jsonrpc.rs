//! The JSON-RPC 2.0 envelope: one request or a batch in, the bytes of the answer out.
//!
//! Guarantees an answer, or an error object, for whatever bytes come in; see the limits in [`super`]. A notification (a
//! request without an id) is carried out and not answered.

use serde_json::{Value, json};

use super::error::RpcError;
use super::{MAX_BATCH, MAX_RESPONSE_BYTES};

/// Answers `body` by calling `dispatch` with method and parameters. `None` if there is nothing to say.
pub(crate) fn answer(
    body: &[u8],
    mut dispatch: impl FnMut(&str, Vec<Value>) -> Result<Value, RpcError>,
) -> Option<Vec<u8>> {
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        return Some(bytes(&failure(Value::Null, RpcError::parse())));
    };
    let Value::Array(batch) = request else {
        return one(request, &mut dispatch).map(|response| bytes(&response));
    };
    if batch.is_empty() || batch.len() > MAX_BATCH {
        let message = format!("a batch has 1 to {MAX_BATCH} requests");
        return Some(bytes(&failure(Value::Null, RpcError::invalid_request(&message))));
    }
    let mut out = Vec::new();
    for request in batch {
        let response = if out.len() < MAX_RESPONSE_BYTES {
            one(request, &mut dispatch)
        } else {
            request.get("id").cloned().map(|id| failure(id, RpcError::refused("the batch's response is too large")))
        };
        if let Some(response) = response {
            out.push(if out.is_empty() { b'[' } else { b',' });
            out.extend_from_slice(&bytes(&response));
        }
    }
    if out.is_empty() {
        return None;
    }
    out.push(b']');
    Some(out)
}

fn one(request: Value, dispatch: &mut impl FnMut(&str, Vec<Value>) -> Result<Value, RpcError>) -> Option<Value> {
    let Value::Object(mut request) = request else {
        return Some(failure(Value::Null, RpcError::invalid_request("a request is an object")));
    };
    let id = request.remove("id");
    if matches!(id, Some(Value::Array(_) | Value::Object(_) | Value::Bool(_))) {
        return Some(failure(Value::Null, RpcError::invalid_request("an id is a string, a number or null")));
    }
    let Some(Value::String(method)) = request.remove("method") else {
        return Some(failure(id.unwrap_or_default(), RpcError::invalid_request("a request has a method")));
    };
    let result = match request.remove("params") {
        None | Some(Value::Null) => dispatch(&method, Vec::new()),
        Some(Value::Array(params)) => dispatch(&method, params),
        Some(_) => Err(RpcError::invalid_params("parameters are given by position, in an array")),
    };
    let id = id?;
    Some(match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(error) => failure(id, error),
    })
}

/// An error response.
pub(crate) fn failure(id: Value, error: RpcError) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": error})
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ask(body: &str) -> Option<Value> {
        let echo = |method: &str, params: Vec<Value>| match method {
            "echo" => Ok(Value::Array(params)),
            other => Err(RpcError::unknown_method(other)),
        };
        answer(body.as_bytes(), echo).map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn what_is_no_request_gets_the_code_of_its_fault() {
        let cases = [
            ("", -32700),
            ("{\"method\":", -32700),
            ("\u{0}\u{1}garbage", -32700),
            ("[]", -32600),
            ("7", -32600),
            ("{\"id\":1}", -32600),
            ("{\"id\":1,\"method\":7}", -32600),
            ("{\"id\":[1],\"method\":\"echo\"}", -32600),
            ("{\"id\":1,\"method\":\"echo\",\"params\":{\"a\":1}}", -32602),
            ("{\"id\":1,\"method\":\"nope\"}", -32601),
        ];
        for (body, code) in cases {
            assert_eq!(ask(body).unwrap()["error"]["code"], code, "{body}");
        }
    }

    #[test]
    fn nesting_too_deep_is_a_parse_error() {
        let body = "[".repeat(100_000);
        assert_eq!(ask(&body).unwrap()["error"]["code"], -32700);
    }

    #[test]
    fn a_batch_answers_each_request_and_no_notification() {
        let body = r#"[{"id":"a","method":"echo","params":[1]},{"method":"echo"},{"id":null,"method":"nope"},5]"#;
        let answers = ask(body).unwrap();
        assert_eq!(answers.as_array().unwrap().len(), 3);
        assert_eq!(answers[0], json!({"jsonrpc": "2.0", "id": "a", "result": [1]}));
        assert_eq!(answers[1]["error"]["code"], -32601);
        assert_eq!(answers[2]["error"]["code"], -32600);
        assert_eq!(ask(r#"[{"method":"echo"}]"#), None);
    }

    #[test]
    fn a_batch_beyond_the_limit_is_refused_as_a_whole() {
        let body = format!("[{}]", vec![r#"{"id":1,"method":"echo"}"#; MAX_BATCH + 1].join(","));
        assert_eq!(ask(&body).unwrap()["error"]["code"], -32600);
    }
}
