//! Weights: the block types of GGUF files, and the form into which they are repacked without loss.

mod blocks;
mod pack;
#[cfg(test)]
pub(crate) mod reference;
pub(crate) mod spec;
#[cfg(test)]
mod tests;

pub(crate) use pack::{check, pack, pack_f32};

/// Block types of GGUF files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// 4 bits less 8, a scale for 32.
    Q4_0,
    /// 4 bits, a scale and a minimum for 32.
    Q4_1,
    /// 5 bits less 16, a scale for 32.
    Q5_0,
    /// 5 bits, a scale and a minimum for 32.
    Q5_1,
    /// 8 bits, a scale for 32.
    Q8_0,
    /// 2 bits, a scale and a minimum for 16, two levels.
    Q2K,
    /// 3 bits less 4, a scale for 16, two levels.
    Q3K,
    /// 4 bits, a scale and a minimum for 32, two levels.
    Q4K,
    /// 5 bits, a scale and a minimum for 32, two levels.
    Q5K,
    /// 6 bits less 32, a scale for 16, two levels.
    Q6K,
    /// 4 bits that stand for sixteen values of 8 bits, a scale for 32; repacked to those values.
    #[allow(non_camel_case_types)]
    IQ4_NL,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 11] = [
        Format::Q4_0,
        Format::Q4_1,
        Format::Q5_0,
        Format::Q5_1,
        Format::Q8_0,
        Format::Q2K,
        Format::Q3K,
        Format::Q4K,
        Format::Q5K,
        Format::Q6K,
        Format::IQ4_NL,
    ];

    /// How many weights of a row a block of the file holds.
    pub const fn block_weights(self) -> usize {
        match self {
            Format::Q2K | Format::Q3K | Format::Q4K | Format::Q5K | Format::Q6K => 256,
            _ => 32,
        }
    }

    /// How many bytes a block of the file has.
    pub const fn block_bytes(self) -> usize {
        match self {
            Format::Q4_0 | Format::IQ4_NL => 18,
            Format::Q4_1 => 20,
            Format::Q5_0 => 22,
            Format::Q5_1 => 24,
            Format::Q8_0 => 34,
            Format::Q2K => 84,
            Format::Q3K => 110,
            Format::Q4K => 144,
            Format::Q5K => 176,
            Format::Q6K => 210,
        }
    }
}

/// Why weights were refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackError {
    /// There are no rows or columns, the columns are not whole blocks, or the size overflows.
    Shape {
        /// Rows asked for.
        rows: usize,
        /// Columns asked for.
        cols: usize,
    },
    /// The data are not as long as the shape demands.
    Length {
        /// Bytes, or weights, that the shape demands.
        expected: usize,
        /// Those given.
        actual: usize,
    },
    /// A scale, a minimum or a weight is infinite or not a number, or too large for its scale to be a half.
    NotFinite {
        /// The row in which it stands.
        row: usize,
    },
}

impl std::fmt::Display for PackError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PackError::Shape { rows, cols } => write!(f, "{rows} x {cols} weights are not whole blocks"),
            PackError::Length { expected, actual } => write!(f, "expected {expected} weights' data, found {actual}"),
            PackError::NotFinite { row } => write!(f, "row {row} has a scale that is not a finite number"),
        }
    }
}

impl std::error::Error for PackError {}
