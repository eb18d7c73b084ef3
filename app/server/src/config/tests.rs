//! Settings that are valid, and those that are not.
#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn the_defaults_are_a_valid_configuration() {
    let settings = Config::parse_from(["precis-server"]).validate().unwrap();
    assert_eq!(settings.prices[&Task::SummaryExtractive], Price { base: 1000, per_1k_tokens: 500 });
    assert!(settings.mock_root.is_none());
}

#[test]
fn a_setting_that_cannot_work_is_named() {
    for (flag, value, variable) in [
        ("--runtime-id", "00", "PRECIS_RUNTIME_ID"),
        ("--price-extractive", "1000", "PRECIS_PRICE_EXTRACTIVE"),
        ("--price-abstractive", "0,0", "PRECIS_PRICE_ABSTRACTIVE"),
        ("--queue", "0", "PRECIS_QUEUE"),
        ("--batch", "0", "PRECIS_BATCH"),
        ("--kv-mib", "1048577", "PRECIS_KV_MIB"),
        ("--answer-seconds", "0", "PRECIS_ANSWER_SECONDS"),
        ("--max-gas-gwei", "0", "PRECIS_MAX_GAS_GWEI"),
        ("--coin-units", "0", "PRECIS_COIN_UNITS"),
        ("--gas-share-percent", "0", "PRECIS_GAS_SHARE_PERCENT"),
        ("--trust-root", "/does/not/exist", "PRECIS_TRUST_ROOT"),
        ("--sweep-seconds", "5", "PRECIS_SWEEP_SECONDS"),
        ("--result-seconds", "5", "PRECIS_RESULT_SECONDS"),
        ("--keyset-seconds", "59", "PRECIS_KEYSET_SECONDS"),
        ("--drain-seconds", "3601", "PRECIS_DRAIN_SECONDS"),
        ("--head-seconds", "86401", "PRECIS_HEAD_SECONDS"),
        ("--unpaid-seconds", "0", "PRECIS_UNPAID_SECONDS"),
        ("--facilitator-auth", "Authorization: Bearer x", "PRECIS_FACILITATOR_AUTH"),
        ("--public-url", "precis.example", "PRECIS_PUBLIC_URL"),
        ("--platform-url", "https://", "PRECIS_PLATFORM_URL"),
    ] {
        let error = Config::parse_from(["precis-server", flag, value]).validate().err().unwrap();
        assert_eq!(error.variable, variable);
    }
}

#[test]
fn long_work_is_paid_first_by_default_and_capped_where_that_is_impossible() {
    const ELSEWHERE: &str = "0x1111111111111111111111111111111111111111";
    let settings = |given: &[&str]| {
        let settings = Config::parse_from([&["precis-server"], given].concat()).validate().unwrap();
        (settings.upfront_seconds, settings.unpaid_seconds)
    };
    assert_eq!(settings(&[]), (Some(3), None));
    assert_eq!(settings(&["--upfront-seconds", "0"]), (Some(0), None));
    assert_eq!(settings(&["--upfront-seconds", "never"]), (None, None));
    assert_eq!(settings(&["--pay-to", ELSEWHERE]), (None, Some(30)));
    assert_eq!(settings(&["--pay-to", ELSEWHERE, "--upfront-seconds", "never"]), (None, Some(30)));
    assert_eq!(settings(&["--pay-to", ELSEWHERE, "--unpaid-seconds", "600"]), (None, Some(600)));
    assert!(Config::try_parse_from(["precis-server", "--upfront-seconds", "sometimes"]).is_err());
}

#[test]
fn a_url_is_measured_or_of_the_platform_but_not_both() {
    let both = ["precis-server", "--public-url", "https://a.example", "--platform-url", "https://b.example"];
    assert!(Config::try_parse_from(both).is_err());
    let origin =
        |flag| Config::parse_from(["precis-server", flag, "https://a.example"]).validate().unwrap().origin.unwrap();
    assert!(origin("--public-url").vouched && !origin("--platform-url").vouched);
}

#[test]
fn every_setting_has_a_variable_of_its_name() {
    let variables = Config::variables();
    assert!(variables.len() > 30 && variables.iter().all(|name| name.starts_with(names::PREFIX)));
    for argument in Config::command().get_arguments().filter(|argument| argument.get_long().is_some()) {
        let long = argument.get_long().unwrap();
        if ["help", "version"].contains(&long) {
            continue;
        }
        assert!(argument.get_env().is_some(), "--{long}");
    }
    assert!(names::OF_OTHERS.iter().all(|name| !variables.iter().any(|own| own == name)));
}

#[test]
fn what_pays_back_and_what_is_swept_is_the_enclave_wallet() {
    const ELSEWHERE: &str = "0x1111111111111111111111111111111111111111";
    for (flag, value, variable) in [
        ("--upfront-seconds", "60", "PRECIS_UPFRONT_SECONDS"),
        ("--contract-accounts", "on", "PRECIS_CONTRACT_ACCOUNTS"),
        ("--sweep-to", "0x2222222222222222222222222222222222222222", "PRECIS_SWEEP_TO"),
    ] {
        let given = ["precis-server", flag, value];
        assert!(Config::parse_from(given).validate().is_ok());
        let elsewhere = [&given[..], &["--pay-to", ELSEWHERE]].concat();
        assert_eq!(Config::parse_from(elsewhere).validate().err().unwrap().variable, variable);
    }
}
