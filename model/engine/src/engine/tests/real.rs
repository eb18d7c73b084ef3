//! The demonstration model's real weights, against an independent implementation.

use candle_core::quantized::gguf_file::Content;
use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_llama::ModelWeights;

use super::*;
use crate::testing::model_file;
use crate::tokenizer::ByteLevelBpe;

const TEXT: &str = "The river had carried sand past the town for as long as anyone could remember. In the spring of that \
    year the council decided to measure it, and asked a young engineer to build a gauge below the old bridge.";

fn bytes() -> Option<Vec<u8>> {
    Some(std::fs::read(model_file("smollm2-135m-instruct.q4_1.gguf")?).unwrap())
}

fn tokens(bytes: &[u8]) -> Vec<u32> {
    ByteLevelBpe::from_gguf(&Gguf::parse("real", bytes).unwrap()).unwrap().ids(TEXT).unwrap()
}

/// Negative log-likelihood of a token, and the likeliest.
fn judge(logits: &[f32], next: u32) -> (f64, usize) {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - most).exp()).sum();
    let likeliest = logits.iter().position(|logit| *logit == most).unwrap();
    (sum.ln() - f64::from(logits[next as usize] - most), likeliest)
}

fn reference(bytes: &[u8], ids: &[u32]) -> Vec<(f64, usize)> {
    let mut reader = std::io::Cursor::new(bytes);
    let content = Content::read(&mut reader).unwrap();
    let mut model = ModelWeights::from_gguf(content, &mut reader, &Device::Cpu).unwrap();
    let pairs = ids.windows(2).enumerate();
    let step = |(position, pair): (usize, &[u32])| {
        let input = Tensor::new(&pair[..1], &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let logits: Vec<f32> = model.forward(&input, position).unwrap().squeeze(0).unwrap().to_vec1().unwrap();
        judge(&logits, pair[1])
    };
    pairs.map(step).collect()
}

#[test]
fn likelihoods_are_those_of_another_implementation() {
    let Some(bytes) = bytes() else { return };
    let ids = tokens(&bytes);
    let expected = reference(&bytes, &ids);
    let mut found = Vec::new();
    let mut rig = Rig::load(bytes, None, 1, 256).unwrap();
    rig.logits(&ids[..ids.len() - 1], |index, logits| found.push(judge(logits, ids[index + 1])));
    let mean = |all: &[(f64, usize)]| all.iter().map(|(nll, _)| nll).sum::<f64>() / all.len() as f64;
    let same = expected.iter().zip(&found).filter(|(left, right)| left.1 == right.1).count();
    let (theirs, ours) = (mean(&expected), mean(&found));
    eprintln!(
        "mean negative log-likelihood {ours:.4}, reference {theirs:.4}; {same} of {} likeliest equal",
        found.len()
    );
    // Both quantize activations, at different places: that alone moves a likelihood by some tenths of a percent.
    assert!((ours / theirs - 1.0).abs() < 0.02);
    assert!(same * 100 >= found.len() * 90);
}

#[test]
fn what_is_written_is_the_same_with_guesses_in_a_batch_and_behind_a_prefix() {
    let Some(bytes) = bytes() else { return };
    let prompt = tokens(&bytes);
    let load = |drafts| {
        let model = Transformer::load(&mut Gguf::parse("real", &bytes).unwrap()).unwrap();
        let settings = Settings { drafts, cache_bytes: Some(100 << 20), ..Settings::default() };
        Engine::new(model, Threads::new().unwrap(), &settings).unwrap()
    };
    let expected = load(Drafts::Fixed(0)).generate(request(prompt.clone(), 24)).unwrap();
    let engine = load(Drafts::Fixed(3));
    let kept = engine.prefix(prompt[..20].to_vec(), Payer([1; 32]), Control::new()).unwrap();
    let requests = (0..3).map(|number| match number {
        0 => Request { prefix: Some(&kept), ..request(prompt.clone(), 24) },
        _ => request(prompt[..prompt.len() + 1 - number].to_vec(), 24),
    });
    let written = engine.generate_all(requests.collect()).unwrap();
    assert_eq!(written[0], expected);
    assert_eq!(written[1], expected);
    assert_eq!(engine.generate(request(prompt, 24)).unwrap(), expected);
}
