//! Rules of a text, and the text.

use precis_kernels::{self as kernels, Isa};

use crate::repeat::{self, NoRepeat};

/// Changes the logits of the next token, given the tokens written so far.
pub type Adjust = Box<dyn FnMut(&[u32], &mut [f32]) + Send>;
/// Tells whether the tokens written so far are enough.
pub type Stop = Box<dyn FnMut(&[u32]) -> bool + Send>;

/// The rules of a text. The functions run between two steps, on the engine's thread, so
/// they must be quick; a panic in one ends its request with [`Error::Internal`]. They must be functions of their
/// arguments alone, or the text is not reproducible.
#[derive(Default)]
pub struct Rules {
    /// Tokens that end the text; they are not part of it.
    pub ends: Vec<u32>,
    /// Asked before each token.
    pub adjust: Option<Adjust>,
    /// Runs that are not written twice, whatever [`Rules::adjust`] says.
    pub no_repeat: Option<NoRepeat>,
    /// Asked after each token.
    pub stop: Option<Stop>,
}

/// The next token of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// One of [`Rules::ends`]: the text ends before it.
    End,
    /// This one.
    Token(u32),
}

impl Rules {
    /// The token after those `written`: the likeliest that the rules allow, the first of equals. The instruction set
    /// changes the time and not the choice.
    pub fn choose(&mut self, written: &[u32], logits: &mut [f32], isa: Isa) -> Choice {
        if let Some(adjust) = &mut self.adjust {
            adjust(written, logits);
        }
        if let Some(rule) = &self.no_repeat {
            repeat::ban(written, rule, logits);
        }
        // A vocabulary is far smaller than this type.
        let next = kernels::argmax(isa, logits) as u32;
        if self.ends.contains(&next) { Choice::End } else { Choice::Token(next) }
    }

    /// Checks whether what is `written` is enough.
    pub fn is_enough(&mut self, written: &[u32]) -> bool {
        self.stop.as_mut().is_some_and(|stop| stop(written))
    }
}

/// A text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Token ids.
    pub ids: Vec<u32>,
    /// Set if the model ended the text itself, by one of [`Rules::ends`].
    pub finished: bool,
}
