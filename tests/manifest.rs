//! `scripts/check-manifest`: what it lets pass, what it refuses, and what it says of our own manifest.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use precis_protocol::release::Release;
use precis_tests::paths;

/// Exit code and the findings, one a line.
fn check(dir: &Path) -> (i32, Vec<String>) {
    let output = Command::new(paths::root().join("scripts/check-manifest")).arg(dir).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let code = output.status.code().unwrap();
    assert!(code <= 1, "{}", String::from_utf8_lossy(&output.stderr));
    (code, text.lines().map(str::to_owned).collect())
}

/// Our manifest with everything filled in that is open.
fn complete() -> (String, String) {
    let read = |name: &str| std::fs::read_to_string(paths::root().join(name)).unwrap();
    let digest = "3f".repeat(32);
    let compose = read("compose.yaml").replace("@sha256:NOT-BUILT-YET", &format!("@sha256:{digest}"));
    let rofl = read("rofl.yaml").replace("enclaves: []", &format!("enclaves: [{{id: {}}}]", enclave_id())).replace(
        "    paratime: sapphire\n",
        "    paratime: sapphire\n    app_id: rofl1qp55evqls4qg6cjw5fnlv4al9ptc0fsakvxvd9uw\n    trust_root: {height: 1, hash: ab}\n",
    );
    (rofl, compose)
}

/// An identity as `oasis rofl build` writes it: MRENCLAVE and an empty MRSIGNER.
fn enclave_id() -> String {
    STANDARD.encode([[0x1d; 32], [0; 32]].concat())
}

fn check_text(rofl: &str, compose: &str) -> (i32, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("rofl.yaml"), rofl).unwrap();
    std::fs::write(dir.path().join("compose.yaml"), compose).unwrap();
    check(dir.path())
}

#[test]
fn our_manifest_breaks_no_rule_and_names_what_is_open() {
    let (code, findings) = check(&paths::root());
    assert!(findings.iter().all(|line| line.starts_with("open: ")), "{findings:#?}");
    let open = findings.iter().any(|line| line.contains(".image"));
    assert_eq!(code, i32::from(!findings.is_empty()));
    assert_eq!(open, std::fs::read_to_string(paths::root().join("compose.yaml")).unwrap().contains("NOT-BUILT-YET"));
}

#[test]
fn a_complete_manifest_passes() {
    let (rofl, compose) = complete();
    assert_eq!(check_text(&rofl, &compose), (0, vec![]));
}

#[test]
fn secrets_that_change_nothing_for_a_caller_come_from_the_platform() {
    let (rofl, compose) = complete();
    let secrets = "environment:\n      PRECIS_PAYMENT__FACILITATOR__CREDENTIAL: ${FACILITATOR_CREDENTIAL}\n      \
        PRECIS_LEDGER__URL: ${LEDGER_URL}\n      PRECIS_PAYMENT__NETWORK__0__RPC_KEYS: ${RPC_KEYS_0}";
    let facilitator = "[payment.facilitator]\n        url = \"https://facilitator.example\"\n\n        [model]";
    let compose = compose.replacen("environment:", secrets, 1).replacen("[model]", facilitator, 1).replacen(
        "https://sepolia.base.org",
        "https://rpc.example/v2/{key}",
        1,
    );
    assert_eq!(check_text(&rofl, &compose), (0, vec![]));
}

/// The settings in the literal of a compose file.
fn literal(compose: &str) -> String {
    let (_, rest) = compose.split_once("      PRECIS_CONFIG: |\n").unwrap();
    let lines = rest.lines().take_while(|line| line.is_empty() || line.starts_with("        "));
    lines.map(|line| line.strip_prefix("        ").unwrap_or_default().to_owned() + "\n").collect()
}

#[test]
fn the_settings_of_our_manifest_are_settings_that_the_server_takes() {
    let compose = std::fs::read_to_string(paths::root().join("compose.yaml")).unwrap();
    let platform = ("PRECIS_SERVER__PLATFORM_URL".to_owned(), "https://p8080.m1.example".to_owned());
    let settings = precis_server::config::read(&literal(&compose), [platform].into()).unwrap();
    assert_eq!(settings.config.networks[0].network, precis_payment::Network::BASE_SEPOLIA);
    assert!(!settings.origin.unwrap().vouched && settings.mock_root.is_none());
}

