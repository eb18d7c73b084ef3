//! From blocks, or from numbers, to the repacked form.

use super::blocks::Block;
use super::spec::{GROUP, SUPER, Scales, Spec, Store, with_spec};
use super::{Format, PackError};
use crate::activations::BLOCK;
use crate::half::{from_half, is_finite, to_half};
use crate::memory::Bytes;

/// The two planes of a matrix.
pub(crate) struct Packed {
    pub(crate) quants: Bytes,
    pub(crate) scales: Bytes,
}

/// Whether the shape is whole blocks, and `actual` what its data must be when a block has `bytes`.
pub(crate) fn check(rows: usize, cols: usize, weights: usize, bytes: usize, actual: usize) -> Result<(), PackError> {
    let shape = PackError::Shape { rows, cols };
    if rows == 0 || cols == 0 || !cols.is_multiple_of(weights) {
        return Err(shape);
    }
    // Room for what the repacked form takes: less than 8 bytes a weight, rows filled up to whole groups.
    let padded = rows.checked_next_multiple_of(GROUP).and_then(|rows| rows.checked_mul(cols));
    if padded.and_then(|padded| padded.checked_mul(8)).is_none_or(|bytes| isize::try_from(bytes).is_err()) {
        return Err(shape);
    }
    let expected = rows * (cols / weights) * bytes;
    if expected == actual { Ok(()) } else { Err(PackError::Length { expected, actual }) }
}

/// Repacks the blocks of a file; sizes have been checked.
pub(crate) fn pack(format: Format, rows: usize, cols: usize, bytes: &[u8]) -> Result<Packed, PackError> {
    with_spec!(format, S => {
        let mut packer = Packer::<S>::new(rows, cols);
        let mut block = Block::EMPTY;
        let per_row = cols / format.block_weights();
        for (index, bytes) in bytes.chunks_exact(format.block_bytes()).enumerate() {
            let (row, place) = (index / per_row, index % per_row);
            block.read(format, bytes);
            if !is_finite(block.d) || !is_finite(block.m) {
                return Err(PackError::NotFinite { row });
            }
            packer.put(row, place, &block, format.block_weights() / BLOCK);
        }
        Ok(packer.packed)
    })
}

/// Quantizes numbers to the form of Q8_0; sizes have been checked.
pub(crate) fn pack_f32(rows: usize, cols: usize, weights: &[f32]) -> Result<Packed, PackError> {
    let mut packer = Packer::<super::spec::Q8_0>::new(rows, cols);
    let mut block = Block::EMPTY;
    for (index, weights) in weights.chunks_exact(BLOCK).enumerate() {
        let row = index / (cols / BLOCK);
        block.d = scale_of(weights).ok_or(PackError::NotFinite { row })?;
        let d = from_half(block.d);
        let inverse = if d > 0.0 { 1.0 / d } else { 0.0 };
        for (quant, weight) in block.quants.iter_mut().zip(weights) {
            *quant = (weight * inverse).round_ties_even().clamp(-127.0, 127.0) as i8 as u8;
        }
        packer.put(row, index % (cols / BLOCK), &block, 1);
    }
    Ok(packer.packed)
}

/// The half with which 32 weights fit into -127..=127: the nearest to `amax / 127`, or the next if that cuts off more
/// than rounding does. `None` when a weight or the scale is not finite.
fn scale_of(weights: &[f32]) -> Option<u16> {
    let amax = weights
        .iter()
        .fold(0.0_f32, |most, weight| if most.is_nan() || weight.is_nan() { f32::NAN } else { most.max(weight.abs()) });
    if !amax.is_finite() {
        return None;
    }
    let nearest = to_half(amax / 127.0);
    let d = if is_finite(nearest) && from_half(nearest) * 127.5 < amax { nearest + 1 } else { nearest };
    is_finite(d).then_some(d)
}

struct Packer<S> {
    packed: Packed,
    cells: usize,
    spec: std::marker::PhantomData<S>,
}

impl<S: Spec> Packer<S> {
    fn new(rows: usize, cols: usize) -> Self {
        let (groups, cells) = (rows.div_ceil(GROUP), cols / BLOCK);
        let packed = Packed {
            quants: Bytes::zeroed(groups * cells * S::CELL),
            scales: Bytes::zeroed(groups * S::scale_bytes(cells)),
        };
        Packer { packed, cells, spec: std::marker::PhantomData }
    }

    /// Puts the `place`-th block of a row, of `cells` cells, where it belongs.
    fn put(&mut self, row: usize, place: usize, block: &Block, cells: usize) {
        let (group, lane) = (row / GROUP, row % GROUP);
        let bytes = S::scale_bytes(self.cells);
        let scales = &mut self.packed.scales[group * bytes..(group + 1) * bytes];
        for part in 0..cells {
            let cell = place * cells + part;
            let quants = &mut self.packed.quants[(group * self.cells + cell) * S::CELL..][..S::CELL];
            put_quants::<S>(quants, lane, &block.quants[part * BLOCK..(part + 1) * BLOCK]);
            put_scales::<S>(scales, cell, lane, block);
        }
    }
}

fn put_quants<S: Spec>(cell: &mut [u8], lane: usize, quants: &[u8]) {
    for (vector, four) in quants.chunks_exact(4).enumerate() {
        for (i, quant) in four.iter().enumerate() {
            let place = lane * 4 + i;
            if S::STORE == Store::Bytes {
                cell[vector * 64 + place] = *quant;
                continue;
            }
            cell[vector % 4 * 64 + place] |= (quant & 15) << (vector / 4 * 4);
            if S::STORE == Store::Six {
                cell[256 + vector % 2 * 64 + place] |= quant >> 4 << (vector / 2 * 2);
            }
        }
    }
}

fn put_scales<S: Spec>(scales: &mut [u8], cell: usize, lane: usize, block: &Block) {
    let (head, tail) = S::scale_places(cell);
    let mut half = |start: usize, bits: u16| {
        scales[start + 2 * lane..start + 2 * lane + 2].copy_from_slice(&bits.to_le_bytes());
    };
    match S::SCALES {
        Scales::Half => half(tail, block.d),
        Scales::HalfMin => {
            half(tail, block.d);
            half(tail + 32, block.m);
        }
        Scales::Upper16 => half(head, block.d),
        Scales::Upper32Min | Scales::Upper16Min => {
            half(head, block.d);
            half(head + 32, block.m);
        }
    }
    let part = cell % SUPER;
    let bytes = match S::SCALES {
        Scales::Half | Scales::HalfMin => return,
        Scales::Upper32Min => [block.scales[part], block.minima[part]],
        Scales::Upper16 => [block.scales[2 * part], block.scales[2 * part + 1]],
        Scales::Upper16Min => [0, 1].map(|i| block.scales[2 * part + i] | block.minima[2 * part + i] << 4),
    };
    scales[tail + lane] = bytes[0];
    scales[tail + GROUP + lane] = bytes[1];
}
