//! From a release statement to a policy (SPEC 9, 11).

use std::fmt::Write as _;

use precis_protocol::release::{HexIdentity, Release, ReleasePayment};

/// The policy that accepts exactly this release, as TOML. Nothing is decided here that the statement does not say, but for three
/// limits of time, which stand in the text to be changed.
#[must_use]
pub fn policy_toml(release: &Release) -> String {
    // A TOML basic string and a JSON string escape alike all that these texts may contain.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let identities = |list: &[HexIdentity]| {
        list.iter().map(|identity| quoted(&hex::encode(identity.0))).collect::<Vec<_>>().join(", ")
    };
    let tasks: String = release
        .tasks
        .iter()
        .map(|(task, model)| match model {
            Some(model) => format!("{} = [{}]\n", quoted(task.id()), quoted(&model.to_string())),
            None => format!("{} = \"any\" # no model works\n", quoted(task.id())),
        })
        .collect();
    let pins = |target: &ReleasePayment| {
        let (network, asset) = (quoted(&target.network), quoted(&target.asset.to_string()));
        format!("\n[[payment]]\nnetwork = {network}\nasset = {asset}\n")
    };
    let payments: String = release.payments.iter().map(pins).collect();
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "# Accepts release {release_name}, commit {commit}, image {image}.\n\
         # Made from a release statement: rebuild that commit and compare before you rely on it (SPEC 11).\n\
         version = 2\n\
         app_id = {app_id}\n\
         enclave_identities = [{allowed}]\n\
         revoked_enclave_identities = [{revoked}]\n\
         evidence = [\"rofl-register\"]\n\n\
         [tasks]\n{tasks}\n\
         [chain]\nruntime_id = {runtime}\nchain_context = {context}\n\n\
         [tcb]\nmin_evaluation_number = {floor}\nallowed_advisories = []\nmax_collateral_age_days = 30\n\n\
         [challenge]\nmax_age_seconds = 300\n{payments}",
        release_name = one_line(&release.release),
        commit = hex::encode(release.commit),
        image = one_line(&release.image),
        app_id = quoted(&release.app_id),
        allowed = identities(&release.enclave_identities),
        revoked = identities(&release.revoked_enclave_identities),
        runtime = quoted(&hex::encode(release.chain.runtime_id)),
        context = quoted(&hex::encode(release.chain.chain_context)),
        floor = release.min_evaluation_number,
    );
    out
}

/// Text fit for a comment: a line break in it would start a key.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
