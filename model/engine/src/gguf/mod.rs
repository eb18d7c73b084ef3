//! A GGUF file in memory: typed metadata and tensors. Format: the GGUF specification of ggml.
//!
//! A file may be hostile even where its digest is pinned, because somebody else made it: [`header`] checks every length
//! before it takes memory, and every tensor is known to lie inside the file before one is read.

mod dequantize;
mod header;
mod kind;
mod tensor;

use std::borrow::Cow;

use crate::error::LoadError;
use header::{Entry, Header, Value};

pub use kind::Kind;
pub use tensor::Raw;

/// A parsed header over the bytes that were hashed.
pub struct Gguf<'a> {
    name: &'a str,
    header: Header,
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
        let header = header::read(&bytes).map_err(|reason| LoadError::unusable(name, reason))?;
        let gguf = Self { name, header, bytes };
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

    fn value<'v, T>(&'v self, key: &str, convert: impl FnOnce(&'v Value) -> Option<T>) -> Result<T, LoadError> {
        let found = self.header.metadata.get(key).and_then(convert);
        found.ok_or_else(|| self.unusable(format_args!("metadata key {key} is missing or of another type")))
    }

    /// The keys of the metadata.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.header.metadata.keys().map(String::as_str)
    }

    /// Checks whether a key is there.
    pub fn has_key(&self, key: &str) -> bool {
        self.header.metadata.contains_key(key)
    }

    /// A string.
    pub fn string(&self, key: &str) -> Result<&str, LoadError> {
        self.value(key, |value| if let Value::Text(text) = value { Some(text.as_str()) } else { None })
    }

    /// An integer that is not negative.
    pub fn number(&self, key: &str) -> Result<usize, LoadError> {
        self.value(key, |value| if let Value::Number(number) = value { usize::try_from(*number).ok() } else { None })
    }

    /// A 32-bit float.
    pub fn float(&self, key: &str) -> Result<f32, LoadError> {
        self.value(key, |value| if let Value::Float(float) = value { Some(*float) } else { None })
    }

    /// An array of strings.
    pub fn strings(&self, key: &str) -> Result<&[String], LoadError> {
        self.value(key, |value| if let Value::Texts(texts) = value { Some(texts.as_slice()) } else { None })
    }

    /// An array of 32-bit integers.
    pub fn integers(&self, key: &str) -> Result<&[i32], LoadError> {
        self.value(key, |value| if let Value::Integers(integers) = value { Some(integers.as_slice()) } else { None })
    }

    /// An array of 32-bit floats.
    pub fn floats(&self, key: &str) -> Result<&[f32], LoadError> {
        self.value(key, |value| if let Value::Floats(floats) = value { Some(floats.as_slice()) } else { None })
    }

    /// A switch; off where the key is missing.
    pub fn is_on(&self, key: &str) -> bool {
        self.number(key).is_ok_and(|number| number == 1)
    }

    /// The names of the tensors.
    pub fn tensor_names(&self) -> impl Iterator<Item = &str> {
        self.header.tensors.keys().map(String::as_str)
    }

    /// Checks whether a tensor is in the file.
    pub fn has_tensor(&self, name: &str) -> bool {
        self.header.tensors.contains_key(name)
    }

    /// Offset of a tensor behind the header.
    pub fn offset(&self, name: &str) -> Option<u64> {
        self.header.tensors.get(name).map(|info| info.offset)
    }

    /// Gives back the memory of everything behind the tensors for which `is_wanted` holds, if the file's bytes are this
    /// value's own.
    pub fn release(&mut self, is_wanted: impl Fn(&str) -> bool) {
        let Cow::Owned(bytes) = &mut self.bytes else { return };
        let end = |(name, info): (&String, &Entry)| {
            let size = tensor::size(Kind::of(info.kind)?, &info.shape)? as u64;
            is_wanted(name).then(|| self.header.data.saturating_add(info.offset).saturating_add(size))
        };
        let needed = self.header.tensors.iter().filter_map(end).max().unwrap_or(0);
        bytes.truncate(usize::try_from(needed).unwrap_or(usize::MAX));
        bytes.shrink_to_fit();
    }

    /// A tensor where it lies in the file.
    ///
    /// # Errors
    /// If there is none of this name, or a part of it lies outside the file.
    pub fn raw(&self, name: &str) -> Result<Raw<'_>, LoadError> {
        let info = self.header.tensors.get(name);
        let info = info.ok_or_else(|| self.unusable(format_args!("there is no tensor {name}")))?;
        let kind = Kind::of(info.kind).ok_or_else(|| {
            self.unusable(format_args!("tensor {name} is of type {}, unknown to this build", info.kind))
        })?;
        let shape = info.shape.as_slice();
        let view = tensor::size(kind, shape).and_then(|size| {
            let start = self.header.data.checked_add(info.offset)?;
            let start = usize::try_from(start).ok()?;
            self.bytes.get(start..start.checked_add(size)?)
        });
        let bytes = view.ok_or_else(|| {
            self.unusable(format_args!("tensor {name} lies outside the file or is not made of whole blocks"))
        })?;
        Ok(Raw { kind, shape, bytes })
    }
}

#[cfg(test)]
mod tests;
