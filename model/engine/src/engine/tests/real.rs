//! Real weights, and synthetic ones of another family, against an independent implementation.

use candle_core::quantized::gguf_file::Content;
use candle_core::{Device, Tensor};
use candle_transformers::models::{quantized_llama, quantized_qwen2};

use super::*;
use crate::testing::model_file;
use crate::tokenizer::Bpe;

const TEXT: &str = "The river had carried sand past the town for as long as anyone could remember. In the spring of that \
    year the council decided to measure it, and asked a young engineer to build a gauge below the old bridge.";

fn bytes() -> Option<Vec<u8>> {
    Some(std::fs::read(model_file("smollm2-135m-instruct.q4_1.gguf")?).unwrap())
}

fn tokens(bytes: &[u8]) -> Vec<u32> {
    Bpe::from_gguf(&Gguf::parse("real", bytes).unwrap()).unwrap().ids(TEXT).unwrap()
}

/// Negative log-likelihood of a token, and the likeliest.
fn judge(logits: &[f32], next: u32) -> (f64, usize) {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - most).exp()).sum();
    let likeliest = logits.iter().position(|logit| *logit == most).unwrap();
    (sum.ln() - f64::from(logits[next as usize] - most), likeliest)
}

/// Logits of one token at a position.
type Forward = Box<dyn FnMut(&Tensor, usize) -> Tensor>;

/// The other implementation, one token at a time.
fn reference(bytes: &[u8], ids: &[u32]) -> Vec<(f64, usize)> {
    let mut reader = std::io::Cursor::new(bytes);
    let content = Content::read(&mut reader).unwrap();
    let is_qwen2 = content.metadata["general.architecture"].to_string().unwrap() == "qwen2";
    let mut forward: Forward = if is_qwen2 {
        let mut model = quantized_qwen2::ModelWeights::from_gguf(content, &mut reader, &Device::Cpu).unwrap();
        Box::new(move |input, position| model.forward(input, position).unwrap())
    } else {
        let mut model = quantized_llama::ModelWeights::from_gguf(content, &mut reader, &Device::Cpu).unwrap();
        Box::new(move |input, position| model.forward(input, position).unwrap())
    };
    let step = |(position, pair): (usize, &[u32])| {
        let input = Tensor::new(&pair[..1], &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let logits: Vec<f32> = forward(&input, position).squeeze(0).unwrap().to_vec1().unwrap();
        judge(&logits, pair[1])
    };
    ids.windows(2).enumerate().map(step).collect()
}

/// Mean negative log-likelihoods, the reference's and ours, and for how many of 1000 tokens the likeliest is the same.
fn compared(bytes: Vec<u8>, ids: &[u32]) -> (f64, f64, usize) {
    let expected = reference(&bytes, ids);
    let mut found = Vec::new();
    let mut rig = Rig::load(bytes, None, 1, 256).unwrap();
    rig.logits(&ids[..ids.len() - 1], |index, logits| found.push(judge(logits, ids[index + 1])));
    let mean = |all: &[(f64, usize)]| all.iter().map(|(nll, _)| nll).sum::<f64>() / all.len() as f64;
    let same = expected.iter().zip(&found).filter(|(left, right)| left.1 == right.1).count();
    (mean(&expected), mean(&found), same * 1000 / found.len())
}

#[test]
fn likelihoods_are_those_of_another_implementation() {
    for name in ["smollm2-135m-instruct.q4_1.gguf", "qwen2.5-0.5b-instruct.q4_k_m.gguf"] {
        let Some(path) = model_file(name) else { continue };
        let bytes = std::fs::read(path).unwrap();
        let ids = tokens(&bytes);
        let (theirs, ours, same) = compared(bytes, &ids);
        eprintln!(
            "{name}: mean negative log-likelihood {ours:.4}, reference {theirs:.4}; {same} of 1000 likeliest equal"
        );
        // Both quantize activations, at different places: that alone moves a likelihood by some tenths of a percent.
        assert!((ours / theirs - 1.0).abs() < 0.02);
        assert!(same >= 900);
    }
}

#[test]
fn a_family_with_biases_agrees_with_another_implementation_on_random_weights() {
    let shape = synthetic::Shape { mix: synthetic::Mix::All(synthetic::Kind::Q8_0), ..synthetic::Shape::tiny_qwen2() };
    let (theirs, ours, same) = compared(synthetic::gguf(&shape, 3), &numbers(64, 9, 300));
    assert!((ours / theirs - 1.0).abs() < 0.02, "{ours} {theirs}");
    assert!(same >= 900, "{same}");
}

#[test]
fn what_is_written_is_the_same_with_guesses_in_a_batch() {
    let Some(bytes) = bytes() else { return };
    let prompt = tokens(&bytes);
    let load = |drafts| {
        let model = Transformer::load(&mut Gguf::parse("real", &bytes).unwrap()).unwrap();
        let settings = Settings { drafts, cache_bytes: Some(100 << 20), ..Settings::default() };
        Engine::new(model, Threads::new().unwrap(), &settings).unwrap()
    };
    let expected = load(Drafts::Fixed(0)).generate(request(prompt.clone(), 24)).unwrap();
    let engine = load(Drafts::Fixed(3));
    let requests = (0..3).map(|number| request(prompt[..prompt.len() - number].to_vec(), 24));
    let written = engine.generate_all(requests.collect()).unwrap();
    assert_eq!(written[0], expected);
    assert_eq!(engine.generate(request(prompt, 24)).unwrap(), expected);
}
