//! One transformer layer and its keys and values.

use candle_core::{DType, Device, Result, Tensor};

use crate::error::LoadError;
use crate::gguf::Gguf;
use crate::llama::Shape;

/// Cosines and sines of every position, for pairs of neighbours: GGUF files of the llama architecture hold query and
/// key rows in that order.
pub(crate) struct Rotary {
    cos: Tensor,
    sin: Tensor,
}

impl Rotary {
    pub(crate) fn new(head_width: usize, positions: usize, base: f32) -> Result<Self> {
        let pairs = head_width / 2;
        let mut angles = Vec::with_capacity(positions * pairs);
        for position in 0..positions {
            for pair in 0..pairs {
                let frequency = f64::from(base).powf(-((2 * pair) as f64) / head_width as f64);
                angles.push((position as f64 * frequency) as f32);
            }
        }
        let angles = Tensor::from_vec(angles, (positions, pairs), &Device::Cpu)?;
        Ok(Self { cos: angles.cos()?, sin: angles.sin()? })
    }

    /// Turn heads of shape (heads, tokens, width), the first token at position `from`.
    fn turn(&self, heads: &Tensor, from: usize) -> Result<Tensor> {
        let tokens = heads.dim(1)?;
        let (cos, sin) = (self.cos.narrow(0, from, tokens)?, self.sin.narrow(0, from, tokens)?);
        candle_nn::rotary_emb::rope_i(&heads.unsqueeze(0)?, &cos, &sin)?.squeeze(0)
    }
}

/// Keys and values of one layer, (key-value heads, positions, width), allocated once.
pub(crate) struct LayerCache {
    keys: Tensor,
    values: Tensor,
}

impl LayerCache {
    pub(crate) fn new(shape: Shape, positions: usize) -> Result<Self> {
        let size = (shape.kv_heads, positions, shape.head_width);
        let zeros = || Tensor::zeros(size, DType::F32, &Device::Cpu);
        Ok(Self { keys: zeros()?, values: zeros()? })
    }
}

/// Weights of one layer.
pub(crate) struct Layer {
    shape: Shape,
    attention_norm: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_output: Tensor,
    feed_forward_norm: Tensor,
    gate: Tensor,
    up: Tensor,
    down: Tensor,
}

impl Layer {
    pub(crate) fn load(gguf: &Gguf<'_>, shape: Shape, index: usize) -> std::result::Result<Self, LoadError> {
        let tensor = |name: &str, size: &[usize]| gguf.tensor(&format!("blk.{index}.{name}.weight"), size);
        let (hidden, kv, inner) = (shape.hidden, shape.kv_heads * shape.head_width, shape.feed_forward);
        Ok(Self {
            shape,
            attention_norm: tensor("attn_norm", &[hidden])?,
            query: tensor("attn_q", &[hidden, hidden])?,
            key: tensor("attn_k", &[kv, hidden])?,
            value: tensor("attn_v", &[kv, hidden])?,
            attention_output: tensor("attn_output", &[hidden, hidden])?,
            feed_forward_norm: tensor("ffn_norm", &[hidden])?,
            gate: tensor("ffn_gate", &[inner, hidden])?,
            up: tensor("ffn_up", &[inner, hidden])?,
            down: tensor("ffn_down", &[hidden, inner])?,
        })
    }

    /// (tokens, hidden) to (tokens, hidden), after `before` positions in the cache.
    pub(crate) fn forward(
        &self,
        hidden: &Tensor,
        cache: &mut LayerCache,
        before: usize,
        rotary: &Rotary,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        let normed = candle_nn::ops::rms_norm(hidden, &self.attention_norm, self.shape.epsilon)?;
        let hidden = (self.attention(&normed, cache, before, rotary, mask)? + hidden)?;
        let normed = candle_nn::ops::rms_norm(&hidden, &self.feed_forward_norm, self.shape.epsilon)?;
        self.feed_forward(&normed)? + hidden
    }

    fn attention(
        &self,
        normed: &Tensor,
        cache: &mut LayerCache,
        before: usize,
        rotary: &Rotary,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        let Shape { heads, kv_heads, head_width, hidden, .. } = self.shape;
        let tokens = normed.dim(0)?;
        let split =
            |flat: Tensor, count: usize| flat.reshape((tokens, count, head_width))?.transpose(0, 1)?.contiguous();
        let query = rotary.turn(&split(normed.matmul(&self.query.t()?)?, heads)?, before)?;
        let key = rotary.turn(&split(normed.matmul(&self.key.t()?)?, kv_heads)?, before)?;
        let value = split(normed.matmul(&self.value.t()?)?, kv_heads)?;
        cache.keys.slice_set(&key, 1, before)?;
        cache.values.slice_set(&value, 1, before)?;

        let positions = before + tokens;
        let keys = cache.keys.narrow(1, 0, positions)?;
        let values = cache.values.narrow(1, 0, positions)?;
        // The heads that share a key-value head are neighbours: one product serves them all.
        let query =
            (query.reshape((kv_heads, heads / kv_heads * tokens, head_width))? * (head_width as f64).powf(-0.5))?;
        let scores = query.matmul(&keys.transpose(1, 2)?)?;
        let scores = match mask {
            Some(mask) => scores.reshape((heads, tokens, positions))?.broadcast_add(mask)?,
            None => scores,
        };
        let weights = candle_nn::ops::softmax_last_dim(&scores)?;
        let weights = weights.reshape((kv_heads, heads / kv_heads * tokens, positions))?;
        let mixed = weights.matmul(&values)?.reshape((heads, tokens, head_width))?;
        mixed.transpose(0, 1)?.reshape((tokens, hidden))?.matmul(&self.attention_output.t()?)
    }

    fn feed_forward(&self, normed: &Tensor) -> Result<Tensor> {
        let gate = candle_nn::ops::silu(&normed.matmul(&self.gate.t()?)?)?;
        let up = normed.matmul(&self.up.t()?)?;
        (gate * up)?.matmul(&self.down.t()?)
    }
}
