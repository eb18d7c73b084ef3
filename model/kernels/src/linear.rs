//! Quantized matrices and their products with activations.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod matmul;
mod scalar;
#[cfg(test)]
mod tests;
mod tile;

pub use matmul::matmul;

use crate::activations::BLOCK;
use crate::memory::Bytes;
use crate::quant::spec::{self, GROUP, Spec, with_spec};
use crate::quant::{self, Format, PackError};

/// A matrix of `rows` x `cols` quantized weights, repacked without loss: 16 output rows interleaved by four columns,
/// the last rows filled up with zeros. The module `quant::spec` lays down where what stands.
#[derive(Clone)]
pub struct Linear {
    format: Format,
    rows: usize,
    cols: usize,
    quants: Bytes,
    scales: Bytes,
}

impl Linear {
    /// Repacks the blocks of a GGUF tensor, `rows` times `cols` weights, row after row.
    ///
    /// # Errors
    /// When the columns are not whole blocks, the length is not exactly that of the blocks, or a scale is not finite.
    pub fn from_gguf(format: Format, rows: usize, cols: usize, bytes: &[u8]) -> Result<Linear, PackError> {
        quant::check(rows, cols, format.block_weights(), format.block_bytes(), bytes.len())?;
        let packed = quant::pack(format, rows, cols, bytes)?;
        Ok(Linear { format, rows, cols, quants: packed.quants, scales: packed.scales })
    }

    /// Quantizes `rows` times `cols` numbers to 8 bits, with a half as the scale of each 32 of a row.
    ///
    /// # Errors
    /// When `cols` is not a multiple of 32, the length is not `rows * cols`, or a weight is not finite or beyond what
    /// a half can scale (8.3 million).
    pub fn from_f32(rows: usize, cols: usize, weights: &[f32]) -> Result<Linear, PackError> {
        quant::check(rows, cols, BLOCK, BLOCK, weights.len())?;
        let packed = quant::pack_f32(rows, cols, weights)?;
        Ok(Linear { format: Format::Q8_0, rows, cols, quants: packed.quants, scales: packed.scales })
    }

    /// The number of outputs.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of inputs.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Bytes of memory that the weights take.
    pub fn bytes(&self) -> usize {
        self.quants.bytes() + self.scales.bytes()
    }

    /// The format of the weights.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The weights of one row as numbers, `quant * scale + minimum`, each operation rounded once: the same bits as
    /// from the blocks of the file.
    ///
    /// # Panics
    /// When there is no such row or `out` does not have `cols` places.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        assert_eq!(out.len(), self.cols, "places for a row");
        let (group, lane) = (self.group(row / GROUP), row % GROUP);
        with_spec!(self.format, S => dequantize::<S>(group, lane, out));
    }

    fn cells(&self) -> usize {
        self.cols / BLOCK
    }

    fn groups(&self) -> usize {
        self.rows.div_ceil(GROUP)
    }

    /// The planes of 16 rows.
    fn group(&self, group: usize) -> Group<'_> {
        let (quants, scales) = (self.cells() * self.format.cell_bytes(), self.format.scale_bytes(self.cells()));
        Group {
            quants: &self.quants[group * quants..(group + 1) * quants],
            scales: &self.scales[group * scales..(group + 1) * scales],
        }
    }
}

/// What belongs to 16 neighbouring rows.
#[derive(Clone, Copy)]
struct Group<'a> {
    quants: &'a [u8],
    scales: &'a [u8],
}

fn dequantize<S: Spec>(group: Group<'_>, lane: usize, out: &mut [f32]) {
    let width = BLOCK / S::PARTS;
    for (cell, out) in out.chunks_exact_mut(BLOCK).enumerate() {
        let quants = &group.quants[cell * S::CELL..(cell + 1) * S::CELL];
        for (part, out) in out.chunks_exact_mut(width).enumerate() {
            let (scale, minimum) = spec::scale::<S>(group.scales, cell, part, lane);
            for (i, out) in out.iter_mut().enumerate() {
                let product = spec::quant::<S>(quants, lane, part * width + i) as f32 * scale;
                *out = if S::MINIMUM { product + minimum } else { product };
            }
        }
    }
}
