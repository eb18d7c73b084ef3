//! The verifier for browsers: the module that scripts/build-wasm makes, run by node over evidence that a mock platform signed, says
//! what the native verifier says.
//!
//! It needs node and a compiler for WebAssembly. Where there is none the test says that it is skipped; with PRECIS_REQUIRE_WASM=1
//! absence is a failure.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../app/verify/tests/common/mod.rs"]
mod common;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{DOCUMENT, Job, NONCE, NOW, World};
use precis_protocol::Task;
use precis_protocol::evidence_file::EvidenceFile;
use precis_protocol::tags;
use precis_tests::paths;
use precis_verify::policy::AllowedModels;
use serde_json::{Value, json};

/// Largest module, bytes after gzip: what a page may cost its readers.
const MAX_GZIPPED: u64 = 600_000;
/// Longest full verification, milliseconds of the median.
const MAX_MILLISECONDS: f64 = 100.0;
/// What scripts/build-wasm exits with where it cannot build.
const SKIPPED: i32 = 3;

/// The module; none if this machine cannot build it, which is said.
fn module() -> Option<PathBuf> {
    let built = Command::new(paths::root().join("scripts/build-wasm")).stderr(Stdio::inherit()).output().unwrap();
    if built.status.code() == Some(SKIPPED) {
        assert!(
            std::env::var("PRECIS_REQUIRE_WASM").as_deref() != Ok("1"),
            "the module cannot be built, and it must be"
        );
        eprintln!("SKIPPED: scripts/build-wasm cannot build here, see above");
        return None;
    }
    assert!(built.status.success(), "scripts/build-wasm: {}", built.status);
    Some(PathBuf::from(String::from_utf8(built.stdout).unwrap().trim_end()))
}

