//! One pass of a ragged batch through the model: runs of consecutive tokens of several sequences, side by side.
//!
//! Every operation treats a row by itself, and the kernels give a row the same bits whatever stands beside it. So what
//! a token becomes depends on its own sequence alone, not on the batch, the pieces a prompt is cut into, or the threads.

use precis_kernels::{self as kernels, Activations, AttendScratch, Isa, Lines, PAGE, Run};
use zeroize::Zeroizing;

use super::arena::Arena;
use super::weights::{Layer, Transformer};
use crate::threads::Threads;

/// Fewer values than this are worked on by the caller alone: handing them out would take longer.
const PARALLEL_VALUES: usize = 1 << 14;

/// Consecutive tokens of one sequence. The keys and values of all before them are in the cache.
pub struct Span<'a> {
    /// Below the size of the vocabulary.
    pub ids: &'a [u32],
    /// Position of the first.
    pub position: usize,
    /// The sequence's pages, enough for the last.
    pub pages: &'a [u32],
    /// Of how many of its last tokens the logits are wanted.
    pub wanted: usize,
}

/// Intermediate values, kept from step to step; they grow to the largest step seen.
#[derive(Default)]
pub struct Buffers {
    hidden: Lines<f32>,
    normed: Lines<f32>,
    query: Lines<f32>,
    key: Lines<f32>,
    value: Lines<f32>,
    mixed: Lines<f32>,
    gate: Lines<f32>,
    up: Lines<f32>,
    delta: Lines<f32>,
    logits: Lines<f32>,
    activations: Activations,
    scratch: AttendScratch,
    positions: Vec<usize>,
}

impl Buffers {
    /// Overwrites what the last steps left, which follows from customers' documents.
    pub(super) fn wipe(&mut self) {
        self.lines().into_iter().for_each(Lines::wipe);
        self.activations.wipe();
        self.scratch.wipe();
    }

    fn lines(&mut self) -> [&mut Lines<f32>; 10] {
        let Self { hidden, normed, query, key, value, mixed, gate, up, delta, logits, .. } = self;
        [hidden, normed, query, key, value, mixed, gate, up, delta, logits]
    }

    /// Whether nothing of a step is left.
    #[cfg(test)]
    pub(super) fn is_clean(&mut self) -> bool {
        self.lines().into_iter().all(|lines| lines.is_clean())
    }

    /// The first `length` logits of the last step.
    pub(super) fn logits(&mut self, length: usize) -> &mut [f32] {
        self.logits.fit(length)
    }
}

