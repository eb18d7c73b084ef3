//! How large an engine is.

use super::arena::Arena;
use super::pages::pages_for;
use super::shape::Shape;

/// Positions that one sequence is reckoned with where the size of the cache follows from the batch.
const USUAL_POSITIONS: usize = 3072;
/// Share of the memory that the cache may take at most, one part in this many.
const MEMORY_SHARE: u64 = 4;
/// Memory that is assumed where the system does not tell.
const ASSUMED_MEMORY: u64 = 2 << 30;
/// Most pages, so that a page's number and the sizes of a layer stay small.
const MAX_PAGES: usize = 1 << 20;

/// When guesses are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drafts {
    /// Where they pay.
    Adaptive,
    /// Always so many, for tests; 0 for never.
    Fixed(usize),
}

/// How large an engine is.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Sequences that run side by side. A payer of whom none runs may exceed it, up to twice as many.
    pub batch: usize,
    /// Bytes of the cache; none for what the batch needs, at most a quarter of the memory.
    pub cache_bytes: Option<u64>,
    /// When guesses are made.
    pub drafts: Drafts,
}

impl Default for Settings {
    fn default() -> Self {
        Self { batch: 8, cache_bytes: None, drafts: Drafts::Adaptive }
    }
}

impl Settings {
    /// Pages of the cache: at least enough for one sequence of the usual size.
    pub(super) fn pages(&self, shape: &Shape) -> u32 {
        let page = Arena::page_bytes(shape) as u64;
        let one = pages_for(USUAL_POSITIONS.min(shape.positions));
        let wanted = match self.cache_bytes {
            Some(bytes) => bytes / page,
            // Two more than the batch: for a newcomer, and for kept prefixes.
            None => (((self.batch + 2) * one) as u64).min(memory() / MEMORY_SHARE / page),
        };
        let pages = usize::try_from(wanted).unwrap_or(MAX_PAGES).clamp(one, MAX_PAGES);
        // Below the bound above.
        pages as u32
    }
}

/// Bytes that this process may use: the machine's, or its control group's.
fn memory() -> u64 {
    let read = |path| std::fs::read_to_string(path).ok();
    let group = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    let older = read("/sys/fs/cgroup/memory/memory.limit_in_bytes").and_then(|text| text.trim().parse().ok());
    let machine = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    });
    [group, older, machine].into_iter().flatten().min().unwrap_or(ASSUMED_MEMORY)
}
