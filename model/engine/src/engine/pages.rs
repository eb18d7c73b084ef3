//! Which pages of the cache are free: a fixed number, no memory of its own beyond that.

use precis_kernels::PAGE;

/// Pages that hold so many positions.
pub(super) fn pages_for(positions: usize) -> usize {
    positions.div_ceil(PAGE)
}

/// The free list.
pub(super) struct Pages {
    /// Free pages, the next to be given last. Low numbers are given first and again, so that memory that was never
    /// needed is never touched.
    free: Vec<u32>,
    total: usize,
}

impl Pages {
    pub(super) fn new(count: u32) -> Self {
        Self { free: (0..count).rev().collect(), total: count as usize }
    }

    /// Pages in all.
    pub(super) fn total(&self) -> usize {
        self.total
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
        Some(taken)
    }

    /// Give back pages that were taken.
    pub(super) fn release(&mut self, pages: &[u32]) {
        // The first of a sequence is the first to be given again.
        self.free.extend(pages.iter().rev());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_that_are_given_back_are_given_again_first() {
        let mut pages = Pages::new(4);
        let taken = pages.take(2).unwrap();
        assert_eq!((taken.as_slice(), pages.available()), ([0, 1].as_slice(), 2));
        pages.release(&taken);
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
                    pages.release(&held.swap_remove(count % held.len()));
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
