//! Documents of several kinds; small model files: language models with random weights, a file of tensors, a vocabulary.

use precis_engine::synthetic::{self, Shape};
use serde_json::json;

use super::{Seed, seed};

pub fn seeds() -> Vec<Seed> {
    let llama = Shape {
        hidden: 64,
        feed_forward: 64,
        layers: 1,
        heads: 2,
        kv_heads: 1,
        head_width: 32,
        vocabulary: 32,
        context: 64,
        ..Shape::tiny_llama()
    };
    let qwen3 = Shape { feed_forward: 256, layers: 1, kv_heads: 1, vocabulary: 16, context: 64, ..Shape::tiny_qwen3() };
    let whole = synthetic::gguf(&llama, 1);
    let header = whole[..whole.len() / 8].to_vec();
    vec![
        seed("gguf/llama", whole),
        seed("gguf/cut", header),
        seed("gguf/qwen3", synthetic::gguf(&qwen3, 1)),
        seed("packed/vocabulary", packed()),
        seed("packed/cut", &packed()[..100]),
        seed("packed/long", [packed(), vec![0; 64]].concat()),
        seed("safetensors/empty", safetensors(&json!({}), 0)),
        seed("safetensors/norm", safetensors(&json!({ "embeddings.LayerNorm.weight": tensor(&[384], 0) }), 1536)),
        seed("safetensors/outside", safetensors(&json!({ "a": tensor(&[1 << 40, 4], 8) }), 16)),
        seed("segments/chat", CHAT),
        seed("segments/mail", MAIL),
        seed("segments/markdown", MARKDOWN),
        seed("segments/pages", PAGES),
        seed("segments/speech", SPEECH.repeat(4)),
        seed("segments/subtitles", SUBTITLES),
    ]
}

const CHAT: &str =
    "[12:03] Ana: when do we meet?\n[12:04] Bo: at five, z. B. at the gate\n12:05 - Ana joined\n[12:06] Ana: ok 👍\n";
const MAIL: &str = "From: Ana <ana@a.example>\nTo: Bo\nSubject: Gate\n\nHi Bo,\n\nThe gate is shut. Call Mr. Day at 5 p.m.\n\nRegards,\nAna\n--\nAna | +44 20 7946 0000\n\nOn 3 May Bo wrote:\n> Is it\n> open?\n>> Who has the key?\n";
const MARKDOWN: &str = "---\na: b\n---\n# Title\n[![x](y)](z)\n\n**Why?** Because. It is so.\n\nBring:\n- a\n- b c\n  1. d\n\n```\ncode\n```\n| a | b |\n<!-- hidden\n-->\n## Licence\nMIT\n";
const PAGES: &str = "REPORT OF THE BOARD      1\n\n   The board has con-\nsidered it and\n\nREPORT OF THE BOARD      2\n\nfound nothing. 今日は晴れ。นี่คือข้อความ هذا جيد؟\n\u{c}- 3 -\n";
const SPEECH: &str = "so hello everybody and this is what we do now we take the water and then you pour it over the stones so that they are clean okay ";
const SUBTITLES: &str =
    "WEBVTT\n\n1\n00:00:01,000 --> 00:00:04,200\nOne cue goes\n\n2\n00:00:04,300 --> 00:00:08,900\non here. Next\n";

fn tensor(shape: &[u64], start: u64) -> serde_json::Value {
    let end = start + 4 * shape.iter().product::<u64>();
    json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] })
}

fn safetensors(header: &serde_json::Value, data: usize) -> Vec<u8> {
    let header = header.to_string().into_bytes();
    [&(header.len() as u64).to_le_bytes()[..], &header, &vec![0; data]].concat()
}

/// A file of the multilingual embedding model with a small vocabulary and one tensor.
fn packed() -> Vec<u8> {
    const PIECES: [&str; 8] = ["<s>", "<pad>", "</s>", "<unk>", "\u{2581}", "\u{2581}Wo", "r", "早上"];
    let mut out = b"E5S1".to_vec();
    let mut words = |values: &[u32]| out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    words(&[1, 384, 12, 12, 1536, 250_037, 512, 2, 1e-12f32.to_bits(), 32, PIECES.len() as u32, 0, 2, 1, 3]);
    words(&[PIECES.concat().len() as u32, 0, 0]);
    let mut end = 0;
    for piece in PIECES {
        end += piece.len() as u32;
        words(&[end]);
    }
    words(&[(-1f32).to_bits(); PIECES.len()]);
    out.extend(PIECES.concat().bytes());
    // One character that becomes two.
    out.extend([1u32, 13, 'ﬁ' as u32].iter().flat_map(|value| value.to_le_bytes()));
    out.push(2);
    out.extend([u32::from(b'f'), u32::from(b'i'), 1].iter().flat_map(|value| value.to_le_bytes()));
    out.extend(7u16.to_le_bytes());
    out.extend(b"emb.pos\0");
    out.extend(1u32.to_le_bytes());
    out.extend([64u64, 4].iter().flat_map(|value| value.to_le_bytes()));
    out
}
