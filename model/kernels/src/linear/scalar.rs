//! The definition of the product, lane by lane.

use super::Group;
use super::tile::{Sink, Tile};
use crate::activations::BLOCK;
use crate::quant::spec::{self, GROUP, Spec};

/// The outputs of 16 rows for the tokens of a tile.
pub(super) fn product<S: Spec>(group: Group<'_>, tile: Tile<'_>, sink: Sink) {
    let mut sums = [[0.0_f32; GROUP]; crate::activations::TILE];
    let width = BLOCK / S::PARTS;
    for cell in 0..tile.cells {
        let quants = &group.quants[cell * S::CELL..(cell + 1) * S::CELL];
        for lane in 0..GROUP {
            let weights: [i32; BLOCK] = std::array::from_fn(|column| spec::quant::<S>(quants, lane, column));
            for part in 0..S::PARTS {
                let (scale, minimum) = spec::scale::<S>(group.scales, cell, part, lane);
                let columns = part * width..(part + 1) * width;
                for (token, sums) in sums.iter_mut().enumerate().take(tile.height) {
                    let at = cell * tile.height + token;
                    let q = &tile.q[at * BLOCK..(at + 1) * BLOCK];
                    let d = tile.d[at];
                    let dot: i32 = columns.clone().map(|column| weights[column] * i32::from(q[column])).sum();
                    sums[lane] = (dot as f32).mul_add(scale * d, sums[lane]);
                    if S::MINIMUM {
                        let sum: i32 = q[columns.clone()].iter().map(|q| i32::from(*q)).sum();
                        sums[lane] = minimum.mul_add(d * sum as f32, sums[lane]);
                    }
                }
            }
        }
    }
    for (token, sums) in sums.iter().enumerate().take(tile.height) {
        sink.put(token, sums);
    }
}
