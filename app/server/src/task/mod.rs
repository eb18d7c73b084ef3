//! Tasks that are sold: a folder for each route, and the list of them. Nothing else in the server names a task.
//!
//! An [`Offering`] reads a request into an [`Input`]; the pipeline counts its tokens, prices it, has it performed, and signs what
//! comes out, whatever it is.

mod body;
mod embeddings;
mod offering;
mod rerank;
mod summary;
mod texts;

use precis_protocol::Task;

pub use offering::{
    About, Catalogued, Counted, Counting, Facts, Input, Offering, PREDICTED_TOKENS, Sent, model_failure,
};

use crate::error::Failure;

/// Every route at which something is sold.
pub static OFFERINGS: [&dyn Offering; 3] = [&summary::Summaries, &embeddings::Embeddings, &rerank::Rerank];

/// The route at which `task` is sold.
///
/// # Errors
/// `internal` when it is in no list: a defect.
pub fn offering(task: Task) -> Result<&'static dyn Offering, Failure> {
    let sells = |offering: &&&dyn Offering| offering.tasks().contains(&task);
    OFFERINGS.iter().find(sells).copied().ok_or_else(|| Failure::internal("task", "sold at no route"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_sold_at_exactly_one_route() {
        for task in Task::ALL {
            let routes = OFFERINGS.iter().filter(|offering| offering.tasks().contains(&task));
            assert_eq!(routes.count(), 1, "{task}");
        }
    }
}