impl Transformer {
    /// Threads a step. The keys and values of its tokens are written to the cache; the wanted logits are in
    /// [`Buffers::logits`], a row of the vocabulary's size for each, in the order of the spans.
    pub(super) fn step(&self, threads: &Threads, arena: &mut Arena, spans: &[Span<'_>], buffers: &mut Buffers) {
        let width = self.shape.hidden;
        // Room for all: a vector that grows leaves copies behind that nobody wipes.
        let mut ids = Zeroizing::new(Vec::with_capacity(spans.iter().map(|span| span.ids.len()).sum()));
        spans.iter().for_each(|span| ids.extend_from_slice(span.ids));
        buffers.positions.clear();
        buffers.positions.extend(spans.iter().flat_map(|span| span.position..span.position + span.ids.len()));
        threads.rows(buffers.hidden.fit(ids.len() * width), width, &|row, out| {
            self.embedding.row(ids[row] as usize, out);
        });
        let mut runs = whole_runs(spans);
        let mut rows = ids.len();
        for (index, layer) in self.layers.iter().enumerate() {
            self.keys_and_queries(layer, threads, buffers, rows);
            write_cache(arena, index, threads.isa, spans, buffers, self.shape.keys());
            if index + 1 == self.layers.len() {
                // Behind the last keys and values only the rows whose logits are wanted have any effect.
                runs = wanted_runs(spans);
                keep(&mut buffers.hidden, width, spans);
                keep(&mut buffers.query, self.shape.queries(), spans);
                rows = spans.iter().map(|span| span.wanted).sum();
            }
            if rows > 0 {
                self.attention(layer, threads, &arena.layers[index], &runs, buffers, rows);
                self.feed_forward(layer, threads, buffers, rows);
            }
        }
        self.logits(threads, buffers, rows);
    }

    /// Queries, keys and values of every row, turned to their positions.
    fn keys_and_queries(&self, layer: &Layer, threads: &Threads, buffers: &mut Buffers, rows: usize) {
        let shape = &self.shape;
        let Buffers { hidden, normed, query, key, value, activations, positions, .. } = buffers;
        let normed = threads.normed(&hidden[..rows * shape.hidden], &layer.attention_norm, shape.epsilon, normed);
        activations.quantize(threads.isa, &threads.pool, normed, shape.hidden);
        let query = query.fit(rows * shape.queries());
        let key = key.fit(rows * shape.keys());
        let value = value.fit(rows * shape.keys());
        let weights = [&layer.query, &layer.key, &layer.value];
        kernels::matmul(threads.isa, &threads.pool, &weights, activations, &mut [&mut *query, &mut *key, &mut *value]);
        if let Some(biases) = &layer.biases {
            for (data, bias) in [&mut *query, &mut *key, value].into_iter().zip(biases) {
                threads.rows(data, bias.len(), &|_, row| kernels::add(threads.isa, row, bias));
            }
        }
        let norms = layer.head_norms.as_ref();
        self.turn(threads, query, shape.queries(), norms.map(|norms| norms.0.as_slice()), positions);
        self.turn(threads, key, shape.keys(), norms.map(|norms| norms.1.as_slice()), positions);
    }

    /// Norm the heads of every row, where the family does, and turn them to the row's position.
    fn turn(&self, threads: &Threads, data: &mut [f32], width: usize, norm: Option<&[f32]>, positions: &[usize]) {
        let (isa, epsilon) = (threads.isa, self.shape.epsilon);
        threads.rows(data, width, &|row, heads| {
            let mut plain = [0f32; super::shape::MAX_HEAD_WIDTH];
            for head in heads.chunks_exact_mut(self.shape.head_width) {
                if let Some(norm) = norm {
                    let plain = &mut plain[..head.len()];
                    plain.copy_from_slice(head);
                    kernels::rms_norm(isa, plain, norm, epsilon, head);
                }
                self.rope.turn(isa, head, positions[row]);
            }
        });
    }

    fn attention(
        &self,
        layer: &Layer,
        threads: &Threads,
        cache: &kernels::KvLayer,
        runs: &[Run<'_>],
        buffers: &mut Buffers,
        rows: usize,
    ) {
        let shape = &self.shape;
        let Buffers { hidden, query, mixed, delta, activations, scratch, .. } = buffers;
        let query = &query[..rows * shape.queries()];
        let mixed = mixed.fit(query.len());
        kernels::attend(threads.isa, &threads.pool, cache, shape.heads, runs, query, shape.scale(), mixed, scratch);
        activations.quantize(threads.isa, &threads.pool, mixed, shape.queries());
        let delta = delta.fit(rows * shape.hidden);
        kernels::matmul(threads.isa, &threads.pool, &[&layer.attention_output], activations, &mut [&mut *delta]);
        threads.add(hidden, delta, shape.hidden);
    }

    fn feed_forward(&self, layer: &Layer, threads: &Threads, buffers: &mut Buffers, rows: usize) {
        let shape = &self.shape;
        let (isa, pool, inner) = (threads.isa, &threads.pool, shape.feed_forward);
        let Buffers { hidden, normed, gate, up, delta, activations, .. } = buffers;
        let normed = threads.normed(&hidden[..rows * shape.hidden], &layer.feed_forward_norm, shape.epsilon, normed);
        activations.quantize(isa, pool, normed, shape.hidden);
        let (gate, up) = (gate.fit(rows * inner), up.fit(rows * inner));
        kernels::matmul(isa, pool, &[&layer.gate, &layer.up], activations, &mut [&mut *gate, &mut *up]);
        threads.rows(gate, inner, &|row, gate| kernels::silu_mul(isa, gate, &up[row * inner..][..inner]));
        activations.quantize(isa, pool, gate, inner);
        let delta = delta.fit(rows * shape.hidden);
        kernels::matmul(isa, pool, &[&layer.down], activations, &mut [&mut *delta]);
        threads.add(hidden, delta, shape.hidden);
    }

    fn logits(&self, threads: &Threads, buffers: &mut Buffers, rows: usize) {
        let Buffers { hidden, normed, logits, activations, .. } = buffers;
        if rows > 0 {
            let logits = logits.fit(rows * self.shape.vocabulary);
            let width = self.shape.hidden;
            let normed = threads.normed(&hidden[..rows * width], &self.norm, self.shape.epsilon, normed);
            activations.quantize(threads.isa, &threads.pool, normed, width);
            kernels::matmul(threads.isa, &threads.pool, &[self.head()], activations, &mut [logits]);
        }
    }
}

impl Threads {
    /// Call `task` with every row.
    fn rows(&self, data: &mut [f32], width: usize, task: &(dyn Fn(usize, &mut [f32]) + Sync)) {
        if data.len() < PARALLEL_VALUES {
            data.chunks_exact_mut(width).enumerate().for_each(|(row, values)| task(row, values));
        } else {
            self.pool.rows(data, width, task);
        }
    }

    fn normed<'b>(&self, x: &[f32], weight: &[f32], epsilon: f32, out: &'b mut Lines<f32>) -> &'b mut [f32] {
        let out = out.fit(x.len());
        let width = weight.len();
        self.rows(out, width, &|row, out| {
            kernels::rms_norm(self.isa, &x[row * width..][..width], weight, epsilon, out);
        });
        out
    }

