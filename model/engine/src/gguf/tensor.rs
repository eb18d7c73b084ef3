//! One tensor of a file: a view of its bytes, and its packed form.

use precis_kernels::Linear;

use super::dequantize;
use super::kind::Kind;

/// A tensor as it lies in the file; nothing is copied.
#[derive(Clone, Copy)]
pub struct Raw<'a> {
    pub(super) kind: Kind,
    /// Rows first, as the product sees them.
    pub(super) shape: &'a [usize],
    pub(super) bytes: &'a [u8],
}

/// Bytes of so many elements of one type, if whole blocks of it hold them.
pub(super) fn size(kind: Kind, shape: &[usize]) -> Option<usize> {
    let elements = shape.iter().try_fold(1usize, |product, length| product.checked_mul(*length))?;
    // Blocks lie along a row, so it is the row that must be made of whole blocks.
    let row = shape.last().copied().unwrap_or(1);
    if elements == 0 || !row.is_multiple_of(kind.block()) {
        return None;
    }
    (elements / kind.block()).checked_mul(kind.block_bytes())
}

impl<'a> Raw<'a> {
    /// Rows first.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// The matrix of `rows` x `cols`, packed for the products. Types without a packed form of their own are quantized to
    /// eight bits.
    ///
    /// # Errors
    /// Another shape, or scales that are not finite.
    pub fn linear(&self, rows: usize, cols: usize) -> Result<Linear, String> {
        self.require_shape(&[rows, cols])?;
        let packed = match self.kind.format() {
            Some(format) => Linear::from_gguf(format, rows, cols, self.bytes),
            None => Linear::from_f32(rows, cols, &dequantize::floats(self.kind, self.bytes)),
        };
        packed.map_err(|error| error.to_string())
    }

    /// The vector of `length` floats.
    ///
    /// # Errors
    /// Another shape, a quantized type, or a value that is not finite.
    pub fn vector(&self, length: usize) -> Result<Vec<f32>, String> {
        self.require_shape(&[length])?;
        if self.kind.block() > 1 {
            return Err(format!("it is a vector of type {:?}", self.kind));
        }
        let floats = dequantize::floats(self.kind, self.bytes);
        if floats.iter().all(|value| value.is_finite()) { Ok(floats) } else { Err("it is not finite".into()) }
    }

    fn require_shape(&self, expected: &[usize]) -> Result<(), String> {
        if self.shape == expected {
            Ok(())
        } else {
            Err(format!("its shape is {:?}, expected {expected:?}", self.shape))
        }
    }
}
