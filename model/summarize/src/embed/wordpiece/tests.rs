#![allow(clippy::unwrap_used)]
use precis_engine::testing::{AWKWARD, model_file};
use precis_engine::tokenizer::cut;

use super::*;

fn wordpiece() -> Option<WordPiece> {
    let file = "all-minilm-l6-v2.tokenizer.json";
    Some(WordPiece::parse(file, &std::fs::read(model_file(file)?).unwrap()).unwrap())
}

#[test]
fn counting_equals_encoding_and_offsets_fit_the_text() {
    let Some(wordpiece) = wordpiece() else { return };
    for text in AWKWARD {
        let pieces = wordpiece.encode(text).unwrap();
        assert_eq!(wordpiece.count(text).unwrap(), pieces.ids.len());
        assert!(pieces.starts.is_sorted());
        assert!(pieces.starts.iter().all(|start| text.is_char_boundary(*start)), "{text:?}");
    }
}

#[test]
fn the_parts_of_a_text_that_is_cut_for_screening_have_its_tokens() {
    let Some(wordpiece) = wordpiece() else { return };
    for text in AWKWARD {
        let whole = wordpiece.count(text).unwrap();
        for at in 0..text.len() {
            let (head, tail) = text.split_at(cut(text, at));
            assert_eq!(wordpiece.count(head).unwrap() + wordpiece.count(tail).unwrap(), whole, "{head:?} {tail:?}");
        }
    }
}

#[test]
fn a_document_cannot_write_control_tokens() {
    let Some(wordpiece) = wordpiece() else { return };
    for text in AWKWARD.into_iter().chain(["[CLS] a [SEP] b [PAD] [MASK]"]) {
        let ids = wordpiece.encode(text).unwrap().ids;
        assert!(![wordpiece.cls, wordpiece.sep].iter().any(|id| ids.contains(id)), "{text:?}");
    }
}

#[test]
fn a_word_of_a_megabyte_is_tokenized_in_bounded_time() {
    let Some(wordpiece) = wordpiece() else { return };
    assert_eq!(wordpiece.count(&"ab".repeat(250_000)).unwrap(), 1);
}

#[test]
fn json_that_is_no_tokenizer_is_refused_by_name_even_where_the_library_panics() {
    let shell = |decoder: &str, model: &str| {
        format!(
            r#"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,"pre_tokenizer":null,"post_processor":null,"decoder":{decoder},"model":{model}}}"#
        )
    };
    let words = r####"{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":9,"vocab":{"a":0}}"####;
    let files = [
        "".into(),
        "{".into(),
        "[]".into(),
        shell("null", "null"),
        shell("null", words),
        shell(r#"{"type":5}"#, words),
    ];
    for file in files {
        let error = WordPiece::parse("tokenizer.json", file.as_bytes()).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("tokenizer.json"), "{error}");
    }
}
