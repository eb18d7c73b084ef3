//! Tasks that can be bought: one file each. Nothing else in the client names one.

mod embeddings;
mod rerank;
mod summary;

use precis_protocol::result::Content;

pub use embeddings::{Embeddings, EmbeddingsRequest};
pub use rerank::{Rerank, RerankRequest};
pub use summary::{Summary, SummaryRequest};

/// A task that can be bought: [`crate::Request`] is what asks for it, [`crate::Purchase`] what comes of it.
pub trait Task: Sized {
    /// The input that a request is made from.
    type Input: Clone;
    /// The result.
    type Output: serde::Serialize;

    /// The result, if it is one of this task.
    fn output(content: Content) -> Option<Self::Output>;
}
