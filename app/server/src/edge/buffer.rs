//! Memory of a body. A large one is a mapping of its own, so that it goes back to the system at once when it is dropped.

use std::io;

use memmap2::MmapMut;

use super::shares::Share;

/// From here on a mapping is used, bytes.
const MAPPED_BYTES: usize = 64 * 1024;

/// Bytes that arrive one after the other.
#[derive(Default)]
pub struct Buffer {
    small: Vec<u8>,
    large: Option<(MmapMut, usize)>,
}

impl Buffer {
    /// Appends; `expected` is how long it becomes in all as far as that is known, at most what may arrive. The system gives
    /// memory only for what has arrived.
    ///
    /// # Errors
    /// If the system gives no memory.
    pub fn extend(&mut self, bytes: &[u8], expected: usize) -> io::Result<()> {
        let length = self.len() + bytes.len();
        if length < MAPPED_BYTES {
            self.small.extend_from_slice(bytes);
            return Ok(());
        }
        let fits = self.large.take_if(|(map, _)| map.len() >= length);
        let (mut map, filled) = fits.map_or_else(|| self.moved(length.max(expected)), Ok)?;
        map[filled..length].copy_from_slice(bytes);
        self.large = Some((map, length));
        Ok(())
    }

    /// All so far in a mapping of at least `size` bytes.
    fn moved(&mut self, size: usize) -> io::Result<(MmapMut, usize)> {
        let mut map = MmapMut::map_anon(size.next_power_of_two())?;
        let old = std::mem::take(self);
        let filled = old.len();
        map[..filled].copy_from_slice(old.as_ref());
        Ok((map, filled))
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.large.as_ref().map_or(self.small.len(), |(_, filled)| *filled)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.large.as_ref().map_or(&self.small, |(map, filled)| &map[..*filled])
    }
}

/// Bytes together with the part of a budget that they take: both end together, with the last reference to them.
pub struct Budgeted<T> {
    bytes: T,
    _share: Option<Share>,
}

impl<T> Budgeted<T> {
    /// Ties them together.
    pub fn new(bytes: T, share: Option<Share>) -> Self {
        Self { bytes, _share: share }
    }
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Budgeted<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_however_large_and_whatever_was_expected() {
        for expected in [0, 10, 100_000, 300_000] {
            for step in [1000, 65_535, 65_536, 70_000] {
                let whole: Vec<u8> = (0..250_000_u32).map(|number| (number % 251) as u8).collect();
                let mut buffer = Buffer::default();
                for part in whole.chunks(step) {
                    buffer.extend(part, expected).unwrap();
                }
                assert!(buffer.as_ref() == whole && buffer.len() == whole.len(), "{expected} {step}");
            }
        }
    }
}
