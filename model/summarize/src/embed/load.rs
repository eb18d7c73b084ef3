//! The weights of the embedding model, from safetensors to what the kernels read.

use candle_core::Device;
use candle_core::safetensors::SliceSafetensors;
use precis_kernels::Linear;

use super::bert::{Affine, Bert, Layer, Norm, WIDTH};
use precis_candle::plain;

use crate::error::LoadError;

/// Shape of all-MiniLM-L6-v2, from the `config.json` published with it.
const LAYERS: usize = 6;
const INNER: usize = 1536;
const POSITIONS: usize = 512;
const VOCABULARY: usize = 30_522;
const TOKEN_TYPES: usize = 2;

/// Tensors by name. One at a time is copied out of the file's bytes.
pub(super) struct Tensors<'a> {
    file: &'a str,
    tensors: SliceSafetensors<'a>,
}

impl<'a> Tensors<'a> {
    /// Read the header, which is checked against the bytes: every tensor lies inside, none overlap.
    pub(super) fn parse(file: &'a str, bytes: &'a [u8]) -> Result<Self, LoadError> {
        let tensors = SliceSafetensors::new(bytes).map_err(|error| LoadError::unusable(file, plain(error)))?;
        Ok(Self { file, tensors })
    }

    fn unusable(&self, name: &str, reason: impl std::fmt::Display) -> LoadError {
        LoadError::unusable(self.file, format!("{name}: {reason}"))
    }

    /// Numbers of a tensor of exactly this shape, all of them finite.
    fn get(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, LoadError> {
        let unusable = |error: candle_core::Error| self.unusable(name, plain(error));
        let found = self.tensors.get(name).map_err(unusable)?.shape().to_vec();
        if found != shape {
            return Err(self.unusable(name, format!("its shape is {found:?}, not {shape:?}")));
        }
        let tensor = self.tensors.load(name, &Device::Cpu).map_err(unusable)?;
        let values: Vec<f32> = tensor.flatten_all().and_then(|flat| flat.to_vec1()).map_err(unusable)?;
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(self.unusable(name, format!("weight {index} is {}", values[index]))),
            None => Ok(values),
        }
    }

    fn linear(&self, name: &str, rows: usize, cols: usize) -> Result<Linear, LoadError> {
        let weights = self.get(name, &[rows, cols])?;
        Linear::from_f32(rows, cols, &weights).map_err(|error| self.unusable(name, error))
    }

    fn affine(&self, prefix: &str, rows: usize, cols: usize) -> Result<Affine, LoadError> {
        let weight = self.linear(&format!("{prefix}.weight"), rows, cols)?;
        Ok(Affine { weight, bias: self.get(&format!("{prefix}.bias"), &[rows])? })
    }

    fn norm(&self, prefix: &str) -> Result<Norm, LoadError> {
        let get = |part: &str| self.get(&format!("{prefix}.LayerNorm.{part}"), &[WIDTH]);
        Ok(Norm { weight: get("weight")?, bias: get("bias")? })
    }

    fn layer(&self, index: usize) -> Result<Layer, LoadError> {
        let prefix = format!("encoder.layer.{index}");
        let attention = format!("{prefix}.attention");
        let projection = format!("{attention}.output.dense");
        let mut output = self.affine(&projection, WIDTH, WIDTH)?;
        // The weights of a token's attention sum to 1, so a bias of the values comes out as it is: it joins the
        // output's. A bias of the keys adds the same to all scores of a token, which changes nothing.
        let values = self.get(&format!("{attention}.self.value.bias"), &[WIDTH])?;
        let weights = self.get(&format!("{projection}.weight"), &[WIDTH, WIDTH])?;
        for (bias, row) in output.bias.iter_mut().zip(weights.chunks_exact(WIDTH)) {
            *bias += row.iter().zip(&values).map(|(weight, value)| weight * value).sum::<f32>();
        }
        Ok(Layer {
            query: self.affine(&format!("{attention}.self.query"), WIDTH, WIDTH)?,
            key: self.linear(&format!("{attention}.self.key.weight"), WIDTH, WIDTH)?,
            value: self.linear(&format!("{attention}.self.value.weight"), WIDTH, WIDTH)?,
            output,
            attention_norm: self.norm(&format!("{attention}.output"))?,
            up: self.affine(&format!("{prefix}.intermediate.dense"), INNER, WIDTH)?,
            down: self.affine(&format!("{prefix}.output.dense"), WIDTH, INNER)?,
            norm: self.norm(&format!("{prefix}.output"))?,
        })
    }

    /// The whole model.
    pub(super) fn bert(&self) -> Result<Bert, LoadError> {
        let mut positions = self.get("embeddings.position_embeddings.weight", &[POSITIONS, WIDTH])?;
        let types = self.get("embeddings.token_type_embeddings.weight", &[TOKEN_TYPES, WIDTH])?;
        // Every token is of the first type.
        for position in positions.chunks_exact_mut(WIDTH) {
            position.iter_mut().zip(&types).for_each(|(value, kind)| *value += kind);
        }
        Ok(Bert {
            words: self.linear("embeddings.word_embeddings.weight", VOCABULARY, WIDTH)?,
            positions,
            norm: self.norm("embeddings")?,
            layers: (0..LAYERS).map(|index| self.layer(index)).collect::<Result<_, _>>()?,
        })
    }
}
