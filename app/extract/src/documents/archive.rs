//! The files in a ZIP document, with a bound on what they unpack to.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::{Bound, ExtractError};
use crate::kind::Kind;

/// Bytes that the files which are read may unpack to, together.
pub const MAX_UNPACKED: u64 = 64 * 1024 * 1024;
/// Unpacked bytes for each packed one. Mark-up reaches 40.
pub const MAX_RATIO: u64 = 200;
/// Unpacked bytes up to which the ratio does not matter.
const FREE_UNPACKED: u64 = 1024 * 1024;
/// Files in an archive.
pub const MAX_FILES: usize = 10_000;

/// An archive whose files are read one by one.
pub struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    kind: Kind,
    left: u64,
}

impl<'a> Archive<'a> {
    /// Reads the table of files.
    pub fn new(kind: Kind, bytes: &'a [u8]) -> Result<Self, ExtractError> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| ExtractError::Damaged(kind))?;
        if zip.len() > MAX_FILES {
            return Err(ExtractError::Exceeds(kind, Bound::Parts));
        }
        Ok(Self { zip, kind, left: MAX_UNPACKED })
    }

    /// True if there is a file of this name.
    pub fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// The bytes of a file; none if there is no such file.
    pub fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        let (kind, left) = (self.kind, self.left);
        let file = match self.zip.by_name(name) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(ZipError::UnsupportedArchive(why)) if why == ZipError::PASSWORD_REQUIRED => {
                return Err(ExtractError::Encrypted(kind));
            }
            Err(_) => return Err(ExtractError::Damaged(kind)),
        };
        let by_ratio = file.compressed_size().saturating_mul(MAX_RATIO).max(FREE_UNPACKED);
        let most = left.min(by_ratio);
        if file.size() > most {
            return Err(ExtractError::Exceeds(kind, Bound::Unpacked));
        }
        let mut bytes = Vec::new();
        // The size that the archive states is not believed.
        file.take(most + 1).read_to_end(&mut bytes).map_err(|_| ExtractError::Damaged(kind))?;
        let unpacked = bytes.len() as u64;
        if unpacked > most {
            return Err(ExtractError::Exceeds(kind, Bound::Unpacked));
        }
        self.left -= unpacked;
        Ok(Some(bytes))
    }

    /// The text of a mark-up file; none if there is no such file.
    pub fn markup(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        super::charset::markup(&bytes).map(Some).ok_or(ExtractError::Damaged(self.kind))
    }

    /// The text of a mark-up file that must be there.
    pub fn needed(&mut self, name: &str) -> Result<String, ExtractError> {
        self.markup(name)?.ok_or(ExtractError::Damaged(self.kind))
    }
}

/// The name of a file that `target` names, relative to the folder of the file `from`.
pub fn resolve(from: &str, target: &str) -> String {
    let target = target.split(['#', '?']).next().unwrap_or_default();
    let folder = if target.starts_with('/') { "" } else { from.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let mut path: Vec<&str> = Vec::new();
    for step in folder.split('/').chain(target.split('/')) {
        match step {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            step => path.push(step),
        }
    }
    path.join("/")
}
