//! Shapes of models: sizes, metadata, and which tensor has which type.

use super::tensor::{Tensor, Value};
use crate::gguf::Kind;

/// Which tensor has which type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// All matrices the same.
    All(Kind),
    /// One type for the layers, another for the embedding: (layers, embedding).
    Two(Kind, Kind),
    /// What is published as `Q4_K_M`: Q6_K for the embedding and, in half of the layers, for the values and the second
    /// matrix of the feed-forward part; Q4_K for the rest.
    Q4KM,
}

/// Sizes of a model. Without a matrix of its own the output uses the embedding.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// `llama`, `qwen2`, `qwen3` or `phi3`.
    pub architecture: &'static str,
    /// Width of a token's vector.
    pub hidden: usize,
    /// Width inside the feed-forward part.
    pub feed_forward: usize,
    /// Layers.
    pub layers: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_width: usize,
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
    /// Most positions.
    pub context: usize,
    /// Base of the rotary frequencies.
    pub rope_base: f32,
    /// Added to the mean square in a norm.
    pub epsilon: f32,
    /// Types of the matrices.
    pub mix: Mix,
    /// Whether the output has a matrix of its own.
    pub own_output: bool,
}

impl Shape {
    /// SmolLM2-135M as published with Q4_1 weights, 98 MB.
    pub fn smollm2_135m() -> Self {
        Self {
            architecture: "llama",
            hidden: 576,
            feed_forward: 1536,
            layers: 30,
            heads: 9,
            kv_heads: 3,
            head_width: 64,
            vocabulary: 49_152,
            context: 8192,
            rope_base: 100_000.0,
            epsilon: 1e-5,
            mix: Mix::Two(Kind::Q4_1, Kind::Q8_0),
            own_output: false,
        }
    }

    /// Qwen3-0.6B, Q4_K_M, 0.4 GB.
    pub fn qwen3_0_6b() -> Self {
        Self {
            architecture: "qwen3",
            hidden: 1024,
            feed_forward: 3072,
            layers: 28,
            heads: 16,
            kv_heads: 8,
            head_width: 128,
            vocabulary: 151_936,
            context: 40_960,
            rope_base: 1e6,
            epsilon: 1e-6,
            mix: Mix::Q4KM,
            own_output: false,
        }
    }

    /// Qwen3-1.7B, Q4_K_M, 1.1 GB.
    pub fn qwen3_1_7b() -> Self {
        Self { hidden: 2048, feed_forward: 6144, ..Self::qwen3_0_6b() }
    }

    /// Qwen3-4B-Instruct-2507, Q4_K_M, 2.5 GB.
    pub fn qwen3_4b() -> Self {
        let (hidden, feed_forward, layers, heads) = (2560, 9728, 36, 32);
        Self { hidden, feed_forward, layers, heads, context: 262_144, rope_base: 5e6, ..Self::qwen3_0_6b() }
    }

    /// A llama that answers in microseconds.
    pub fn tiny_llama() -> Self {
        Self {
            hidden: 256,
            feed_forward: 256,
            layers: 2,
            heads: 8,
            kv_heads: 4,
            head_width: 32,
            vocabulary: 320,
            context: 1024,
            ..Self::smollm2_135m()
        }
    }

    /// A qwen3 that answers in microseconds; its heads together are wider than its tokens' vectors.
    pub fn tiny_qwen3() -> Self {
        Self {
            hidden: 256,
            feed_forward: 512,
            layers: 2,
            heads: 8,
            kv_heads: 2,
            head_width: 64,
            vocabulary: 320,
            context: 1024,
            own_output: true,
            ..Self::qwen3_0_6b()
        }
    }

    /// Qwen2.5-1.5B, Q4_K_M, 1.1 GB.
    pub fn qwen2_1_5b() -> Self {
        Self {
            architecture: "qwen2",
            hidden: 1536,
            feed_forward: 8960,
            heads: 12,
            kv_heads: 2,
            context: 32_768,
            own_output: true,
            ..Self::qwen3_0_6b()
        }
    }

    /// A qwen2 that answers in microseconds.
    pub fn tiny_qwen2() -> Self {
        Self { architecture: "qwen2", heads: 4, ..Self::tiny_qwen3() }
    }

    /// A phi3 that answers in microseconds.
    pub fn tiny_phi3() -> Self {
        let (heads, kv_heads, rope_base) = (8, 4, 10_000.0);
        Self { architecture: "phi3", heads, kv_heads, head_width: 32, rope_base, context: 4096, ..Self::tiny_qwen3() }
    }

