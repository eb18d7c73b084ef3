//! The tasks that have a price.

use precis_protocol::Task;
use precis_protocol::price::Price;

/// A task, and its price where no setting says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priced {
    /// The task.
    pub task: Task,
    /// The price.
    pub price: Price,
}

const fn priced(task: Task, base: u64, per_1k_tokens: u64) -> Priced {
    Priced { task, price: Price { base, per_1k_tokens } }
}

/// All of them, in the order of the documentation.
pub const ALL: &[Priced] = &[
    priced(Task::SummaryExtractive, 1000, 500),
    priced(Task::SummaryAbstractive, 2000, 3000),
    priced(Task::Embeddings, 200, 100),
    priced(Task::Rerank, 200, 100),
];
