//! Architectures that candle computes, and what of a file each of them respects. candle passes over metadata that it does
//! not know; a feature that is passed over does not fail, it writes nonsense. So what is not listed is refused.

use std::io::Cursor;

use candle_core::quantized::gguf_file::Content;
use candle_core::{Device, Result, Tensor};
use candle_transformers::models::{quantized_lfm2, quantized_llama, quantized_phi3, quantized_qwen2, quantized_qwen3};
use precis_engine::{Gguf, LoadError};

use crate::pieces::Reading;

/// Keys below the architecture's name that every family respects, or that only repeat what the tensors say.
const COMMON_KEYS: [&str; 12] = [
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_rms_epsilon",
    "attention.value_length",
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "rope.dimension_count",
    "rope.freq_base",
    "vocab_size",
];

/// An architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Lfm2,
    Llama,
    Phi3,
    Qwen2,
    Qwen3,
}

impl Family {
    const ALL: [(&'static str, Self); 5] = [
        ("lfm2", Self::Lfm2),
        ("llama", Self::Llama),
        ("phi3", Self::Phi3),
        ("qwen2", Self::Qwen2),
        ("qwen3", Self::Qwen3),
    ];
    /// Architectures that candle reads and this build refuses, with the reason.
    const REFUSED: [(&'static str, &'static str); 4] = [
        ("gemma3", "candle computes it with another activation than it was trained with"),
        ("glm4", "no chat format of this build fits it"),
        ("phi2", "no chat format of this build fits it"),
        ("qwen3moe", "candle cannot begin a new sequence with it"),
    ];

    /// The family of a file all of whose features candle respects.
    pub(crate) fn of(gguf: &Gguf<'_>) -> std::result::Result<Self, LoadError> {
        let architecture = gguf.string("general.architecture")?;
        let Some((_, family)) = Self::ALL.iter().find(|(name, _)| *name == architecture) else {
            let refused = Self::REFUSED.iter().find(|(name, _)| *name == architecture);
            if let Some((_, reason)) = refused {
                return Err(gguf.unusable(format_args!("architecture {architecture:?}: {reason}")));
            }
            let known = Self::ALL.map(|(name, _)| name).join(", ");
            let reason = format_args!("architecture {architecture:?} is not known to candle; {known} are");
            return Err(gguf.unusable(reason));
        };
        let own = |key| Some((key, str::strip_prefix(key, architecture)?.strip_prefix('.')?));
        let is_known = |name: &str| COMMON_KEYS.contains(&name) || family.own_keys().contains(&name);
        if let Some((key, _)) = gguf.keys().filter_map(own).find(|(_, name)| !is_known(name)) {
            return Err(gguf.unusable(format_args!("{key} is a feature that candle passes over")));
        }
        if let Some(name) = gguf.tensor_names().find(|name| name.starts_with("rope_")) {
            return Err(gguf.unusable(format_args!("{name} stretches its positions, which candle passes over")));
        }
        // candle has this number in its code.
        let base = format!("{architecture}.rope.freq_base");
        if *family == Self::Phi3 && gguf.float(&base).is_ok_and(|found| found != 10_000.0) {
            return Err(gguf.unusable(format_args!("{base} is not 10,000, the base that candle computes with")));
        }
        Ok(*family)
    }

    fn own_keys(self) -> &'static [&'static str] {
        match self {
            Self::Lfm2 => &["shortconv.l_cache"],
            // The second says how long the files of its training were, and stretches nothing by itself.
            Self::Phi3 => &["attention.sliding_window", "rope.scaling.original_context_length"],
            Self::Llama | Self::Qwen2 | Self::Qwen3 => &[],
        }
    }

    /// Most positions that candle computes right: the window of attention of Phi-3, which it passes over.
    pub(crate) fn window(self, gguf: &Gguf<'_>) -> Option<usize> {
        (self == Self::Phi3).then(|| gguf.number("phi3.attention.sliding_window").ok()).flatten()
    }

    /// The pieces in which a prompt is read.
    pub(crate) fn reading(self) -> Reading {
        match self {
            // Its convolutions begin anew with every piece of more than one token.
            Self::Lfm2 => Reading::FirstAndSingles,
            _ => Reading::Pieces,
        }
    }
}

/// A model of one of the families, with the keys and values of one sequence.
pub(crate) enum Network {
    Lfm2(quantized_lfm2::ModelWeights),
    Llama(quantized_llama::ModelWeights),
    Phi3(quantized_phi3::ModelWeights),
    Qwen2(quantized_qwen2::ModelWeights),
    Qwen3(quantized_qwen3::ModelWeights),
}

impl Network {
    /// Copy the weights of a file to a device.
    pub(crate) fn load(family: Family, content: Content, file: &mut Cursor<&[u8]>, device: &Device) -> Result<Self> {
        Ok(match family {
            Family::Lfm2 => Self::Lfm2(quantized_lfm2::ModelWeights::from_gguf(content, file, device)?),
            Family::Llama => Self::Llama(quantized_llama::ModelWeights::from_gguf(content, file, device)?),
            Family::Phi3 => Self::Phi3(quantized_phi3::ModelWeights::from_gguf(false, content, file, device)?),
            Family::Qwen2 => Self::Qwen2(quantized_qwen2::ModelWeights::from_gguf(content, file, device)?),
            Family::Qwen3 => Self::Qwen3(quantized_qwen3::ModelWeights::from_gguf(content, file, device)?),
        })
    }

    /// The logits after the last of `tokens`, which stand from `position` on. Position 0 begins a new sequence.
    pub(crate) fn forward(&mut self, tokens: &Tensor, position: usize) -> Result<Tensor> {
        match self {
            Self::Lfm2(model) => model.forward(tokens, position),
            Self::Llama(model) => model.forward(tokens, position),
            Self::Phi3(model) => model.forward(tokens, position),
            Self::Qwen2(model) => model.forward(tokens, position),
            Self::Qwen3(model) => {
                if position == 0 {
                    model.clear_kv_cache();
                }
                model.forward(tokens, position)
            }
        }
    }
}
