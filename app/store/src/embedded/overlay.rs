//! Storage that reads a file and keeps what is written to it in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

const BLOCK_BYTES: usize = 4096;
const BLOCK: u64 = BLOCK_BYTES as u64;

pub(super) struct Overlay {
    file: FileBackend,
    changes: Mutex<Changes>,
}

struct Changes {
    length: u64,
    /// Beyond this the file's own bytes no longer show, because the storage was once cut to it.
    shown: u64,
    blocks: BTreeMap<u64, Box<[u8; BLOCK_BYTES]>>,
}

impl Overlay {
    pub(super) fn new(file: FileBackend, length: u64) -> Self {
        Self { file, changes: Mutex::new(Changes { length, shown: length, blocks: BTreeMap::new() }) }
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The part of a block that starts at `offset`, from the file, with zeros where the file no longer shows.
    fn read_file(&self, changes: &Changes, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let visible = usize::try_from(changes.shown.saturating_sub(offset)).unwrap_or(usize::MAX).min(out.len());
        let (from_file, zeros) = out.split_at_mut(visible);
        zeros.fill(0);
        if from_file.is_empty() { Ok(()) } else { self.file.read(offset, from_file) }
    }
}

/// The blocks that `length` bytes from `offset` touch: block number, start within the block, start within the range, bytes.
fn pieces(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, usize, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == length {
            return None;
        }
        let at = offset + done as u64;
        let within = (at % BLOCK) as usize;
        let count = (BLOCK_BYTES - within).min(length - done);
        let piece = (at / BLOCK, within, done, count);
        done += count;
        Some(piece)
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.changes().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let changes = self.changes();
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > changes.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (block, within, start, count) in pieces(offset, out.len()) {
            let out = &mut out[start..start + count];
            match changes.blocks.get(&block) {
                Some(bytes) => out.copy_from_slice(&bytes[within..within + count]),
                None => self.read_file(&changes, block * BLOCK + within as u64, out)?,
            }
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut changes = self.changes();
        changes.length = length;
        changes.shown = changes.shown.min(length);
        drop(changes.blocks.split_off(&length.div_ceil(BLOCK)));
        if let Some(bytes) = changes.blocks.get_mut(&(length / BLOCK)) {
            bytes[(length % BLOCK) as usize..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut changes = self.changes();
        if offset.checked_add(data.len() as u64).is_none_or(|end| end > changes.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (block, within, start, count) in pieces(offset, data.len()) {
            if !changes.blocks.contains_key(&block) {
                let mut bytes = Box::new([0; BLOCK_BYTES]);
                self.read_file(&changes, block * BLOCK, &mut bytes[..])?;
                changes.blocks.insert(block, bytes);
            }
            if let Some(bytes) = changes.blocks.get_mut(&block) {
                bytes[within..within + count].copy_from_slice(&data[start..start + count]);
            }
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Overlay")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Write(u64, Vec<u8>),
        SetLen(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let write = (0u64..20_000, proptest::collection::vec(any::<u8>(), 1..5000))
            .prop_map(|(at, data)| Step::Write(at, data));
        let set_len = (0u64..25_000).prop_map(Step::SetLen);
        proptest::collection::vec(prop_oneof![3 => write, 1 => set_len], 0..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_behaves_like_a_file_and_changes_none(initial in proptest::collection::vec(any::<u8>(), 0..20_000), steps in steps()) {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&initial).unwrap();
            let overlay = Overlay::new(FileBackend::new(file.reopen().unwrap()).unwrap(), initial.len() as u64);
            let mut model = initial.clone();
            for step in steps {
                match step {
                    Step::Write(at, data) => {
                        let end = at as usize + data.len();
                        prop_assert_eq!(overlay.write(at, &data).is_ok(), end <= model.len());
                        if end <= model.len() {
                            model[at as usize..end].copy_from_slice(&data);
                        }
                    }
                    Step::SetLen(length) => {
                        overlay.set_len(length).unwrap();
                        model.resize(length as usize, 0);
                    }
                }
                let mut read = vec![1; model.len()];
                overlay.read(0, &mut read).unwrap();
                prop_assert!(read == model);
            }
            prop_assert!(overlay.read(model.len() as u64, &mut [0]).is_err());
            prop_assert!(std::fs::read(file.path()).unwrap() == initial);
        }
    }
}
