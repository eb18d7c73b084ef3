//! What a request is checked against.

use super::sequence::Sequence;
use crate::error::Error;

/// What a request is checked against before it is queued.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) positions: usize,
    pub(super) vocabulary: usize,
}

impl Limits {
    pub(super) fn check(&self, sequence: &Sequence) -> Result<(), Error> {
        if sequence.prompt == 0 || sequence.positions() > self.positions {
            return Err(Error::Internal("context"));
        }
        if sequence.ids.iter().any(|id| *id as usize >= self.vocabulary) {
            return Err(Error::Internal("vocabulary"));
        }
        Ok(())
    }
}
