//! `model bench`: one language model, driven as the engine drives it, without the summarizer around it.

use std::fmt;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use precis_engine::Rig;
use precis_engine::synthetic::{self, Shape};
use serde::Serialize;

use super::directory::Directory;

/// Seed of the random weights.
const SEED: u64 = 1;
/// Tokens of the prompt, tokens before what is written, tokens written, sequences written side by side.
const PROMPT: usize = 512;
const CONTEXT: usize = 100;
const STEPS: usize = 16;
const BATCH: usize = 8;
/// Runs of which the fastest counts: what else the machine does only makes them slower.
const RUNS: usize = 3;

/// What to measure.
#[derive(clap::Args)]
pub struct Arguments {
    /// Name of a model whose weights lie in the model directory.
    #[arg(long, default_value = precis_summarize::DEFAULT_MODEL)]
    model: String,
    /// Random weights in this shape instead: smollm2-135m, qwen2.5-1.5b, qwen3-0.6b, qwen3-1.7b or qwen3-4b.
    #[arg(long, value_name = "SHAPE", conflicts_with = "model")]
    shape: Option<String>,
    /// Threads. Default: as many as this process may use.
    #[arg(long)]
    threads: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    directory: Directory,
}

/// What was measured.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Measured {
    model: String,
    instructions: &'static str,
    threads: usize,
    weights_bytes: usize,
    load_seconds: f64,
    /// Resident after loading, the file's bytes given back; 0 where the system does not tell.
    loaded_bytes: u64,
    /// Resident after everything below.
    resident_bytes: u64,
    pub(super) prefill_per_second: f64,
    pub(super) decode_per_second: f64,
    pub(super) batch_per_second: f64,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let threads = arguments.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    anyhow::ensure!((1..=1024).contains(&threads), "--threads is 1 to 1024");
    let (name, bytes) = match &arguments.shape {
        Some(name) => {
            let shape = Shape::named(name).with_context(|| format!("no shape is called {name}; see --help"))?;
            (format!("{name}, random weights"), synthetic::gguf(&shape, SEED))
        }
        None => (
            arguments.model.clone(),
            precis_summarize::measure::language_model(&arguments.directory.path, &arguments.model)?,
        ),
    };
    let measured = measure(name, bytes, threads)?;
    let text = if arguments.json { serde_json::to_string_pretty(&measured)? } else { measured.to_string() };
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

pub(super) fn measure(model: String, bytes: Vec<u8>, threads: usize) -> anyhow::Result<Measured> {
    let (started, weights_bytes) = (Instant::now(), bytes.len());
    let mut rig = Rig::load(bytes, Some(threads), BATCH, PROMPT + STEPS)?;
    let (load_seconds, loaded_bytes) = (started.elapsed().as_secs_f64(), resident());
    let prefill = fastest(|| rig.prefill(PROMPT));
    let decode = fastest(|| rig.decode(1, CONTEXT, STEPS));
    let batch = fastest(|| rig.decode(BATCH, CONTEXT, STEPS));
    Ok(Measured {
        model,
        instructions: rig.machine().1,
        threads,
        weights_bytes,
        load_seconds,
        loaded_bytes,
        resident_bytes: resident(),
        prefill_per_second: PROMPT as f64 / prefill,
        decode_per_second: STEPS as f64 / decode,
        batch_per_second: (STEPS * BATCH) as f64 / batch,
    })
}

/// Seconds of the fastest of some runs.
fn fastest(mut run: impl FnMut() -> Duration) -> f64 {
    (0..RUNS).map(|_| run().as_secs_f64()).fold(f64::INFINITY, f64::min)
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().map_or(0, |kilobytes| kilobytes * 1024)
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MB: f64 = 1e6;
        writeln!(f, "model                      {}", self.model)?;
        writeln!(f, "instructions, threads      {}, {}", self.instructions, self.threads)?;
        writeln!(f, "weights                    {:.0} MB", self.weights_bytes as f64 / MB)?;
        writeln!(f, "load                       {:.2} s", self.load_seconds)?;
        writeln!(f, "resident after loading     {:.0} MB", self.loaded_bytes as f64 / MB)?;
        writeln!(f, "resident at the end        {:.0} MB", self.resident_bytes as f64 / MB)?;
        writeln!(f, "prefill of {PROMPT}             {:.1} tokens/s", self.prefill_per_second)?;
        writeln!(f, "decode at {CONTEXT}              {:.1} tokens/s", self.decode_per_second)?;
        write!(f, "decode at {CONTEXT}, batch of {BATCH}  {:.1} tokens/s", self.batch_per_second)
    }
}