    fn add(&self, x: &mut [f32], y: &[f32], width: usize) {
        self.rows(&mut x[..y.len()], width, &|row, x| kernels::add(self.isa, x, &y[row * width..][..width]));
    }
}

fn write_cache(arena: &mut Arena, layer: usize, isa: Isa, spans: &[Span<'_>], buffers: &Buffers, width: usize) {
    let rows = buffers.key.chunks_exact(width).zip(buffers.value.chunks_exact(width));
    let places = spans
        .iter()
        .flat_map(|span| (span.position..span.position + span.ids.len()).map(|at| (span.pages[at / PAGE], at % PAGE)));
    let cache = &mut arena.layers[layer];
    for ((page, slot), (key, value)) in places.zip(rows) {
        cache.write(isa, page, slot, key, value);
    }
}

/// One run for each span.
fn whole_runs<'a>(spans: &'a [Span<'_>]) -> Vec<Run<'a>> {
    let mut first = 0;
    let run = |span: &'a Span<'_>| {
        let run = Run { first, tokens: span.ids.len(), position: span.position, pages: span.pages };
        first += span.ids.len();
        run
    };
    spans.iter().map(run).collect()
}

/// One run for the rows of each span whose logits are wanted, as rows are numbered after [`keep`].
fn wanted_runs<'a>(spans: &'a [Span<'_>]) -> Vec<Run<'a>> {
    let mut first = 0;
    let run = |span: &'a Span<'_>| {
        let position = span.position + span.ids.len() - span.wanted;
        let run = Run { first, tokens: span.wanted, position, pages: span.pages };
        first += span.wanted;
        run
    };
    spans.iter().filter(|span| span.wanted > 0).map(run).collect()
}

/// Move the rows whose logits are wanted to the front.
fn keep(data: &mut [f32], width: usize, spans: &[Span<'_>]) {
    let (mut to, mut end) = (0, 0);
    for span in spans {
        end += span.ids.len();
        let from = end - span.wanted;
        data.copy_within(from * width..end * width, to * width);
        to += span.wanted;
    }
}
