//! A GGUF file in memory: typed metadata and tensors. Format: the GGUF specification of ggml.
//!
//! A file may be hostile even where its digest is pinned, because somebody else made it: its header is walked by
//! [`scan`] before a parser allocates for it, and every tensor is known to lie inside the file before one is read.

mod scan;
mod tensor;

use std::borrow::Cow;
use std::io::Cursor;

use candle_core::quantized::gguf_file::{Content, TensorInfo, Value};

use crate::error::{LoadError, plain};

pub use tensor::Raw;

/// A parsed header over the bytes that were hashed.
pub struct Gguf<'a> {
    name: &'a str,
    content: Content,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Gguf<'a> {
    /// Parse the header of the file called `name`. The memory it takes is bounded by the header's size, which is
    /// bounded.
    ///
    /// # Errors
    /// [`LoadError::Unusable`] with the reason.
    pub fn parse(name: &'a str, bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self, LoadError> {
        let bytes = bytes.into();
        scan::scan(&bytes).map_err(|reason| LoadError::unusable(name, reason))?;
        let content =
            Content::read(&mut Cursor::new(&bytes)).map_err(|error| LoadError::unusable(name, plain(error)))?;
        let gguf = Self { name, content, bytes };
        // All together: tensors that lie over each other would be unpacked to many times the size of the file.
        let mut total = 0usize;
        for tensor in gguf.tensor_names() {
            total = total.saturating_add(gguf.raw(tensor)?.bytes.len());
        }
        if total > gguf.bytes.len() {
            return Err(gguf.unusable("its tensors overlap"));
        }
        Ok(gguf)
    }

    /// An error about this file.
    pub fn unusable(&self, reason: impl std::fmt::Display) -> LoadError {
        LoadError::unusable(self.name, reason)
    }

    fn value<T>(&self, key: &str, convert: impl FnOnce(&Value) -> Option<T>) -> Result<T, LoadError> {
        self.content
            .metadata
            .get(key)
            .and_then(convert)
            .ok_or_else(|| self.unusable(format_args!("metadata key {key} is missing or of another type")))
    }

    /// The keys of the metadata.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.content.metadata.keys().map(String::as_str)
    }

    /// Whether a key is there.
    pub fn has_key(&self, key: &str) -> bool {
        self.content.metadata.contains_key(key)
    }

    /// A string.
    pub fn string(&self, key: &str) -> Result<&str, LoadError> {
        let found = self.content.metadata.get(key).and_then(|value| value.to_string().ok());
        found.map(String::as_str).ok_or_else(|| self.unusable(format_args!("metadata key {key} is not a string")))
    }

    /// An unsigned integer.
    pub fn number(&self, key: &str) -> Result<usize, LoadError> {
        self.value(key, |value| value.to_u64().ok().and_then(|n| usize::try_from(n).ok()))
    }

    /// A 32-bit float.
    pub fn float(&self, key: &str) -> Result<f32, LoadError> {
        self.value(key, |value| value.to_f32().ok())
    }

    /// An array of strings.
    pub fn strings(&self, key: &str) -> Result<Vec<String>, LoadError> {
        self.value(key, |value| {
            value.to_vec().ok()?.iter().map(|item| item.to_string().ok().cloned()).collect::<Option<Vec<_>>>()
        })
    }

    /// An array of 32-bit integers.
    pub fn integers(&self, key: &str) -> Result<Vec<i32>, LoadError> {
        self.value(key, |value| value.to_vec().ok()?.iter().map(|item| item.to_i32().ok()).collect::<Option<Vec<_>>>())
    }

    /// The names of the tensors.
    pub fn tensor_names(&self) -> impl Iterator<Item = &str> {
        self.content.tensor_infos.keys().map(String::as_str)
    }

    /// Whether a tensor is in the file.
    pub fn has_tensor(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// Where a tensor begins, behind the header.
    pub fn offset(&self, name: &str) -> Option<u64> {
        self.content.tensor_infos.get(name).map(|info| info.offset)
    }

    /// Gives back the memory of everything behind the tensors for which `is_wanted` holds, if the file's bytes are this
    /// value's own.
    pub fn release(&mut self, is_wanted: impl Fn(&str) -> bool) {
        let Cow::Owned(bytes) = &mut self.bytes else { return };
        let end = |(name, info): (&String, &TensorInfo)| {
            let size = tensor::size(info.ggml_dtype, info.shape.dims())? as u64;
            is_wanted(name).then(|| self.content.tensor_data_offset.saturating_add(info.offset).saturating_add(size))
        };
        let needed = self.content.tensor_infos.iter().filter_map(end).max().unwrap_or(0);
        bytes.truncate(usize::try_from(needed).unwrap_or(usize::MAX));
        bytes.shrink_to_fit();
    }

    /// A tensor where it lies in the file.
    ///
    /// # Errors
    /// If there is none of this name, or a part of it lies outside the file.
    pub fn raw(&self, name: &str) -> Result<Raw<'_>, LoadError> {
        let info = self.content.tensor_infos.get(name);
        let info = info.ok_or_else(|| self.unusable(format_args!("there is no tensor {name}")))?;
        let shape = info.shape.dims();
        let view = tensor::size(info.ggml_dtype, shape).and_then(|size| {
            let start = self.content.tensor_data_offset.checked_add(info.offset)?;
            let start = usize::try_from(start).ok()?;
            self.bytes.get(start..start.checked_add(size)?)
        });
        let bytes = view.ok_or_else(|| {
            self.unusable(format_args!("tensor {name} lies outside the file or is not made of whole blocks"))
        })?;
        Ok(Raw { kind: info.ggml_dtype, shape, bytes })
    }
}

#[cfg(test)]
mod tests;
