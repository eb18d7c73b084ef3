//! The devnet's rofl-appd against exchanges recorded from the real one (rofl-containers 0.9.0, no
//! chain behind it): statuses, content types and bodies, in the recorded order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use precis_devnet::oasis::{self, Oasis, OasisOptions};
use tokio::net::UnixStream;

const ADDR: &str = "0102030405060708091011121314151617181920";
const STD: &str = "a3617601626169a26273698063666565a2636761730066616d6f756e748240406463616c6c";

async fn start() -> (tempfile::TempDir, Oasis) {
    let dir = tempfile::tempdir().unwrap();
    let oasis = oasis::start(OasisOptions::new(dir.path())).await.unwrap();
    (dir, oasis)
}

async fn send(socket: &Path, request: Request<Full<Bytes>>) -> Response<Bytes> {
    let stream = UnixStream::connect(socket).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

fn request(method: &str, path: &str, accept: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(format!("/rofl/v1{path}"))
        .header(header::HOST, "localhost")
        .header(header::ACCEPT, accept)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap()
}

/// What the recording says of a response.
enum Want<'a> {
    Json(&'a str),
    Text(u16, &'a str),
    Empty,
    Page(u16),
    JsonPage(u16, &'a str),
    Status(u16),
}
use Want::{Empty, Json, JsonPage, Page, Status, Text};

fn compare(row: usize, response: &Response<Bytes>, want: &Want<'_>) {
    let status = response.status().as_u16();
    let kind = response.headers().get(header::CONTENT_TYPE).map(|v| v.to_str().unwrap());
    let body = std::str::from_utf8(response.body()).unwrap();
    let text = Some("text/plain; charset=utf-8");
    match *want {
        Json(expected) => {
            assert_eq!((status, kind, body), (200, Some("application/json"), expected), "row {row}");
        }
        Text(code, expected) => assert_eq!((status, kind, body), (code, text, expected), "row {row}"),
        Empty => assert_eq!((status, kind, body), (200, None, ""), "row {row}"),
        Page(code) => {
            assert_eq!((status, kind), (code, Some("text/html; charset=utf-8")), "row {row}");
            let reason = StatusCode::from_u16(code).unwrap().canonical_reason().unwrap();
            assert!(body.contains(&format!("<title>{code} {reason}</title>")), "row {row}: {body}");
        }
        JsonPage(code, reason) => {
            assert_eq!((status, kind), (code, Some("application/json")), "row {row}");
            let page: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(page["error"]["code"], code, "row {row}");
            assert_eq!(page["error"]["reason"], reason, "row {row}");
            assert!(page["error"]["description"].is_string(), "row {row}");
        }
        Status(code) => assert_eq!(status, code, "row {row}"),
    }
    for name in ["x-frame-options", "permissions-policy", "x-content-type-options", "date"] {
        assert!(response.headers().contains_key(name), "row {row}: {name}");
    }
}

fn pairs(count: usize) -> String {
    let map: std::collections::BTreeMap<_, _> = (0..count).map(|i| (format!("k{i}"), "v")).collect();
    serde_json::to_string(&map).unwrap()
}

fn key(hex: &str) -> String {
    format!(r#"{{"key":"{hex}"}}"#)
}

#[tokio::test]
async fn recorded_exchanges_are_answered_as_recorded() {
    let (_dir, oasis) = start().await;
    let my_key = |kind: &str| format!(r#"{{"key_id":"my-key","kind":"{kind}"}}"#);
    let id = "rofl1qqn9xndja7e2pnxhttktmecvwzz0yqwxsquqyxdf";
    let raw256 = key("8713048d1c582308674ed810d797b2cd1b324579d3981789aae4306379d13dcb");
    let generate = "/keys/generate";
    let submit = "/tx/sign-submit";
    let eth = |fields: &str| format!(r#"{{"tx":{{"kind":"eth","data":{{{fields}}}}}}}"#);
    let std = |tail: &str| format!(r#"{{"tx":{{"kind":"std","data":"{STD}{tail}"}}}}"#);
    let transfer = "a264626f6479a262746f5500000000000000000000000000000000000000000066616d6f756e7482\
                    410140666d6574686f64716163636f756e74732e5472616e73666572";
    let derive = "a264626f6479a0666d6574686f646e726f666c2e4465726976654b6579";
    let encrypted = "a364626f6479a066666f726d617401666d6574686f6460";
    let query = |args: &str| format!(r#"{{"method":"core.Parameters","args":"{args}"}}"#);
    let long = |n: usize| "x".repeat(n);
    let away = Text(400, "runtime not available");
    let any = "*/*";
    let json = "application/json";

    let rows: Vec<(usize, &str, &str, &str, String, Want<'_>)> = vec![
        (1, "GET", "/app/id", any, String::new(), Text(200, id)),
        (3, "POST", generate, any, my_key("raw-256"), Json(&raw256)),
        (
            4,
            "POST",
            generate,
            any,
            my_key("raw-384"),
            Json(
                r#"{"key":"8451880ac29d1246007454d44c1b52427706f1a2c67dd60938dc2923bff20016adef008cb142e311f244530bfb87f81d"}"#,
            ),
        ),
        (
            5,
            "POST",
            generate,
            any,
            my_key("ed25519"),
            Json(r#"{"key":"f0521b00f9cede67f00dd6e34f7f7be0891f4cdc530087546815dddd5ec779b6"}"#),
        ),
        (
            6,
            "POST",
            generate,
            any,
            my_key("secp256k1"),
            Json(r#"{"key":"f7df8d8a5392ed43482f52f3be9af77b278bb4ba2ec34120e007f79d7cb0b1e6"}"#),
        ),
        (
            7,
            "POST",
            generate,
            any,
            r#"{"key_id":"other","kind":"secp256k1"}"#.into(),
            Json(r#"{"key":"f58db707dc1c632e9f319a8f3ad74e0a03d94524e43c0e2095a1f35c6678c7e7"}"#),
        ),
        (
            8,
            "POST",
            generate,
            any,
            r#"{"key_id":"","kind":"raw-256"}"#.into(),
            Json(r#"{"key":"4c366fb7254830880468859a9f32b3a4bf7d7cc29212dc9c9a438e75ff38996d"}"#),
        ),
        (9, "POST", generate, any, r#"{"key_id":"my-key"}"#.into(), Page(422)),
        (10, "POST", generate, any, my_key("x25519"), Page(422)),
        (11, "POST", generate, any, r#"{"key_id":"my-key","kind":"raw-256","extra":1}"#.into(), Json(&raw256)),
        (12, "POST", generate, any, r#"{"key_id":"a\"b","kind":"raw-256"}"#.into(), Page(422)),
        (13, "POST", generate, any, r#"{"key_id":"\u0061","kind":"raw-256"}"#.into(), Page(422)),
        (
            14,
            "POST",
            generate,
            any,
            r#"{"key_id":"é","kind":"raw-256"}"#.into(),
            Json(r#"{"key":"6aa418b629f0c8893fb3dad0088c8a9a3305cede27e1299267600a444ba6d1a4"}"#),
        ),
        (15, "POST", generate, any, "not json".into(), Page(400)),
        (16, "POST", generate, any, String::new(), Page(400)),
        (18, "POST", generate, json, my_key("x25519"), JsonPage(422, "Unprocessable Entity")),
        (19, "GET", generate, any, String::new(), Page(404)),
        (20, "GET", "/metadata", any, String::new(), Json("{}")),
        (21, "GET", "/metadata/", any, String::new(), Page(404)),
        (22, "POST", "/metadata", any, r#"{"a":"1","b":"2"}"#.into(), Empty),
        (23, "GET", "/metadata", any, String::new(), Json(r#"{"a":"1","b":"2"}"#)),
        (24, "POST", "/metadata", any, r#"{"c":"3"}"#.into(), Empty),
        (25, "GET", "/metadata", any, String::new(), Json(r#"{"c":"3"}"#)),
        (26, "PUT", "/metadata", any, r#"{"d":"4","c":"3b"}"#.into(), Empty),
        (27, "GET", "/metadata", any, String::new(), Json(r#"{"c":"3b","d":"4"}"#)),
        (28, "DELETE", "/metadata", any, r#"["d","nope"]"#.into(), Empty),
        (29, "GET", "/metadata", any, String::new(), Json(r#"{"c":"3b"}"#)),
        (30, "DELETE", "/metadata", any, r#"{"d":"4"}"#.into(), Page(422)),
        (31, "POST", "/metadata", any, r#"{"n":1}"#.into(), Page(422)),
        (32, "POST", "/metadata", any, r#"["x"]"#.into(), Page(422)),
        (33, "POST", "/metadata", any, pairs(54), Status(200)),
        (34, "POST", "/metadata", any, pairs(55), Text(400, "invalid argument")),
        (35, "POST", "/metadata", any, format!(r#"{{"k":"{}"}}"#, long(16_384)), Status(200)),
        (36, "POST", "/metadata", any, format!(r#"{{"k":"{}"}}"#, long(16_385)), Status(400)),
        (37, "POST", "/metadata", any, format!(r#"{{"{}":"v"}}"#, long(1_010)), Status(200)),
        (38, "POST", "/metadata", any, format!(r#"{{"{}":"v"}}"#, long(1_011)), Status(400)),
        (39, "POST", "/metadata", any, "{}".into(), Empty),
        (40, "GET", "/metadata", any, String::new(), Json("{}")),
        (
            41,
            "POST",
            "/query",
            any,
            r#"{"method":"stub.Echo","args":"a1616101"}"#.into(),
            Text(500, "Query failed: runtime not available"),
        ),
        (
            42,
            "POST",
            "/query",
            any,
            r#"{"method":"accounts.Nonce","args":"f6"}"#.into(),
            Text(500, "Query failed: runtime not available"),
        ),
        (43, "POST", "/query", any, query("f6"), Text(500, "Query failed: runtime not available")),
        (44, "POST", "/query", any, query(""), Text(500, "Query failed: parsing failed")),
        (45, "POST", "/query", any, query("0xf6"), Page(422)),
        (46, "POST", "/query", any, query("zz"), Page(422)),
        (47, "POST", "/query", any, query("ff"), Text(500, "Query failed: parsing failed")),
        (48, "POST", "/query", any, r#"{"method":"core.Parameters"}"#.into(), Page(422)),
        (
            49,
            "POST",
            submit,
            any,
            eth(&format!(r#""gas_limit":200000,"to":"0x{ADDR}","value":0,"data":"deadbeef""#)),
            Text(400, "runtime not available"),
        ),
        (
            50,
            "POST",
            submit,
            any,
            format!(
                r#"{{"tx":{{"kind":"eth","data":{{"gas_limit":"0x30d40","to":"{ADDR}","value":"1000000000000000000","data":"0xdeadbeef"}}}},"encrypt":false}}"#
            ),
            Text(400, "runtime not available"),
        ),
        (
            51,
            "POST",
            submit,
            any,
            eth(r#""gas_limit":200000,"to":"","value":"0","data":"6000""#),
            Text(400, "runtime not available"),
        ),
        (
            52,
            "POST",
            submit,
            any,
            eth(&format!(r#""gas_limit":200000,"to":"0x{}","value":0,"data":"""#, "dead".repeat(10))),
            Text(400, "runtime not available"),
        ),
        (
            53,
            "POST",
            submit,
            any,
            eth(r#""gas_limit":200000,"to":"0x01","value":0,"data":"""#),
            Text(400, "malformed address"),
        ),
        (
            54,
            "POST",
            submit,
            any,
            eth(&format!(r#""gas_limit":200000,"to":"0x{ADDR}","value":0,"data":"0x""#)),
            Page(422),
        ),
        (
            55,
            "POST",
            submit,
            any,
            eth(&format!(r#""gas_limit":"0x","to":"0x{ADDR}","value":0,"data":"""#)),
            Text(400, "gas_limit string must contain digits"),
        ),
        (
            56,
            "POST",
            submit,
            any,
            eth(&format!(r#""gas_limit":200000,"to":"0x{ADDR}","value":"-1","data":"""#)),
            Text(400, "transaction value string is not a valid unsigned integer"),
        ),
        (57, "POST", submit, any, eth(r#""gas_limit":200000,"to":null,"value":0,"data":"""#), Page(422)),
        (58, "POST", submit, any, eth(&format!(r#""to":"0x{ADDR}","value":0,"data":"""#)), Page(422)),
        (59, "POST", submit, any, r#"{"tx":{"kind":"btc","data":{}}}"#.into(), Page(422)),
        (60, "POST", submit, any, std(transfer), away),
        (61, "POST", submit, any, std(derive), Text(400, "transaction method not allowed")),
        (62, "POST", submit, any, std(encrypted), Text(400, "use the encrypt flag for encryption")),
        (
            63,
            "POST",
            submit,
            any,
            r#"{"tx":{"kind":"std","data":"a0"}}"#.into(),
            Text(400, "transaction method not allowed"),
        ),
        (64, "POST", submit, any, r#"{"tx":{"kind":"std","data":"ff"}}"#.into(), Text(400, "parsing failed")),
        (65, "POST", submit, any, r#"{"tx":{"kind":"std","data":"0xa0"}}"#.into(), Page(422)),
        (66, "GET", "/nope", any, String::new(), Page(404)),
        (67, "GET", "/nope", json, String::new(), JsonPage(404, "Not Found")),
        (68, "POST", "/app/id", any, "{}".into(), Page(404)),
        (69, "POST", "/metadata", any, format!(r#"{{"k":"{}"}}"#, long(1_100_000)), Page(413)),
    ];
    for (row, method, path, accept, body, want) in rows {
        let response = send(&oasis.appd_socket, request(method, path, accept, &body)).await;
        compare(row, &response, &want);
    }
}

#[tokio::test]
async fn head_tells_the_length_and_sends_no_body() {
    let (_dir, oasis) = start().await;
    let response = send(&oasis.appd_socket, request("HEAD", "/app/id", "*/*", "")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_LENGTH], "45");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert!(response.body().is_empty());
}

#[tokio::test]
async fn the_content_type_of_a_request_is_not_looked_at() {
    let (_dir, oasis) = start().await;
    let mut plain = request("POST", "/keys/generate", "*/*", r#"{"key_id":"my-key","kind":"raw-256"}"#);
    plain.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    let mut none = request("POST", "/keys/generate", "*/*", r#"{"key_id":"my-key","kind":"raw-256"}"#);
    none.headers_mut().remove(header::CONTENT_TYPE);
    let expected = key("8713048d1c582308674ed810d797b2cd1b324579d3981789aae4306379d13dcb");
    for request in [plain, none] {
        let response = send(&oasis.appd_socket, request).await;
        assert_eq!((response.status(), &response.body()[..]), (StatusCode::OK, expected.as_bytes()));
    }
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_removed_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("rofl-appd.sock"), b"left behind").unwrap();
    let oasis = oasis::start(OasisOptions::new(dir.path())).await.unwrap();
    let socket = oasis.appd_socket.clone();
    let response = send(&socket, request("GET", "/app/id", "*/*", "")).await;
    assert_eq!(response.status(), StatusCode::OK);
    drop(oasis);
    assert!(!socket.exists());
}

/// Needs Oasis' own client: `PRECIS_ROFL_CLIENT_PYTHON` names an interpreter that has it.
#[tokio::test]
#[allow(clippy::print_stdout)]
async fn oasis_own_python_client_finds_what_it_expects() {
    let Ok(python) = std::env::var("PRECIS_ROFL_CLIENT_PYTHON") else {
        println!("SKIPPED: PRECIS_ROFL_CLIENT_PYTHON does not name an interpreter");
        return;
    };
    let (_dir, oasis) = start().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/rofl_client.py");
    let output = tokio::process::Command::new(python).arg(script).arg(&oasis.appd_socket).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}");
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), said.lines().count());
    assert!(said.lines().count() >= 20, "{said}");
}
