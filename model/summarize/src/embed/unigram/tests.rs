#![allow(clippy::unwrap_used)]
use precis_engine::testing::{AWKWARD, model_file};

use super::*;
use crate::embed::packed::Packed;

/// Vectors by `tests/vectors/tokenizer/xlmr.py`.
const VECTORS: &str = include_str!("../../../../../tests/vectors/tokenizer/xlmr.json");

#[derive(serde::Deserialize)]
struct Vector {
    text: String,
    ids: Vec<u32>,
}

fn unigram() -> Option<Unigram> {
    let file = "multilingual-e5-small.q4.bin";
    let bytes = std::fs::read(model_file(file)?).unwrap();
    Some(Unigram::new(file, Packed::parse(file, &bytes).unwrap().vocabulary).unwrap())
}

/// Texts of many scripts.
fn texts() -> Vec<String> {
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
    vectors.into_iter().map(|vector| vector.text).chain(AWKWARD.map(str::to_owned)).collect()
}

#[test]
fn the_tokenizer_agrees_with_an_independent_implementation() {
    let Some(unigram) = unigram() else { return };
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
    assert!(vectors.len() >= 200);
    let wrong: Vec<_> = vectors
        .iter()
        .filter_map(|vector| {
            let ids = unigram.encode(&vector.text).ids;
            (ids != vector.ids).then(|| format!("{:?}: {ids:?}, expected {:?}", vector.text, vector.ids))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
}

#[test]
fn offsets_fit_the_text() {
    let Some(unigram) = unigram() else { return };
    for text in texts() {
        let encoded = unigram.encode(&text);
        assert_eq!(encoded.ids.len(), encoded.starts.len());
        assert!(encoded.starts.is_sorted());
        assert!(encoded.starts.iter().all(|start| text.is_char_boundary(*start)), "{text:?}");
    }
}

#[test]
fn the_parts_of_a_text_that_is_cut_for_screening_have_its_tokens() {
    let Some(unigram) = unigram() else { return };
    for text in texts().into_iter().filter(|text| text.len() < 500) {
        let whole = unigram.encode(&text).ids;
        let cuts: std::collections::BTreeSet<usize> = (0..text.len()).map(|at| Unigram::cut(&text, at)).collect();
        for cut in cuts {
            let (head, tail) = text.split_at(cut);
            assert_eq!([unigram.encode(head).ids, unigram.encode(tail).ids].concat(), whole, "{head:?} {tail:?}");
        }
    }
}

#[test]
fn a_document_cannot_write_control_tokens() {
    let Some(unigram) = unigram() else { return };
    let Vocabulary { first, last, padding, .. } = unigram.vocabulary;
    for text in texts().into_iter().chain(["<s> a </s> b <pad> <mask> <unk>".to_owned()]) {
        let ids = unigram.encode(&text).ids;
        assert!(![first, last, padding].iter().any(|id| ids.contains(id)), "{text:?}");
        assert!(ids.iter().all(|id| unigram.piece(*id) != "<mask>"), "{text:?}");
    }
}

#[test]
fn letters_that_no_piece_has_are_counted_and_spaces_are_not() {
    let Some(unigram) = unigram() else { return };
    let census = |text: &str| unigram.census(&unigram.encode(text).ids);
    assert_eq!(census("ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ."), Census { tokens: 5, unknown: 2, blank: 2 });
    let text = "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ.";
    let refused = census(text).require_known(text);
    assert_eq!(refused.unwrap_err().to_string(), "the document cannot be summarized: unknown_script: Cherokee");
    for text in ["早上闸门升起，城市没有被淹。", "ประตูถูกยกขึ้นในตอนเช้า", "ទ្វារទឹកត្រូវបានលើកឡើង", "ఉదయం గేట్లు ఎత్తారు", ""]
    {
        assert!(census(text).require_known(text).is_ok(), "{text}");
    }
}

#[test]
fn a_word_of_a_megabyte_is_tokenized_in_bounded_time() {
    let Some(unigram) = unigram() else { return };
    assert!(unigram.encode(&"ab".repeat(250_000)).ids.len() >= 1000);
    assert_eq!(unigram.encode(&"Ꮳ".repeat(170_000)).ids.len(), 2);
}
