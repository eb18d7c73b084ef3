//! Sentence embeddings: all-MiniLM-L6-v2, mean of the token vectors, unit length.
//!
//! Every token is read: a sentence longer than the model's window is embedded in pieces, whose means are weighted by
//! their tokens.

use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};

use crate::control::Control;
use crate::error::{Error, LoadError};
use crate::pace::Pace;
use crate::threads::Threads;
use crate::tokenizer::WordPiece;

/// Width of an embedding.
pub(crate) const WIDTH: usize = 384;
/// Most tokens of one piece, with the two that frame it; the window the model was trained with.
pub(crate) const WINDOW_TOKENS: usize = 256;
/// Most tokens of one batch, padding included.
const BATCH_TOKENS: usize = 2048;
/// Most pieces of one batch.
const BATCH_PIECES: usize = 32;
/// Speed assumed until it was measured.
const ASSUMED_TOKENS_PER_SECOND: u32 = 1500;

/// Shape of all-MiniLM-L6-v2, from the `config.json` published with it.
fn config() -> Config {
    Config { hidden_size: WIDTH, num_hidden_layers: 6, intermediate_size: 1536, ..Config::default() }
}

/// The embedding model.
pub(crate) struct Embedder {
    bert: BertModel,
    pub(crate) tokenizer: WordPiece,
    pace: Pace,
}

/// Unit vectors, one for each text embedded, all zero for a text without tokens.
pub(crate) struct Embeddings(Vec<f32>);

impl Embeddings {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.0.len() / WIDTH
    }

    /// The vector of one text.
    pub(crate) fn row(&self, index: usize) -> &[f32] {
        &self.0[index * WIDTH..(index + 1) * WIDTH]
    }

    /// Cosine of two unit vectors.
    pub(crate) fn cosine(left: &[f32], right: &[f32]) -> f32 {
        left.iter().zip(right).map(|(a, b)| a * b).sum()
    }

    /// All cosines, row by row.
    pub(crate) fn similarities(&self, threads: &Threads) -> Result<Vec<f32>, Error> {
        threads.run(|| {
            let rows = Tensor::from_slice(&self.0, (self.len(), WIDTH), &Device::Cpu)
                .map_err(Error::internal("similarity"))?;
            let product = rows.t().and_then(|columns| rows.matmul(&columns)).map_err(Error::internal("similarity"))?;
            product.flatten_all().and_then(|flat| flat.to_vec1()).map_err(Error::internal("similarity"))
        })
    }
}

/// A run of tokens of one text that fits the window.
struct Piece<'a> {
    text: usize,
    ids: &'a [u32],
}

