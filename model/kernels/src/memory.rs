//! Memory for weights, in huge pages where the system has them: with pages of 4 KiB, a good part of the time of reading
//! them goes into looking up addresses. Single matrices are too small for that, so they share large chunks.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::lines::Lines;

/// The size of a huge page.
const HUGE: usize = 2 << 20;
/// The size of a chunk. What is not handed out is not touched, and so not taken from the system.
const CHUNK: usize = 32 << 20;
/// Less than this is not worth a place in a chunk.
const SMALL: usize = 64 << 10;
const LINE: usize = 64;

/// Bytes that start at a cache line, at first zero.
pub(crate) enum Bytes {
    Small(Lines<u8>),
    Large(Region),
}

/// Part of a chunk, which lives as long as any of its parts.
pub(crate) struct Region {
    chunk: Arc<Chunk>,
    start: usize,
    len: usize,
}

/// Memory from the allocator, of which nothing is initialized but the regions handed out.
struct Chunk {
    memory: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the memory belongs to the chunk alone, whatever the thread; it is accessed through regions, see there.
unsafe impl Send for Chunk {}
// SAFETY: as above; a shared chunk gives access to nothing.
unsafe impl Sync for Chunk {}

impl Chunk {
    fn new(size: usize) -> Chunk {
        let size = size.next_multiple_of(HUGE);
        let Ok(layout) = Layout::from_size_align(size, HUGE) else {
            handle_alloc_error(Layout::new::<Chunk>());
        };
        // SAFETY: the size is not zero.
        let Some(memory) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        advise_huge(memory.as_ptr(), size);
        Chunk { memory, layout }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout; no region is left, as each holds the chunk.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) };
    }
}

impl Bytes {
    /// `len` zeros.
    pub(crate) fn zeroed(len: usize) -> Bytes {
        if len < SMALL { Bytes::Small(Lines::zeroed(len)) } else { Bytes::Large(Region::zeroed(len)) }
    }

    /// Bytes of memory in use.
    pub(crate) fn bytes(&self) -> usize {
        self.len().next_multiple_of(LINE)
    }
}

impl Region {
    fn zeroed(len: usize) -> Region {
        /// The chunk in use, and how much of it is handed out.
        static CURRENT: Mutex<(Weak<Chunk>, usize)> = Mutex::new((Weak::new(), 0));
        let size = len.next_multiple_of(LINE);
        let (chunk, start) = {
            let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
            let room = current.0.upgrade().filter(|chunk| chunk.layout.size() - current.1 >= size);
            let (chunk, start) = match room {
                Some(chunk) => (chunk, current.1),
                None => (Arc::new(Chunk::new(size.max(CHUNK))), 0),
            };
            *current = (Arc::downgrade(&chunk), start + size);
            (chunk, start)
        };
        // SAFETY: `start..start + size` lies within the chunk and was handed out to this region alone.
        unsafe { chunk.memory.as_ptr().add(start).write_bytes(0, size) };
        Region { chunk, start, len }
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Small(lines) => lines,
            // SAFETY: the region lies within the chunk, was initialized by `zeroed`, and is no other region's.
            Bytes::Large(region) => unsafe {
                std::slice::from_raw_parts(region.chunk.memory.as_ptr().add(region.start), region.len)
            },
        }
    }
}

impl std::ops::DerefMut for Bytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Bytes::Small(lines) => lines,
            // SAFETY: as above; the exclusive borrow of the region makes this the only reference.
            Bytes::Large(region) => unsafe {
                std::slice::from_raw_parts_mut(region.chunk.memory.as_ptr().add(region.start), region.len)
            },
        }
    }
}

impl Clone for Bytes {
    fn clone(&self) -> Bytes {
        let mut clone = Bytes::zeroed(self.len());
        clone.copy_from_slice(self);
        clone
    }
}

/// Asks for huge pages for the whole pages in a range of memory; a hint, without effect on the contents.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) fn advise_huge(start: *mut u8, len: usize) {
    const SYS_MADVISE: i64 = 28;
    const MADV_HUGEPAGE: i64 = 14;
    const PAGE: usize = 4096;
    let first = start.align_offset(PAGE);
    if first >= len {
        return;
    }
    // SAFETY: this advice changes how memory is mapped, never what it holds; the kernel clobbers rcx and r11 alone.
    // Refusal is of no consequence.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") SYS_MADVISE => _,
            in("rdi") start.wrapping_add(first),
            in("rsi") (len - first) / PAGE * PAGE,
            in("rdx") MADV_HUGEPAGE,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
}

/// Elsewhere there is nothing to ask for.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub(crate) fn advise_huge(_start: *mut u8, _len: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_zero_aligned_disjoint_and_as_long_as_asked_for() {
        let mut all: Vec<Bytes> = [1, 100, SMALL, SMALL + 1, 3 << 20, CHUNK + 5, SMALL].map(Bytes::zeroed).into();
        for (i, bytes) in all.iter_mut().enumerate() {
            assert_eq!(bytes.as_ptr().align_offset(LINE), 0);
            assert!(bytes.iter().all(|byte| *byte == 0));
            bytes.fill(i as u8 + 1);
        }
        for (i, bytes) in all.iter().enumerate() {
            assert!(bytes.iter().all(|byte| *byte == i as u8 + 1));
        }
        assert_eq!(all[5].len(), CHUNK + 5);
        assert_eq!(all[5].bytes(), CHUNK + 64);
    }

    #[test]
    fn a_clone_is_a_copy_and_outlives_the_original() {
        for len in [10, SMALL] {
            let mut original = Bytes::zeroed(len);
            original[3] = 7;
            let clone = original.clone();
            original[3] = 8;
            drop(original);
            assert_eq!((clone[3], clone.len()), (7, len));
        }
    }
}
