//! Speed of the language model alone: `engine FILE|SHAPE [THREADS]` prints one JSON object a line. A shape is one of
//! `smollm2-135m`, `qwen2.5-1.5b`, `qwen3-0.6b`, `qwen3-1.7b`, `qwen3-4b`, with random weights.

#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use precis_engine::Rig;
use precis_engine::synthetic::{self, Shape};
use serde_json::json;

/// Sequences side by side.
const BATCH: usize = 8;
/// Repetitions of which the median counts.
const REPEATS: usize = 3;

/// Processor time of this thread so far.
fn processor() -> Duration {
    let status = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(status.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// Tokens per second of the median run, by the clock, and by this thread's processor time: what one thread would reach on
/// a machine of its own.
fn print(what: &str, tokens: usize, mut run: impl FnMut() -> Duration) {
    let once = |_| {
        let (started, before) = (Instant::now(), processor());
        let measured = run();
        let (all, busy) = (started.elapsed().as_secs_f64(), (processor() - before).as_secs_f64());
        // A run may begin with what is not measured; processor time is taken to be spread evenly.
        (measured.as_secs_f64(), measured.as_secs_f64() * busy / all)
    };
    let mut times: Vec<(f64, f64)> = (0..REPEATS).map(once).collect();
    times.sort_by(|left, right| left.1.total_cmp(&right.1));
    let (clock, busy) = times[REPEATS / 2];
    let tokens = tokens as f64;
    println!("{}", json!({ "measure": what, "per_second": tokens / clock, "per_processor_second": tokens / busy }));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().ok_or("usage: engine FILE|SHAPE [THREADS]")?;
    let threads = arguments.get(1).map(|text| text.parse()).transpose()?;
    let bytes = match Shape::named(name) {
        Some(shape) => synthetic::gguf(&shape, 1),
        None => std::fs::read(name)?,
    };
    let started = Instant::now();
    let mut rig = Rig::load(bytes, threads, BATCH, 2048)?;
    println!("{}", json!({ "load_seconds": started.elapsed().as_secs_f64(), "weight_bytes": rig.weight_bytes() }));
    println!("{}", json!({ "threads": rig.machine().0, "instructions": rig.machine().1 }));
    rig.prefill(64);
    for tokens in [128, 512, 1800] {
        print(&format!("prefill {tokens}"), tokens, || rig.prefill(tokens));
    }
    let steps = 32;
    for position in [100, 1000] {
        print(&format!("decode at {position}"), steps, || rig.decode(1, position, steps));
    }
    for batch in [2, 4, BATCH] {
        print(&format!("decode at 100, batch of {batch}"), batch * steps, || rig.decode(batch, 100, steps));
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    println!("{}", json!({ "peak_memory": peak.trim() }));
    Ok(())
}
