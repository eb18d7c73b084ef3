//! How fast the products are: `products [isa or number of threads ...]` prints billions of multiply-adds per second, for the shapes of
//! SmolLM2-135M and Qwen3-0.6B, per instruction set, number of threads and number of tokens. With one thread the time is
//! that of the processor, so that other work on the machine counts little; with several it is that of the clock.

use std::error::Error;
use std::io::Write;
use std::time::{Duration, Instant};

use precis_kernels::{Activations, Format, Isa, Linear, Pool, matmul};

const TOKENS: [usize; 6] = [1, 4, 8, 16, 128, 512];
const SHAPES: [(Format, usize, usize); 9] = [
    (Format::Q4_1, 576, 576),
    (Format::Q4_1, 1536, 576),
    (Format::Q4_1, 576, 1536),
    (Format::Q8_0, 576, 1536),
    (Format::Q8_0, 49152, 576),
    (Format::Q4K, 3072, 1024),
    (Format::Q4K, 1024, 3072),
    (Format::Q6K, 3072, 1024),
    (Format::Q6K, 1024, 3072),
];
/// How long each figure is measured, and how often: the best counts.
const SPAN: Duration = Duration::from_millis(30);
const ROUNDS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let threads: Vec<usize> = wanted.iter().filter_map(|word| word.parse().ok()).collect();
    let threads = if threads.is_empty() { vec![1, 2] } else { threads };
    let wanted: Vec<String> = wanted.into_iter().filter(|word| word.parse::<usize>().is_err()).collect();
    let mut out = std::io::stdout().lock();
    for isa in Isa::available() {
        if isa == Isa::Scalar || !(wanted.is_empty() || wanted.iter().any(|name| name == isa.name())) {
            continue;
        }
        for threads in threads.clone() {
            writeln!(out, "\n{} x {threads}, tokens: {TOKENS:?}", isa.name())?;
            let pool = Pool::new(threads)?;
            for (format, rows, cols) in SHAPES {
                write!(out, "{:6} {rows:5} x {cols:4}", format!("{format:?}"))?;
                let weights = weights(format, rows, cols)?;
                for tokens in TOKENS {
                    let rate = measure(isa, &pool, &weights, tokens);
                    write!(out, " {rate:8.1}")?;
                    out.flush()?;
                }
                writeln!(out)?;
            }
        }
    }
    Ok(())
}

/// Several copies, so that a small matrix is not read from the cache when there is one token, as in a model.
fn weights(format: Format, rows: usize, cols: usize) -> Result<Vec<Linear>, Box<dyn Error>> {
    let len = rows * cols / format.block_weights() * format.block_bytes();
    // Small positive halves wherever a scale may stand.
    let bytes: Vec<u8> = (0..len).map(|i| (i * 7 % 64) as u8).collect();
    let first = Linear::from_gguf(format, rows, cols, &bytes)?;
    let copies = ((64 << 20) / first.bytes()).clamp(2, 200);
    Ok(vec![first; copies])
}

fn measure(isa: Isa, pool: &Pool, weights: &[Linear], tokens: usize) -> f64 {
    let (rows, cols) = (weights[0].rows(), weights[0].cols());
    let x: Vec<f32> = (0..tokens * cols).map(|i| (i * 37 % 101) as f32 - 50.0).collect();
    let mut quantized = Activations::new();
    quantized.quantize(isa, pool, &x, cols);
    let mut out = vec![0.0; tokens * rows];
    let mut best = 0.0_f64;
    let mut next = weights.iter().cycle();
    for _ in 0..ROUNDS {
        let (start, busy, mut count) = (Instant::now(), busy(), 0);
        while spent(pool, &start, busy) < SPAN.as_secs_f64() {
            if let Some(weights) = next.next() {
                matmul(isa, pool, &[weights], &quantized, &mut [&mut out]);
            }
            count += 1;
        }
        let products = (count * tokens * rows * cols) as f64;
        best = best.max(products / spent(pool, &start, busy) / 1e9);
    }
    best
}

/// Seconds since the start: of the processor for one thread, of the clock for several.
fn spent(pool: &Pool, start: &Instant, before: Option<f64>) -> f64 {
    match (before, busy()) {
        (Some(before), Some(after)) if pool.threads() == 1 => after - before,
        _ => start.elapsed().as_secs_f64(),
    }
}

/// Seconds that this thread has been on a processor, where the system tells.
fn busy() -> Option<f64> {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    times.split(' ').next()?.parse::<f64>().ok().map(|nanoseconds| nanoseconds / 1e9)
}
