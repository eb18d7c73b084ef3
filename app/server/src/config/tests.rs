//! Settings that are valid, and those that are not.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use precis_protocol::Task;
use precis_protocol::price::Price;
use proptest::prelude::*;

use super::*;

const ELSEWHERE: &str = "0x1111111111111111111111111111111111111111";

fn variables_of(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn settings(text: &str) -> Result<Settings, ConfigError> {
    read(text, BTreeMap::new())
}

fn refusal(text: &str, given: &[(&str, &str)]) -> String {
    read(text, variables_of(given)).err().unwrap_or_else(|| panic!("accepted: {text} {given:?}")).to_string()
}

#[test]
fn without_any_setting_the_defaults_are_valid() {
    let settings = settings("").unwrap();
    let config = &settings.config;
    assert_eq!(settings.prices[&Task::SummaryExtractive], Price { base: 1000, per_1k_tokens: 500 });
    let [network] = config.networks.as_slice() else { panic!("{} networks", config.networks.len()) };
    assert_eq!((network.network, network.domain.name.as_str()), (precis_payment::Network::BASE, "USD Coin"));
    assert_eq!(network.asset.to_string(), "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913");
    assert_eq!((network.rpc_url.as_str(), config.queue, config.drain_seconds), ("https://mainnet.base.org", 16, 300));
    assert_eq!(config.model, precis_summarize::DEFAULT_MODEL);
    assert!(settings.mock_root.is_none() && settings.origin.is_none());
}

#[test]
fn a_file_says_everything_by_concern() {
    let text = r#"
        [server]
        public_url = "https://precis.example/"
        trusted_proxies = ["10.0.0.0/8", "192.0.2.1"]
        drain = "90s"
        [[payment.network]]
        network = "eip155:84532"
        pay_to = "0x1111111111111111111111111111111111111111"
        head_age = "any"
        coin_units = 3_000_000_000
        [payment.facilitator]
        url = "https://facilitator.example"
        [tasks."summary.abstractive"]
        base = 7
        per_1k_tokens = 0
        [limits]
        answer_within = "2m"
        [model]
        kv_mib = 512
    "#;
    let settings = settings(text).unwrap();
    let config = &settings.config;
    assert_eq!(settings.origin.unwrap().url, "https://precis.example");
    assert_eq!((config.trusted_proxies.len(), config.drain_seconds, config.kv_mib), (2, 90, 512));
    let network = &config.networks[0];
    assert_eq!((network.network, network.domain.name.as_str()), (precis_payment::Network::BASE_SEPOLIA, "USDC"));
    assert_eq!((network.pay_to.unwrap().to_string().as_str(), network.head_seconds), (ELSEWHERE, Some(0)));
    assert_eq!((network.coin_units, config.answer_seconds), (Some(3_000_000_000), 120));
    assert_eq!(config.facilitator_url.as_deref(), Some("https://facilitator.example"));
    let prices = settings.prices;
    assert_eq!(
        (prices[&Task::SummaryAbstractive], prices[&Task::SummaryExtractive].base),
        (Price { base: 7, per_1k_tokens: 0 }, 1000)
    );
}

#[test]
fn a_variable_overrides_the_file_and_its_name_follows_from_the_key() {
    let given = variables_of(&[
        ("PRECIS_LIMITS__QUEUE", "3"),
        ("PRECIS_PAYMENT__NETWORK__0__CONFIRM_WITHIN", "5s"),
        ("PRECIS_TASKS__SUMMARY_EXTRACTIVE__BASE", "9"),
        ("PRECIS_SERVER__TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.1"),
        ("PRECIS_PAYMENT__CONTRACT_ACCOUNTS", "true"),
    ]);
    let text = "[limits]\nqueue = 5\n[[payment.network]]\nnetwork = \"eip155:84532\"\nconfirmations = 2\n";
    let settings = read(text, given).unwrap();
    let config = settings.config;
    let network = &config.networks[0];
    assert_eq!((config.queue, network.confirm_seconds, network.confirmations), (3, 5, 2));
    assert_eq!((network.network, config.trusted_proxies.len()), (precis_payment::Network::BASE_SEPOLIA, 2));
    assert_eq!(config.contract_accounts, ContractAccounts::On);
    assert_eq!(settings.prices[&Task::SummaryExtractive].base, 9);
}

#[test]
fn a_setting_that_cannot_work_is_named_with_its_line_and_the_shape_that_is_right() {
    for (text, expected) in [
        ("\n[limits]\nqueue = 0", "limits.queue (line 3): has to be a whole number, 1 to 1024"),
        ("[limits]\nqueue = \"16\"", "limits.queue (line 2): has to be a whole number"),
        ("[limits]\nanswer_within = 25", "limits.answer_within (line 2): has to be a duration (a whole number and"),
        ("[limits]\nanswer_within = \"11m\"", "limits.answer_within (line 2): has to be a duration"),
        ("[attestation]\nruntime_id = \"00\"", "attestation.runtime_id (line 2): has to be a digest (64 lower-case"),
        ("[attestation]\ntrust_root = \"/does/not/exist\"", "attestation.trust_root (line 2): the file cannot be read"),
        ("[payment]\nidentifier = \"no\"", "payment.identifier (line 2): has to be a word (`optional` or `required`)"),
        ("[payment]\ncontract_accounts = \"on\"", "payment.contract_accounts (line 2): has to be `true` or `false`"),
        ("[[payment.network]]\npay_to = \"0x00\"", "payment.network[0].pay_to (line 2): has to be an address"),
        ("[[payment.network]]\nnetwork = \"base\"", "payment.network[0].network (line 2): has to be a CAIP-2 network"),
        ("[[payment.network]]\nrpc_urls = \"https://a\"", "payment.network[0].rpc_urls (line 2): has to be a list"),
        ("[[payment.network]]\nrpc_urls = [\"a\"]", "payment.network[0].rpc_urls (line 2): has to be a list, each"),
        ("[[payment.network]]\nnetwork = \"eip155:1\"", "payment.network[0].asset: is required for this token"),
        ("[server]\npublic_url = \"https://a?x=1\"", "server.public_url (line 2): carries no user"),
        ("[tasks.\"summary.extractive\"]\nbase = 0\nper_1k_tokens = 0", "tasks.\"summary.extractive\".base (line 2)"),
        ("[payment.sweep]\nevery = \"5s\"", "payment.sweep.every (line 2): has to be a duration"),
        (
            "[payment]\nnetwork = \"eip155:1\"",
            "payment.network (line 2): has to be a list of tables, written [[payment.",
        ),
        ("limits = 5", "limits (line 1): has to be a table, written [limits]"),
        ("[limits]\nqueue = 1\nqueue = 2", "line 3: is no TOML"),
        ("[limits\n", "line 1: is no TOML"),
    ] {
        let told = refusal(text, &[]);
        assert!(told.starts_with(expected), "{text}: {told}");
    }
    let told = refusal("", &[("PRECIS_LIMITS__QUEUE", "many")]);
    assert_eq!(told, "limits.queue (PRECIS_LIMITS__QUEUE): has to be a whole number, 1 to 1024");
}

#[test]
fn an_unknown_name_is_refused_with_the_one_that_was_meant() {
    for (text, expected) in [
        ("[limits]\nqeue = 5", "limits.qeue (line 2): there is no such setting; limits.queue was probably meant"),
        ("[limit]\nqueue = 5", "limit (line 1): there is no such setting; limits was probably meant"),
        ("pay_to = \"x\"", "pay_to (line 1): there is no such setting; payment.network[].pay_to was probably meant"),
        (
            "[[payment.network]]\nasset_nam = \"x\"",
            "payment.network[0].asset_nam (line 2): there is no such setting; payment",
        ),
        ("[tasks.\"summary.hybrid\"]\nbase = 1", "tasks.\"summary.hybrid\" (line 1): there is no such setting"),
        ("[weather]\nrain = true", "weather (line 1): there is no such setting; `precis-server settings` lists all"),
    ] {
        let told = refusal(text, &[]);
        assert!(told.starts_with(expected), "{text}: {told}");
    }
    let told = refusal("", &[("PRECIS_PAY_TO", ELSEWHERE)]);
    assert_eq!(told, "PRECIS_PAY_TO: there is no such setting; PRECIS_PAYMENT__NETWORK__0__PAY_TO was probably meant");
}

#[test]
fn payments_are_taken_on_several_networks_each_with_its_own_token_node_and_bounds() {
    let text = "[[payment.network]]\nnetwork = \"eip155:8453\"\nconfirmations = 3\n[[payment.network]]\nnetwork = \"eip155:137\"\n";
    let more = [("PRECIS_PAYMENT__NETWORK__2__NETWORK", "eip155:43114")];
    let config = read(text, variables_of(&more)).unwrap().config;
    let networks: Vec<_> = config.networks.iter().map(|network| network.network.to_string()).collect();
    assert_eq!(networks, ["eip155:8453", "eip155:137", "eip155:43114"]);
    assert_eq!((config.networks[0].confirmations, config.networks[1].confirmations), (3, 1));
    assert_ne!(config.networks[0].asset, config.networks[1].asset);
    assert_ne!(config.networks[1].rpc_url, config.networks[2].rpc_url);

    let told = refusal(&text.replace("137", "8453"), &[]);
    assert!(told.starts_with("payment.network[1].network (line 5): is there already"), "{told}");
    let told = refusal(&format!("{text}pay_to = \"{ELSEWHERE}\"\n"), &[]);
    assert!(
        told.starts_with("payment.network[1].pay_to (line 6): has to be set for every network or for none"),
        "{told}"
    );
    let told = refusal("[[payment.network]]\n[[payment.network]]\nnetwork = \"eip155:1\"\n", &[]);
    assert!(told.starts_with("payment.network[1].asset: is required for this token"), "{told}");
    let told = refusal("[[payment.network]]\nrpc_urls = [\"https://a.example\", \"https://b.example\"]", &[]);
    assert!(told.contains("has more than one node"), "{told}");
    assert!(refusal(&"[[payment.network]]\n".repeat(MAX_ENTRIES + 1), &[]).contains("has more than 8 entries"));
}

#[test]
fn a_secret_stands_in_a_variable_or_a_file_of_its_own_and_is_never_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("credential");
    std::fs::write(&file, "Authorization: Bearer hush\n").unwrap();
    let url = "[payment.facilitator]\nurl = \"https://facilitator.example\"\n";
    let by_file = format!("{url}credential_file = \"{}\"\n", file.display());
    let header = ("PRECIS_PAYMENT__FACILITATOR__CREDENTIAL", "Authorization: Bearer hush");
    assert!(settings(&by_file).unwrap().facilitator_credential.is_some());
    assert!(read(url, variables_of(&[header])).unwrap().facilitator_credential.is_some());
    let named = ("PRECIS_PAYMENT__FACILITATOR__CREDENTIAL_FILE", file.to_str().unwrap());
    assert!(read(url, variables_of(&[named])).unwrap().facilitator_credential.is_some());

    for (text, given, expected) in [
        (
            format!("{url}credential = \"Authorization: hush\"\n"),
            vec![],
            "is a secret, which does not stand in the file",
        ),
        (by_file, vec![header], "one of both"),
        (String::new(), vec![header], "is for payment.facilitator.url, which is not set"),
        (url.to_owned(), vec![(header.0, "hush")], "has to be a header"),
        (format!("{url}credential_file = \"/hush/none\"\n"), vec![], "the file cannot be opened"),
        ("[ledger]\nurl = \"postgres://hush\"".into(), vec![], "give it as PRECIS_LEDGER__URL"),
        (String::new(), vec![("PRECIS_LEDGER__URL", "mysql://hush")], "has to be a URL (`postgres://…`)"),
        ("[[payment.network]]\nrpc_urls = [\"https://u:hush@a.example\"]".into(), vec![], "may be secrets"),
        ("[attestation]\npcs_url = \"https://a.example?key=hush\"".into(), vec![], "may be secrets"),
        ("[limits]\nqueue = \"hush\"".into(), vec![], "has to be"),
        ("[limits]\nqueue = hush".into(), vec![], "is no TOML"),
    ] {
        let told = refusal(&text, &given);
        assert!(told.contains(expected) && !told.contains("hush"), "{text}: {told}");
    }
}

