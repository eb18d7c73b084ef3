//! Softmax attention: over a paged cache of half-precision keys and values, or over a whole text at once.
//!
//! One query row looks at its positions in splits of [`SPLIT`]. Inside a split: `s_j = scale * q.k_j`, the sum running
//! over the width in order by fma; `m` the largest; `e_j = exp(s_j - m)`; `l` their sum in sixteen lanes; `o` the sum of
//! `e_j * v_j` by fma, j ascending. Splits are merged in ascending order. What is computed together, on how many
//! threads, with which instructions, changes no bit of the result.

mod cache;
mod causal;
mod full;
mod kernel;
mod lanes;
mod softmax;
mod tile;

pub use cache::KvLayer;
pub use causal::{AttendScratch, Run, attend};
pub use full::attend_full;

/// Positions of one page of the cache.
pub const PAGE: usize = 64;
/// Positions whose weights are computed against one maximum.
pub const SPLIT: usize = 256;
/// Pages of a split.
const PAGES: usize = SPLIT / PAGE;

#[cfg(test)]
mod tests;
