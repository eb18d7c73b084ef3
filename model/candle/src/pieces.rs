//! The pieces in which a prompt is read: of few shapes, because candle keeps a mask for every pair of a
//! piece's length and its position, for life.

/// Longest piece: long enough for the products, short enough to be called off soon.
const LONGEST: usize = 256;
/// First pieces that are followed by single tokens are multiples of this, from it on.
const ROUND: usize = 128;

/// Rule for the pieces of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// In [`pieces`].
    Pieces,
    /// A first piece that is as long as possible, then token by token.
    FirstAndSingles,
}

impl Reading {
    /// Lengths of the pieces of a prompt of `total` tokens, in order.
    pub(crate) fn lengths(self, total: usize) -> Box<dyn Iterator<Item = usize>> {
        match self {
            Self::Pieces => Box::new(pieces(total)),
            Self::FirstAndSingles => Box::new(first_and_singles(total)),
        }
    }
}

/// Powers of two, the longest first, so that a piece begins at a multiple of its length.
fn pieces(total: usize) -> impl Iterator<Item = usize> {
    let mut left = total;
    std::iter::from_fn(move || {
        let piece = largest_power(left)?.min(LONGEST);
        left -= piece;
        Some(piece)
    })
}

/// A multiple of [`ROUND`], or a shorter text as it is; then ones.
fn first_and_singles(total: usize) -> impl Iterator<Item = usize> {
    let first = if total < ROUND { total } else { total / ROUND * ROUND };
    std::iter::once(first).chain(std::iter::repeat_n(1, total - first)).filter(|length| *length > 0)
}

/// The largest power of two that is not above `number`.
fn largest_power(number: usize) -> Option<usize> {
    number.checked_ilog2().map(|exponent| 1 << exponent)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn pieces_add_up_and_begin_at_multiples_of_their_length() {
        for total in 0..2000 {
            let mut position = 0;
            for piece in pieces(total) {
                assert!(piece <= LONGEST && position % piece == 0, "{total}: {piece} at {position}");
                position += piece;
            }
            assert_eq!(position, total);
            assert_eq!(first_and_singles(total).sum::<usize>(), total);
        }
    }

    #[test]
    fn the_masks_that_candle_keeps_for_life_stay_below_a_bound() {
        for (reading, bound) in [(Reading::Pieces, 70 << 20), (Reading::FirstAndSingles, 190 << 20)] {
            let mut masks = BTreeSet::new();
            for total in 1..=4096 {
                let mut position = 0;
                for piece in reading.lengths(total).filter(|piece| *piece > 1) {
                    position += piece;
                    masks.insert((piece, position));
                }
            }
            // A byte for every pair of positions.
            let bytes: usize = masks.iter().map(|(rows, columns)| rows * columns).sum();
            assert!(bytes < bound, "{reading:?}: {bytes}");
        }
    }
}
