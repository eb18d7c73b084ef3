//! Names of variables and settings. What starts with `PRECIS_` and is no setting of any of this project's programs is a mistake: a typo in
//! the payee would send the revenue to the default one.

/// What the names of all settings start with.
pub const PREFIX: &str = "PRECIS_";

/// Variables of the other programs, scripts and tests, which may stand in the same shell: client, devnet, tests. The server
/// reads none of them.
pub const OF_OTHERS: &[&str] = &[
    "PRECIS_APP_ID",
    "PRECIS_CACERT",
    "PRECIS_CASES",
    "PRECIS_CHAIN_ID",
    "PRECIS_COMMIT",
    "PRECIS_DEVNET_APPD_SOCKET",
    "PRECIS_DEVNET_ASSET",
    "PRECIS_DEVNET_ASSET_NAME",
    "PRECIS_DEVNET_ASSET_VERSION",
    "PRECIS_DEVNET_NETWORK",
    "PRECIS_DEVNET_NEXUS_URL",
    "PRECIS_DEVNET_PCS_URL",
    "PRECIS_DEVNET_TRUST_ROOT",
    "PRECIS_EMBEDDINGS_MODEL",
    "PRECIS_EVAL",
    "PRECIS_INTERNAL_URL",
    "PRECIS_KEY",
    "PRECIS_KEY_FILE",
    "PRECIS_MODEL_DIR",
    "PRECIS_OASIS_GRPC_URL",
    "PRECIS_PAYER_ADDRESS",
    "PRECIS_PAYER_KEY_FILE",
    "PRECIS_PAY_ON",
    "PRECIS_POLICY",
    "PRECIS_RECEIPT_SIGNER",
    "PRECIS_RECEIPT_VERIFIER",
    "PRECIS_REQUIRE_BROWSER",
    "PRECIS_REQUIRE_CONFORMANCE",
    "PRECIS_REQUIRE_WASM",
    "PRECIS_ROFL_CLIENT_PYTHON",
    "PRECIS_RPC_URL",
    "PRECIS_SERVICE_ADDRESS",
    "PRECIS_STATE_HOME",
    "PRECIS_STORE_TEST_CHILD",
    "PRECIS_TDX_VECTORS",
    "PRECIS_URL",
    "PRECIS_WRITE_FIXTURE",
];

/// Largest edit distance at which a name is suggested for another.
const NEAR: usize = 4;
/// Largest edit distance at which the last part of a name is suggested for that of another.
const NEAR_PART: usize = 1;
/// Between the parts of a variable's name.
const BETWEEN: &str = "__";

/// The names with the prefix that are neither in `own` nor [`OF_OTHERS`], each with the name of `own` that is nearest to it, if
/// one is near; sorted.
pub fn unknown(given: impl IntoIterator<Item = String>, own: &[String]) -> Vec<(String, Option<String>)> {
    let is_known = |name: &String| own.contains(name) || OF_OTHERS.contains(&name.as_str());
    let mut names: Vec<String> = given.into_iter().filter(|name| name.starts_with(PREFIX) && !is_known(name)).collect();
    names.sort_unstable();
    let parts: Vec<(&str, &str)> = own.iter().map(|name| (name.as_str(), last_part(name))).collect();
    let near = |name: &str| nearest(name, last_part(name), parts.iter().copied());
    names.into_iter().map(|name| (near(&name), name)).map(|(near, name)| (name, near)).collect()
}

/// The last part of a variable's name.
fn last_part(name: &str) -> &str {
    let name = name.strip_prefix(PREFIX).unwrap_or(name);
    name.rsplit(BETWEEN).next().unwrap_or(name)
}

/// The one of `known`, each given with its last part, that was probably meant by `name`: one with the same last part, or one
/// that is near as a whole, or one whose last part is near.
pub fn nearest<'a>(name: &str, last: &str, known: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Option<String> {
    let by_part = |most| {
        let parts = known.clone().map(|(known, part)| (strsim::damerau_levenshtein(last, part), known));
        parts.min().filter(|(distance, _)| *distance <= most)
    };
    let most = NEAR.min(name.len() / 3);
    let whole = || {
        let all = known.clone().map(|(known, _)| (strsim::damerau_levenshtein(name, known), known));
        all.min().filter(|(distance, _)| *distance <= most)
    };
    let found = by_part(0).or_else(whole).or_else(|| by_part(NEAR_PART));
    found.map(|(_, near)| near.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_named_with_what_was_meant_and_other_programs_names_pass() {
        let own = ["PRECIS_PAY_TO", "PRECIS_ASSET", "PRECIS_QUEUE"].map(str::to_owned);
        let given = ["PRECIS_QUEUE", "PRECIS_PAYTO", "PRECIS_URL", "PATH", "PRECIS_SOMETHING_ELSE", "PRECIS_ASSSET"];
        let found = unknown(given.map(str::to_owned), &own);
        let near = |name: &str, near: Option<&str>| (name.to_owned(), near.map(str::to_owned));
        assert_eq!(
            found,
            [
                near("PRECIS_ASSSET", Some("PRECIS_ASSET")),
                near("PRECIS_PAYTO", Some("PRECIS_PAY_TO")),
                near("PRECIS_SOMETHING_ELSE", None),
            ]
        );
    }
}
