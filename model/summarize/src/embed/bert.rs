//! The forward pass of a BERT encoder over texts that lie one behind the other, without padding.
//!
//! What comes out for a text does not depend, to the last bit, on the texts beside it or on the number of threads.

use std::ops::Range;

use precis_kernels::{Activations, Isa, Linear, Lines, Pool, add, attend_full, gelu, layer_norm, matmul};

/// Heads of attention.
const HEADS: usize = 12;
/// Width of an embedding.
pub(crate) const WIDTH: usize = 384;
/// Values of a head.
const HEAD: usize = WIDTH / HEADS;
/// From the published `config.json`.
const EPSILON: f32 = 1e-12;

/// The encoder.
pub(crate) struct Bert {
    pub(super) words: Linear,
    /// `[positions][WIDTH]`, with the vector of the token type added.
    pub(super) positions: Vec<f32>,
    pub(super) norm: Norm,
    pub(super) layers: Vec<Layer>,
}

/// One layer. Keys and values need no bias of their own.
pub(super) struct Layer {
    pub(super) query: Affine,
    pub(super) key: Linear,
    pub(super) value: Linear,
    pub(super) output: Affine,
    pub(super) attention_norm: Norm,
    pub(super) up: Affine,
    pub(super) down: Affine,
    pub(super) norm: Norm,
}

/// A matrix and what is added to its products.
pub(super) struct Affine {
    pub(super) weight: Linear,
    pub(super) bias: Vec<f32>,
}

/// Weight and bias of a layer norm.
pub(super) struct Norm {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Norm {
    fn apply(&self, isa: Isa, row: &mut [f32]) {
        layer_norm(isa, row, &self.weight, &self.bias, EPSILON);
    }
}

/// Texts of tokens, one behind the other.
#[derive(Default)]
pub(super) struct Batch {
    /// Tokens of all texts.
    pub(super) ids: Vec<u32>,
    /// Where each text lies.
    pub(super) texts: Vec<Range<usize>>,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        self.ids.clear();
        self.texts.clear();
    }

    /// Add a text with the tokens that frame it.
    pub(super) fn push(&mut self, head: &[u32], ids: &[u32], last: u32) {
        let start = self.ids.len();
        self.ids.extend_from_slice(head);
        self.ids.extend_from_slice(ids);
        self.ids.push(last);
        self.texts.push(start..self.ids.len());
    }
}

/// Buffers for one batch after another: rows of tokens.
#[derive(Default)]
pub(super) struct Workspace {
    quantized: Activations,
    x: Lines<f32>,
    query: Lines<f32>,
    key: Lines<f32>,
    value: Lines<f32>,
    mixed: Lines<f32>,
    inner: Lines<f32>,
}

impl Workspace {
    fn resize(&mut self, tokens: usize, inner: usize) {
        for buffer in [&mut self.x, &mut self.query, &mut self.key, &mut self.value, &mut self.mixed] {
            buffer.resize(tokens * WIDTH);
        }
        self.inner.resize(tokens * inner);
    }
}

impl Bert {
    /// The largest text, with the tokens that frame it.
    pub(super) fn window(&self) -> usize {
        self.positions.len() / WIDTH
    }

    /// The vectors of all tokens, `[tokens][WIDTH]`. Tokens must be within the vocabulary, texts within the window.
    pub(super) fn forward<'w>(&self, isa: Isa, pool: &Pool, batch: &Batch, work: &'w mut Workspace) -> &'w [f32] {
        work.resize(batch.ids.len(), self.layers.first().map_or(0, |layer| layer.up.weight.rows()));
        let places: Vec<usize> = batch.texts.iter().flat_map(|text| 0..text.len()).collect();
        pool.rows(&mut work.x, WIDTH, &|row, x| {
            self.words.row(batch.ids[row] as usize, x);
            add(isa, x, &self.positions[places[row] * WIDTH..][..WIDTH]);
            self.norm.apply(isa, x);
        });
        for layer in &self.layers {
            layer.forward(isa, pool, &batch.texts, work);
        }
        &work.x
    }
}

impl Layer {
    fn forward(&self, isa: Isa, pool: &Pool, texts: &[Range<usize>], work: &mut Workspace) {
        let Workspace { quantized, x, query, key, value, mixed, inner } = work;
        quantized.quantize(isa, pool, x, WIDTH);
        let weights = [&self.query.weight, &self.key, &self.value];
        matmul(isa, pool, &weights, quantized, &mut [query, key, value]);
        pool.rows(query, WIDTH, &|_, row| add(isa, row, &self.query.bias));
        let scale = 1.0 / (HEAD as f32).sqrt();
        attend_full(isa, pool, HEADS, HEAD, texts, query, key, value, scale, mixed);
        // The query's buffer is free again.
        self.output.residual(isa, pool, quantized, mixed, query, x, &self.attention_norm);
        quantized.quantize(isa, pool, x, WIDTH);
        matmul(isa, pool, &[&self.up.weight], quantized, &mut [inner]);
        pool.rows(inner, self.up.weight.rows(), &|_, row| {
            add(isa, row, &self.up.bias);
            gelu(isa, row);
        });
        self.down.residual(isa, pool, quantized, inner, query, x, &self.norm);
    }
}

impl Affine {
    /// `x = norm(x + weight * input + bias)`.
    #[allow(clippy::too_many_arguments)]
    fn residual(
        &self,
        isa: Isa,
        pool: &Pool,
        quantized: &mut Activations,
        input: &[f32],
        product: &mut [f32],
        x: &mut [f32],
        norm: &Norm,
    ) {
        quantized.quantize(isa, pool, input, self.weight.cols());
        matmul(isa, pool, &[&self.weight], quantized, &mut [product]);
        let product = &*product;
        pool.rows(x, WIDTH, &|row, x| {
            add(isa, x, &product[row * WIDTH..(row + 1) * WIDTH]);
            add(isa, x, &self.bias);
            norm.apply(isa, x);
        });
    }
}
