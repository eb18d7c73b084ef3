//! What the testbed's server has in place of the real parts: models, a clock that is wrong, a ledger that ends the process.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use precis_server::boot::Parts;
use precis_server::edge::{Limits, Places};
use precis_store::Ledger;

use crate::testbed::environment::number;
use crate::testbed::kill::{Fatal, Kill};
use crate::testbed::model;

/// Environment: the transition that kills, for example `running>done:after`.
pub const KILL: &str = "TESTBED_KILL";
/// Environment: seconds by which the clock is ahead; negative if it is behind.
pub const CLOCK_OFFSET: &str = "TESTBED_CLOCK_OFFSET";
/// Environment: a file with further seconds, read at every look at the clock, so that time can jump while the process runs.
pub const CLOCK_FILE: &str = "TESTBED_CLOCK_FILE";

/// Environment: milliseconds in which a header section has to be sent, a body and an answer have to make progress.
pub const PATIENCE: &str = "TESTBED_PATIENCE_MS";
/// Environment: public connections, count.
pub const CONNECTIONS: &str = "TESTBED_CONNECTIONS";
/// Environment: bodies that arrive at a time, count.
pub const BODIES: &str = "TESTBED_BODIES";
/// Environment: requests of each kind in work at a time, count.
pub const PLACES: &str = "TESTBED_PLACES";

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
    Ok(Parts { models: model::models, clock, ledger, edge: edge()? })
}

/// Bounds of the edge: the real ones, but with little of what the environment names, so that no test waits for a minute.
fn edge() -> anyhow::Result<Limits> {
    let mut limits = Limits::default();
    let scarce = |name| Ok::<_, anyhow::Error>(number(name)?.map(usize::try_from).transpose()?);
    if let Some(milliseconds) = scarce(PATIENCE)? {
        let patience = Duration::from_millis(milliseconds as u64);
        limits.public.header = patience;
        limits.public.idle = 3 * patience;
        limits.body.window = patience;
        limits.public.write.window = patience;
    }
    if let Some(connections) = scarce(CONNECTIONS)? {
        limits.public.connections = connections;
    }
    if let Some(bodies) = scarce(BODIES)? {
        limits.bodies = bodies;
    }
    if let Some(places) = scarce(PLACES)? {
        limits.places =
            Places { paid: places, polls: places, lookups: places, documents: places, encapsulated: places };
    }
    Ok(limits)
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
