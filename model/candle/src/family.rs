//! Architectures that candle computes, and what of a file each of them respects. candle passes over metadata that it does
//! not know; a feature that is passed over does not fail, it writes nonsense. So what is not listed is refused.

use std::io::Cursor;

use candle_core::quantized::gguf_file::Content;
use candle_core::{DType, Device, Result, Tensor};
use candle_transformers::models::{
    quantized_gemma3, quantized_glm4, quantized_lfm2, quantized_llama, quantized_phi, quantized_phi3, quantized_qwen2,
    quantized_qwen3,
};
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
    Gemma3,
    Glm4,
    Lfm2,
    Llama,
    Phi2,
    Phi3,
    Qwen2,
    Qwen3,
}

impl Family {
    const ALL: [(&'static str, Self); 8] = [
        ("gemma3", Self::Gemma3),
        ("glm4", Self::Glm4),
        ("lfm2", Self::Lfm2),
        ("llama", Self::Llama),
        ("phi2", Self::Phi2),
        ("phi3", Self::Phi3),
        ("qwen2", Self::Qwen2),
        ("qwen3", Self::Qwen3),
    ];

    /// The family of a file all of whose features candle respects.
    pub(crate) fn of(gguf: &Gguf<'_>) -> std::result::Result<Self, LoadError> {
        let architecture = gguf.string("general.architecture")?;
        let Some((_, family)) = Self::ALL.iter().find(|(name, _)| *name == architecture) else {
            let known = Self::ALL.map(|(name, _)| name).join(", ");
            let reason = format_args!("candle has no quantized architecture {architecture:?}; it has {known}");
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
        if matches!(family, Self::Phi2 | Self::Phi3) && gguf.float(&base).is_ok_and(|found| found != 10_000.0) {
            return Err(gguf.unusable(format_args!("{base} is another one than candle computes with")));
        }
        Ok(*family)
    }

    fn own_keys(self) -> &'static [&'static str] {
        match self {
            Self::Gemma3 => &["attention.sliding_window"],
            Self::Lfm2 => &["shortconv.l_cache"],
            Self::Phi2 => &["attention.layer_norm_epsilon"],
            // The second says how long the files of its training were, and stretches nothing by itself.
            Self::Phi3 => &["attention.sliding_window", "rope.scaling.original_context_length"],
            Self::Glm4 | Self::Llama | Self::Qwen2 | Self::Qwen3 => &[],
        }
    }

    /// Most positions that candle computes right: the window of attention of a family whose window it passes over, Phi-3
    /// always and Gemma 3 while it writes.
    pub(crate) fn window(self, gguf: &Gguf<'_>) -> Option<usize> {
        let key = match self {
            Self::Gemma3 => "gemma3.attention.sliding_window",
            Self::Phi3 => "phi3.attention.sliding_window",
            _ => return None,
        };
        gguf.number(key).ok()
    }

    /// How a prompt is read.
    pub(crate) fn reading(self) -> Reading {
        match self {
            // Its mask for a piece is of another type than that of what was read before, which candle refuses.
            Self::Gemma3 => Reading::Whole,
            // Its convolutions begin anew with every piece of more than one token.
            Self::Lfm2 => Reading::FirstAndSingles,
            _ => Reading::Pieces,
        }
    }
}

/// A model of one of the families, with the keys and values of one sequence.
pub(crate) enum Network {
    Gemma3(quantized_gemma3::ModelWeights),
    Glm4(quantized_glm4::ModelWeights),
    Lfm2(quantized_lfm2::ModelWeights),
    Llama(quantized_llama::ModelWeights),
    Phi2(quantized_phi::ModelWeights),
    Phi3(quantized_phi3::ModelWeights),
    Qwen2(quantized_qwen2::ModelWeights),
    Qwen3(quantized_qwen3::ModelWeights),
}

impl Network {
    /// Copy the weights of a file to a device.
    pub(crate) fn load(family: Family, content: Content, file: &mut Cursor<&[u8]>, device: &Device) -> Result<Self> {
        Ok(match family {
            Family::Gemma3 => Self::Gemma3(quantized_gemma3::ModelWeights::from_gguf(content, file, device)?),
            Family::Glm4 => Self::Glm4(quantized_glm4::ModelWeights::from_gguf(content, file, device, DType::F32)?),
            Family::Lfm2 => Self::Lfm2(quantized_lfm2::ModelWeights::from_gguf(content, file, device)?),
            Family::Llama => Self::Llama(quantized_llama::ModelWeights::from_gguf(content, file, device)?),
            Family::Phi2 => Self::Phi2(quantized_phi::ModelWeights::from_gguf(content, file, device)?),
            Family::Phi3 => Self::Phi3(quantized_phi3::ModelWeights::from_gguf(false, content, file, device)?),
            Family::Qwen2 => Self::Qwen2(quantized_qwen2::ModelWeights::from_gguf(content, file, device)?),
            Family::Qwen3 => Self::Qwen3(quantized_qwen3::ModelWeights::from_gguf(content, file, device)?),
        })
    }

    /// The logits after the last of `tokens`, which stand from `position` on. Position 0 begins a new sequence.
    pub(crate) fn forward(&mut self, tokens: &Tensor, position: usize) -> Result<Tensor> {
        match self {
            Self::Gemma3(model) => model.forward(tokens, position),
            Self::Glm4(model) => model.forward(tokens, position),
            Self::Lfm2(model) => model.forward(tokens, position),
            Self::Llama(model) => model.forward(tokens, position),
            Self::Phi2(model) => model.forward(tokens, position),
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
