//! What a sequence may write, and what it wrote.

/// Changes the logits of the next token, given the tokens written so far.
pub type Adjust = Box<dyn FnMut(&[u32], &mut [f32]) + Send>;
/// Whether the tokens written so far are enough.
pub type Stop = Box<dyn FnMut(&[u32]) -> bool + Send>;
/// Hears how many tokens of the prompt are read.
pub type Progress = Box<dyn FnMut(usize) + Send>;

/// What may be written, and what is told meanwhile. The functions run between two steps, on the engine's thread, so
/// they must be quick; a panic in one ends its request with [`Error::Internal`]. They must be functions of their
/// arguments alone, or the text is not reproducible.
#[derive(Default)]
pub struct Rules {
    /// Tokens that end the text; they are not part of it.
    pub ends: Vec<u32>,
    /// Asked before each token.
    pub adjust: Option<Adjust>,
    /// Which runs are not written twice, whatever [`Rules::adjust`] says.
    pub no_repeat: Option<NoRepeat>,
    /// Asked after each token.
    pub stop: Option<Stop>,
    /// Called after each step in which a part of the prompt was read.
    pub progress: Option<Progress>,
}

/// No run of tokens is written twice.
pub struct NoRepeat {
    /// Length of such a run.
    pub tokens: usize,
    /// Tokens that may complete one all the same.
    pub except: Vec<u32>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Token ids.
    pub ids: Vec<u32>,
    /// Whether the model ended the text itself, by one of [`Rules::ends`].
    pub finished: bool,
}
