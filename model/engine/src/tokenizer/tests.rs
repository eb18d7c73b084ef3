#![allow(clippy::unwrap_used)]
use super::*;
use crate::error::LoadError;
use crate::gguf::Gguf;
use crate::synthetic::{self, Value};
use crate::testing::{AWKWARD, model_file};

/// Vectors by `tests/vectors/tokenizer/generate.py`.
const VECTORS: &str = include_str!("../../../../tests/vectors/tokenizer/smollm2.json");

#[derive(serde::Deserialize)]
struct Vector {
    text: String,
    ids: Vec<u32>,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(VECTORS).unwrap()
}

fn bpe() -> Option<Bpe> {
    let file = "smollm2-135m-instruct.q4_1.gguf";
    let bytes = std::fs::read(model_file(file)?).unwrap();
    Some(Bpe::from_gguf(&Gguf::parse(file, &bytes).unwrap()).unwrap())
}

fn assert_agreement(bpe: &Bpe, vectors: &[Vector]) {
    assert!(vectors.len() >= 200);
    let wrong: Vec<_> = vectors
        .iter()
        .filter_map(|vector| {
            let ids = bpe.ids(&vector.text).unwrap();
            (ids != vector.ids).then(|| format!("{:?}: {:?}, expected {:?}", vector.text, ids, vector.ids))
        })
        .collect();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_tokenizer_agrees_with_an_independent_implementation() {
    let Some(bpe) = bpe() else { return };
    assert_agreement(&bpe, &vectors());
}

#[test]
fn the_tokenizer_of_qwen_agrees_with_an_independent_implementation() {
    const VECTORS: &str = include_str!("../../../../tests/vectors/tokenizer/qwen2.json");
    // All sizes have the same.
    let files = ["qwen2.5-0.5b-instruct.q4_k_m.gguf", "qwen2.5-1.5b-instruct.q4_k_m.gguf"];
    let Some((file, path)) = files.into_iter().find_map(|file| Some((file, model_file(file)?))) else { return };
    let bytes = std::fs::read(path).unwrap();
    let bpe = Bpe::from_gguf(&Gguf::parse(file, &bytes).unwrap()).unwrap();
    assert_agreement(&bpe, &serde_json::from_str::<Vec<Vector>>(VECTORS).unwrap());
}

/// A small vocabulary of the other kind, with what another implementation makes of texts.
#[derive(serde::Deserialize)]
struct SentencePiece {
    tokens: Vec<String>,
    scores: Vec<f32>,
    types: Vec<i32>,
    vectors: Vec<Vector>,
}

/// By `tests/vectors/tokenizer/generate_sentencepiece.py`.
fn sentencepiece() -> SentencePiece {
    serde_json::from_str(include_str!("../../../../tests/vectors/tokenizer/sentencepiece.json")).unwrap()
}

/// A file with such a vocabulary and this chat template.
pub(crate) fn small_file(template: &str) -> Vec<u8> {
    file_of(sentencepiece(), template)
}

fn file_of(SentencePiece { tokens, scores, types, .. }: SentencePiece, template: &str) -> Vec<u8> {
    let more = [
        ("tokenizer.ggml.model", Value::Text("llama".to_owned())),
        ("tokenizer.ggml.tokens", Value::Texts(tokens)),
        ("tokenizer.ggml.scores", Value::Floats(scores)),
        ("tokenizer.ggml.token_type", Value::Integers(types)),
        ("tokenizer.ggml.add_bos_token", Value::Flag(true)),
        ("tokenizer.ggml.bos_token_id", Value::Number(2)),
        ("tokenizer.ggml.eos_token_id", Value::Number(1)),
        ("tokenizer.chat_template", Value::Text(template.to_owned())),
    ];
    synthetic::gguf_with(&synthetic::Shape::tiny_phi3(), 1, &more)
}

fn bpe_of(vocabulary: SentencePiece) -> Result<Bpe, LoadError> {
    Bpe::from_gguf(&Gguf::parse("synthetic", file_of(vocabulary, "")).unwrap())
}

#[test]
fn the_tokenizer_of_the_other_kind_agrees_with_an_independent_implementation() {
    let vectors = sentencepiece().vectors;
    let bpe = bpe_of(sentencepiece()).unwrap();
    assert_agreement(&bpe, &vectors);
    assert_eq!((bpe.beginning(), bpe.control("<start_of_turn>"), bpe.control("\n\n")), (Some(2), Some(4), None));
    for Vector { text, ids } in &vectors {
        assert_eq!(bpe.decode(ids).unwrap(), text.replace('\u{2581}', " "));
        assert_eq!(bpe.count(text).unwrap(), ids.len());
        for at in (0..text.len()).filter(|_| text.len() < 200) {
            let (head, tail) = text.split_at(cut(text, at));
            assert_eq!(bpe.count(head).unwrap() + bpe.count(tail).unwrap(), ids.len(), "{head:?} {tail:?}");
        }
    }
}

#[test]
fn a_vocabulary_that_lacks_a_byte_or_a_score_is_refused() {
    let whole = sentencepiece();
    let byte = whole.types.iter().position(|kind| *kind == 6).unwrap();
    let mut lacking = sentencepiece();
    lacking.types[byte] = 1;
    assert!(bpe_of(lacking).err().unwrap().to_string().contains("byte"));
    let mut shorter = sentencepiece();
    shorter.scores.pop();
    assert!(bpe_of(shorter).err().unwrap().to_string().contains("scores"));
}

#[test]
fn counting_equals_encoding_and_offsets_fit_the_text() {
    let Some(bpe) = bpe() else { return };
    for Vector { text, ids } in vectors() {
        assert_eq!(bpe.count(&text).unwrap(), ids.len());
        let encoded = bpe.encode(&text).unwrap();
        assert!(encoded.starts.is_sorted());
        assert!(encoded.starts.iter().all(|start| text.is_char_boundary(*start)), "{text:?}");
    }
}

#[test]
fn the_parts_of_a_text_that_is_cut_for_screening_have_its_tokens() {
    let Some(bpe) = bpe() else { return };
    let texts = vectors().into_iter().map(|vector| vector.text).chain(AWKWARD.map(str::to_owned));
    for text in texts.filter(|text| text.len() < 500) {
        let whole = bpe.count(&text).unwrap();
        let cuts: std::collections::BTreeSet<usize> = (0..text.len()).map(|at| cut(&text, at)).collect();
        for cut in cuts {
            let (head, tail) = text.split_at(cut);
            assert_eq!(bpe.count(head).unwrap() + bpe.count(tail).unwrap(), whole, "{head:?} {tail:?}");
        }
    }
}

#[test]
fn a_document_cannot_write_control_tokens() {
    let Some(bpe) = bpe() else { return };
    assert_eq!(bpe.control("<|im_start|>"), Some(1));
    for Vector { text, .. } in vectors() {
        assert!(bpe.ids(&text).unwrap().iter().all(|id| !bpe.controls().any(|control| control == *id)), "{text:?}");
    }
}

#[test]
fn text_survives_the_tokenizer_wherever_the_vocabulary_has_its_bytes() {
    let Some(bpe) = bpe() else { return };
    // The vocabulary lacks six control characters and the lead bytes of the unassigned planes.
    let lacking = |c: char| {
        matches!(c, '\u{4}' | '\u{6}' | '\u{13}' | '\u{14}' | '\u{16}' | '\u{1d}' | '\u{40000}'..='\u{bffff}')
    };
    for Vector { text, ids } in vectors() {
        if !text.contains(lacking) {
            assert_eq!(bpe.decode(&ids).unwrap(), text);
        }
    }
}

#[test]
fn a_word_of_a_megabyte_is_tokenized_in_bounded_time() {
    let Some(bpe) = bpe() else { return };
    let word = "ab".repeat(250_000);
    assert!(bpe.count(&word).unwrap() > 1000);
}
