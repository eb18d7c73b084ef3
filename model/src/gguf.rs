//! A GGUF file in memory: typed metadata and tensors. Format: the GGUF specification of ggml.

use std::io::Cursor;

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::{Device, Tensor};

use crate::error::LoadError;

/// A parsed header over the bytes that were hashed.
pub(crate) struct Gguf<'a> {
    name: &'a str,
    content: Content,
    bytes: &'a [u8],
}

impl<'a> Gguf<'a> {
    /// Parse the header of the file called `name`.
    pub(crate) fn parse(name: &'a str, bytes: &'a [u8]) -> Result<Self, LoadError> {
        let content = Content::read(&mut Cursor::new(bytes)).map_err(|error| LoadError::unusable(name, error))?;
        Ok(Self { name, content, bytes })
    }

    /// An error about this file.
    pub(crate) fn unusable(&self, reason: impl std::fmt::Display) -> LoadError {
        LoadError::unusable(self.name, reason)
    }

    fn value<T>(&self, key: &str, convert: impl FnOnce(&Value) -> Option<T>) -> Result<T, LoadError> {
        self.content
            .metadata
            .get(key)
            .and_then(convert)
            .ok_or_else(|| self.unusable(format_args!("metadata key {key} is missing or of another type")))
    }

    /// A string.
    pub(crate) fn string(&self, key: &str) -> Result<&str, LoadError> {
        let found = self.content.metadata.get(key).and_then(|value| value.to_string().ok());
        found.map(String::as_str).ok_or_else(|| self.unusable(format_args!("metadata key {key} is not a string")))
    }

    /// An unsigned integer.
    pub(crate) fn number(&self, key: &str) -> Result<usize, LoadError> {
        self.value(key, |value| value.to_u32().ok().and_then(|n| usize::try_from(n).ok()))
    }

    /// A 32-bit float.
    pub(crate) fn float(&self, key: &str) -> Result<f32, LoadError> {
        self.value(key, |value| value.to_f32().ok())
    }

    /// An array of strings.
    pub(crate) fn strings(&self, key: &str) -> Result<Vec<String>, LoadError> {
        self.value(key, |value| {
            value.to_vec().ok()?.iter().map(|item| item.to_string().ok().cloned()).collect::<Option<Vec<_>>>()
        })
    }

    /// An array of 32-bit integers.
    pub(crate) fn integers(&self, key: &str) -> Result<Vec<i32>, LoadError> {
        self.value(key, |value| value.to_vec().ok()?.iter().map(|item| item.to_i32().ok()).collect::<Option<Vec<_>>>())
    }

    /// Whether a tensor is in the file.
    pub(crate) fn has_tensor(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// A tensor as 32-bit floats, of the shape that the caller expects.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, LoadError> {
        let device = Device::Cpu;
        let tensor = self
            .content
            .tensor(&mut Cursor::new(self.bytes), name, &device)
            .and_then(|quantized| quantized.dequantize(&device))
            .map_err(|error| self.unusable(error))?;
        if tensor.dims() != shape {
            return Err(self.unusable(format_args!("tensor {name} has shape {:?}, expected {shape:?}", tensor.dims())));
        }
        Ok(tensor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_gguf_are_refused_by_name() {
        for bytes in
            [&b""[..], b"GGUF", b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"]
        {
            let error = Gguf::parse("model.gguf", bytes).map(|_| ()).map_err(|error| error.to_string());
            assert!(error.is_err_and(|text| text.contains("model.gguf")));
        }
    }
}
