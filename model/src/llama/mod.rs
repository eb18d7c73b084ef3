//! The llama architecture on candle tensors: grouped-query attention with rotary positions, RMS norms, gated SiLU.
//!
//! Weights are dequantized once to 32-bit floats: exact with respect to the file, and the products run on code that
//! finds the machine's vector units at run time. The model itself holds no state; every request has a [`Cache`] of the
//! size it needs, and a prompt is read in pieces of fixed size, so memory is bounded by the context and not by habit.

mod layer;

use candle_core::{DType, Device, Tensor};

use crate::control::Control;
use crate::error::{Error, LoadError};
use crate::gguf::Gguf;
use layer::{Layer, Rotary};

pub(crate) use layer::LayerCache;

/// Most tokens that go through the layers at once.
pub(crate) const PIECE_TOKENS: usize = 256;

/// Sizes of a model, from its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) hidden: usize,
    pub(crate) feed_forward: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_width: usize,
    pub(crate) vocabulary: usize,
    /// Most positions.
    pub(crate) context: usize,
    pub(crate) epsilon: f32,
    rope_base: f32,
}

impl Shape {
    fn from_gguf(gguf: &Gguf<'_>) -> Result<Self, LoadError> {
        let architecture = gguf.string("general.architecture")?;
        if architecture != "llama" {
            return Err(gguf.unusable(format_args!("architecture {architecture} is not known to this build")));
        }
        let hidden = gguf.number("llama.embedding_length")?;
        let heads = gguf.number("llama.attention.head_count")?;
        let shape = Self {
            hidden,
            feed_forward: gguf.number("llama.feed_forward_length")?,
            layers: gguf.number("llama.block_count")?,
            heads,
            kv_heads: gguf.number("llama.attention.head_count_kv")?,
            head_width: gguf.number("llama.rope.dimension_count")?,
            vocabulary: gguf.number("llama.vocab_size")?,
            context: gguf.number("llama.context_length")?,
            epsilon: gguf.float("llama.attention.layer_norm_rms_epsilon")?,
            rope_base: gguf.float("llama.rope.freq_base")?,
        };
        let fits = shape.head_width.is_multiple_of(2)
            && shape.heads.checked_mul(shape.head_width) == Some(hidden)
            && shape.kv_heads > 0
            && heads.is_multiple_of(shape.kv_heads);
        if fits { Ok(shape) } else { Err(gguf.unusable("the sizes of its attention do not fit each other")) }
    }
}

/// The model.
pub(crate) struct Llama {
    pub(crate) shape: Shape,
    embedding: Tensor,
    layers: Vec<Layer>,
    norm: Tensor,
    output: Tensor,
    rotary: Rotary,
}

/// Keys and values of one request.
pub(crate) struct Cache {
    layers: Vec<LayerCache>,
    used: usize,
    capacity: usize,
}

impl Llama {
    /// Build from a parsed file.
    pub(crate) fn load(gguf: &Gguf<'_>) -> Result<Self, LoadError> {
        let shape = Shape::from_gguf(gguf)?;
        let embedding = gguf.tensor("token_embd.weight", &[shape.vocabulary, shape.hidden])?;
        // Without a tensor of its own, the output shares the embedding's.
        let output = if gguf.has_tensor("output.weight") {
            gguf.tensor("output.weight", &[shape.vocabulary, shape.hidden])?
        } else {
            embedding.clone()
        };
        let layers = (0..shape.layers).map(|index| Layer::load(gguf, shape, index)).collect::<Result<_, _>>()?;
        let rotary = Rotary::new(shape.head_width, shape.context, shape.rope_base).map_err(|e| gguf.unusable(e))?;
        Ok(Self { shape, embedding, layers, norm: gguf.tensor("output_norm.weight", &[shape.hidden])?, output, rotary })
    }

    /// Room for so many positions, at most the model's context.
    pub(crate) fn cache(&self, positions: usize) -> Result<Cache, Error> {
        if positions > self.shape.context {
            return Err(Error::Internal("context"));
        }
        let layers = (0..self.shape.layers).map(|_| LayerCache::new(self.shape, positions)).collect::<Result<_, _>>();
        Ok(Cache { layers: layers.map_err(Error::internal("cache"))?, used: 0, capacity: positions })
    }

    /// Read tokens after those that the cache holds; logits of the token after the last.
    pub(crate) fn read(&self, ids: &[u32], cache: &mut Cache, control: &Control) -> Result<Vec<f32>, Error> {
        if ids.is_empty() || ids.len() > cache.capacity - cache.used {
            return Err(Error::Internal("context"));
        }
        let mut last = None;
        for piece in ids.chunks(PIECE_TOKENS) {
            control.check()?;
            last = Some(self.piece(piece, cache).map_err(Error::internal("forward"))?);
        }
        let last = last.ok_or(Error::Internal("context"))?;
        self.logits(&last).map_err(Error::internal("logits"))
    }

    /// One piece through all layers; the hidden state of its last token.
    fn piece(&self, ids: &[u32], cache: &mut Cache) -> candle_core::Result<Tensor> {
        let count = ids.len();
        let mut hidden = self.embedding.index_select(&Tensor::new(ids, &Device::Cpu)?, 0)?;
        let mask = if count > 1 { Some(mask(count, cache.used)?) } else { None };
        for (layer, store) in self.layers.iter().zip(&mut cache.layers) {
            hidden = layer.forward(&hidden, store, cache.used, &self.rotary, mask.as_ref())?;
        }
        cache.used += count;
        hidden.narrow(0, count - 1, 1)
    }

    fn logits(&self, hidden: &Tensor) -> candle_core::Result<Vec<f32>> {
        let normed = candle_nn::ops::rms_norm(&hidden.contiguous()?, &self.norm, self.shape.epsilon)?;
        normed.matmul(&self.output.t()?)?.squeeze(0)?.to_dtype(DType::F32)?.to_vec1()
    }
}

/// Additive causal mask for `count` tokens after `before`: minus infinity where a key is later than the query.
fn mask(count: usize, before: usize) -> candle_core::Result<Tensor> {
    let keys = before + count;
    let values: Vec<f32> = (0..count)
        .flat_map(|query| (0..keys).map(move |key| if key > before + query { f32::NEG_INFINITY } else { 0.0 }))
        .collect();
    Tensor::from_vec(values, (count, keys), &Device::Cpu)
}
