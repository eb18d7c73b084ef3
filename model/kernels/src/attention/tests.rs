#![allow(clippy::unwrap_used, clippy::panic, clippy::single_range_in_vec_init)]

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::kernel::{narrow, widen};
use super::*;
use crate::half::{from_half, to_half};
use crate::{Isa, Pool};

fn noise(seed: u64, count: usize) -> Vec<f32> {
    use proptest::prelude::Rng;
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    (0..count).map(|_| (random.next_u32() as f32 / u32::MAX as f32 - 0.5) * 4.0).collect()
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// A sequence with queries, keys and values of all its tokens.
struct Sequence {
    heads: usize,
    kv_heads: usize,
    width: usize,
    tokens: usize,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
}

impl Sequence {
    fn new(seed: u64, (heads, kv_heads, width): (usize, usize, usize), tokens: usize) -> Self {
        let (row, kv_row) = (heads * width, kv_heads * width);
        let (q, k, v) = (noise(seed, tokens * row), noise(seed + 1, tokens * kv_row), noise(seed + 2, tokens * kv_row));
        Sequence { heads, kv_heads, width, tokens, q, k, v }
    }

    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    fn pages(&self) -> usize {
        self.tokens.div_ceil(PAGE)
    }

    /// Writes positions into pages.
    fn write(&self, isa: Isa, cache: &mut KvLayer, pages: &[u32], positions: std::ops::Range<usize>) {
        let row = self.kv_heads * self.width;
        for position in positions {
            let values = position * row..(position + 1) * row;
            let (key, value) = (&self.k[values.clone()], &self.v[values]);
            cache.write(isa, pages[position / PAGE], position % PAGE, key, value);
        }
    }

    /// All tokens in chunks of the given sizes, over and over; the cache starts as NaN everywhere.
    fn run(&self, isa: Isa, pool: &Pool, chunks: &[usize]) -> Vec<f32> {
        let mut cache = KvLayer::new(self.pages(), self.kv_heads, self.width);
        // Pages in descending order: a sequence's pages need not be neighbours.
        let pages: Vec<u32> = (0..self.pages() as u32).rev().collect();
        poison(&mut cache, &pages);
        let row = self.heads * self.width;
        let mut out = vec![0.0; self.tokens * row];
        let mut scratch = AttendScratch::new();
        let (mut position, mut chunks) = (0, chunks.iter().cycle());
        while position < self.tokens {
            let tokens = (*chunks.next().unwrap()).min(self.tokens - position);
            self.write(isa, &mut cache, &pages, position..position + tokens);
            let run = Run { first: 0, tokens, position, pages: &pages };
            let rows = position * row..(position + tokens) * row;
            let (q, out) = (&self.q[rows.clone()], &mut out[rows]);
            attend(isa, pool, &cache, self.heads, &[run], q, self.scale(), out, &mut scratch);
            position += tokens;
        }
        out
    }

    /// The textbook's formula in double precision, over what the cache keeps.
    fn exact(&self) -> Vec<f64> {
        let half = |x: &[f32]| x.iter().map(|x| f64::from(from_half(to_half(*x)))).collect::<Vec<_>>();
        let (k, v) = (half(&self.k), half(&self.v));
        let q: Vec<f64> = self.q.iter().map(|x| f64::from(*x)).collect();
        let (row, kv_row, width) = (self.heads * self.width, self.kv_heads * self.width, self.width);
        let mut out = vec![0.0; q.len()];
        for token in 0..self.tokens {
            for head in 0..self.heads {
                let query = &q[token * row + head * width..][..width];
                let column = head / (self.heads / self.kv_heads) * width;
                let at = |x: &[f64], j: usize| x[j * kv_row + column..][..width].to_vec();
                let out = &mut out[token * row + head * width..][..width];
                softmax(query, |j| at(&k, j), |j| at(&v, j), token + 1, f64::from(self.scale()), out);
            }
        }
        out
    }
}

fn softmax(
    query: &[f64],
    key: impl Fn(usize) -> Vec<f64>,
    value: impl Fn(usize) -> Vec<f64>,
    positions: usize,
    scale: f64,
    out: &mut [f64],
) {
    let score = |j| scale * query.iter().zip(key(j)).map(|(q, k)| q * k).sum::<f64>();
    let scores: Vec<f64> = (0..positions).map(score).collect();
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|s| (s - largest).exp()).sum();
    for (j, score) in scores.iter().enumerate() {
        let weight = (score - largest).exp() / sum;
        out.iter_mut().zip(value(j)).for_each(|(out, v)| *out += weight * v);
    }
}

/// Fills pages with NaN, as if an earlier life had left them.
fn poison(cache: &mut KvLayer, pages: &[u32]) {
    let nan = vec![f32::NAN; cache.kv_heads() * cache.width()];
    for page in pages {
        (0..PAGE).for_each(|slot| cache.write(Isa::Scalar, *page, slot, &nan, &nan));
    }
}

