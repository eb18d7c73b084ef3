//! Memory in whole cache lines, aligned to them: one line is one vector, or one row of a tile. Vectors that cross a line
//! cost two accesses, and two threads that write beside each other then write the same lines: measured, 0.7 of the speed
//! of products with two threads.

#![allow(unsafe_code)]

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Types of which any bytes are a value and which have no padding.
///
/// # Safety
/// Implemented for plain numbers alone, none wider than a line.
pub unsafe trait Plain: Copy + Default {}
// SAFETY: any byte is a u8.
unsafe impl Plain for u8 {}
// SAFETY: any byte is an i8.
unsafe impl Plain for i8 {}
// SAFETY: any four bytes are an i32.
unsafe impl Plain for i32 {}
// SAFETY: any four bytes are an f32.
unsafe impl Plain for f32 {}

/// A buffer of numbers that starts at a cache line and is padded to whole lines.
#[derive(Clone)]
pub struct Lines<T> {
    lines: Vec<Line>,
    len: usize,
    kind: std::marker::PhantomData<T>,
}

impl<T: Plain> Lines<T> {
    /// An empty one.
    pub const fn new() -> Self {
        Lines { lines: Vec::new(), len: 0, kind: std::marker::PhantomData }
    }

    /// `len` zeros.
    pub(crate) fn zeroed(len: usize) -> Self {
        let mut lines = Self::new();
        lines.resize(len);
        lines
    }

    /// Changes the length; what was there stays or is left over from before, what is new is zero.
    pub fn resize(&mut self, len: usize) {
        self.lines.resize((len * size_of::<T>()).div_ceil(size_of::<Line>()), Line([0; 64]));
        self.len = len;
    }

    /// The first `len` values of a buffer that grows as needed. When it grows, what it held is overwritten with zeros.
    pub fn fit(&mut self, len: usize) -> &mut [T] {
        if self.len < len {
            self.wipe();
            *self = Self::zeroed(len);
        }
        &mut self[..len]
    }

    /// Overwrites the buffer with zeros.
    pub fn wipe(&mut self) {
        self.fill(T::default());
        std::hint::black_box(&*self);
    }

    /// Whether it holds zeros alone.
    pub fn is_clean(&self) -> bool
    where
        T: PartialEq,
    {
        self.iter().all(|value| *value == T::default())
    }
}

impl<T: Plain> Default for Lines<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Plain> std::ops::Deref for Lines<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold at least `len` values, aligned to 64 >= align_of::<T>(), always initialized, and any
        // bytes are a T (Plain); the borrow of self covers them.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Plain> std::ops::DerefMut for Lines<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as for `deref`; the exclusive borrow of self makes this the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_starts_at_a_line_and_keeps_what_it_held() {
        let mut lines = Lines::<i32>::zeroed(5);
        assert_eq!(lines.as_ptr().align_offset(64), 0);
        lines[4] = 7;
        lines.resize(100);
        assert_eq!((lines[4], lines[99], lines.len()), (7, 0, 100));
    }

    #[test]
    fn a_buffer_that_fits_keeps_what_it_held_and_one_that_grows_or_is_wiped_does_not() {
        let mut lines = Lines::<f32>::new();
        lines.fit(20)[3] = 1.5;
        assert_eq!(lines.fit(10)[3], 1.5);
        assert!(!lines.is_clean());
        assert_eq!(lines.fit(40), [0.0; 40]);
        lines.fit(1)[0] = 2.0;
        lines.wipe();
        assert!(lines.is_clean());
    }
}
