//! A model on a device, with room for one sequence.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::{DType, Tensor};
use precis_engine::{Error, Gguf, LoadError};
use zeroize::Zeroizing;

use crate::family::{Family, Network};
use crate::pieces::Reading;

/// Most positions of a sequence, whatever the model was trained for: rotary tables have a row for each.
const MAX_POSITIONS: usize = 4096;

/// Most heads, and the widest.
const MAX_HEADS: usize = 256;
const MAX_HEAD_WIDTH: usize = 512;

/// Hardware that computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    Cpu,
    /// The first CUDA device; the crate's feature `cuda` must be on.
    Cuda,
}

impl Device {
    /// Name in a back end's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }

    fn open(self) -> Result<candle_core::Device, String> {
        match self {
            Self::Cpu => Ok(candle_core::Device::Cpu),
            Self::Cuda if !cfg!(feature = "cuda") => {
                Err("this build has no CUDA: the feature `cuda` is off".to_owned())
            }
            Self::Cuda => candle_core::Device::new_cuda(0).map_err(plain),
        }
    }
}

/// The message of candle, without the backtrace that it appends.
pub fn plain(error: candle_core::Error) -> String {
    match error {
        candle_core::Error::WithBacktrace { inner, .. } => plain(*inner),
        other => other.to_string(),
    }
}

/// Values that a position adds to the keys, over all layers: from sizes that are checked, because candle takes memory by
/// them before it looks at a tensor.
fn cached_values(gguf: &Gguf<'_>, key: &impl Fn(&str) -> String) -> Result<usize, LoadError> {
    let number = |name: &str| gguf.number(&key(name));
    let (layers, heads, hidden) =
        (number("block_count")?, number("attention.head_count")?, number("embedding_length")?);
    // LFM2 has a number for each layer.
    let kv_heads = number("attention.head_count_kv").unwrap_or(heads);
    let head_width = number("attention.key_length").unwrap_or(hidden / heads.max(1));
    let turned = number("rope.dimension_count").unwrap_or(head_width);
    let sound = (1..=gguf.tensor_names().count()).contains(&layers)
        && (1..=MAX_HEADS).contains(&heads)
        && (1..=heads).contains(&kv_heads)
        && heads.is_multiple_of(kv_heads)
        && (1..=MAX_HEAD_WIDTH).contains(&head_width)
        && (1..=head_width).contains(&turned)
        && turned.is_multiple_of(2);
    // Where the data begins would depend on how the number is written.
    let usual = !gguf.has_key("general.alignment") || gguf.number("general.alignment").is_ok_and(|bytes| bytes == 32);
    if !(sound && usual) {
        return Err(gguf.unusable("its sizes do not fit each other or are beyond what this build allows"));
    }
    Ok(layers * kv_heads * head_width)
}

/// A model.
pub(crate) struct Model {
    reading: Reading,
    network: Network,
    device: candle_core::Device,
    pub(crate) positions: usize,
    pub(crate) vocabulary: usize,
    /// Bytes that the keys and values of one sequence can grow to.
    pub(crate) cache_bytes: usize,
}

impl Model {
    /// Load the bytes of a GGUF file. Its header is checked by the own reader before candle's takes any memory for it.
    pub(crate) fn load(name: &str, bytes: &[u8], device: Device) -> Result<Self, LoadError> {
        let gguf = Gguf::parse(name, bytes)?;
        let family = Family::of(&gguf)?;
        let architecture = gguf.string("general.architecture")?.to_owned();
        let key = |name: &str| format!("{architecture}.{name}");
        let trained = gguf.number(&key("context_length"))?;
        let positions = trained.min(MAX_POSITIONS).min(family.window(&gguf).unwrap_or(MAX_POSITIONS));
        let vocabulary = gguf.raw("token_embd.weight")?.shape().first().copied().unwrap_or(0);
        if positions == 0 || vocabulary == 0 {
            return Err(gguf.unusable("it has no positions or no tokens"));
        }
        // Keys and values of four bytes.
        let cache_bytes = positions.saturating_mul(cached_values(&gguf, &key)?).saturating_mul(8);

        let device = device.open().map_err(|reason| gguf.unusable(reason))?;
        let candle = |error| gguf.unusable(plain(error));
        let mut file = Cursor::new(bytes);
        let mut content = Content::read(&mut file).map_err(candle)?;
        // Some families make tables of that many rows.
        let bounded = u32::try_from(positions).map_err(|error| gguf.unusable(error))?;
        content.metadata.insert(key("context_length"), Value::U32(bounded));
        // Qwen3's tables of angles would have 11 bits where the file names no type: nothing is left of a position at 2,048.
        content.metadata.insert("general.dtype".to_owned(), Value::U32(0));
        let load = AssertUnwindSafe(|| Network::load(family, content, &mut file, &device));
        let network =
            catch_unwind(load).map_err(|_| gguf.unusable("candle does not stand its sizes"))?.map_err(candle)?;
        Ok(Self { reading: family.reading(), network, device, positions, vocabulary, cache_bytes })
    }

    /// Lengths of the pieces in which a prompt of `total` tokens is read.
    pub(crate) fn pieces(&self, total: usize) -> Box<dyn Iterator<Item = usize>> {
        self.reading.lengths(total)
    }

    /// The logits after the last of `tokens`, which stand from `position` on. Position 0 begins a new sequence.
    pub(crate) fn read(&mut self, tokens: &[u32], position: usize) -> Result<Zeroizing<Vec<f32>>, Error> {
        let logits = Tensor::new(tokens, &self.device)
            .and_then(|tokens| tokens.unsqueeze(0))
            .and_then(|tokens| self.network.forward(&tokens, position))
            .and_then(|logits| logits.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>());
        let logits = Zeroizing::new(logits.map_err(Error::internal("candle"))?);
        if logits.len() == self.vocabulary { Ok(logits) } else { Err(Error::Internal("vocabulary")) }
    }
}
