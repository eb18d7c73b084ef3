//! `scripts/check-manifest`: what it lets pass, what it refuses, and what it says of our own manifest.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

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
    let rofl = read("rofl.yaml").replace("enclaves: []", "enclaves: [{id: AAAA}]").replace(
        "    paratime: sapphire\n",
        "    paratime: sapphire\n    app_id: rofl1x\n    trust_root: {height: 1, hash: ab}\n",
    );
    (rofl, compose)
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
        (
            "PRECIS_PRICE_EXTRACTIVE: \"1000,500\"",
            "PRECIS_PRICE_EXTRACTIVE: ${PRICE}",
            "environment.PRECIS_PRICE_EXTRACTIVE: ${PRICE}",
        ),
        ("PRECIS_NETWORK: \"eip155:84532\"", "PRECIS_NETWORK:", "environment.PRECIS_NETWORK"),
        (
            "PRECIS_ASSET_VERSION: \"2\"",
            "PRECIS_ASSET_VERSION: 2",
            "environment.PRECIS_ASSET_VERSION: has to be quoted",
        ),
        ("      PRECIS_RPC_URL: https://sepolia.base.org\n", "", "environment.PRECIS_RPC_URL: has to be a literal"),
        ("https://p8080.${ROFL_PROXY_HOST}", "https://${SECRET_HOST}", "environment.PRECIS_PUBLIC_URL: ${SECRET_HOST}"),
        ("PRECIS_STATE_DIR: /data", "PRECIS_TRUST_ROOT: /mock.der", "environment.PRECIS_TRUST_ROOT: is a mock root"),
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
            "network: testnet\n    secrets: [{name: precis_pay_to, value: AA==}]",
            "secrets: PRECIS_PAY_TO",
        ),
        ("network: testnet", "network: testnet\n    metadata: {env.PRECIS_RPC_URL: x}", "metadata: env.PRECIS_RPC_URL"),
        ("resources:", "resourses: {}\nresources:", "resourses: the CLI ignores"),
        ("    app_id: rofl1x\n", "", "open: rofl.yaml deployments.testnet.app_id"),
    ];
    for (from, to, expected) in in_rofl {
        assert!(rofl.contains(from), "the sample lost {from}");
        let (code, findings) = check_text(&rofl.replacen(from, to, 1), &compose);
        assert!(code == 1 && findings.iter().any(|line| line.contains(expected)), "{to}: {findings:#?}");
    }
}
