//! Small model files: language models with random weights, a file of tensors.

use precis_model::synthetic::{self, Shape};
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
        seed("safetensors/empty", safetensors(&json!({}), 0)),
        seed("safetensors/norm", safetensors(&json!({ "embeddings.LayerNorm.weight": tensor(&[384], 0) }), 1536)),
        seed("safetensors/outside", safetensors(&json!({ "a": tensor(&[1 << 40, 4], 8) }), 16)),
    ]
}

fn tensor(shape: &[u64], start: u64) -> serde_json::Value {
    let end = start + 4 * shape.iter().product::<u64>();
    json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] })
}

fn safetensors(header: &serde_json::Value, data: usize) -> Vec<u8> {
    let header = header.to_string().into_bytes();
    [&(header.len() as u64).to_le_bytes()[..], &header, &vec![0; data]].concat()
}
