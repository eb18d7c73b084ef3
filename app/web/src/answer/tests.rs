//! What is malformed never gets a verdict; what is readable and wrong is REJECTED. Genuine evidence is judged in `tests/wasm.rs`.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::{MAX_REQUEST_BYTES, answer};

const POLICY: &str = r#"
version = 2
app_id = "rofl1qp55evqls4qg6cjw5fnlv4al9ptc0fsakvxvd9uw"
enclave_identities = ["0000000000000000000000000000000000000000000000000000000000000000"]
evidence = ["tdx-quote"]
[tasks]
"summary.extractive" = "any"
[tcb]
min_evaluation_number = 18
allowed_advisories = []
max_collateral_age_days = 30
[challenge]
max_age_seconds = 300
"#;

fn request(what: &str) -> Value {
    json!({"what": what, "policy": POLICY, "now": 1_790_000_000, "data": "e30="})
}

fn ask(request: &Value) -> (Value, bool) {
    let (bytes, judged) = answer(&serde_json::to_vec(request).unwrap());
    (serde_json::from_slice(&bytes).unwrap(), judged)
}

#[track_caller]
fn refuses(request: &Value, why: &str) {
    let (said, judged) = ask(request);
    let error = said["error"].as_str().unwrap();
    assert!(!judged && said.get("verdict").is_none() && error.contains(why), "{said}");
}

#[test]
fn what_is_readable_and_wrong_is_rejected() {
    for what in ["attestation", "receipt", "evidence-file"] {
        let (said, judged) = ask(&request(what));
        assert!(judged, "{said}");
        assert_eq!(said["verdict"], "REJECTED");
        assert_eq!(said["insecure"], false);
        assert!(said["checks"].as_array().unwrap().iter().any(|check| check["status"] == "fail"), "{said}");
        assert!(said["facts"].is_object());
    }
}

#[test]
fn a_malformed_request_gets_no_verdict() {
    for (member, value, why) in [
        ("what", json!("everything"), "the request"),
        ("policy", json!("version = 2"), "policy"),
        ("policy", json!(7), "the request"),
        ("now", json!(-1), "the request"),
        ("now", json!("today"), "the request"),
        ("data", json!("e30"), "data"),
        ("nonce", json!("4E"), "nonce"),
        ("ohttpKeys", json!("?"), "ohttpKeys"),
        ("mockRoot", json!("?"), "mockRoot"),
        ("surplus", json!(1), "the request"),
    ] {
        let mut bent = request("attestation");
        bent[member] = value;
        refuses(&bent, why);
    }
    for member in ["what", "policy", "now", "data"] {
        let mut bent = request("attestation");
        bent.as_object_mut().unwrap().remove(member);
        refuses(&bent, "the request");
    }
    for bytes in [b"".as_slice(), b"{", b"[]", &vec![b' '; MAX_REQUEST_BYTES + 1]] {
        let (said, judged) = answer(bytes);
        assert!(!judged && said.starts_with(br#"{"error":"#));
    }
}

#[test]
fn what_would_be_ignored_is_refused() {
    for (what, member) in
        [("receipt", "nonce"), ("receipt", "ohttpKeys"), ("attestation", "document"), ("evidence-file", "nonce")]
    {
        let mut bent = request(what);
        bent[member] = json!("");
        refuses(&bent, "no meaning");
    }
}

#[test]
fn a_mock_root_is_given_exactly_when_the_policy_names_one() {
    let mut bent = request("attestation");
    bent["mockRoot"] = json!("e30=");
    refuses(&bent, "trusts none");
    bent["policy"] = json!(format!("{POLICY}[root]\nmock_root = \"root.der\"\n"));
    let (said, judged) = ask(&bent);
    assert!(judged && said["insecure"] == true && said["verdict"] == "REJECTED", "{said}");
    bent.as_object_mut().unwrap().remove("mockRoot");
    refuses(&bent, "none was given");
}
