//! What goes wrong between us and rofl-appd.

/// Why rofl-appd gave no usable answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppdError {
    /// The socket does not answer: not started yet, not mounted, or no permission (operator).
    #[error("rofl-appd unreachable: {0}")]
    Unreachable(String),
    /// The daemon refused: its HTTP status and, for plain-text answers, its words.
    #[error("rofl-appd refused ({status}): {text}")]
    Refused {
        /// HTTP status code.
        status: u16,
        /// The daemon's words, shortened; empty for its HTML pages.
        text: String,
    },
    /// The answer is not what the route returns.
    #[error("rofl-appd answered something else than {0}")]
    Malformed(&'static str),
}
