use proptest::prelude::*;

use super::*;
use crate::summary::{ByteRange, Grounding, Nearest};

/// A sentence of `size` words that is this near to each sentence of a document.
fn candidate(text: &str, cosines: &[f32], inventions: usize) -> Candidate {
    let best = cosines.iter().copied().fold(0.0, f32::max);
    let nearest = vec![Nearest { source: ByteRange::new(0, 1), score_permille: (best * 1000.0) as u16 }];
    let unsupported_names = vec!["Oslo".to_owned(); inventions];
    let grounding = Grounding { nearest, unsupported_names, unsupported_numbers: Vec::new() };
    Candidate {
        leans: leans(text),
        text: text.to_owned(),
        measured: Measured { grounding, cosines: cosines.to_vec() },
        quote: None,
    }
}

fn texts(candidates: &[Candidate]) -> Vec<&str> {
    candidates.iter().map(|candidate| candidate.text.as_str()).collect()
}

const WIDE: Bounds = Bounds { sentences: 2, words: 100 };

#[test]
fn what_covers_more_of_the_document_is_chosen() {
    let weights = weights(3, None);
    let all = vec![
        candidate("One says a thing.", &[0.9, 0.0, 0.0], 0),
        candidate("Two says it too.", &[0.8, 0.0, 0.0], 0),
        candidate("Three says another.", &[0.0, 0.7, 0.7], 0),
    ];
    assert_eq!(texts(&select(all, &weights, WIDE)), ["One says a thing.", "Three says another."]);
}

#[test]
fn inventions_cost_and_support_counts() {
    let weights = weights(1, None);
    let all = vec![candidate("Made up.", &[0.6], 2), candidate("Plain.", &[0.6], 0)];
    assert_eq!(texts(&select(all, &weights, Bounds { sentences: 1, words: 9 })), ["Plain."]);
    assert!(is_unfounded(&[candidate("Far.", &[0.1], 0)]) && is_unfounded(&[]));
    assert!(!is_unfounded(&[candidate("Far.", &[0.1], 0), candidate("Near.", &[0.5], 0)]));
}

#[test]
fn a_sentence_that_leans_on_another_comes_with_it_or_not_at_all() {
    let weights = weights(2, None);
    let all = || {
        vec![
            candidate("The gate is closed.", &[0.3, 0.0], 0),
            candidate("It holds the sea back.", &[0.9, 0.9], 0),
            candidate("The town is dry.", &[0.5, 0.1], 0),
        ]
    };
    assert_eq!(texts(&select(all(), &weights, Bounds { sentences: 1, words: 9 })), ["The town is dry."]);
    let three = select(all(), &weights, Bounds { sentences: 3, words: 99 });
    assert_eq!(texts(&three), ["The gate is closed.", "It holds the sea back.", "The town is dry."]);
}

#[test]
fn what_the_document_does_not_support_is_left_out_beside_what_it_does() {
    let all = vec![
        candidate("A tale.", &[0.2, 0.2], 0),
        candidate("It is so.", &[0.2, 0.1], 0),
        candidate("A fact.", &[0.0, 0.6], 0),
    ];
    assert_eq!(texts(&select(all, &weights(2, None), Bounds { sentences: 3, words: 99 })), ["A fact."]);
}

#[test]
fn a_sentence_longer_than_all_that_was_asked_for_is_cut_at_a_word() {
    let all = vec![candidate("The Oslo gate is closed to Oslo.", &[0.6], 1), candidate("A tale.", &[0.1], 0)];
    let chosen = select(all, &weights(1, None), Bounds { sentences: 3, words: 3 });
    assert_eq!((texts(&chosen), chosen[0].measured.unsupported()), (vec!["The Oslo gate…"], 1));
    let all = vec![candidate("The gate is closed to Oslo.", &[0.6], 1)];
    let chosen = select(all, &weights(1, None), Bounds { sentences: 3, words: 2 });
    assert_eq!((texts(&chosen), chosen[0].measured.unsupported()), (vec!["The gate…"], 0));
}

#[test]
fn a_focus_gives_what_is_near_to_it_more_weight() {
    let plain = weights(3, None);
    let focused = weights(3, Some(&[0.0, 0.9, 0.0]));
    assert!(plain[0] > plain[1] && focused[1] > focused[0]);
    assert!((focused.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    assert!(weights(0, None).is_empty());
}

proptest! {
    #[test]
    fn bounds_hold_and_the_order_is_kept(
        rows in proptest::collection::vec((proptest::collection::vec(-1f32..1.0, 4), 1usize..9, 0usize..3), 1..12),
        sentences in 1usize..6,
        words in 1usize..30,
    ) {
        let all = || -> Vec<Candidate> {
            rows.iter().enumerate().map(|(index, (cosines, size, inventions))| {
                candidate(&format!("S{index}{}", " word".repeat(size - 1)), cosines, *inventions)
            }).collect()
        };
        let weights = weights(4, None);
        let chosen = select(all(), &weights, Bounds { sentences, words });
        prop_assert!(!chosen.is_empty() && chosen.len() <= sentences);
        let total: usize = chosen.iter().map(|candidate| words::count(&candidate.text, usize::MAX)).sum();
        prop_assert!(total <= words);
        let place = |text: &str| all().iter().position(|candidate| candidate.text.starts_with(text.trim_end_matches('…')));
        prop_assert!(chosen.iter().map(|candidate| place(&candidate.text)).is_sorted());
        let again = select(all(), &weights, Bounds { sentences, words });
        prop_assert_eq!(texts(&chosen), texts(&again));
    }
}