#[test]
fn the_key_of_a_node_is_put_where_its_url_has_a_place_for_it() {
    let text = "[[payment.network]]\nrpc_urls = [\"https://rpc.example/v2/{key}\"]\n";
    let keys = [("PRECIS_PAYMENT__NETWORK__0__RPC_KEYS", "k3y")];
    assert_eq!(read(text, variables_of(&keys)).unwrap().config.networks[0].rpc_url, "https://rpc.example/v2/k3y");
    assert!(refusal(text, &[]).contains("payment.network[0].rpc_keys: has to hold 1 keys"));
    let two = [("PRECIS_PAYMENT__NETWORK__0__RPC_KEYS", "k3y,k4y")];
    assert!(refusal(text, &two).contains("has to hold 1 keys"));
    assert!(refusal("", &keys).contains("has to hold 0 keys"));
}

#[test]
fn long_work_is_paid_first_by_default_and_capped_where_that_is_impossible() {
    let limits = |upfront: Option<&str>, pay_to: bool, unpaid: Option<&str>| {
        let upfront = upfront.map_or_else(String::new, |value| format!("upfront_above = \"{value}\"\n"));
        let unpaid = unpaid.map_or_else(String::new, |value| format!("unpaid_up_to = \"{value}\"\n"));
        let network = if pay_to { format!("[[payment.network]]\npay_to = \"{ELSEWHERE}\"\n") } else { String::new() };
        let settings = settings(&format!("[payment]\n{upfront}{unpaid}{network}")).unwrap();
        (settings.upfront_seconds, settings.unpaid_seconds)
    };
    assert_eq!(limits(None, false, None), (Some(3), None));
    assert_eq!(limits(Some("0s"), false, None), (Some(0), None));
    assert_eq!(limits(Some("never"), false, None), (None, None));
    assert_eq!(limits(None, true, None), (None, Some(30)));
    assert_eq!(limits(Some("never"), true, None), (None, Some(30)));
    assert_eq!(limits(None, true, Some("10m")), (None, Some(600)));
}