fn close(found: &[f32], exact: &[f64]) {
    for (found, exact) in found.iter().zip(exact) {
        assert!((f64::from(*found) - exact).abs() < 2e-5, "{found} for {exact}");
    }
}

const SHAPES: [(usize, usize, usize); 6] = [(9, 3, 64), (4, 2, 128), (3, 3, 16), (2, 1, 80), (7, 1, 32), (1, 1, 48)];

#[test]
fn attention_is_the_softmax_average() {
    let pool = Pool::new(2).unwrap();
    for (shape, tokens) in SHAPES.into_iter().zip([600, 300, 257, 65, 64, 1]) {
        let sequence = Sequence::new(tokens as u64, shape, tokens);
        close(&sequence.run(Isa::best(), &pool, &[tokens]), &sequence.exact());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunks_threads_and_instructions_change_no_bit(
        shape in prop::sample::select(SHAPES.to_vec()),
        tokens in prop_oneof![1..100_usize, 1..700_usize],
        chunks in prop::collection::vec(prop_oneof![1..4_usize, 1..120_usize], 1..5),
        seed in any::<u32>(),
    ) {
        let sequence = Sequence::new(u64::from(seed), shape, tokens);
        let one = Pool::new(1).unwrap();
        let best = bits(&sequence.run(Isa::best(), &one, &[tokens]));
        for threads in 1..=3 {
            let pool = Pool::new(threads).unwrap();
            for isa in Isa::available() {
                // The definition is slow without instructions for it.
                if isa > Isa::Scalar || (threads == 1 && tokens < 120) {
                    prop_assert!(bits(&sequence.run(isa, &pool, &chunks)) == best, "{} {}", isa.name(), threads);
                }
            }
        }
    }

    #[test]
    fn other_sequences_in_the_batch_change_no_bit(
        shape in prop::sample::select(SHAPES[..4].to_vec()),
        lengths in prop::collection::vec((1..400_usize, 1..40_usize), 1..6),
        threads in 1..4_usize,
        seed in any::<u32>(),
    ) {
        let (pool, isa) = (Pool::new(threads).unwrap(), Isa::best());
        let sequences: Vec<Sequence> =
            (0..).zip(&lengths).map(|(i, (tokens, _))| Sequence::new(u64::from(seed) + i, shape, *tokens)).collect();
        let total: usize = sequences.iter().map(Sequence::pages).sum();
        let mut cache = KvLayer::new(total, shape.1, shape.2);
        let all: Vec<u32> = (0..total as u32).collect();
        poison(&mut cache, &all);
        let (mut rest, mut runs, mut q, mut expected) = (all.as_slice(), Vec::new(), Vec::new(), Vec::new());
        let row = shape.0 * shape.2;
        let alone = Pool::new(1).unwrap();
        for (sequence, (tokens, last)) in sequences.iter().zip(&lengths) {
            let (pages, others) = rest.split_at(sequence.pages());
            rest = others;
            sequence.write(isa, &mut cache, pages, 0..*tokens);
            // The last tokens alone are asked for.
            let position = tokens.saturating_sub(*last);
            runs.push(Run { first: q.len() / row, tokens: tokens - position, position, pages });
            q.extend_from_slice(&sequence.q[position * row..]);
            expected.extend(bits(&sequence.run(isa, &alone, &[*tokens])[position * row..]));
        }
        let mut out = vec![0.0; q.len()];
        let scale = sequences[0].scale();
        attend(isa, &pool, &cache, shape.0, &runs, &q, scale, &mut out, &mut AttendScratch::new());
        prop_assert!(bits(&out) == expected);
    }

    #[test]
    fn whole_texts_attend_alike_in_any_company(
        (heads, width) in prop::sample::select(vec![(12, 32), (2, 64), (1, 80)]),
        lengths in prop::collection::vec(prop_oneof![0..40_usize, 200..600_usize], 1..5),
        seed in any::<u32>(),
    ) {
        let (row, rows) = (heads * width, lengths.iter().sum::<usize>());
        let seed = u64::from(seed);
        let (q, k, v) = (noise(seed, rows * row), noise(seed + 1, rows * row), noise(seed + 2, rows * row));
        let mut texts = Vec::new();
        for length in &lengths {
            let start = texts.last().map_or(0, |text: &std::ops::Range<usize>| text.end);
            texts.push(start..start + length);
        }
        let mut expected = vec![0.0; rows * row];
        let alone = Pool::new(1).unwrap();
        for text in &texts {
            let part = text.start * row..text.end * row;
            let (q, k, v) = (&q[part.clone()], &k[part.clone()], &v[part.clone()]);
            let out = &mut expected[part];
            attend_full(Isa::best(), &alone, heads, width, std::slice::from_ref(&(0..text.len())), q, k, v, 0.2, out);
        }
        for threads in 1..=3 {
            let pool = Pool::new(threads).unwrap();
            for isa in Isa::available().into_iter().filter(|isa| *isa > Isa::Scalar || (threads == 1 && rows < 60)) {
                let mut out = vec![0.0; rows * row];
                attend_full(isa, &pool, heads, width, &texts, &q, &k, &v, 0.2, &mut out);
                prop_assert!(bits(&out) == bits(&expected), "{} {}", isa.name(), threads);
            }
        }
        if let Some(text) = texts.iter().find(|text| !text.is_empty() && text.len() < 300) {
            let wide = |x: &[f32], i: usize| x[i * row..i * row + width].iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
            let mut exact = vec![0.0; width];
            let (key, value) = (|j: usize| wide(&k, text.start + j), |j: usize| wide(&v, text.start + j));
            softmax(&wide(&q, text.start), key, value, text.len(), 0.2, &mut exact);
            close(&expected[text.start * row..][..width], &exact);
        }
    }

    #[test]
    fn halves_are_rounded_alike_everywhere(x in prop::collection::vec(any::<f32>(), 64)) {
        for isa in Isa::available() {
            let (mut halves, mut back) = (vec![0; 64], vec![0.0; 64]);
            narrow(isa, &x, &mut halves);
            prop_assert_eq!(&halves, &x.iter().map(|x| to_half(*x)).collect::<Vec<_>>());
            widen(isa, &halves, &mut back);
            prop_assert_eq!(bits(&back), bits(&halves.iter().map(|x| from_half(*x)).collect::<Vec<_>>()));
        }
    }
}

#[test]
fn every_half_is_widened_and_rounded_back_alike_everywhere() {
    let all: Vec<u16> = (0..=u16::MAX).collect();
    let expected: Vec<u32> = all.iter().map(|half| from_half(*half).to_bits()).collect();
    for isa in Isa::available() {
        let (mut wide, mut back) = (vec![0.0; all.len()], vec![0; all.len()]);
        widen(isa, &all, &mut wide);
        assert!(bits(&wide) == expected, "{}", isa.name());
        // Also halfway points, and one step to each side of them.
        for step in [0, 0xfff, 0x1000, 0x1001] {
            let moved: Vec<f32> = wide.iter().map(|x| f32::from_bits(x.to_bits() + step)).collect();
            narrow(isa, &moved, &mut back);
            assert!(back == moved.iter().map(|x| to_half(*x)).collect::<Vec<_>>(), "{} {step}", isa.name());
        }
    }
}

#[test]
fn positions_a_token_does_not_see_have_no_influence() {
    let (pool, isa) = (Pool::new(2).unwrap(), Isa::best());
    let sequence = Sequence::new(5, (4, 2, 32), 100);
    let expected = sequence.run(isa, &pool, &[100]);
    let mut wrong = Sequence::new(5, (4, 2, 32), 100);
    // The last thirty tokens are spoilt: the seventy before them must not notice, though computed with them.
    wrong.k[70 * 64..].fill(f32::NAN);
    wrong.v[70 * 64..].fill(f32::INFINITY);
    let found = wrong.run(isa, &pool, &[100]);
    assert_eq!(bits(&found[..70 * 128]), bits(&expected[..70 * 128]));
}

#[test]
fn a_wiped_page_holds_zeros_and_no_other_page_changes() {
    let mut cache = KvLayer::new(3, 2, 16);
    assert_eq!(cache.bytes(), 2 * 3 * 2 * 16 * PAGE * 2);
    let sequence = Sequence::new(9, (2, 2, 16), PAGE);
    sequence.write(Isa::best(), &mut cache, &[1], 0..PAGE);
    sequence.write(Isa::best(), &mut cache, &[2], 0..PAGE);
    for head in 0..2 {
        assert_eq!(cache.keys(1, head), cache.keys(2, head));
        assert_eq!(cache.values(1, head), cache.values(2, head));
        assert!(cache.keys(0, head).iter().all(|x| *x == 0));
        assert_eq!(cache.keys(1, head)[3 * PAGE + 5], to_half(sequence.k[5 * 32 + head * 16 + 3]));
        assert_eq!(cache.values(1, head)[5 * 16 + 3], to_half(sequence.v[5 * 32 + head * 16 + 3]));
    }
    cache.wipe(1);
    for head in 0..2 {
        assert!(cache.keys(1, head).iter().chain(cache.values(1, head)).all(|x| *x == 0));
        assert!(cache.keys(2, head).iter().any(|x| *x != 0));
    }
}

#[test]
#[should_panic(expected = "runs share row")]
fn runs_that_share_rows_are_refused() {
    let (pool, cache) = (Pool::new(1).unwrap(), KvLayer::new(1, 1, 16));
    let run = || Run { first: 0, tokens: 2, position: 0, pages: &[0] };
    let (q, mut out) = ([0.0; 32], [0.0; 32]);
    attend(Isa::Scalar, &pool, &cache, 1, &[run(), run()], &q, 1.0, &mut out, &mut AttendScratch::new());
}
