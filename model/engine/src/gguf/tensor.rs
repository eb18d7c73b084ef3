//! One tensor of a file: a view of its bytes, and what becomes of them.

use candle_core::quantized::GgmlDType;
use precis_kernels::{Format, Linear};

use crate::half;

/// A tensor as it lies in the file; nothing is copied.
#[derive(Clone, Copy)]
pub struct Raw<'a> {
    pub(super) kind: GgmlDType,
    /// Rows first, as the product sees them.
    pub(super) shape: &'a [usize],
    pub(super) bytes: &'a [u8],
}

/// Bytes of so many elements of one type, if whole blocks of it hold them.
pub(super) fn size(kind: GgmlDType, shape: &[usize]) -> Option<usize> {
    let elements = shape.iter().try_fold(1usize, |product, length| product.checked_mul(*length))?;
    let block = kind.block_size();
    // Blocks lie along a row, so it is the row that must be made of whole blocks.
    let row = shape.last().copied().unwrap_or(1);
    if elements == 0 || !row.is_multiple_of(block) {
        return None;
    }
    (elements / block).checked_mul(kind.type_size())
}

impl<'a> Raw<'a> {
    /// Rows first.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// The matrix of `rows` x `cols`, packed for the products. Floats are quantized to eight bits.
    ///
    /// # Errors
    /// Another shape, a type without a packed form, or scales that are not finite.
    pub fn linear(&self, rows: usize, cols: usize) -> Result<Linear, String> {
        self.require_shape(&[rows, cols])?;
        let format = match self.kind {
            GgmlDType::Q4_0 => Format::Q4_0,
            GgmlDType::Q4_1 => Format::Q4_1,
            GgmlDType::Q8_0 => Format::Q8_0,
            GgmlDType::Q2K => Format::Q2K,
            GgmlDType::Q3K => Format::Q3K,
            GgmlDType::Q4K => Format::Q4K,
            GgmlDType::Q5K => Format::Q5K,
            GgmlDType::Q6K => Format::Q6K,
            _ => {
                let floats = self.floats()?;
                return Linear::from_f32(rows, cols, &floats).map_err(|error| error.to_string());
            }
        };
        Linear::from_gguf(format, rows, cols, self.bytes).map_err(|error| error.to_string())
    }

    /// The vector of `length` floats.
    ///
    /// # Errors
    /// Another shape, a quantized type, or a value that is not finite.
    pub fn vector(&self, length: usize) -> Result<Vec<f32>, String> {
        self.require_shape(&[length])?;
        let floats = self.floats()?;
        if floats.iter().all(|value| value.is_finite()) { Ok(floats) } else { Err("it is not finite".into()) }
    }

    fn require_shape(&self, expected: &[usize]) -> Result<(), String> {
        if self.shape == expected {
            Ok(())
        } else {
            Err(format!("its shape is {:?}, expected {expected:?}", self.shape))
        }
    }

    fn floats(&self) -> Result<Vec<f32>, String> {
        let halves = self.bytes.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes));
        Ok(match self.kind {
            GgmlDType::F32 => self.bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            GgmlDType::F16 => halves.map(half::to_f32).collect(),
            GgmlDType::BF16 => halves.map(|bits| f32::from_bits(u32::from(bits) << 16)).collect(),
            other => return Err(format!("type {other:?} is not known to this build")),
        })
    }
}
