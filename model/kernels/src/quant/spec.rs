//! The repacked form: where the quants and scales of 16 neighbouring output rows stand, per format.
//!
//! A *group* is 16 rows, a *cell* the 32 columns of a block in a group. Quants of a cell are eight vectors of 64 bytes,
//! vector `v` holding for each row in turn the four columns from `4 v` on: a vector is one register of 16 lanes, and
//! the eight of them are one operand of the tile unit. What is stored of them:
//!
//! - bytes: the eight vectors, signed;
//! - nibbles: four vectors; the low nibbles of the `v`-th are vector `v`, the high ones vector `v + 4`;
//! - six bits: nibbles, then two vectors of further pairs of bits; vector `v` takes its upper two bits from the
//!   `v % 2`-th, at bit `2 (v / 2)`.
//!
//! Scales are a plane of their own. Per cell: 16 halves (`d`), or 32 (`d`, then minima `m`). For the two-level formats,
//! per 8 cells: 16 halves (`d`), 16 more if there are minima, then for each cell 32 bytes: for granularity 32 the 16
//! scales and 16 minima, for granularity 16 the scales of the first and of the second halves (signed, or with the
//! minimum in the high nibble).

use super::Format;
use crate::half::from_half;

/// Rows in a group.
pub(crate) const GROUP: usize = 16;
/// Cells under one pair of upper scales.
pub(crate) const SUPER: usize = 8;

/// How quants are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Nibbles,
    Six,
    Bytes,
}

/// How scales are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scales {
    /// Halves `d`.
    Half,
    /// Halves `d` and `m`; the minimum is added.
    HalfMin,
    /// Two levels, granularity 32, with a minimum that is subtracted.
    Upper32Min,
    /// Two levels, granularity 16, signed scales.
    Upper16,
    /// Two levels, granularity 16, scale and minimum in one byte; the minimum is subtracted.
    Upper16Min,
}

/// A format as constants, for the kernels to be generic over.
pub(crate) trait Spec: Copy + Send + Sync + 'static {
    const STORE: Store;
    const SCALES: Scales;
    /// What is subtracted from the stored quant.
    const OFFSET: i32;
    /// The largest stored quant.
    const MAX: i32;

    /// Bytes of quants per cell.
    const CELL: usize = match Self::STORE {
        Store::Nibbles => 256,
        Store::Six => 384,
        Store::Bytes => 512,
    };
    /// Parts of a cell with scales of their own.
    const PARTS: usize = match Self::SCALES {
        Scales::Upper16 | Scales::Upper16Min => 2,
        _ => 1,
    };
    /// Whether there is a minimum.
    const MINIMUM: bool = !matches!(Self::SCALES, Scales::Half | Scales::Upper16);
    /// Bytes of upper scales, per 8 cells; zero if there is one level.
    const HEAD: usize = match Self::SCALES {
        Scales::Half | Scales::HalfMin => 0,
        Scales::Upper16 => 32,
        Scales::Upper32Min | Scales::Upper16Min => 64,
    };
    /// Bytes of scales of one cell.
    const TAIL: usize = match Self::SCALES {
        Scales::HalfMin => 64,
        _ => 32,
    };

    /// Bytes of scales of a group of `cells` cells.
    fn scale_bytes(cells: usize) -> usize {
        cells / SUPER * Self::HEAD + cells * Self::TAIL
    }

    /// Where the upper scales and the scales of cell `cell` start.
    #[inline(always)]
    fn scale_places(cell: usize) -> (usize, usize) {
        if Self::HEAD == 0 {
            return (0, cell * Self::TAIL);
        }
        let head = cell / SUPER * (Self::HEAD + SUPER * Self::TAIL);
        (head, head + Self::HEAD + cell % SUPER * Self::TAIL)
    }
}

macro_rules! specs {
    ($($name:ident: $store:ident, $scales:ident, $offset:literal, $max:literal;)*) => {
        $(
            #[derive(Clone, Copy)]
            #[allow(non_camel_case_types)]
            pub(crate) struct $name;
            impl Spec for $name {
                const STORE: Store = Store::$store;
                const SCALES: Scales = Scales::$scales;
                const OFFSET: i32 = $offset;
                const MAX: i32 = $max;
            }
        )*
        /// Evaluates an expression with a type name standing for the [`Spec`] of a format.
        macro_rules! with_spec {
            ($format:expr, $spec:ident => $body:expr) => {
                match $format {
                    $($crate::quant::Format::$name => { type $spec = $crate::quant::spec::$name; $body })*
                }
            };
        }
        pub(crate) use with_spec;
    };
}

specs! {
    Q4_0: Nibbles, Half, 8, 15;
    Q4_1: Nibbles, HalfMin, 0, 15;
    Q5_0: Six, Half, 16, 31;
    Q5_1: Six, HalfMin, 0, 31;
    Q8_0: Bytes, Half, 0, 128;
    Q2K: Nibbles, Upper16Min, 0, 3;
    Q3K: Nibbles, Upper16, 4, 7;
    Q4K: Nibbles, Upper32Min, 0, 15;
    Q5K: Six, Upper32Min, 0, 31;
    Q6K: Six, Upper16, 32, 63;
    IQ4_NL: Bytes, Half, 0, 127;
}

impl Format {
    /// Bytes of quants of one cell.
    pub(crate) fn cell_bytes(self) -> usize {
        with_spec!(self, S => S::CELL)
    }

    /// Bytes of scales of a group of `cells` cells.
    pub(crate) fn scale_bytes(self, cells: usize) -> usize {
        with_spec!(self, S => S::scale_bytes(cells))
    }
}

/// The quant of a cell at a row of the group and a column of the cell, the offset subtracted.
pub(crate) fn quant<S: Spec>(cell: &[u8], lane: usize, column: usize) -> i32 {
    let (vector, place) = (column / 4, lane * 4 + column % 4);
    let nibble = || i32::from(cell[vector % 4 * 64 + place] >> (vector / 4 * 4) & 15);
    match S::STORE {
        Store::Bytes => i32::from(cell[vector * 64 + place] as i8),
        Store::Nibbles => nibble() - S::OFFSET,
        Store::Six => {
            let upper = cell[256 + vector % 2 * 64 + place] >> (vector / 2 * 2) & 3;
            nibble() + (i32::from(upper) << 4) - S::OFFSET
        }
    }
}

/// Scale and minimum of one row and part of a cell, as the products use them: the minimum is to be added.
pub(crate) fn scale<S: Spec>(scales: &[u8], cell: usize, part: usize, lane: usize) -> (f32, f32) {
    let (head, tail) = S::scale_places(cell);
    let half = |start: usize| from_half(u16::from_le_bytes([scales[start + 2 * lane], scales[start + 2 * lane + 1]]));
    let byte = |index: usize| scales[tail + index * GROUP + lane];
    match S::SCALES {
        Scales::Half => (half(tail), 0.0),
        Scales::HalfMin => (half(tail), half(tail + 32)),
        Scales::Upper32Min => (half(head) * f32::from(byte(0)), -(half(head + 32) * f32::from(byte(1)))),
        Scales::Upper16 => (half(head) * f32::from(byte(part) as i8), 0.0),
        Scales::Upper16Min => {
            (half(head) * f32::from(byte(part) & 15), -(half(head + 32) * f32::from(byte(part) >> 4)))
        }
    }
}
