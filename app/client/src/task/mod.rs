//! Tasks that can be bought: one file each. Nothing else in the client names one.

mod embeddings;
mod rerank;
mod summary;

pub use crate::request::Task;
pub use embeddings::{Embeddings, EmbeddingsRequest};
pub use rerank::{Rerank, RerankRequest};
pub use summary::{Summary, SummaryRequest};
