//! What the testbed's server has in place of the real parts: models, a clock that is wrong, a ledger that ends the process.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use precis_server::boot::Parts;
use precis_store::Ledger;

use crate::testbed::kill::{Fatal, Kill};
use crate::testbed::model;

/// Environment: the transition that kills, for example `running>done:after`.
pub const KILL: &str = "TESTBED_KILL";
/// Environment: seconds by which the clock is ahead; negative if it is behind.
pub const CLOCK_OFFSET: &str = "TESTBED_CLOCK_OFFSET";
/// Environment: a file with further seconds, read at every look at the clock, so that time can jump while the process runs.
pub const CLOCK_FILE: &str = "TESTBED_CLOCK_FILE";

static KILLS: OnceLock<Kill> = OnceLock::new();
static OFFSET: OnceLock<i64> = OnceLock::new();
static JUMPS: OnceLock<PathBuf> = OnceLock::new();

/// The parts, as the environment says.
///
/// # Errors
/// If it says something that is not understood.
pub fn parts() -> anyhow::Result<Parts> {
    if let Some(offset) = number(CLOCK_OFFSET)? {
        OFFSET.get_or_init(|| offset);
    }
    if let Some(path) = std::env::var_os(CLOCK_FILE) {
        JUMPS.get_or_init(|| path.into());
    }
    if let Ok(text) = std::env::var(KILL) {
        let kill = text.parse()?;
        KILLS.get_or_init(|| kill);
    }
    Ok(Parts { models: model::models, clock, ledger })
}

/// A number in the environment.
///
/// # Errors
/// If it is none.
pub(crate) fn number(name: &str) -> anyhow::Result<Option<i64>> {
    std::env::var(name).ok().map(|text| text.parse().with_context(|| format!("{name}={text}"))).transpose()
}

fn clock() -> u64 {
    let jumps = JUMPS.get().and_then(|path| std::fs::read_to_string(path).ok()?.trim().parse().ok());
    let ahead = OFFSET.get().unwrap_or(&0) + jumps.unwrap_or(0);
    precis_server::clock::system().saturating_add_signed(ahead)
}

fn ledger(inner: Arc<dyn Ledger>) -> Arc<dyn Ledger> {
    match KILLS.get() {
        Some(kill) => Arc::new(Fatal::new(inner, *kill)),
        None => inner,
    }
}
