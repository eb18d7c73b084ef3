//! The policy file by which a client accepts this devnet and nothing else (SPEC 9).

use std::{collections::BTreeMap, fmt::Write, path::Path};

use sha2::{Digest, Sha256};

use super::mock::Chain;

/// Tasks of a service as it is packaged, with the manifests of the models that may do each: what the devnet's policy names.
const PACKAGED: [(&str, &[&str]); 4] = [
    ("embeddings", &[MINILM]),
    ("rerank", &[MINILM]),
    ("summary.abstractive", &WRITERS),
    ("summary.extractive", &[MULTILINGUAL, MINILM]),
];
/// Models that write and come in packages: the default one first.
const WRITERS: [&str; 3] = [
    include_str!("../../../../model/manifests/qwen2.5-1.5b-instruct.toml"),
    include_str!("../../../../model/manifests/qwen2.5-0.5b-instruct.toml"),
    include_str!("../../../../model/manifests/smollm2-135m-instruct.toml"),
];
/// The extractive manifests beside the default model and beside the smallest one.
const MULTILINGUAL: &str = include_str!("../../../../model/manifests/minilm-l6-v2-e5-small.toml");
const MINILM: &str = include_str!("../../../../model/manifests/minilm-l6-v2.toml");

/// Tasks by id, each with the digests of the models that may do it, `sha256:…`.
pub type Tasks = BTreeMap<String, Vec<String>>;

/// The tasks of a service as it is packaged, each with its models: `sha256:…` over the exact bytes of the manifest.
#[must_use]
pub fn packaged_tasks() -> Tasks {
    let digest = |manifest: &str| format!("sha256:{}", hex::encode(Sha256::digest(manifest)));
    let digests = |manifests: &[&str]| manifests.iter().map(|manifest| digest(manifest)).collect();
    PACKAGED.iter().map(|(task, manifests)| ((*task).to_owned(), digests(manifests))).collect()
}

/// What a policy pins about payment: network and asset.
#[derive(Clone, Debug)]
pub struct PaymentPin {
    /// CAIP-2 network, `eip155:31337`.
    pub network: String,
    /// Token address, `0x…`.
    pub asset: String,
}

/// The policy as TOML. It names the mock root, so that everything verified under it is marked
/// INSECURE.
#[must_use]
pub fn policy_toml(
    app_id: &str,
    identity: &[u8; 32],
    tasks: &Tasks,
    chain: &Chain,
    mock_root: &Path,
    payment: Option<&PaymentPin>,
) -> String {
    // A TOML basic string and a JSON string escape alike all that a path may contain.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut out =
        String::from("# Written by precis-devnet at start. INSECURE: it trusts a mock root and proves nothing.\n");
    let lines = [
        "version = 2".to_owned(),
        format!("app_id = {}", quoted(app_id)),
        format!("enclave_identities = [{}]", quoted(&hex::encode(identity))),
        r#"evidence = ["rofl-register"]"#.to_owned(),
        "\n[tasks]".to_owned(),
        tasks
            .iter()
            .map(|(task, models)| format!("{} = {}\n", quoted(task), serde_json::Value::from(models.clone())))
            .collect(),
        "[chain]".to_owned(),
        format!("runtime_id = {}", quoted(&hex::encode(chain.runtime_id))),
        format!("chain_context = {}", quoted(&chain.chain_context)),
        "\n[tcb]\nmin_evaluation_number = 18\nallowed_advisories = []".to_owned(),
        "max_collateral_age_days = 30\n\n[challenge]\nmax_age_seconds = 300".to_owned(),
    ];
    out.push_str(&lines.join("\n"));
    if let Some(pin) = payment {
        let (network, asset) = (quoted(&pin.network), quoted(&pin.asset));
        // Writing to a string does not fail.
        let _ = write!(out, "\n\n[[payment]]\nnetwork = {network}\nasset = {asset}");
    }
    let root = quoted(&mock_root.to_string_lossy());
    let _ = write!(out, "\n\n[root]\nmock_root = {root}\n");
    out
}
