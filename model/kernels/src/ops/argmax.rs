//! The index of the largest value.

#![allow(unsafe_code)]

use super::by_isa;

by_isa! {
    /// The index of the largest value: the lowest among equals; NaN is less than everything. 0 when there is none.
    pub fn argmax(x: &[f32]) -> usize {
        let mut lanes = [f32::NEG_INFINITY; 16];
        let (blocks, rest) = x.as_chunks::<16>();
        for block in blocks {
            for (lane, value) in lanes.iter_mut().zip(block) {
                *lane = if *value > *lane { *value } else { *lane };
            }
        }
        for (lane, value) in lanes.iter_mut().zip(rest) {
            *lane = if *value > *lane { *value } else { *lane };
        }
        let largest = lanes.into_iter().fold(f32::NEG_INFINITY, |largest, x| if x > largest { x } else { largest });
        // The block first, without a branch for each value.
        let equal = |block: &[f32; 16]| block.iter().fold(false, |found, value| found | (*value == largest));
        let block = blocks.iter().position(equal).unwrap_or(blocks.len());
        let start = block * 16;
        x[start..].iter().position(|value| *value == largest).map_or(0, |index| start + index)
    }
}
