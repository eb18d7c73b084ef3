//! Sentence embeddings: mean of the token vectors, unit length. all-MiniLM-L6-v2, with weights in 8 bits, is for English;
//! multilingual-e5-small, with weights in 4 bits, for other languages.
//!
//! Every token is read: a sentence longer than the model's window is embedded in pieces, whose means are weighted by
//! their tokens.

mod bert;
mod census;
mod load;
mod packed;
mod script;
#[cfg(test)]
mod tests;
mod tokenizer;
mod unigram;
mod wordpiece;

use std::time::Instant;

use precis_kernels::{Isa, dots};

use crate::error::{Error, LoadError};
pub(crate) use bert::WIDTH;
use bert::{Batch, Bert, Workspace};
pub(crate) use census::Census;
use packed::Packed;
use precis_engine::Control;
use precis_engine::Pace;
use precis_engine::Threads;
use tokenizer::Tokenizer;
use unigram::Unigram;
use wordpiece::WordPiece;

/// Most tokens of one piece, with those that frame it; the window that MiniLM was trained with.
pub(crate) const WINDOW_TOKENS: usize = 256;
/// A batch is closed when it has so many tokens: enough for every thread, and soon done when a job is given up.
const BATCH_TOKENS: usize = 768;
/// Before every text that multilingual-e5-small compares with its like, as it was trained.
const ASIDE: &str = "query: ";
/// Cosine of texts that have nothing to do with each other, by multilingual-e5-small, in 1000: the mean over sentences of
/// different documents in twelve languages is 790.
pub(crate) const UNRELATED_PERMILLE: u32 = 780;
/// Speed assumed until it was measured.
const ASSUMED_TOKENS_PER_SECOND: u32 = 1500;

/// An embedding model.
pub(crate) struct Embedder {
    bert: Bert,
    pub(crate) tokenizer: Tokenizer,
    /// Stands before every piece.
    head: Vec<u32>,
    /// Cosine of texts that have nothing to do with each other.
    unrelated: f32,
    pace: Pace,
    isa: Isa,
}

/// Unit vectors, one for each text embedded, all zero for a text without tokens.
pub(crate) struct Embeddings {
    values: Vec<f32>,
    unrelated: f32,
}

impl Embeddings {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.values.len() / WIDTH
    }

    /// The vector of one text.
    pub(crate) fn row(&self, index: usize) -> &[f32] {
        &self.values[index * WIDTH..(index + 1) * WIDTH]
    }

    /// All values, vector by vector.
    pub(crate) fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// Nearness of two unit vectors of this model: their cosine, which is 0 for texts that have nothing to do with each other
    /// and 1 for the same.
    pub(crate) fn nearness(&self, left: &[f32], right: &[f32]) -> f32 {
        self.beyond_unrelated(left.iter().zip(right).map(|(a, b)| a * b).sum())
    }

    fn beyond_unrelated(&self, cosine: f32) -> f32 {
        (cosine - self.unrelated) / (1.0 - self.unrelated)
    }

    /// Nearness of all to all, row by row.
    pub(crate) fn similarities(&self, threads: &Threads) -> Result<Vec<f32>, Error> {
        let mut all = vec![0.0; self.len() * self.len()];
        threads.pool().rows(&mut all, self.len(), &|row, out| {
            dots(Isa::best(), self.row(row), &self.values, out);
            out.iter_mut().for_each(|value| *value = self.beyond_unrelated(*value));
        });
        Ok(all)
    }
}

/// A run of tokens of one text that fits the window.
struct Piece<'a> {
    text: usize,
    ids: &'a [u32],
}

/// MiniLM from the bytes of its file.
pub(crate) fn weights(name: &str, bytes: &[u8]) -> Result<Bert, LoadError> {
    let bert = load::Tensors::parse(name, bytes)?.bert()?;
    if bert.window() < WINDOW_TOKENS {
        return Err(LoadError::unusable(name, "its window is too small"));
    }
    Ok(bert)
}

/// multilingual-e5-small from the bytes of its file.
pub(crate) fn packed(name: &str, bytes: &[u8]) -> Result<(Bert, Unigram), LoadError> {
    let packed = Packed::parse(name, bytes)?;
    let bert = packed.bert()?;
    Ok((bert, Unigram::new(name, packed.vocabulary)?))
}

/// Places at which the pieces of a text begin, by the vocabulary of a file of multilingual-e5-small; none if it is not sound.
pub(crate) fn pieces(name: &str, bytes: &[u8], text: &str) -> Option<Vec<usize>> {
    let unigram = Unigram::new(name, Packed::parse(name, bytes).ok()?.vocabulary).ok()?;
    Some(unigram.encode(text).starts)
}

impl Embedder {
    /// MiniLM, from the hashed bytes of both files.
    pub(crate) fn load(weights: (&str, Vec<u8>), tokenizer: (&str, &[u8])) -> Result<Self, LoadError> {
        let (name, bytes) = weights;
        let bert = self::weights(name, &bytes)?;
        let tokenizer = Tokenizer::WordPiece(Box::new(WordPiece::parse(tokenizer.0, tokenizer.1)?));
        Ok(Self::new(bert, tokenizer, &[], 0))
    }

    /// multilingual-e5-small, from the hashed bytes of its file.
    pub(crate) fn load_multilingual(name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        let (bert, tokenizer) = packed(name, bytes)?;
        let aside = tokenizer.encode(ASIDE.trim_end()).ids;
        Ok(Self::new(bert, Tokenizer::Unigram(tokenizer), &aside, UNRELATED_PERMILLE))
    }

    fn new(bert: Bert, tokenizer: Tokenizer, aside: &[u32], unrelated_permille: u32) -> Self {
        let head = [&[tokenizer.first()], aside].concat();
        let unrelated = unrelated_permille as f32 / 1000.0;
        Self { bert, tokenizer, head, unrelated, pace: Pace::assumed(ASSUMED_TOKENS_PER_SECOND), isa: Isa::best() }
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
        let ids = vec![vec![self.tokenizer.last(); 32]; 16];
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
            pieces.extend(balanced(ids, WINDOW_TOKENS - 1 - self.head.len()).map(|ids| Piece { text, ids }));
        }
        let mut sums = vec![0f32; texts.len() * WIDTH];
        let (mut batch, mut work) = (Batch::default(), Workspace::default());
        let mut done = 0;
        let mut rest = pieces.as_slice();
        while !rest.is_empty() {
            control.check()?;
            let (now, after) = rest.split_at(batch_size(rest, self.head.len() + 1));
            rest = after;
            let started = Instant::now();
            batch.clear();
            for piece in now {
                batch.push(&self.head, piece.ids, self.tokenizer.last());
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
        Ok(Embeddings { values: sums, unrelated: self.unrelated })
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

/// Count of the pieces, each with so many tokens around it, that go into the next batch; at least one.
fn batch_size(pieces: &[Piece<'_>], around: usize) -> usize {
    let mut tokens = 0;
    let fits = |piece: &&Piece<'_>| {
        tokens += piece.ids.len() + around;
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
