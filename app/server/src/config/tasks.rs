//! The tasks that have a price.

/// A task, and what it costs where no setting says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: &'static str,
    /// Atomic units for every order.
    pub base: u64,
    /// Atomic units for every started thousand of input tokens.
    pub per_1k_tokens: u64,
}

/// Extractive summaries.
pub const EXTRACTIVE: Task = Task { id: "summary.extractive", base: 1000, per_1k_tokens: 500 };
/// Abstractive summaries.
pub const ABSTRACTIVE: Task = Task { id: "summary.abstractive", base: 2000, per_1k_tokens: 3000 };

/// All of them, in the order of the documentation.
pub const ALL: &[Task] = &[EXTRACTIVE, ABSTRACTIVE];
