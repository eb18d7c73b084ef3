//! The model alone, without queue and threads of the engine: for measurements and comparisons.

use std::time::{Duration, Instant};

use precis_kernels::{self as kernels, Isa};

use super::arena::Arena;
use super::forward::{Buffers, Span};
use super::pages::pages_for;
use super::plan::PROMPT_ROWS;
use super::weights::Transformer;
use crate::error::LoadError;
use crate::gguf::Gguf;
use crate::threads::Threads;

/// A model with room for a batch of sequences that are driven by hand.
pub struct Rig {
    model: Transformer,
    threads: Threads,
    arena: Arena,
    buffers: Buffers,
    sequences: Vec<Vec<u32>>,
}

impl Rig {
    /// Load the bytes of a GGUF file, with room for `batch` sequences of `positions` each, to be computed by so many
    /// threads; all processors if none is given.
    ///
    /// # Errors
    /// [`LoadError::Unusable`].
    pub fn load(bytes: Vec<u8>, threads: Option<usize>, batch: usize, positions: usize) -> Result<Self, LoadError> {
        let mut gguf = Gguf::parse("model", bytes)?;
        let model = Transformer::load(&mut gguf)?;
        drop(gguf);
        let threads = threads.map_or_else(Threads::new, |count| Threads::of(count, Isa::best()))?;
        let each = pages_for(positions.min(model.shape.positions));
        let pages = u32::try_from(each * batch).map_err(|error| LoadError::unusable("model", error))?;
        let mut arena = Arena::new(&model.shape, pages);
        let sequences = (0..batch).filter_map(|_| arena.take(each)).collect();
        Ok(Self { model, threads, arena, buffers: Buffers::default(), sequences })
    }

    /// Bytes of the packed matrices.
    pub fn weight_bytes(&self) -> usize {
        self.model.bytes()
    }

    /// Bytes of the cache that one position takes.
    pub fn position_bytes(&self) -> usize {
        self.model.shape.position_bytes()
    }

    /// Threads and instruction set that compute.
    pub fn machine(&self) -> (usize, &'static str) {
        (self.threads.pool.threads(), self.threads.isa.name())
    }

    /// Read so many tokens from the start of the first sequence, in the pieces that the engine would.
    pub fn prefill(&mut self, tokens: usize) -> Duration {
        let ids = self.ids(tokens);
        let started = Instant::now();
        self.read(0, &ids);
        started.elapsed()
    }

    /// Write `steps` tokens in each of `batch` sequences, side by side, behind `position` tokens that were read.
    pub fn decode(&mut self, batch: usize, position: usize, steps: usize) -> Duration {
        let ids = self.ids(position);
        (0..batch).for_each(|sequence| self.read(sequence, &ids));
        let mut next = vec![[1u32]; batch];
        let started = Instant::now();
        for step in 0..steps {
            let Self { model, threads, arena, buffers, sequences } = self;
            let spans: Vec<Span<'_>> = next
                .iter()
                .zip(sequences.iter())
                .map(|(ids, pages)| Span { ids, position: position + step, pages, wanted: 1 })
                .collect();
            model.step(threads, arena, &spans, buffers);
            drop(spans);
            let vocabulary = model.shape.vocabulary;
            let rows = buffers.logits(batch * vocabulary).chunks_exact(vocabulary);
            for (next, logits) in next.iter_mut().zip(rows) {
                *next = [kernels::argmax(threads.isa, logits) as u32];
            }
        }
        started.elapsed()
    }

    /// The logits after each token of a text that is read from the start of the first sequence, handed to `visit`
    /// together with the token's index.
    pub fn logits(&mut self, ids: &[u32], mut visit: impl FnMut(usize, &[f32])) {
        const PIECE: usize = 32;
        for (index, piece) in ids.chunks(PIECE).enumerate() {
            let Self { model, threads, arena, buffers, sequences } = self;
            let position = index * PIECE;
            let span = Span { ids: piece, position, pages: &sequences[0], wanted: piece.len() };
            model.step(threads, arena, &[span], buffers);
            let vocabulary = model.shape.vocabulary;
            let rows = buffers.logits(piece.len() * vocabulary).chunks_exact(vocabulary);
            rows.enumerate().for_each(|(row, logits)| visit(position + row, logits));
        }
    }

    fn read(&mut self, sequence: usize, ids: &[u32]) {
        for (index, piece) in ids.chunks(PROMPT_ROWS).enumerate() {
            let Self { model, threads, arena, buffers, sequences } = self;
            let position = index * PROMPT_ROWS;
            let wanted = usize::from(position + piece.len() == ids.len());
            let span = Span { ids: piece, position, pages: &sequences[sequence], wanted };
            model.step(threads, arena, &[span], buffers);
        }
    }

    /// Tokens that look like a text to the caches: all different for a while.
    fn ids(&self, count: usize) -> Vec<u32> {
        let vocabulary = u64::try_from(self.model.shape.vocabulary).unwrap_or(1);
        (0..count as u64).map(|index| (index * 7919 % vocabulary) as u32).collect()
    }
}