/// The variables that a source reads, by the words that programs and scripts read them with.
fn variables_in(text: &str) -> Vec<String> {
    let readers = [
        "env = \"",
        "var(\"",
        "var_os(\"",
        "process.env.",
        "environ[\"",
        "environ.get(\"",
        "export ",
        "${",
        "option_env!(\"",
    ];
    let names = readers.iter().flat_map(|reader| text.split(reader).skip(1)).map(|rest| {
        rest.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')).next().unwrap_or_default()
    });
    names.filter(|name| name.starts_with(precis_server::names::PREFIX)).map(str::to_owned).collect()
}

#[test]
fn every_variable_that_a_program_of_ours_reads_is_known_to_the_server() {
    let own = precis_server::config::variables();
    let (mut read, mut unknown) = (0, Vec::new());
    for source in precis_tests::source::all().unwrap() {
        if !["app/", "tests/", "scripts/", "model/"].iter().any(|folder| source.path.starts_with(folder)) {
            continue;
        }
        for name in variables_in(&source.text) {
            read += 1;
            let known = own.contains(&name) || precis_server::names::OF_OTHERS.contains(&name.as_str());
            if !known {
                unknown.push(format!("{}: {name}", source.path));
            }
        }
    }
    assert!(read > 45, "{read}");
    assert!(unknown.is_empty(), "add them to app/server/src/names.rs: {unknown:#?}");
}

#[test]
fn a_complete_deployment_can_be_stated_and_made_into_a_policy_and_an_open_one_cannot() {
    let commit = "ab".repeat(20);
    let state = |rofl: &str, compose: &str| {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("rofl.yaml"), rofl).unwrap();
        std::fs::write(dir.path().join("compose.yaml"), compose).unwrap();
        let mut command = Command::new(paths::root().join("scripts/release-statement"));
        command.args(["--commit", &commit, "--revoke", &"0f".repeat(32)]).arg(dir.path()).output().unwrap()
    };
    let (rofl, compose) = complete();
    let stated = state(&rofl, &compose);
    assert!(stated.status.success(), "{}", String::from_utf8_lossy(&stated.stderr));
    let release = Release::parse(&stated.stdout).unwrap();
    assert_eq!(release.enclave_identities[0].0, [0x1d; 32]);
    assert_eq!(release.revoked_enclave_identities[0].0, [0x0f; 32]);
    assert_eq!(release.files.compose, precis_protocol::Digest::of(compose.as_bytes()));
    assert_eq!(hex::encode(release.commit), commit);

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("precis-release.json");
    std::fs::write(&path, &stated.stdout).unwrap();
    let made =
        Command::new(paths::program("precis").unwrap()).args(["policy", "from-release"]).arg(&path).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let policy =
        precis_verify::Policy::parse(std::str::from_utf8(&made.stdout).unwrap(), |_| Err("none".into())).unwrap();
    assert!(
        policy.enclave_identities.contains(&[0x1d; 32])
            && policy.tasks.len() == 4
            && policy.tasks.values().all(
                |models| matches!(models, precis_verify::policy::AllowedModels::Only(models) if models.len() == 1)
            )
    );

    // Every network that payments are taken on is stated, in the order of the settings.
    let second = "        [[payment.network]]\n        network = \"eip155:43113\"\n        \
        asset = \"0x5425890298aed601595a70AB815c96711a31Bc65\"\n        asset_name = \"USD Coin\"\n        asset_version = \"2\"\n        \
        rpc_urls = [\"https://api.avax-test.network/ext/bc/C/rpc\"]\n\n        [tasks.";
    let two = state(&rofl, &compose.replacen("        [tasks.", second, 1));
    assert!(two.status.success(), "{}", String::from_utf8_lossy(&two.stderr));
    let networks: Vec<_> = Release::parse(&two.stdout).unwrap().payments.into_iter().map(|paid| paid.network).collect();
    assert_eq!(networks, ["eip155:84532", "eip155:43113"]);

    // The model that the deployment names is stated, and none that has no weights yet.
    let with = |model: &str| {
        compose.replacen("        [model]\n", &format!("        [model]\n        name = \"{model}\"\n"), 1)
    };
    let named = |model| Release::parse(&state(&rofl, &with(model)).stdout).unwrap().tasks;
    assert_eq!(named("qwen2.5-1.5b-instruct"), release.tasks);
    assert_ne!(named("smollm2-135m-instruct"), release.tasks);
    for (model, why) in
        [("qwen3-0.6b", "not filled in"), ("minilm-l6-v2", "not an abstractive model"), ("x", "has no x.toml")]
    {
        let refused = state(&rofl, &with(model));
        assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains(why), "{model}");
    }

    let open = state(&rofl, &std::fs::read_to_string(paths::root().join("compose.yaml")).unwrap());
    assert!(!open.status.success() && open.stdout.is_empty());
    let odd = state(&rofl.replace(&enclave_id(), "AAAA"), &compose);
    assert!(!odd.status.success() && String::from_utf8_lossy(&odd.stderr).contains("no TDX enclave identity"));
}

