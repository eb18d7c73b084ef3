//! Which pages of the cache belong to whom: a fixed number, counted references, no memory of its own beyond that.
//!
//! A page that several sequences share is full and never written again. A page that nobody holds any more is *returned*
//! to the caller of [`Pages::release`], who wipes it: it holds a customer's document.

use precis_kernels::PAGE;

/// Pages that hold so many positions.
pub(super) fn pages_for(positions: usize) -> usize {
    positions.div_ceil(PAGE)
}

/// The free list and the reference counts.
pub(super) struct Pages {
    /// Free pages, the next to be given last. Low numbers are given first and again, so that memory that was never
    /// needed is never touched.
    free: Vec<u32>,
    holders: Vec<u32>,
}

impl Pages {
    pub(super) fn new(count: u32) -> Self {
        Self { free: (0..count).rev().collect(), holders: vec![0; count as usize] }
    }

    /// Pages in all.
    pub(super) fn total(&self) -> usize {
        self.holders.len()
    }

    /// Pages that nobody holds.
    #[cfg(test)]
    pub(super) fn available(&self) -> usize {
        self.free.len()
    }

    /// Take `count` pages, or none if there are fewer.
    pub(super) fn take(&mut self, count: usize) -> Option<Vec<u32>> {
        let rest = self.free.len().checked_sub(count)?;
        let mut taken = self.free.split_off(rest);
        taken.reverse();
        for page in &taken {
            self.holders[*page as usize] = 1;
        }
        Some(taken)
    }

    /// Hold pages that somebody else holds already.
    pub(super) fn share(&mut self, pages: &[u32]) {
        for page in pages {
            self.holders[*page as usize] += 1;
        }
    }

    /// Give pages back; those that nobody else holds are free, and returned to be wiped.
    pub(super) fn release(&mut self, pages: &[u32]) -> Vec<u32> {
        let mut freed = Vec::new();
        for page in pages {
            let holders = &mut self.holders[*page as usize];
            *holders = holders.saturating_sub(1);
            if *holders == 0 {
                freed.push(*page);
            }
        }
        // The first of a sequence is the first to be given again.
        self.free.extend(freed.iter().rev());
        freed
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_is_free_when_its_last_holder_lets_go() {
        let mut pages = Pages::new(4);
        let prefix = pages.take(2).unwrap();
        assert_eq!(prefix, [0, 1]);
        pages.share(&prefix);
        assert!(pages.release(&prefix).is_empty());
        assert_eq!(pages.available(), 2);
        assert_eq!(pages.release(&prefix), [0, 1]);
        assert_eq!(pages.take(1).unwrap(), [0]);
    }

    #[test]
    fn a_request_beyond_what_is_free_takes_nothing() {
        let mut pages = Pages::new(3);
        let held = pages.take(2).unwrap();
        assert!(pages.take(2).is_none());
        assert_eq!((pages.available(), pages.total()), (1, 3));
        pages.release(&held);
        assert_eq!(pages.take(3).map(|taken| taken.len()), Some(3));
        assert_eq!(pages.take(0), Some(vec![]));
    }

    #[test]
    fn positions_fill_whole_pages() {
        assert_eq!([0, 1, PAGE, PAGE + 1].map(pages_for), [0, 1, 1, 2]);
    }

    proptest! {
        #[test]
        fn no_page_is_lost_or_held_twice(steps in proptest::collection::vec((0usize..6, any::<bool>()), 1..60)) {
            let mut pages = Pages::new(12);
            let mut held: Vec<Vec<u32>> = Vec::new();
            for (count, give) in steps {
                if give && !held.is_empty() {
                    let back = held.swap_remove(count % held.len());
                    prop_assert_eq!(pages.release(&back), back);
                } else if let Some(taken) = pages.take(count) {
                    held.push(taken);
                }
                let mut all: Vec<u32> = held.concat();
                all.sort_unstable();
                all.dedup();
                prop_assert_eq!(all.len() + pages.available(), 12);
            }
        }
    }
}
