//! Keys and values of all sequences: a fixed number of pages in every layer, wiped when they are given back.

use precis_kernels::{KvLayer, PAGE};

use super::pages::Pages;
use super::shape::Shape;

/// The cache of an engine.
pub(super) struct Arena {
    pub(super) layers: Vec<KvLayer>,
    pages: Pages,
    /// Pages that were written since they were last wiped.
    dirty: Vec<bool>,
}

impl Arena {
    /// Room for `pages` pages. The system gives the memory only when it is first written.
    pub(super) fn new(shape: &Shape, pages: u32) -> Self {
        let layer = || KvLayer::new(pages as usize, shape.kv_heads, shape.head_width);
        let layers = (0..shape.layers).map(|_| layer()).collect();
        Self { layers, pages: Pages::new(pages), dirty: vec![false; pages as usize] }
    }

    /// Bytes that one page takes in all layers.
    pub(super) fn page_bytes(shape: &Shape) -> usize {
        shape.position_bytes() * PAGE
    }

    /// Pages in all.
    pub(super) fn total(&self) -> usize {
        self.pages.total()
    }

    /// Pages that nobody holds.
    #[cfg(test)]
    pub(super) fn available(&self) -> usize {
        self.pages.available()
    }

    /// Take so many pages, all zero, or none if there are fewer.
    pub(super) fn take(&mut self, count: usize) -> Option<Vec<u32>> {
        self.pages.take(count)
    }

    /// The pages of positions `from..to` of a sequence are about to be written.
    pub(super) fn touch(&mut self, pages: &[u32], from: usize, to: usize) {
        for page in &pages[from / PAGE..to.div_ceil(PAGE)] {
            self.dirty[*page as usize] = true;
        }
    }

    /// Give pages back, wiped: they hold a customer's document.
    pub(super) fn release(&mut self, pages: &[u32]) {
        for page in pages {
            if std::mem::take(&mut self.dirty[*page as usize]) {
                self.layers.iter_mut().for_each(|layer| layer.wipe(*page));
            }
        }
        self.pages.release(pages);
    }

    /// Whether no page holds anything of anybody.
    #[cfg(test)]
    pub(super) fn is_clean(&self) -> bool {
        self.available() == self.total() && !self.dirty.contains(&true)
    }
}