impl Embedder {
    /// Build from the hashed bytes of both files.
    pub(crate) fn load(weights: (&str, Vec<u8>), tokenizer: (&str, &[u8])) -> Result<Self, LoadError> {
        let (name, bytes) = weights;
        let variables = VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu)
            .map_err(|error| LoadError::unusable(name, error))?;
        let bert = BertModel::load(variables, &config()).map_err(|error| LoadError::unusable(name, error))?;
        let tokenizer = WordPiece::parse(tokenizer.0, tokenizer.1)?;
        Ok(Self { bert, tokenizer, pace: Pace::assumed(ASSUMED_TOKENS_PER_SECOND) })
    }

    /// Time that embedding so many tokens takes.
    pub(crate) fn predict(&self, tokens: u64) -> std::time::Duration {
        self.pace.time(tokens)
    }

    /// The speed seen.
    pub(crate) fn tokens_per_second(&self) -> f64 {
        self.pace.per_second()
    }

    /// Measure the speed on this machine with a short run.
    pub(crate) fn calibrate(&self, threads: &Threads) -> Result<(), Error> {
        let ids = vec![vec![self.tokenizer.sep; 32]; 16];
        let texts: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
        self.embed(&texts[..1], threads, &Control::new(), |_| ())?;
        let started = Instant::now();
        self.embed(&texts, threads, &Control::new(), |_| ())?;
        self.pace.calibrate(16 * 32, started.elapsed());
        Ok(())
    }

    /// Embed texts given as tokens; `read` hears how many tokens are done so far.
    pub(crate) fn embed(
        &self,
        texts: &[&[u32]],
        threads: &Threads,
        control: &Control,
        mut read: impl FnMut(usize),
    ) -> Result<Embeddings, Error> {
        let mut pieces: Vec<Piece<'_>> = Vec::with_capacity(texts.len());
        for (text, ids) in texts.iter().enumerate() {
            pieces.extend(balanced(ids, WINDOW_TOKENS - 2).map(|ids| Piece { text, ids }));
        }
        // Pieces of one length side by side waste no work on padding.
        pieces.sort_by_key(|piece| (piece.ids.len(), piece.text));
        let mut sums = vec![0f32; texts.len() * WIDTH];
        let mut done = 0;
        let mut rest = pieces.as_slice();
        while !rest.is_empty() {
            control.check()?;
            let (batch, after) = rest.split_at(batch_size(rest));
            rest = after;
            let started = Instant::now();
            let means = threads.run(|| self.forward(batch).map_err(Error::internal("embed")))?;
            for (piece, mean) in batch.iter().zip(&means) {
                let sum = &mut sums[piece.text * WIDTH..][..WIDTH];
                sum.iter_mut().zip(mean).for_each(|(sum, value)| *sum += value * piece.ids.len() as f32);
            }
            let tokens: usize = batch.iter().map(|piece| piece.ids.len()).sum();
            self.pace.observe(tokens, started.elapsed());
            done += tokens;
            read(done);
        }
        sums.chunks_exact_mut(WIDTH).for_each(normalize);
        Ok(Embeddings(sums))
    }

    /// Mean token vector of each piece.
    fn forward(&self, batch: &[Piece<'_>]) -> candle_core::Result<Vec<Vec<f32>>> {
        let width = batch.iter().map(|piece| piece.ids.len()).max().unwrap_or(0) + 2;
        let shape = (batch.len(), width);
        let mut ids = Vec::with_capacity(batch.len() * width);
        let mut mask = Vec::with_capacity(batch.len() * width);
        for piece in batch {
            ids.push(self.tokenizer.cls);
            ids.extend_from_slice(piece.ids);
            ids.push(self.tokenizer.sep);
            mask.resize(ids.len(), 1f32);
            ids.resize(ids.len().next_multiple_of(width), self.tokenizer.pad);
            mask.resize(ids.len(), 0f32);
        }
        let ids = Tensor::from_vec(ids, shape, &Device::Cpu)?;
        let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?;
        let hidden = self.bert.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let weights = mask.unsqueeze(2)?;
        let sums = hidden.broadcast_mul(&weights)?.sum(1)?;
        sums.broadcast_div(&weights.sum(1)?)?.to_vec2()
    }
}

/// Split into the fewest parts of at most `limit`, of nearly equal length. Nothing for nothing.
fn balanced(ids: &[u32], limit: usize) -> impl Iterator<Item = &[u32]> {
    let parts = ids.len().div_ceil(limit).max(1);
    ids.chunks(ids.len().div_ceil(parts).max(1))
}

/// How many of the pieces, which are sorted by length, go into the next batch; at least one.
fn batch_size(pieces: &[Piece<'_>]) -> usize {
    let fits = |count: usize| pieces.get(count - 1).is_some_and(|piece| (piece.ids.len() + 2) * count <= BATCH_TOKENS);
    (1..=BATCH_PIECES.min(pieces.len())).take_while(|count| *count == 1 || fits(*count)).last().unwrap_or(1)
}

fn normalize(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_split_into_equal_parts_without_loss() {
        let ids: Vec<u32> = (0..1000).collect();
        let parts: Vec<&[u32]> = balanced(&ids, 254).collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [250; 4]);
        assert_eq!(parts.concat(), ids);
        assert_eq!(balanced(&[], 254).count(), 0);
        assert_eq!(balanced(&ids[..254], 254).count(), 1);
    }

    #[test]
    fn batches_are_bounded_in_tokens_and_pieces() {
        let ids = vec![0u32; WINDOW_TOKENS - 2];
        let long: Vec<Piece<'_>> = (0..100).map(|text| Piece { text, ids: &ids }).collect();
        assert_eq!(batch_size(&long), BATCH_TOKENS / WINDOW_TOKENS);
        let short: Vec<Piece<'_>> = (0..100).map(|text| Piece { text, ids: &ids[..1] }).collect();
        assert_eq!(batch_size(&short), BATCH_PIECES);
        assert_eq!(batch_size(&short[..3]), 3);
    }
}
