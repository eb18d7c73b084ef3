//! Names of settings. What starts with `PRECIS_` and is no setting of any of this project's programs is a mistake: a typo in
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
    "PRECIS_EVAL",
    "PRECIS_INTERNAL_URL",
    "PRECIS_KEY",
    "PRECIS_KEY_FILE",
    "PRECIS_PAYER_ADDRESS",
    "PRECIS_PAYER_KEY_FILE",
    "PRECIS_POLICY",
    "PRECIS_RECEIPT_SIGNER",
    "PRECIS_RECEIPT_VERIFIER",
    "PRECIS_REQUIRE_BROWSER",
    "PRECIS_REQUIRE_CONFORMANCE",
    "PRECIS_REQUIRE_WASM",
    "PRECIS_ROFL_CLIENT_PYTHON",
    "PRECIS_STATE_HOME",
    "PRECIS_STORE_TEST_CHILD",
    "PRECIS_TDX_VECTORS",
    "PRECIS_URL",
];

/// Largest edit distance at which a name is suggested for another.
const NEAR: usize = 4;

/// The names with the prefix that are neither in `own` nor [`OF_OTHERS`], each with the name of `own` that is nearest to it, if
/// one is near; sorted.
pub fn unknown(given: impl IntoIterator<Item = String>, own: &[String]) -> Vec<(String, Option<String>)> {
    let is_known = |name: &String| own.contains(name) || OF_OTHERS.contains(&name.as_str());
    let mut names: Vec<String> = given.into_iter().filter(|name| name.starts_with(PREFIX) && !is_known(name)).collect();
    names.sort_unstable();
    names.into_iter().map(|name| (nearest(&name, own), name)).map(|(near, name)| (name, near)).collect()
}

fn nearest(name: &str, own: &[String]) -> Option<String> {
    let distances = own.iter().map(|known| (strsim::damerau_levenshtein(name, known), known));
    distances.min().filter(|(distance, _)| *distance <= NEAR).map(|(_, known)| known.clone())
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
