#![allow(clippy::unwrap_used)]
use super::*;

const TEMPLATE: &str = "{% for m in messages %}<|im_start|>{{ m }}<|im_end|>{% endfor %}{% if enable_thinking %}<think></think>{% endif %}";

/// A metadata value of a GGUF file.
enum Value<'a> {
    Number(u32),
    Text(&'a str),
    Texts(&'a [&'a str]),
    Numbers(&'a [i32]),
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// A GGUF file without tensors.
fn gguf(metadata: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut out = b"GGUF\x03\0\0\0".to_vec();
    out.extend(0u64.to_le_bytes());
    out.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        string(&mut out, key);
        match value {
            Value::Number(number) => {
                out.extend(4u32.to_le_bytes());
                out.extend(number.to_le_bytes());
            }
            Value::Text(text) => {
                out.extend(8u32.to_le_bytes());
                string(&mut out, text);
            }
            Value::Texts(texts) => {
                out.extend([9u32, 8].iter().flat_map(|n| n.to_le_bytes()));
                out.extend((texts.len() as u64).to_le_bytes());
                texts.iter().for_each(|text| string(&mut out, text));
            }
            Value::Numbers(numbers) => {
                out.extend([9u32, 5].iter().flat_map(|n| n.to_le_bytes()));
                out.extend((numbers.len() as u64).to_le_bytes());
                out.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
            }
        }
    }
    out
}

/// A file with the sizes of [`manifest`], and with one key changed.
fn file(changed: &str, value: Value<'_>) -> Vec<u8> {
    let mut metadata = vec![
        ("general.architecture", Value::Text("qwen3")),
        ("general.file_type", Value::Number(15)),
        ("qwen3.block_count", Value::Number(2)),
        ("qwen3.embedding_length", Value::Number(256)),
        ("qwen3.feed_forward_length", Value::Number(512)),
        ("qwen3.attention.head_count", Value::Number(8)),
        ("qwen3.attention.head_count_kv", Value::Number(2)),
        ("qwen3.attention.key_length", Value::Number(64)),
        ("tokenizer.ggml.model", Value::Text("gpt2")),
        ("tokenizer.ggml.pre", Value::Text("smollm")),
        ("tokenizer.ggml.tokens", Value::Texts(&["<|im_start|>", "<|im_end|>", "a", "b"])),
        ("tokenizer.ggml.token_type", Value::Numbers(&[3, 3, 1, 1])),
        ("tokenizer.ggml.merges", Value::Texts(&[])),
        ("tokenizer.ggml.eos_token_id", Value::Number(1)),
        ("tokenizer.chat_template", Value::Text(TEMPLATE)),
    ];
    for entry in &mut metadata {
        if entry.0 == changed {
            entry.1 = value;
            break;
        }
    }
    gguf(&metadata)
}

fn sound() -> Vec<u8> {
    file("general.architecture", Value::Text("qwen3"))
}

/// The manifest of a small model, not filled in.
fn manifest() -> String {
    let text = manifest::ALL.iter().find(|(name, _)| *name == "qwen3-1.7b").unwrap().1;
    [("layers = 28", "layers = 2"), ("hidden = 2048", "hidden = 256"), ("feed_forward = 6144", "feed_forward = 512")]
        .into_iter()
        .chain([("heads = 16", "heads = 8"), ("kv_heads = 8", "kv_heads = 2"), ("head_width = 128", "head_width = 64")])
        .chain([("vocabulary = 151936", "vocabulary = 4"), ("qwen3-1.7b", "small")])
        .fold(text.to_owned(), |text, (from, to)| {
            text.replace(&format!("\n{from}"), &format!("\n{to}")).replace("qwen3-1.7b", "small")
        })
}

fn try_fill(bytes: &[u8], name: Option<&str>) -> Result<Filled, LoadError> {
    let text = manifest();
    fill_one_of(&[manifest::SMOLLM2, ("small", &text)], bytes, name)
}

fn refusal(bytes: &[u8], name: Option<&str>) -> String {
    try_fill(bytes, name).map(|filled| filled.text).unwrap_err().to_string()
}

#[test]
fn a_file_fills_in_the_manifest_that_has_its_sizes() {
    let bytes = sound();
    for name in [None, Some("small")] {
        let filled = try_fill(&bytes, name).unwrap();
        let file = filled.manifest.file(Role::LanguageModel).unwrap();
        assert_eq!(
            (file.bytes, file.sha256.as_str()),
            (bytes.len() as u64, hex::encode(Sha256::digest(&bytes)).as_str())
        );
        let chat = filled.manifest.chat.as_ref().unwrap();
        assert_eq!(chat.template_sha256, hex::encode(Sha256::digest(TEMPLATE)));
        assert_eq!(filled.manifest.digest(), <[u8; 32]>::from(Sha256::digest(&filled.text)));
        assert!(filled.manifest.is_filled() && !filled.text.contains("Not deployable"), "{}", filled.text);
    }
}

#[test]
fn what_was_filled_in_is_installed_beside_its_weights_and_selected_from_there() {
    let (directory, bytes) = (tempfile::tempdir().unwrap(), sound());
    let models = directory.path().join("models");
    let filled = try_fill(&bytes, None).unwrap();
    filled.install(&models, &bytes).unwrap();
    filled.install(&models, &bytes).unwrap();
    let file = filled.manifest.file(Role::LanguageModel).unwrap();
    assert_eq!(crate::weights::read_verified(&models, file).unwrap(), bytes);
    assert_eq!(Manifest::select(&models, "small.toml").unwrap(), filled.manifest);
    assert_eq!(std::fs::read_dir(&models).unwrap().count(), 2, "nothing but weights and manifest");
}

#[test]
fn a_file_of_another_size_is_refused_with_both_sizes() {
    for key in ["qwen3.block_count", "qwen3.attention.key_length", "general.file_type"] {
        let other = file(key, Value::Number(3));
        assert!(refusal(&other, Some("small")).contains("vocabulary: 4"), "{key}");
        assert!(refusal(&other, None).contains("no manifest has its sizes"), "{key}");
    }
    let other = file("general.architecture", Value::Text("llama"));
    assert!(refusal(&other, Some("small")).contains("llama.embedding_length"));
}

#[test]
fn a_file_without_the_tokenizer_or_the_template_it_needs_is_refused() {
    let none = file("tokenizer.chat_template", Value::Number(1));
    assert!(refusal(&none, None).contains("tokenizer.chat_template"));
    let plain = file("tokenizer.chat_template", Value::Text("{{ messages }}"));
    assert!(refusal(&plain, None).contains("<|im_start|>"));
    let thoughtless = file("tokenizer.chat_template", Value::Text("<|im_start|><|im_end|>"));
    assert!(refusal(&thoughtless, None).contains("enable_thinking"));
    let foreign = file("tokenizer.ggml.pre", Value::Text("unheard-of"));
    assert!(refusal(&foreign, None).contains("unheard-of"));
    let text = file("tokenizer.ggml.token_type", Value::Numbers(&[1, 3, 1, 1]));
    assert!(refusal(&text, None).contains("no control token <|im_start|>"));
}

#[test]
fn what_is_no_gguf_file_or_has_its_weights_pinned_already_is_refused() {
    assert!(refusal(b"no model", None).contains("cannot be used"));
    assert!(refusal(&sound(), Some("smollm2-135m-instruct")).contains("pinned already"));
    assert!(refusal(&sound(), Some("other")).contains("no model is called other"));
}