#[test]
fn a_url_is_measured_or_of_the_platform_but_not_both() {
    let origin = |key| settings(&format!("[server]\n{key} = \"https://a.example\"")).unwrap().origin.unwrap();
    assert!(origin("public_url").vouched && !origin("platform_url").vouched);
    let both = refusal("[server]\npublic_url = \"https://a\"", &[("PRECIS_SERVER__PLATFORM_URL", "https://b")]);
    assert_eq!(both, "server.platform_url (PRECIS_SERVER__PLATFORM_URL): excludes server.public_url: one of both");
}

#[test]
fn what_pays_back_and_what_is_swept_is_the_enclave_wallet() {
    for (text, key) in [
        ("[payment]\nupfront_above = \"60s\"\n", "payment.upfront_above"),
        ("[payment]\ncontract_accounts = true\n", "payment.contract_accounts"),
        ("[payment.sweep]\nto = \"0x2222222222222222222222222222222222222222\"\n", "payment.sweep.to"),
    ] {
        assert!(settings(text).is_ok());
        let elsewhere = format!("{text}[[payment.network]]\npay_to = \"{ELSEWHERE}\"\n");
        assert_eq!(settings(&elsewhere).err().unwrap().key(), Some(key));
    }
}

#[test]
fn every_setting_has_one_variable_a_meaning_and_a_default_that_can_be_read() {
    let groups = File::describe();
    let all: Vec<&Setting> = groups.iter().flat_map(|group| &group.settings).collect();
    assert!(all.len() > 45, "{}", all.len());
    for setting in &all {
        assert!(setting.doc.len() > 20 && setting.doc.ends_with('.'), "{}: {}", setting.key, setting.doc);
    }
    let variables = variables();
    let distinct: std::collections::BTreeSet<&String> = variables.iter().collect();
    assert_eq!(distinct.len(), variables.len());
    assert!(variables.iter().all(|name| name.starts_with(names::PREFIX)));
    assert!(names::OF_OTHERS.iter().all(|name| !variables.iter().any(|own| own == name)));
}

proptest! {
    #[test]
    fn no_text_and_no_value_of_a_variable_makes_the_reader_panic_or_repeat_it(
        text in ".{0,200}", key in 0usize..200, value in "[a-z0-9:/.@]{12,40}",
    ) {
        _ = settings(&text);
        let names = variables();
        let name = names[key % names.len()].clone();
        if let Err(error) = read("", BTreeMap::from([(name, value.clone())])) {
            prop_assert!(!error.to_string().contains(&value));
        }
    }
}
