//! Language models that candle computes, from a manifest in the model directory to a summary.

use std::path::Path;

use precis_engine::synthetic::{self, Shape, Value};
use precis_summarize::{Control, Error, Models, Options, Reason, SMALLEST_MODEL, load_named};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::common::{directory, models};

const ARTICLE: &str = include_str!("article.txt");

/// The manifest of the smallest model, as it is compiled in.
const SMALLEST: &str = include_str!("../../manifests/smollm2-135m-instruct.toml");

/// A model directory with the files of the smallest model and this manifest beside them.
fn beside(manifest: &str) -> TempDir {
    let place = TempDir::new().unwrap();
    for file in ["all-minilm-l6-v2.safetensors", "all-minilm-l6-v2.tokenizer.json", "smollm2-135m-instruct.q4_1.gguf"] {
        std::os::unix::fs::symlink(directory().canonicalize().unwrap().join(file), place.path().join(file)).unwrap();
    }
    std::fs::write(place.path().join("other.toml"), manifest).unwrap();
    place
}

fn parameters(models: &Models) -> serde_json::Value {
    models.abstractive.parameters()
}

#[test]
fn a_manifest_that_names_candle_is_computed_by_candle_and_its_parameters_say_so() {
    let Some(own) = models() else { return };
    let manifest = SMALLEST.replacen("\n[chat]", "backend = \"candle\"\n\n[chat]", 1);
    let candle = load_named(beside(&manifest).path(), "other.toml").unwrap();
    let backend = parameters(&candle)["backend"].as_str().unwrap().to_owned();
    assert!(backend.starts_with("candle 0.") && backend.ends_with(" cpu"), "{backend}");
    assert_eq!(parameters(own)["backend"], "precis");

    // candle takes its time: a few sentences do.
    let article: String = ARTICLE.split_inclusive("\n\n").take(4).collect();
    let options = Options { max_sentences: Some(1), ..Options::default() };
    let write = |models: &Models| models.abstractive.summarize(&article, &options, &Control::new()).unwrap();
    let (theirs, ours) = (write(&candle), write(own));
    assert_eq!((theirs.input_tokens, theirs.tokens_read), (ours.input_tokens, ours.tokens_read));
    assert!(theirs.sentences.len() == 1, "{}", theirs.text);
    assert!(candle.abstractive.speed().written_per_second > 0.0);
}

#[test]
fn a_device_or_a_back_end_that_is_not_there_is_refused() {
    if models().is_none() {
        return;
    }
    let refused = |backend: &str| {
        let manifest = SMALLEST.replacen("\n[chat]", &format!("backend = \"{backend}\"\n\n[chat]"), 1);
        load_named(beside(&manifest).path(), "other.toml").err().unwrap().to_string()
    };
    if !cfg!(feature = "cuda") {
        let text = refused("candle-cuda");
        assert!(text.contains("the feature `cuda` is off"), "{text}");
    }
    let text = refused("onnx");
    assert!(text.contains("unknown variant `onnx`"), "{text}");
}

/// A small vocabulary of the kind that Phi-3 has.
#[derive(serde::Deserialize)]
struct Vocabulary {
    tokens: Vec<String>,
    scores: Vec<f32>,
    types: Vec<i32>,
}

/// A file that is built as Phi-3 is, with random weights and a window of so many positions.
fn phi(window: u32) -> Vec<u8> {
    let vocabulary = include_str!("../../../tests/vectors/tokenizer/sentencepiece.json");
    let Vocabulary { tokens, scores, types } = serde_json::from_str(vocabulary).unwrap();
    let shape = Shape { vocabulary: tokens.len(), context: 32_768, ..Shape::tiny_phi3() };
    let more = [
        ("phi3.attention.sliding_window", Value::Number(window)),
        ("tokenizer.ggml.model", Value::Text("llama".to_owned())),
        ("tokenizer.ggml.tokens", Value::Texts(tokens)),
        ("tokenizer.ggml.scores", Value::Floats(scores)),
        ("tokenizer.ggml.token_type", Value::Integers(types)),
        ("tokenizer.ggml.add_bos_token", Value::Flag(true)),
        ("tokenizer.ggml.bos_token_id", Value::Number(2)),
        ("tokenizer.ggml.eos_token_id", Value::Number(1)),
        ("tokenizer.chat_template", Value::Text("a template".to_owned())),
    ];
    synthetic::gguf_with(&shape, 3, &more)
}

/// Load such a file by a manifest for it.
fn load_phi(place: &Path, bytes: &[u8]) -> Result<Models, String> {
    std::fs::write(place.join("phi.gguf"), bytes).unwrap();
    let digest = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let embedding = SMALLEST.split_once("[[files]]").unwrap().1.split_once("[[files]]").unwrap().1;
    let manifest = format!(
        "name = \"phi\"\nmode = \"abstractive\"\ntitle = \"random\"\nlicence = \"Apache-2.0\"\nbackend = \"candle\"\n\
         [chat]\nformat = \"phi3\"\ntemplate_sha256 = \"{}\"\n\
         [[files]]\nname = \"phi.gguf\"\nrole = \"language-model\"\nbytes = {}\nsha256 = \"{}\"\n[[files]]{embedding}",
        digest(b"a template"),
        bytes.len(),
        digest(bytes),
    );
    std::fs::write(place.join("other.toml"), manifest).unwrap();
    load_named(place, "other.toml").map_err(|error| error.to_string())
}

#[test]
fn a_family_that_only_candle_computes_is_loaded_and_writes_within_its_window() {
    if models().is_none() {
        return;
    }
    let place = beside("");
    let phi = phi(1024);
    let models = load_phi(place.path(), &phi).unwrap();
    let text = format!("{ARTICLE}\n\n").repeat(4);
    // Random weights write nothing that stands up to the checks, so quotations take its place, or nothing does. The text is
    // longer than the window, so it is read in parts.
    match models.abstractive.summarize(&text, &Options::default(), &Control::new()) {
        Ok(summary) => {
            assert!(summary.chunks > 1 && summary.sentences.iter().all(|sentence| sentence.source.is_some()))
        }
        Err(error) => assert_eq!(error, Error::NotSummarizable(Reason::NoSummary)),
    }
    let own = load_named(place.path(), SMALLEST_MODEL).unwrap();
    assert_ne!(parameters(&own), parameters(&models));
}

#[test]
fn a_window_that_no_part_of_a_document_fits_is_refused() {
    if models().is_none() {
        return;
    }
    let place = beside("");
    let refused = load_phi(place.path(), &phi(512)).err().unwrap();
    assert!(refused.contains("512 tokens is too short"), "{refused}");
}
