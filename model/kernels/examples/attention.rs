//! Time of attention for one layer of a small model: `attention [THREADS]`, milliseconds, best of several.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use precis_kernels::{AttendScratch, Isa, KvLayer, PAGE, Pool, Run, attend, attend_full};

const HEADS: usize = 9;
const KV_HEADS: usize = 3;
const WIDTH: usize = 64;

fn best(repeats: usize, mut work: impl FnMut()) -> f64 {
    (0..repeats)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64() * 1e3
        })
        .fold(f64::INFINITY, f64::min)
}

fn noise(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 % 4093) as f32 / 2046.0 - 1.0) * 2.0).collect()
}

fn main() -> std::io::Result<()> {
    let threads = std::env::args().nth(1).and_then(|threads| threads.parse().ok()).unwrap_or(2);
    let pool = Pool::new(threads)?;
    let row = HEADS * WIDTH;
    for isa in Isa::available().into_iter().filter(|isa| *isa > Isa::Scalar) {
        let (positions, sequences) = (1800, 8);
        let count = positions_pages(positions);
        let mut cache = KvLayer::new(count * sequences, KV_HEADS, WIDTH);
        let key = noise(KV_HEADS * WIDTH);
        for page in 0..(count * sequences) as u32 {
            (0..PAGE).for_each(|slot| cache.write(isa, page, slot, &key, &key));
        }
        let pages: Vec<u32> = (0..(count * sequences) as u32).collect();
        let mut scratch = AttendScratch::new();
        for (name, tokens, position, sequences) in [
            ("decode at 100", 1, 100, 1),
            ("decode at 1000", 1, 1000, 1),
            ("decode of 8 at 1000", 1, 1000, 8),
            ("prefill of 512", 512, 0, 1),
            ("prefill of 1800", 1800, 0, 1),
        ] {
            let q = noise(tokens * sequences * row);
            let mut out = vec![0.0; q.len()];
            let runs: Vec<Run<'_>> = (0..sequences)
                .map(|i| Run { first: i * tokens, tokens, position, pages: &pages[i * count..(i + 1) * count] })
                .collect();
            let repeats = if tokens == 1 { 300 } else { 6 };
            let time = best(repeats, || attend(isa, &pool, &cache, HEADS, &runs, &q, 0.125, &mut out, &mut scratch));
            println!("{:7} {name}: {time:.4}", isa.name());
        }
        let x = noise(1024 * 384);
        let texts: Vec<_> = (0..28).map(|i| i * 36..(i + 1) * 36).collect();
        let mut out = vec![0.0; x.len()];
        let time = best(20, || attend_full(isa, &pool, 12, 32, &texts, &x, &x, &x, 0.17, &mut out));
        println!("{:7} 28 texts of 36 tokens: {time:.4}", isa.name());
    }
    Ok(())
}

fn positions_pages(positions: usize) -> usize {
    positions.div_ceil(PAGE)
}
