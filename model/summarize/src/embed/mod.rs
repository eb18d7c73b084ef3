//! Sentence embeddings: all-MiniLM-L6-v2, mean of the token vectors, unit length. Weights are kept in 8 bits.
//!
//! Every token is read: a sentence longer than the model's window is embedded in pieces, whose means are weighted by
//! their tokens.

mod bert;
mod load;
#[cfg(test)]
mod tests;
pub(crate) mod wordpiece;

use std::time::Instant;

use precis_kernels::{Isa, dots};

use crate::error::{Error, LoadError};
pub(crate) use bert::WIDTH;
use bert::{Batch, Bert, Workspace};
use precis_engine::Control;
use precis_engine::Pace;
use precis_engine::Threads;
use wordpiece::WordPiece;

/// Most tokens of one piece, with the two that frame it; the window the model was trained with.
pub(crate) const WINDOW_TOKENS: usize = 256;
/// A batch is closed when it has so many tokens: enough for every thread, and soon done when a job is given up.
const BATCH_TOKENS: usize = 768;
/// Speed assumed until it was measured.
const ASSUMED_TOKENS_PER_SECOND: u32 = 1500;

/// The embedding model.
pub(crate) struct Embedder {
    bert: Bert,
    pub(crate) tokenizer: WordPiece,
    pace: Pace,
    isa: Isa,
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

    /// All values, vector by vector.
    pub(crate) fn into_values(self) -> Vec<f32> {
        self.0
    }

    /// Cosine of two unit vectors.
    pub(crate) fn cosine(left: &[f32], right: &[f32]) -> f32 {
        left.iter().zip(right).map(|(a, b)| a * b).sum()
    }

    /// All cosines, row by row.
    pub(crate) fn similarities(&self, threads: &Threads) -> Result<Vec<f32>, Error> {
        let mut all = vec![0.0; self.len() * self.len()];
        threads.pool().rows(&mut all, self.len(), &|row, out| dots(Isa::best(), self.row(row), &self.0, out));
        Ok(all)
    }
}

/// A run of tokens of one text that fits the window.
struct Piece<'a> {
    text: usize,
    ids: &'a [u32],
}

/// The model from the bytes of its file.
pub(crate) fn weights(name: &str, bytes: &[u8]) -> Result<Bert, LoadError> {
    let bert = load::Tensors::parse(name, bytes)?.bert()?;
    if bert.window() < WINDOW_TOKENS {
        return Err(LoadError::unusable(name, "its window is too small"));
    }
    Ok(bert)
}

impl Embedder {
    /// Build from the hashed bytes of both files.
    pub(crate) fn load(weights: (&str, Vec<u8>), tokenizer: (&str, &[u8])) -> Result<Self, LoadError> {
        let (name, bytes) = weights;
        let bert = self::weights(name, &bytes)?;
        let tokenizer = WordPiece::parse(tokenizer.0, tokenizer.1)?;
        Ok(Self { bert, tokenizer, pace: Pace::assumed(ASSUMED_TOKENS_PER_SECOND), isa: Isa::best() })
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
        self.embed(&texts, threads, &Control::new(), |_| ())?;
        let started = Instant::now();
        self.embed(&texts, threads, &Control::new(), |_| ())?;
        self.pace.calibrate(16 * 32, started.elapsed());
        Ok(())
    }

    /// Embed texts given as tokens; `read` hears how many tokens are done so far. The vector of a text is the same
    /// whatever it is embedded with.
    pub(crate) fn embed(
        &self,
        texts: &[&[u32]],
        threads: &Threads,
        control: &Control,
        mut read: impl FnMut(usize),
    ) -> Result<Embeddings, Error> {
        let vocabulary = self.bert.words.rows();
        if texts.iter().any(|ids| ids.iter().any(|id| *id as usize >= vocabulary)) {
            return Err(Error::internal("embed")("a token is beyond the vocabulary"));
        }
        let mut pieces: Vec<Piece<'_>> = Vec::with_capacity(texts.len());
        for (text, ids) in texts.iter().enumerate() {
            pieces.extend(balanced(ids, WINDOW_TOKENS - 2).map(|ids| Piece { text, ids }));
        }
        let mut sums = vec![0f32; texts.len() * WIDTH];
        let (mut batch, mut work) = (Batch::default(), Workspace::default());
        let mut done = 0;
        let mut rest = pieces.as_slice();
        while !rest.is_empty() {
            control.check()?;
            let (now, after) = rest.split_at(batch_size(rest));
            rest = after;
            let started = Instant::now();
            batch.clear();
            for piece in now {
                batch.push(self.tokenizer.cls, piece.ids, self.tokenizer.sep);
            }
            let hidden = self.bert.forward(self.isa, threads.pool(), &batch, &mut work);
            for (piece, text) in now.iter().zip(&batch.texts) {
                let sum = &mut sums[piece.text * WIDTH..][..WIDTH];
                let weight = piece.ids.len() as f32 / text.len() as f32;
                add_mean(sum, &hidden[text.start * WIDTH..text.end * WIDTH], weight);
            }
            let tokens: usize = now.iter().map(|piece| piece.ids.len()).sum();
            self.pace.observe(tokens, started.elapsed());
            done += tokens;
            read(done);
        }
        sums.chunks_exact_mut(WIDTH).for_each(normalize);
        Ok(Embeddings(sums))
    }
}

/// Add the sum of the rows, weighted.
fn add_mean(sum: &mut [f32], rows: &[f32], weight: f32) {
    let mut total = [0f32; WIDTH];
    for row in rows.chunks_exact(WIDTH) {
        total.iter_mut().zip(row).for_each(|(total, value)| *total += value);
    }
    sum.iter_mut().zip(total).for_each(|(sum, total)| *sum += total * weight);
}

/// Split into the fewest parts of at most `limit`, of nearly equal length. Nothing for nothing.
fn balanced(ids: &[u32], limit: usize) -> impl Iterator<Item = &[u32]> {
    let parts = ids.len().div_ceil(limit).max(1);
    ids.chunks(ids.len().div_ceil(parts).max(1))
}

/// How many of the pieces go into the next batch; at least one.
fn batch_size(pieces: &[Piece<'_>]) -> usize {
    let mut tokens = 0;
    let fits = |piece: &&Piece<'_>| {
        tokens += piece.ids.len() + 2;
        tokens <= BATCH_TOKENS
    };
    pieces.iter().take_while(fits).count().max(1)
}

fn normalize(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
}
