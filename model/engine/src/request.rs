//! A request for a text.

use crate::control::Control;
use crate::payer::Payer;
use crate::rules::Rules;

/// A prompt, and rules for the text after it.
pub struct Request {
    /// Token ids, at least one.
    pub prompt: Vec<u32>,
    /// Most tokens written, at least one.
    pub cap: usize,
    /// For whom.
    pub payer: Payer,
    /// Looked at before every step.
    pub control: Control,
    /// Rules of the text.
    pub rules: Rules,
}
