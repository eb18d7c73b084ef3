//! What a policy may be, and what is refused.
#![allow(clippy::unwrap_used)]

use sha2::{Digest as _, Sha256};

use precis_protocol::{Digest, Task};

use super::*;

const APP: &str = "rofl1qp55evqls4qg6cjw5fnlv4al9ptc0fsakvxvd9uw";

fn text() -> String {
    format!(
        r#"version = 2
app_id = "{APP}"
enclave_identities = ["{id}"]
evidence = ["rofl-register"]
[tasks]
"summary.extractive" = "any"
[chain]
runtime_id = "{id}"
chain_context = "{id}"
[tcb]
min_evaluation_number = 18
allowed_advisories = []
max_collateral_age_days = 30
[challenge]
max_age_seconds = 300
"#,
        id = "ab".repeat(32)
    )
}

fn parse(text: &str) -> Result<Policy, PolicyError> {
    Policy::parse(text, |_| Err("not readable".to_owned()))
}

#[test]
fn the_default_root_is_intels() {
    let policy = parse(&text()).unwrap();
    assert_eq!(policy.root, TrustedRoot::Intel);
    assert_eq!(policy.root.der(), INTEL_ROOT_CA);
    assert_eq!(policy.app_id.to_string(), APP);
}

#[test]
fn a_mock_root_must_be_named_and_readable() {
    let with_root = format!("{}[root]\nmock_root = \"root.der\"\n", text());
    let policy = Policy::parse(&with_root, |path| Ok(path.as_bytes().to_vec())).unwrap();
    assert!(policy.root.is_insecure());
    assert_eq!(policy.root.der(), b"root.der");
    assert_eq!(parse(&with_root).unwrap_err().to_string(), "policy: `root.mock_root`: not readable");
}

#[test]
fn lenient_policies_are_refused_with_the_key_that_is_wrong() {
    let cases = [
        (text().replace("version = 2", "version = 1"), "version"),
        (text().replace("rofl1qp", "rofl1qq"), "app_id"),
        (text().replace(APP, &APP.to_uppercase()), "app_id"),
        (text().replace(&format!("[\"{}\"]", "ab".repeat(32)), "[]"), "enclave_identities"),
        (text().replace("[\"ab", "[\"AB"), "enclave_identities"),
        (text().replace("\"any\"", "[\"x\"]"), "`tasks`: entry 1 is `x`"),
        (text().replace("\"any\"", "[]"), "names no model"),
        (text().replace("\"any\"", "\"all\""), "expected `any`"),
        (text().replace("\"summary.extractive\" = \"any\"\n", ""), "names no task"),
        (text().replace("summary.extractive", "poem"), "`poem` is none of `embeddings`"),
        (text().replace("[tasks]\n\"summary.extractive\" = \"any\"\n", ""), "missing field `tasks`"),
        (format!("{}[td]\nallowed_xfam = \"0x1\"\n", text()), "td.allowed_xfam"),
        (format!("{}[td]\nallowed_xfam = \"+0x3\"\n", text()), "td.allowed_xfam"),
        (format!("{}[app]\nadmin = \"{APP}\"\n", text()), "app.admin"),
        (format!("{}[td]\nservice_tds = [\"00\"]\n", text()), "td.service_tds"),
        (text().replace("[\"rofl-register\"]", "[]"), "evidence"),
        (text().replace("rofl-register", "registry"), "registry"),
        (text().replace("[chain]", "[chains]"), "chains"),
        (text().replace("max_age_seconds = 300", "max_age_seconds = 0"), "max_age_seconds"),
        (text().replace("min_evaluation_number = 18\n", ""), "min_evaluation_number"),
        (text().replace("min_evaluation_number = 18", "min_evaluation_number = -1"), "min_evaluation_number"),
        (format!("{}surprise = 1\n", text()), "surprise"),
        (text().replace("version = 2", "version = 2\nversion = 2"), "version"),
        (format!("{}[[payment]]\nasset = \"0x12\"\n", text()), "payment.asset"),
        (format!("{}[[payment]]\n", text()), "pins nothing"),
        (format!("{}{}", text(), "[[payment]]\nnetwork = \"eip155:1\"\n".repeat(9)), "9 entries"),
    ];
    for (text, needle) in cases {
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.contains(needle), "{needle}: {error}");
    }
    let without_chain =
        text().split("[chain]").next().unwrap().to_owned() + "[tcb]" + text().split("[tcb]").nth(1).unwrap();
    assert!(parse(&without_chain).unwrap_err().to_string().contains("`chain`"));
    assert!(parse(&without_chain.replace("rofl-register", "tdx-quote")).is_ok());
}

#[test]
fn a_policy_that_accepts_any_model_says_so_by_a_word() {
    assert_eq!(parse(&text()).unwrap().tasks[&Task::SummaryExtractive], AllowedModels::Any);
    let digest = Digest::of(b"model");
    let named = text().replace("\"any\"", &format!("[\"{digest}\"]"));
    assert_eq!(parse(&named).unwrap().tasks[&Task::SummaryExtractive], AllowedModels::Only([digest].into()));
    assert!(parse(&text().replace("\"any\"", "[]")).is_err(), "an empty list is no word");
}

#[test]
fn rules_on_the_td_have_defaults_and_can_be_named() {
    let default = parse(&text()).unwrap();
    assert_eq!((default.td, default.tcb.max_root_crl_age_days), (TdPolicy::default(), DEFAULT_MAX_ROOT_CRL_AGE_DAYS));
    let hash = "cd".repeat(48);
    let named = format!("{}[td]\nallowed_xfam = \"0xe7\"\nservice_tds = [\"{hash}\"]\n", text());
    let td = parse(
        &named.replace("max_collateral_age_days = 30", "max_collateral_age_days = 30\nmax_root_crl_age_days = 90"),
    );
    let named = td.unwrap();
    assert_eq!(named.td, TdPolicy { allowed_xfam: 0xe7, service_tds: [[0xcd; 48]].into() });
    assert_eq!(named.tcb.max_root_crl_age_days, 90);
}

#[test]
fn the_compiled_in_root_is_intels() {
    assert_eq!(
        hex::encode(Sha256::digest(INTEL_ROOT_CA)),
        "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3"
    );
}

#[test]
fn a_policy_of_version_1_is_refused_by_its_version_whatever_it_has() {
    let first = text()
        .replace("version = 2", "version = 1\nmodel_digests = \"any\"")
        .replace("[tasks]\n\"summary.extractive\" = \"any\"\n", "");
    assert_eq!(
        parse(&first).unwrap_err().to_string(),
        "policy: `version`: 1, expected 2: policies of other versions are for other releases (SPEC 9)"
    );
}

#[test]
fn payments_may_go_to_any_of_the_pins() {
    let two =
        format!("{}[[payment]]\nnetwork = \"eip155:1\"\n[[payment]]\npay_to = \"0x{}\"\n", text(), "22".repeat(20));
    let policy = parse(&two).unwrap();
    let target = |network: &str, pay_to: u8| PaymentTarget {
        network: network.to_owned(),
        asset: Address::ZERO,
        pay_to: Address::repeat_byte(pay_to),
        pay_to_origin: precis_protocol::keyset::PayToOrigin::Configured,
        schemes: vec![],
    };
    assert!(policy.allows_payment(&target("eip155:1", 1)) && policy.allows_payment(&target("eip155:2", 0x22)));
    assert!(!policy.allows_payment(&target("eip155:2", 1)));
    assert!(parse(&text()).unwrap().allows_payment(&target("eip155:2", 1)), "nothing is pinned");
}
