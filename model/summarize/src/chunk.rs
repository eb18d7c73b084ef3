//! Cutting a long text into parts that fit one pass of the model. The parts are token ranges of the one encoding of the
//! whole text, in order and without gap or overlap, so what was read can be counted exactly.

use std::ops::Range;

/// Cut `total` tokens into parts of at most `limit` tokens and of similar size, preferably at `breaks`, which are token
/// indices in ascending order at which a sentence begins. A sentence longer than a part is cut inside.
pub(crate) fn plan(total: usize, limit: usize, breaks: &[usize]) -> Vec<Range<usize>> {
    let limit = limit.max(1);
    let mut parts = Vec::with_capacity(total.div_ceil(limit));
    let mut start = 0;
    while total - start > limit {
        let rest = total - start;
        let even = rest.div_ceil(rest.div_ceil(limit));
        let (least, ideal, most) = (start + even.div_ceil(2), start + even, start + limit);
        let inside = &breaks[breaks.partition_point(|at| *at < least)..breaks.partition_point(|at| *at <= most)];
        let end = inside.iter().copied().min_by_key(|at| at.abs_diff(ideal)).unwrap_or(ideal);
        parts.push(start..end);
        start = end;
    }
    if start < total {
        parts.push(start..total);
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_end_where_sentences_begin() {
        assert_eq!(plan(100, 100, &[0, 50]).as_slice(), std::slice::from_ref(&(0..100)));
        assert_eq!(plan(100, 60, &[0, 10, 48, 55, 90]), [0..48, 48..100]);
        assert!(plan(0, 60, &[]).is_empty());
    }

    #[test]
    fn a_sentence_longer_than_a_part_is_cut_inside() {
        assert_eq!(plan(100, 30, &[0]), [0..25, 25..50, 50..75, 75..100]);
    }

    proptest! {
        #[test]
        fn parts_cover_every_token_once(total in 0usize..5000, limit in 1usize..700, mut breaks in proptest::collection::vec(0usize..5000, 0..200)) {
            breaks.sort_unstable();
            let parts = plan(total, limit, &breaks);
            let mut at = 0;
            for part in &parts {
                prop_assert_eq!(part.start, at);
                prop_assert!(part.end > part.start && part.end - part.start <= limit);
                at = part.end;
            }
            prop_assert_eq!(at, total);
            prop_assert!(parts.len() <= 2 * total.div_ceil(limit).max(1));
        }
    }
}