    /// The shape with this name: `smollm2-135m`, `qwen2.5-1.5b`, `qwen3-0.6b`, `qwen3-1.7b`, `qwen3-4b`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "smollm2-135m" => Self::smollm2_135m(),
            "qwen2.5-1.5b" => Self::qwen2_1_5b(),
            "qwen3-0.6b" => Self::qwen3_0_6b(),
            "qwen3-1.7b" => Self::qwen3_1_7b(),
            "qwen3-4b" => Self::qwen3_4b(),
            _ => return None,
        })
    }

    pub(super) fn metadata(&self) -> Vec<(String, Value)> {
        let number = |value: usize| Value::Number(u32::try_from(value).unwrap_or(u32::MAX));
        // Other readers of the format ask which tokenizer it is; there is none.
        let mut all = vec![
            ("general.architecture".into(), Value::Text(self.architecture.to_owned())),
            ("tokenizer.ggml.model".into(), Value::Text("none".to_owned())),
        ];
        let mut own = |key: &str, value| all.push((format!("{}.{key}", self.architecture), value));
        own("block_count", number(self.layers));
        own("context_length", number(self.context));
        own("embedding_length", number(self.hidden));
        own("feed_forward_length", number(self.feed_forward));
        own("attention.head_count", number(self.heads));
        own("attention.head_count_kv", number(self.kv_heads));
        own("attention.layer_norm_rms_epsilon", Value::Float(self.epsilon));
        own("rope.freq_base", Value::Float(self.rope_base));
        own("vocab_size", number(self.vocabulary));
        if self.architecture == "phi3" {
            own("attention.sliding_window", number(2047));
        }
        if self.architecture == "qwen3" {
            own("attention.key_length", number(self.head_width));
            own("attention.value_length", number(self.head_width));
        } else if matches!(self.architecture, "llama" | "phi3") {
            own("rope.dimension_count", number(self.head_width));
        }
        all
    }

    pub(super) fn tensors(&self) -> Vec<Tensor> {
        let (queries, keys) = (self.heads * self.head_width, self.kv_heads * self.head_width);
        let (of_layers, of_embedding) = match self.mix {
            Mix::All(kind) => (kind, kind),
            Mix::Two(layers, embedding) => (layers, embedding),
            Mix::Q4KM => (Kind::Q4K, Kind::Q6K),
        };
        let matrix = |name: String, kind, rows, cols| Tensor { name, kind, rows, cols, is_norm: false };
        let norm = |name: String, cols| Tensor { name, kind: Kind::F32, rows: 1, cols, is_norm: true };
        let mut all = vec![matrix("token_embd.weight".into(), of_embedding, self.vocabulary, self.hidden)];
        for layer in 0..self.layers {
            let name = |part: &str| format!("blk.{layer}.{part}.weight");
            let fine = if self.mix == Mix::Q4KM && self.is_fine(layer) { Kind::Q6K } else { of_layers };
            all.push(norm(name("attn_norm"), self.hidden));
            if self.architecture == "phi3" {
                // Three matrices in one, and two in the feed-forward part.
                all.push(matrix(name("attn_qkv"), of_layers, queries + 2 * keys, self.hidden));
                all.push(matrix(name("attn_output"), of_layers, self.hidden, queries));
                all.push(norm(name("ffn_norm"), self.hidden));
                all.push(matrix(name("ffn_up"), of_layers, 2 * self.feed_forward, self.hidden));
                all.push(matrix(name("ffn_down"), fine, self.hidden, self.feed_forward));
                continue;
            }
            all.push(matrix(name("attn_q"), of_layers, queries, self.hidden));
            all.push(matrix(name("attn_k"), of_layers, keys, self.hidden));
            all.push(matrix(name("attn_v"), fine, keys, self.hidden));
            if self.architecture == "qwen2" {
                let bias = |part: &str, cols| norm(format!("blk.{layer}.{part}.bias"), cols);
                all.extend([bias("attn_q", queries), bias("attn_k", keys), bias("attn_v", keys)]);
            }
            all.push(matrix(name("attn_output"), of_layers, self.hidden, queries));
            if self.architecture == "qwen3" {
                all.push(norm(name("attn_q_norm"), self.head_width));
                all.push(norm(name("attn_k_norm"), self.head_width));
            }
            all.push(norm(name("ffn_norm"), self.hidden));
            all.push(matrix(name("ffn_gate"), of_layers, self.feed_forward, self.hidden));
            all.push(matrix(name("ffn_up"), of_layers, self.feed_forward, self.hidden));
            all.push(matrix(name("ffn_down"), fine, self.hidden, self.feed_forward));
        }
        all.push(norm("output_norm.weight".into(), self.hidden));
        if self.own_output {
            all.push(matrix("output.weight".into(), of_embedding, self.vocabulary, self.hidden));
        }
        all
    }

    /// Whether a layer is one of those that get more bits: the first and the last eighth, and every third between.
    fn is_fine(&self, layer: usize) -> bool {
        let eighth = self.layers / 8;
        layer < eighth || layer >= 7 * self.layers / 8 || (layer - eighth) % 3 == 2
    }
}
