//! Written sentences of which some failed.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::grounding::Measured;
use crate::summary::{Grounding, Nearest};

const TEXT: &str = "The council closed the old swimming pool in Bridge Street on Monday. A new pool will be built beside \
    the station by 2028. It will cost 21 million pounds, and the region pays a third of that.";

/// A written sentence that came from one of the document's.
fn written(text: &str, row: usize, fault: Option<Fault>) -> Judged {
    let cosines: Vec<f32> = (0..3).map(|at| if at == row { 0.9 } else { 0.1 }).collect();
    let nearest = vec![Nearest { source: ByteRange::new(0, 1), score_permille: 900 }];
    let grounding = Grounding { nearest, unsupported_names: Vec::new(), unsupported_numbers: Vec::new() };
    let leans = super::super::choose::leans(text);
    (Candidate { text: text.to_owned(), measured: Measured { grounding, cosines }, leans, quote: None }, fault)
}

fn sold(judged: Vec<Judged>, bounds: Bounds) -> Vec<(String, bool)> {
    let material = Material::running(TEXT);
    let ranges: Vec<ByteRange> = material.segments.iter().map(|segment| segment.quote).collect();
    assert_eq!(ranges.len(), 3);
    let chosen = repaired(TEXT, &material, &ranges, judged, bounds);
    chosen.into_iter().map(|candidate| (candidate.shown().to_owned(), candidate.quote.is_some())).collect()
}

const WIDE: Bounds = Bounds { sentences: 5, words: 100 };

#[test]
fn a_sentence_that_fails_is_replaced_by_the_nearest_of_the_document() {
    let sold = sold(
        vec![
            written("The pool was closed.", 0, None),
            written("The pool is built by 2030.", 1, Some(Fault::Unsupported)),
        ],
        WIDE,
    );
    let quoted = "A new pool will be built beside the station by 2028.";
    assert_eq!(sold, [("The pool was closed.".to_owned(), false), (quoted.to_owned(), true)]);
}

#[test]
fn what_is_no_sentence_or_said_already_is_left_out() {
    let sold = sold(
        vec![
            written("The pool was closed.", 0, None),
            written("Subject: pool", 1, Some(Fault::Form)),
            written("The pool was closed in May.", 0, Some(Fault::Elsewhere)),
        ],
        WIDE,
    );
    assert_eq!(sold, [("The pool was closed.".to_owned(), false)]);
}

#[test]
fn a_sentence_that_leans_on_one_that_is_gone_goes_too() {
    let long = "A new pool, which is to be much larger than the old one and far nearer, will be built by 2028.";
    let leaning = "It will cost 21 million pounds.";
    let both = || vec![written("The pool was closed.", 0, None), written(long, 1, None), written(leaning, 2, None)];
    assert_eq!(sold(both(), WIDE).len(), 3);
    // The one between does not fit.
    let kept = sold(both(), Bounds { sentences: 5, words: 20 });
    assert!(kept.iter().all(|(text, quoted)| *quoted || text != leaning), "{kept:?}");
    assert!(sold(vec![written(leaning, 2, None)], WIDE).iter().all(|(text, _)| text != leaning));
}

#[test]
fn bounds_hold_and_of_sentences_that_are_all_too_long_the_shortest_is_cut() {
    let judged = || {
        vec![written("The old pool was closed on Monday.", 0, None), written("A new pool is built by 2028.", 1, None)]
    };
    assert_eq!(sold(judged(), Bounds { sentences: 1, words: 100 }).len(), 1);
    assert_eq!(sold(judged(), Bounds { sentences: 5, words: 3 }), [("The old pool…".to_owned(), false)]);
    assert!(sold(Vec::new(), WIDE).is_empty());
}
