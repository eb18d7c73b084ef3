//! Kept beginnings of prompts: their tokens, to see which prompts begin so, and their pages.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use precis_kernels::PAGE;
use zeroize::Zeroizing;

use super::arena::Arena;
use crate::payer::Payer;

/// Names a kept prefix and says whose it is.
pub(super) struct Ticket {
    pub(super) number: u64,
    pub(super) payer: Payer,
}

impl Ticket {
    pub(super) fn next(payer: Payer) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { number: NEXT.fetch_add(1, Ordering::Relaxed), payer }
    }
}

struct Kept {
    ids: Zeroizing<Vec<u32>>,
    pages: Vec<u32>,
}

/// All that are kept.
#[derive(Default)]
pub(super) struct Prefixes(BTreeMap<u64, Kept>);

impl Prefixes {
    /// Keep the pages that hold these tokens.
    pub(super) fn keep(&mut self, number: u64, ids: Zeroizing<Vec<u32>>, pages: Vec<u32>) {
        self.0.insert(number, Kept { ids, pages });
    }

    /// Let one go.
    pub(super) fn forget(&mut self, number: u64, arena: &mut Arena) {
        if let Some(kept) = self.0.remove(&number) {
            arena.release(&kept.pages);
        }
    }

    /// Let the oldest go, but not `spared`; whether there was one.
    pub(super) fn forget_oldest(&mut self, spared: Option<u64>, arena: &mut Arena) -> bool {
        let oldest = self.0.keys().copied().find(|number| Some(*number) != spared);
        oldest.inspect(|number| self.forget(*number, arena)).is_some()
    }

    /// How many tokens of `prompt` a prefix spares, the last never: its logits are wanted.
    pub(super) fn spared(&self, number: Option<u64>, prompt: &[u32]) -> usize {
        let Some(kept) = number.and_then(|number| self.0.get(&number)) else { return 0 };
        let same = kept.ids.iter().zip(prompt).take_while(|(kept, own)| kept == own).count();
        same.min(prompt.len().saturating_sub(1))
    }

    /// Begin the pages of a sequence with the first `spared` positions of a prefix: full pages are shared, of a page
    /// that is not full the sequence gets a copy in the first of its `own`.
    pub(super) fn begin(&self, number: Option<u64>, spared: usize, own: Vec<u32>, arena: &mut Arena) -> Vec<u32> {
        let Some(kept) = number.filter(|_| spared > 0).and_then(|number| self.0.get(&number)) else { return own };
        let shared = &kept.pages[..spared / PAGE];
        arena.share(shared);
        if let (false, Some(first)) = (spared.is_multiple_of(PAGE), own.first()) {
            arena.copy(kept.pages[spared / PAGE], *first);
        }
        [shared, &own].concat()
    }
}
