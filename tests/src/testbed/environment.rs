//! What the testbed is told through its environment.

use anyhow::Context as _;

/// A number in the environment.
///
/// # Errors
/// If it is none.
pub(crate) fn number(name: &str) -> anyhow::Result<Option<i64>> {
    std::env::var(name).ok().map(|text| text.parse().with_context(|| format!("{name}={text}"))).transpose()
}
