//! Parts of the file of a model.

use crate::gguf::Kind;

/// One tensor of a file.
pub struct Tensor {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// 1 for a vector.
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) is_norm: bool,
}

impl Tensor {
    pub(super) fn size(&self) -> usize {
        self.rows * self.kind.row_bytes(self.cols)
    }
}

/// A metadata value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An integer.
    Number(u32),
    /// A float.
    Float(f32),
    /// A switch.
    Flag(bool),
    /// A string.
    Text(String),
    /// An array of strings.
    Texts(Vec<String>),
    /// An array of integers.
    Integers(Vec<i32>),
    /// An array of floats.
    Floats(Vec<f32>),
}
