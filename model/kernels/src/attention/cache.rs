//! The keys and values of one layer, in pages.

use super::PAGE;
use super::kernel::narrow;
use crate::Isa;

/// Values that one cache line holds.
const LINE: usize = 32;

/// One layer's keys and values in half precision, in pages of [`PAGE`] positions.
///
/// Keys are `[page][kv head][width][PAGE]`, so that neighbouring positions lie side by side; values are
/// `[page][kv head][PAGE][width]`. Memory that was never written is not committed by the system.
pub struct KvLayer {
    kv_heads: usize,
    width: usize,
    pages: usize,
    keys: Aligned,
    values: Aligned,
    narrowed: Vec<u16>,
}

/// Zeroed memory that starts at a cache line.
struct Aligned {
    memory: Vec<u16>,
    start: usize,
    len: usize,
}

impl Aligned {
    fn zeroed(len: usize) -> Self {
        // Straight from the system as zero pages: writing zeros would commit them.
        let memory = vec![0; len + LINE];
        let start = memory.as_ptr().align_offset(LINE * size_of::<u16>()).min(LINE);
        Aligned { memory, start, len }
    }

    fn get(&self) -> &[u16] {
        &self.memory[self.start..self.start + self.len]
    }

    fn get_mut(&mut self) -> &mut [u16] {
        &mut self.memory[self.start..self.start + self.len]
    }
}

impl KvLayer {
    /// An empty cache.
    ///
    /// # Panics
    /// When `width` is not a multiple of 16, or the size is beyond the address space.
    pub fn new(pages: usize, kv_heads: usize, width: usize) -> Self {
        assert!(width > 0 && width.is_multiple_of(16), "a head width of {width} is not a multiple of 16");
        let len = pages.checked_mul(kv_heads * width * PAGE);
        let len = len.filter(|len| *len < isize::MAX as usize / 4).unwrap_or_else(|| too_large(pages));
        let narrowed = vec![0; kv_heads * width];
        KvLayer { kv_heads, width, pages, keys: Aligned::zeroed(len), values: Aligned::zeroed(len), narrowed }
    }

    /// Writes one position: keys and values of all kv heads, side by side, rounded to the nearest half.
    ///
    /// # Panics
    /// When the page or slot does not exist, or a slice is not `kv_heads * width` long.
    pub fn write(&mut self, isa: Isa, page: u32, slot: usize, key: &[f32], value: &[f32]) {
        assert!(slot < PAGE, "slot {slot} of a page");
        assert!(key.len() == self.narrowed.len() && value.len() == self.narrowed.len(), "length of a key or value");
        let (width, start) = (self.width, self.start(page));
        narrow(isa, key, &mut self.narrowed);
        let keys = &mut self.keys.get_mut()[start..];
        // Head and width are neighbours in memory: one index over both.
        for (row, key) in keys.chunks_exact_mut(PAGE).zip(&self.narrowed) {
            row[slot] = *key;
        }
        narrow(isa, value, &mut self.narrowed);
        let values = &mut self.values.get_mut()[start..];
        for (head, value) in values.chunks_exact_mut(PAGE * width).zip(self.narrowed.chunks_exact(width)) {
            head[slot * width..(slot + 1) * width].copy_from_slice(value);
        }
    }

    /// Overwrites a page with zeros.
    ///
    /// # Panics
    /// When the page does not exist.
    pub fn wipe(&mut self, page: u32) {
        let range = self.start(page)..self.start(page) + self.page_len();
        self.keys.get_mut()[range.clone()].fill(0);
        self.values.get_mut()[range].fill(0);
        self.narrowed.fill(0);
    }

    /// Bytes of address space, all pages included.
    pub fn bytes(&self) -> usize {
        2 * self.keys.len * size_of::<u16>()
    }

    /// Kv heads of a position.
    pub fn kv_heads(&self) -> usize {
        self.kv_heads
    }

    /// Values of a head.
    pub fn width(&self) -> usize {
        self.width
    }

    pub(super) fn keys(&self, page: u32, kv_head: usize) -> &[u16] {
        &self.keys.get()[self.head(page, kv_head)]
    }

    pub(super) fn values(&self, page: u32, kv_head: usize) -> &[u16] {
        &self.values.get()[self.head(page, kv_head)]
    }

    fn head(&self, page: u32, kv_head: usize) -> std::ops::Range<usize> {
        let start = self.start(page) + kv_head * self.width * PAGE;
        start..start + self.width * PAGE
    }

    fn page_len(&self) -> usize {
        self.kv_heads * self.width * PAGE
    }

    fn start(&self, page: u32) -> usize {
        let page = page as usize;
        assert!(page < self.pages, "page {page} of {}", self.pages);
        page * self.page_len()
    }
}

#[allow(clippy::panic)]
fn too_large(pages: usize) -> usize {
    panic!("{pages} pages are beyond the address space")
}
