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
pub(super) enum Value {
    Number(u32),
    Float(f32),
    Text(&'static str),
}
