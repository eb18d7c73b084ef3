//! The key configuration of the encrypted channel, as payers of the testbed remember it.

use std::sync::{Mutex, PoisonError};

/// The key configuration that is used until it is refused.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Option<Vec<u8>>>);

impl Kept {
    pub(crate) fn get(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn put(&self, configuration: Option<Vec<u8>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = configuration;
    }
}
