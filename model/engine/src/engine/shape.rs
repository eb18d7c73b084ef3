//! Sizes of a model, by the metadata of its file. What this build does not know is refused: a feature that is ignored
//! would not fail, it would write nonsense.

use precis_kernels::Rotation;

use crate::error::LoadError;
use crate::gguf::Gguf;

/// Quantized products run over blocks of so many columns.
const BLOCK: usize = 32;
/// Bounds within which every product of two sizes fits and no allocation runs away.
const MAX_WIDTH: usize = 1 << 16;
const MAX_LAYERS: usize = 256;
const MAX_HEADS: usize = 256;
pub(super) const MAX_HEAD_WIDTH: usize = 256;
const MAX_VOCABULARY: usize = 1 << 20;
/// Most positions that are used, whatever the model was trained for: no pass is longer, and rotary tables have a row for
/// each.
const MAX_POSITIONS: usize = 8192;

/// Keys below the architecture's name that this build reads or may ignore.
const KNOWN_KEYS: [&str; 12] = [
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

/// A family of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Rotary pairs are neighbours.
    Llama,
    /// Rotary pairs are half a head apart; queries, keys and values have a bias.
    Qwen2,
    /// Rotary pairs are half a head apart; queries and keys are normed, head by head.
    Qwen3,
}

impl Family {
    fn named(name: &str) -> Option<Self> {
        match name {
            "llama" => Some(Self::Llama),
            "qwen2" => Some(Self::Qwen2),
            "qwen3" => Some(Self::Qwen3),
            _ => None,
        }
    }

    /// How its rotary positions turn a head.
    pub fn rotation(self) -> Rotation {
        match self {
            Self::Llama => Rotation::Pairs,
            Self::Qwen2 | Self::Qwen3 => Rotation::Halves,
        }
    }
}

/// Sizes of a model.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub family: Family,
    /// Width of a token's vector.
    pub hidden: usize,
    /// Width inside the feed-forward part.
    pub feed_forward: usize,
    pub layers: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values; divides `heads`.
    pub kv_heads: usize,
    pub head_width: usize,
    pub vocabulary: usize,
    /// Most positions of a sequence.
    pub positions: usize,
    /// Added to the mean square in a norm.
    pub epsilon: f32,
    pub rope_base: f32,
}

impl Shape {
    /// Read and check the sizes.
    pub fn from_gguf(gguf: &Gguf<'_>) -> Result<Self, LoadError> {
        let architecture = gguf.string("general.architecture")?;
        let family = Family::named(architecture)
            .ok_or_else(|| gguf.unusable(format_args!("architecture {architecture:?} is not known to this build")))?;
        refuse_unknown_keys(gguf, architecture)?;
        let key = |name: &str| format!("{architecture}.{name}");
        let number = |name: &str| gguf.number(&key(name));
        let or = |name: &str, value: usize| if gguf.has_key(&key(name)) { number(name) } else { Ok(value) };

        let (hidden, heads) = (number("embedding_length")?, number("attention.head_count")?);
        // Divided by one instead of by nothing; the check below refuses both.
        let head_width = or("attention.key_length", hidden / heads.max(1))?;
        let shape = Self {
            family,
            hidden,
            feed_forward: number("feed_forward_length")?,
            layers: number("block_count")?,
            heads,
            kv_heads: number("attention.head_count_kv")?,
            head_width,
            vocabulary: gguf.raw("token_embd.weight")?.shape().first().copied().unwrap_or(0),
            positions: number("context_length")?.min(MAX_POSITIONS),
            epsilon: gguf.float(&key("attention.layer_norm_rms_epsilon"))?,
            rope_base: gguf.float(&key("rope.freq_base"))?,
        };
        let same_widths = or("attention.value_length", head_width)? == head_width
            && or("rope.dimension_count", head_width)? == head_width
            && or("vocab_size", shape.vocabulary)? == shape.vocabulary;
        if same_widths && shape.is_sound() {
            Ok(shape)
        } else {
            Err(gguf.unusable("its sizes do not fit each other or are beyond what this build allows"))
        }
    }

    fn is_sound(&self) -> bool {
        let within = |value: usize, limit: usize| (1..=limit).contains(&value);
        within(self.hidden, MAX_WIDTH)
            && within(self.feed_forward, MAX_WIDTH)
            && within(self.layers, MAX_LAYERS)
            && within(self.heads, MAX_HEADS)
            && within(self.kv_heads, MAX_HEADS)
            && within(self.head_width, MAX_HEAD_WIDTH)
            && within(self.vocabulary, MAX_VOCABULARY)
            && within(self.positions, MAX_POSITIONS)
            && self.heads.is_multiple_of(self.kv_heads)
            && self.head_width.is_multiple_of(16)
            && [self.hidden, self.feed_forward, self.queries()].iter().all(|cols| cols.is_multiple_of(BLOCK))
            && (1e-8..=1e-2).contains(&self.epsilon)
            && (1e2..=1e9).contains(&self.rope_base)
    }

    /// Width of all queries of a token.
    pub fn queries(&self) -> usize {
        self.heads * self.head_width
    }

    /// Width of all keys, or all values, of a token.
    pub fn keys(&self) -> usize {
        self.kv_heads * self.head_width
    }

    /// What a query's products with keys are multiplied with.
    pub fn scale(&self) -> f32 {
        1.0 / (self.head_width as f32).sqrt()
    }

    /// Bytes that one position takes in the cache, over all layers: keys and values, two bytes each.
    pub fn position_bytes(&self) -> usize {
        self.layers * self.keys() * 4
    }
}

fn refuse_unknown_keys(gguf: &Gguf<'_>, architecture: &str) -> Result<(), LoadError> {
    let own = |key| Some((key, str::strip_prefix(key, architecture)?.strip_prefix('.')?));
    match gguf.keys().filter_map(own).find(|(_, name)| !KNOWN_KEYS.contains(name)) {
        Some((key, _)) => Err(gguf.unusable(format_args!("{key} is a feature that this build does not know"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::synthetic;

    fn read(shape: &synthetic::Shape) -> Result<Shape, String> {
        let bytes = synthetic::gguf(shape, 1);
        Gguf::parse("x", &bytes).and_then(|gguf| Shape::from_gguf(&gguf)).map_err(|error| error.to_string())
    }

    #[test]
    fn both_families_are_read_by_their_metadata() {
        let llama = read(&synthetic::Shape::tiny_llama()).unwrap();
        assert_eq!((llama.family, llama.head_width, llama.queries()), (Family::Llama, 32, 256));
        let qwen = read(&synthetic::Shape::tiny_qwen3()).unwrap();
        assert_eq!((qwen.family, qwen.head_width, qwen.queries(), qwen.keys()), (Family::Qwen3, 64, 512, 128));
        assert_eq!(qwen.position_bytes(), 2 * 128 * 2 * 2);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let tiny = synthetic::Shape::tiny_llama;
        for shape in [
            synthetic::Shape { kv_heads: 3, ..tiny() },
            synthetic::Shape { context: 0, ..tiny() },
            synthetic::Shape { epsilon: f32::NAN, ..tiny() },
            synthetic::Shape { rope_base: 0.0, ..tiny() },
        ] {
            assert!(read(&shape).unwrap_err().contains("sizes"));
        }
        assert!(read(&synthetic::Shape { kv_heads: 0, ..tiny() }).is_err());
        let other = synthetic::Shape { architecture: "mamba", ..tiny() };
        assert!(read(&other).unwrap_err().contains("mamba"));
    }
}
