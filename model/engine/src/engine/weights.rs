//! The weights of a model, packed for the products. The file's bytes are not needed afterwards.

use std::collections::HashSet;

use precis_kernels::{Linear, Rope};

use super::shape::{Family, Shape};
use crate::error::LoadError;
use crate::gguf::Gguf;

/// A model without any state of a sequence.
pub struct Transformer {
    pub(super) shape: Shape,
    pub(super) embedding: Linear,
    /// None where the output is the embedding.
    pub(super) output: Option<Linear>,
    pub(super) norm: Vec<f32>,
    pub(super) layers: Vec<Layer>,
    pub(super) rope: Rope,
}

/// Weights of one layer.
pub(super) struct Layer {
    pub(super) attention_norm: Vec<f32>,
    pub(super) query: Linear,
    pub(super) key: Linear,
    pub(super) value: Linear,
    /// Added to the queries, keys and values, where the family does.
    pub(super) biases: Option<[Vec<f32>; 3]>,
    /// Norms of each head of the queries and of the keys, where the family has them.
    pub(super) head_norms: Option<(Vec<f32>, Vec<f32>)>,
    pub(super) attention_output: Linear,
    pub(super) feed_forward_norm: Vec<f32>,
    pub(super) gate: Linear,
    pub(super) up: Linear,
    pub(super) down: Linear,
}

impl Transformer {
    /// Pack the tensors of a parsed file. The last are packed first, and what is behind the rest is given back, so that file
    /// and model are never both in memory as a whole.
    ///
    /// # Errors
    /// [`LoadError::Unusable`]: a size, type or tensor that this build does not know, or one that is missing.
    pub fn load(gguf: &mut Gguf<'_>) -> Result<Self, LoadError> {
        const EMBEDDING: &str = "token_embd.weight";
        let shape = Shape::from_gguf(gguf)?;
        let (has_output, is_last) =
            (gguf.has_tensor("output.weight"), gguf.offset(EMBEDDING) > gguf.offset("blk.0.attn_q.weight"));
        let mut tensors = Tensors { gguf, used: HashSet::new() };
        let (rows, cols) = (shape.vocabulary, shape.hidden);
        let output = has_output.then(|| tensors.matrix("output.weight", rows, cols)).transpose()?;
        let norm = tensors.vector("output_norm.weight", shape.hidden)?;
        let embedding = is_last.then(|| tensors.matrix(EMBEDDING, rows, cols)).transpose()?;
        let layer = |index| {
            tensors.release();
            Layer::load(&mut tensors, &shape, index)
        };
        let mut layers: Vec<Layer> = (0..shape.layers).rev().map(layer).collect::<Result<_, _>>()?;
        layers.reverse();
        let model = Self {
            embedding: embedding.map_or_else(|| tensors.matrix(EMBEDDING, rows, cols), Ok)?,
            output,
            norm,
            layers,
            rope: Rope::new(shape.head_width, shape.positions, shape.rope_base, shape.family.rotation()),
            shape,
        };
        tensors.require_all_used()?;
        Ok(model)
    }

    /// The matrix that gives the logits.
    pub(super) fn head(&self) -> &Linear {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    /// Bytes of the packed matrices.
    pub fn bytes(&self) -> usize {
        let layer = |layer: &Layer| -> usize { layer.matrices().iter().map(|matrix| matrix.bytes()).sum() };
        let output = self.output.as_ref().map_or(0, Linear::bytes);
        self.embedding.bytes() + output + self.layers.iter().map(layer).sum::<usize>()
    }
}

impl Layer {
    fn load(tensors: &mut Tensors<'_, '_>, shape: &Shape, index: usize) -> Result<Self, LoadError> {
        let name = |part: &str| format!("blk.{index}.{part}.weight");
        let (hidden, inner, queries, keys) = (shape.hidden, shape.feed_forward, shape.queries(), shape.keys());
        let mut bias = |part: &str, width| tensors.vector(&format!("blk.{index}.{part}.bias"), width);
        let (biases, head_norms) = match shape.family {
            Family::Llama => (None, None),
            Family::Qwen2 => (Some([bias("attn_q", queries)?, bias("attn_k", keys)?, bias("attn_v", keys)?]), None),
            Family::Qwen3 => {
                let query = tensors.vector(&name("attn_q_norm"), shape.head_width)?;
                (None, Some((query, tensors.vector(&name("attn_k_norm"), shape.head_width)?)))
            }
        };
        Ok(Self {
            attention_norm: tensors.vector(&name("attn_norm"), hidden)?,
            query: tensors.matrix(&name("attn_q"), queries, hidden)?,
            key: tensors.matrix(&name("attn_k"), keys, hidden)?,
            value: tensors.matrix(&name("attn_v"), keys, hidden)?,
            biases,
            head_norms,
            attention_output: tensors.matrix(&name("attn_output"), hidden, queries)?,
            feed_forward_norm: tensors.vector(&name("ffn_norm"), hidden)?,
            gate: tensors.matrix(&name("ffn_gate"), inner, hidden)?,
            up: tensors.matrix(&name("ffn_up"), inner, hidden)?,
            down: tensors.matrix(&name("ffn_down"), hidden, inner)?,
        })
    }

    fn matrices(&self) -> [&Linear; 7] {
        [&self.query, &self.key, &self.value, &self.attention_output, &self.gate, &self.up, &self.down]
    }
}

/// The tensors of a file, and which of them were read.
struct Tensors<'a, 'b> {
    gguf: &'a mut Gguf<'b>,
    used: HashSet<String>,
}

impl Tensors<'_, '_> {
    fn matrix(&mut self, name: &str, rows: usize, cols: usize) -> Result<Linear, LoadError> {
        self.used.insert(name.to_owned());
        self.gguf.raw(name)?.linear(rows, cols).map_err(|reason| self.refuse(name, &reason))
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>, LoadError> {
        self.used.insert(name.to_owned());
        self.gguf.raw(name)?.vector(length).map_err(|reason| self.refuse(name, &reason))
    }

    /// The memory behind the tensors that are still to be read is given back.
    fn release(&mut self) {
        let Self { gguf, used } = self;
        gguf.release(|name| !used.contains(name));
    }

    fn refuse(&self, name: &str, reason: &str) -> LoadError {
        self.gguf.unusable(format_args!("tensor {name}: {reason}"))
    }

    /// A tensor that nobody read, such as a bias, would be missing from the results.
    fn require_all_used(&self) -> Result<(), LoadError> {
        match self.gguf.tensor_names().find(|name| !self.used.contains(*name)) {
            Some(name) => Err(self.gguf.unusable(format_args!("tensor {name} is not known to this build"))),
            None => Ok(()),
        }
    }
}