#[test]
fn every_violation_is_refused_with_its_place() {
    let (rofl, compose) = complete();
    let in_compose = [
        ("@sha256:", ":latest@sha256:x", "open: compose.yaml services.precis.image"),
        ("ghcr.io/precis", "precis", "services.precis.image: has to be fully qualified"),
        (
            "ghcr.io/precis/precis-server",
            "ghcr.io/${ORG}/precis-server",
            "services.precis.image: a variable in the image",
        ),
        // All settings stand in the literal, and callers find there what they rely on.
        ("base = 1000", "base = ${PRICE}", "environment.PRECIS_CONFIG: ${PRICE} comes from outside"),
        ("base = 1000\n", "\n", "PRECIS_CONFIG tasks.\"summary.extractive\".base: has to be a literal"),
        ("network = \"eip155:84532\"\n", "\n", "PRECIS_CONFIG payment.network[0].network: has to be a literal"),
        ("rpc_urls = [\"https://sepolia.base.org\"]\n", "\n", "payment.network[0].rpc_urls: has to be a literal"),
        ("[[payment.network]]", "[[payment.networks]]", "payment.network[0].asset: has to be a literal"),
        ("PRECIS_CONFIG: |", "PRECIS_CONFIGS: |", "environment.PRECIS_CONFIG: has to hold the settings"),
        ("PRECIS_CONFIG: |", "PRECIS_CONFIG:\n      OTHER: |", "environment.PRECIS_CONFIG: has no value"),
        ("base = 1000", "base = 1000,500", "environment.PRECIS_CONFIG: is no TOML"),
        (
            "asset_version = \"2\"",
            "asset_versoin = \"2\"",
            "payment.network[0].asset_versoin: there is no such setting; payment.network[].asset_version was probably meant",
        ),
        (
            "appd_socket =",
            "trust_root = \"/mock.der\"\n        appd_socket =",
            "attestation.trust_root: is a mock root",
        ),
        // The host is the platform's, and what is signed over is a literal.
        (
            "https://p8080.${ROFL_PROXY_HOST}",
            "https://${SECRET_HOST}",
            "environment.PRECIS_SERVER__PLATFORM_URL: ${SECRET_HOST}",
        ),
        (
            "      PRECIS_SERVER__PLATFORM_URL: https://p8080.${ROFL_PROXY_HOST}\n",
            "",
            "server.public_url (a literal) or PRECIS_SERVER__PLATFORM_URL, one of both",
        ),
        (
            "[server]",
            "[server]\n        public_url = \"https://a.example\"",
            "PRECIS_SERVER__PLATFORM_URL, one of both",
        ),
        (
            "[server]",
            "[server]\n        public_url = \"https://${ROFL_PROXY_HOST}\"",
            "environment.PRECIS_CONFIG: ${ROFL_PROXY_HOST}",
        ),
        // Secrets are not measured, and nothing else stands beside the literal.
        ("[ledger]", "[ledger]\n        url = \"postgres://a\"", "PRECIS_CONFIG ledger.url: is a secret"),
        ("sepolia.base.org", "rpc.example/v2/0123456789abcdef0123456789abcdef", "looks like a URL with a key in it"),
        ("sepolia.base.org", "user:password@rpc.example", "looks like a URL with a key in it"),
        (
            "environment:",
            "environment:\n      PRECIS_LEDGER__URL: postgres://a",
            "environment.PRECIS_LEDGER__URL: is a secret: it has to be ${LEDGER_URL}",
        ),
        (
            "environment:",
            "environment:\n      PRECIS_PAYMENT__FACILITATOR__CREDENTIAL: ${OTHER}",
            "it has to be ${FACILITATOR_CREDENTIAL}",
        ),
        (
            "environment:",
            "environment:\n      PRECIS_PAYMENT__NETWORK__0__PAY_TO: \"0x1111111111111111111111111111111111111111\"",
            "PAY_TO: stands in PRECIS_CONFIG, as payment.network[].pay_to",
        ),
        ("environment:", "environment:\n      PRECIS_LIMITS__QEUE: \"1\"", "PRECIS_LIMITS__QUEUE was probably meant"),
        (
            "environment:",
            "environment:\n      PRECIS_KEY_FILE: /key",
            "environment.PRECIS_KEY_FILE: there is no such setting",
        ),
        ("environment:", "environment:\n      RUST_LOG: 2", "environment.RUST_LOG: has to be quoted"),
        ("- \"8080:8080\"", "- \"8080\"", "services.precis.ports"),
        ("- \"8080:8080\"", "- \"8080:8080\"\n      - \"8081:8081\"", "the internal port is published"),
        ("ports.8080.mode: terminate-tls", "ports.8080.mode: terminate", "annotations"),
        ("ports.8080.mode", "ports.9090.mode", "is about a port that is not published"),
        ("- state:/data", "- /etc:/data", "services.precis.volumes"),
        ("- state:/data", "- /run/podman.sock:/run/podman.sock", "container engine's socket"),
        ("platform: linux/amd64", "platform: linux/arm64", "services.precis.platform"),
        ("restart: always", "restart: always\n    env_file: .env", "services.precis.env_file"),
        ("restart: always", "restart: always\n    privileged: true", "services.precis.privileged"),
        ("restart: always", "restart: always\n    command: [\"${FLAGS}\"]", "a variable outside of `environment`"),
        ("  state: {}", "  state: {external: true}", "volumes.state: is external"),
        ("    restart: always\n", "    restart: always\n    restart: no\n", "is given twice"),
    ];
    for (from, to, expected) in in_compose {
        assert!(compose.contains(from), "the sample lost {from}");
        let (code, findings) = check_text(&rofl, &compose.replacen(from, to, 1));
        assert!(code == 1 && findings.iter().any(|line| line.contains(expected)), "{to}: {findings:#?}");
    }
    let in_rofl = [
        ("tee: tdx", "tee: sgx", "tee, kind"),
        ("version: 0.1.0", "version: one", "rofl.yaml version"),
        ("memory: 4096", "memory: lots", "resources.memory"),
        ("    size: 10000", "    size: 1", "resources.storage"),
        ("#db47100a7d6a0c1f6983be224137c3f8d7cb09b63bb1c7a5ee7829d8e994a42f", "", "artifacts.firmware"),
        ("compose: compose.yaml", "compose: other.yaml", "artifacts.container.compose"),
        ("network: testnet", "network: testnet\n    debug: true", "debug"),
        ("min_tcb_evaluation_data_number: 18", "min_tcb_evaluation_data_number: 17", "min_tcb_evaluation_data_number"),
        (
            "network: testnet",
            "network: testnet\n    secrets: [{name: precis_ledger__url, value: AA==}]",
            "secrets: PRECIS_LEDGER__URL",
        ),
        ("network: testnet", "network: testnet\n    metadata: {env.PRECIS_CONFIG: x}", "metadata: env.PRECIS_CONFIG"),
        ("resources:", "resourses: {}\nresources:", "resourses: the CLI ignores"),
        (
            "    app_id: rofl1qp55evqls4qg6cjw5fnlv4al9ptc0fsakvxvd9uw\n",
            "",
            "open: rofl.yaml deployments.testnet.app_id",
        ),
    ];
    for (from, to, expected) in in_rofl {
        assert!(rofl.contains(from), "the sample lost {from}");
        let (code, findings) = check_text(&rofl.replacen(from, to, 1), &compose);
        assert!(code == 1 && findings.iter().any(|line| line.contains(expected)), "{to}: {findings:#?}");
    }
}