/// [`World::policy`] as an auditor writes it.
fn policy(root: &str) -> String {
    let policy = World::policy();
    let identities: Vec<_> = policy.enclave_identities.iter().map(hex::encode).collect();
    let line = |(task, models): (&Task, &AllowedModels)| {
        let AllowedModels::Only(models) = models else { panic!("the world names its models") };
        format!("\"{task}\" = {:?}\n", models.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let tasks: String = policy.tasks.iter().map(line).collect();
    format!(
        "version = 2\napp_id = \"{}\"\nenclave_identities = {identities:?}\n\
         evidence = [\"rofl-register\"]\n\
         [tasks]\n{tasks}[chain]\nruntime_id = \"{}\"\nchain_context = \"{}\"\n\
         [tcb]\nmin_evaluation_number = 18\nallowed_advisories = []\nmax_collateral_age_days = 30\n\
         [challenge]\nmax_age_seconds = 300\n{root}",
        policy.app_id,
        hex::encode([0x80; 32]),
        hex::encode([0xcc; 32]),
    )
}

/// One case for node: what it is to ask, and what the native verifier answers, which has to be `verdict`.
fn case(name: &str, what: &str, options: Value, verdict: Option<&str>) -> Value {
    let mut request = options.clone();
    request["what"] = what.into();
    let (answer, judged) = precis_web::answer(&serde_json::to_vec(&request).unwrap());
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(judged, verdict.is_some(), "{name}: {answer}");
    assert_eq!(answer["verdict"].as_str(), verdict, "{name}: {answer:#}");
    let checks = answer["checks"].as_array().into_iter().flatten();
    let checks: Vec<_> = checks.map(|check| json!([check["id"], check["status"]])).collect();
    let call = match what {
        "receipt" => "verifyReceipt",
        "evidence-file" => "verifyEvidenceFile",
        _ => "verifyAttestation",
    };
    json!({"name": name, "call": call, "options": options, "verdict": verdict, "checks": checks})
}

/// The same options over `data` with one bit of its byte at `position` turned.
fn flipped(options: &Value, data: &[u8], position: usize) -> Value {
    let mut data = data.to_vec();
    data[position] ^= 1;
    let mut options = options.clone();
    options["data"] = STANDARD.encode(data).into();
    options
}

fn cases() -> Vec<Value> {
    let root = World::new().pki.root_der().to_vec();
    let named = policy("[root]\nmock_root = \"root.der\"\n");
    let attestation = World::new().attestation();
    let live = json!({"policy": named, "mockRoot": STANDARD.encode(root), "now": NOW, "nonce": hex::encode(NONCE),
        "data": STANDARD.encode(&attestation)});
    let receipt = serde_json::to_vec(&Job::new().file()).unwrap();
    let mut kept = live.clone();
    kept.as_object_mut().unwrap().remove("nonce");
    let bundle = EvidenceFile {
        version: tags::EVIDENCE_FILE.to_owned(),
        service: "https://precis.test".to_owned(),
        saved_at: NOW,
        nonce: NONCE,
        ohttp_keys: World::new().keyset.ohttp_config,
        attestation: attestation.clone(),
        own_collateral: None,
    };
    let bundle = serde_json::to_vec(&bundle).unwrap();
    kept["data"] = STANDARD.encode(&bundle).into();
    let mut saved = kept.clone();
    saved["now"] = (NOW + 100_000_000).into();
    saved["document"] = STANDARD.encode(DOCUMENT).into();
    saved["data"] = STANDARD.encode(&receipt).into();

    let mut cases = vec![
        case("attestation", "attestation", live.clone(), Some("VERIFIED")),
        case("receipt", "receipt", saved.clone(), Some("VERIFIED")),
        case("evidence-file", "evidence-file", kept.clone(), Some("VERIFIED")),
    ];
    let all = [("attestation", &live, &attestation), ("receipt", &saved, &receipt), ("evidence-file", &kept, &bundle)];
    for (what, options, data) in all {
        for tenth in 1..10 {
            let name = format!("{what} with a flipped byte at {tenth}/10");
            cases.push(case(&name, what, flipped(options, data, data.len() * tenth / 10), Some("REJECTED")));
        }
        let mut intel = options.clone();
        intel["policy"] = policy("").into();
        intel.as_object_mut().unwrap().remove("mockRoot");
        cases.push(case(&format!("{what} under Intel's root"), what, intel, Some("REJECTED")));
        let mut unread = options.clone();
        unread["policy"] = "version = 2".into();
        cases.push(case(&format!("{what} under no policy"), what, unread, None));
    }
    let mut beside = saved.clone();
    beside["summary"] = STANDARD.encode("Oak is hard. Birch is white.\n").into();
    beside["evidence"] = STANDARD.encode(&bundle).into();
    cases.push(case("receipt beside its summary and saved evidence", "receipt", beside.clone(), Some("VERIFIED")));
    beside["summary"] = STANDARD.encode("Oak is soft.").into();
    cases.push(case("receipt beside another summary", "receipt", beside, Some("REJECTED")));
    let mut other = saved.clone();
    other["document"] = STANDARD.encode(format!("{DOCUMENT} Larch is golden.")).into();
    cases.push(case("receipt beside another document", "receipt", other, Some("REJECTED")));
    let mut asked = live.clone();
    asked.as_object_mut().unwrap().remove("nonce");
    cases.push(case("attestation without its nonce", "attestation", asked, Some("INCOMPLETE")));
    cases
}

#[test]
fn a_browser_verifies_what_is_genuine_and_rejects_what_is_not() {
    let Some(module) = module() else { return };
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("cases.json");
    std::fs::write(&input, serde_json::to_vec(&cases()).unwrap()).unwrap();
    let script = paths::root().join("tests/conformance/wasm.mjs");
    let output = Command::new("node").arg(script).arg(module).arg(input).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    let measured: Value = serde_json::from_str(&said).unwrap();
    assert!(measured["gzipped"].as_u64().unwrap() < MAX_GZIPPED, "{measured}");
    let times = measured["milliseconds"].as_object().unwrap();
    assert_eq!(times.len(), 4, "{measured}");
    // A busy machine is no reason to fail; ten times the target is one.
    assert!(times.values().all(|time| time.as_f64().unwrap() < 10.0 * MAX_MILLISECONDS), "{measured}");
}
