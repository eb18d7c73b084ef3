//! What the language model is asked to do, and how far it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::decode::Bounds;
use crate::words;
use precis_engine::Control;

/// No run of so many tokens is written twice: about eight words, longer than most names and terms.
pub(super) const NO_REPEAT_TOKENS: usize = 10;

/// What is asked about every part of a text.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    /// The instruction after it.
    pub(super) instruction: &'a str,
    /// Most tokens written.
    pub(super) cap: usize,
    /// Sentences and words.
    pub(super) bounds: Bounds,
}

/// What is asked about a text.
pub(super) struct Task<'a> {
    /// The text.
    pub(super) document: &'a [u32],
    /// The instruction after it.
    pub(super) instruction: &'a str,
    /// Most tokens written.
    pub(super) cap: usize,
    /// Sentences and words.
    pub(super) bounds: Bounds,
}

/// How much of a document is read, over all of its parts.
pub(super) struct Progress<'a> {
    control: &'a Control,
    read: Arc<AtomicUsize>,
    total: usize,
}

impl<'a> Progress<'a> {
    pub(super) fn new(control: &'a Control, total: usize) -> Self {
        Self { control, read: Arc::default(), total }
    }

    /// For one part of `length` tokens behind a frame of `before` tokens.
    pub(super) fn of_part(&self, before: usize, length: usize) -> impl FnMut(usize) + Send + use<> {
        let (control, all, total) = (self.control.clone(), Arc::clone(&self.read), self.total);
        let mut own = 0;
        move |read: usize| {
            let now = read.saturating_sub(before).min(length);
            let more = now.saturating_sub(own);
            own += more;
            let sum = all.fetch_add(more, Ordering::Relaxed) + more;
            control.report(words::saturate(sum), words::saturate(total));
        }
    }
}
