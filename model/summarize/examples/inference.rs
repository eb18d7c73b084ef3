//! Our side of `scripts/bench inference`: answers requests, one JSON object a line, as the peers' drivers do.
//!
//! Token ids are given, so that every side computes the same; `seconds` is the wall-clock time of the work alone.

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use precis_engine::Rig;
use precis_engine::synthetic::{self, Shape};
use precis_summarize::measure::Sentences;
use precis_summarize::{Control, Mode, Models, Options};
use serde::Deserialize;
use serde_json::{Value, json};

/// Seed of the random weights.
const SEED: u64 = 1;

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Request {
    Info,
    Load { path: String, threads: usize, sequences: usize, positions: usize },
    Prefill { tokens: Vec<u32> },
    Write { context: Vec<Vec<u32>>, tokens: Vec<Vec<u32>> },
    Score { tokens: Vec<u32> },
    Synthesize { shape: String, path: String },
    Embedder { directory: String },
    Sentences { texts: Vec<String> },
    Embed { texts: Vec<Vec<u32>> },
    Candle { path: String },
    EmbedCandle { texts: Vec<Vec<u32>>, rows: usize },
    Document { directory: String, mode: Mode, text: String },
    Memory,
}

type Outcome = Result<Value, Box<dyn std::error::Error>>;

#[derive(Default)]
struct State {
    rig: Option<Rig>,
    sentences: Option<Sentences>,
    candle: Option<BertModel>,
    models: Option<Models>,
}

/// Runs `work` and tells how long it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let started = Instant::now();
    let outcome = work();
    (outcome, started.elapsed().as_secs_f64())
}

/// Bytes of a field of this process's status.
fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) * 1024
}

impl State {
    fn rig(&mut self) -> Result<&mut Rig, &'static str> {
        self.rig.as_mut().ok_or("nothing is loaded")
    }

    fn answer(&mut self, request: Request, before: u64) -> Outcome {
        Ok(match request {
            Request::Info => match &self.rig {
                Some(rig) => json!({ "instructions": rig.machine().1, "weights": rig.weight_bytes() }),
                None => json!({}),
            },
            Request::Load { path, threads, sequences, positions } => {
                self.rig = None;
                let bytes = std::fs::read(&path)?;
                let (rig, seconds) = timed(|| Rig::load(bytes, Some(threads), sequences, positions));
                self.rig = Some(rig?);
                json!({ "seconds": seconds })
            }
            // Speed does not depend on which tokens they are: the model takes its own.
            Request::Prefill { tokens } => json!({ "seconds": self.rig()?.prefill(tokens.len()).as_secs_f64() }),
            Request::Write { context, tokens } => {
                let took = self.rig()?.decode(context.len(), first_length(&context), first_length(&tokens));
                json!({ "seconds": took.as_secs_f64() })
            }
            Request::Score { tokens } => score(self.rig()?, &tokens),
            Request::Synthesize { shape, path } => {
                let shape = Shape::named(&shape).ok_or("no such shape")?;
                let part = format!("{path}.part");
                let mut out = std::io::BufWriter::new(std::fs::File::create(&part)?);
                synthetic::write(&shape, SEED, &mut out)?;
                out.flush()?;
                std::fs::rename(part, path)?;
                json!({})
            }
            Request::Embedder { directory } => {
                self.sentences = Some(Sentences::load(Path::new(&directory))?);
                json!({})
            }
            Request::Sentences { texts } => {
                let sentences = self.sentences.as_ref().ok_or("nothing is loaded")?;
                json!({ "tokens": texts.iter().map(|text| sentences.tokens(text)).collect::<Result<Vec<_>, _>>()? })
            }
            Request::Embed { texts } => {
                let sentences = self.sentences.as_ref().ok_or("nothing is loaded")?;
                let (sum, seconds) = timed(|| sentences.embed(&texts));
                json!({ "seconds": seconds, "sum": sum? })
            }
            Request::Candle { path } => {
                self.candle = Some(candle(&path)?);
                json!({})
            }
            Request::EmbedCandle { texts, rows } => {
                let bert = self.candle.as_ref().ok_or("nothing is loaded")?;
                let (sum, seconds) = timed(|| embed_candle(bert, texts, rows));
                json!({ "seconds": seconds, "sum": sum? })
            }
            Request::Document { directory, mode, text } => {
                if self.models.is_none() {
                    self.models =
                        Some(precis_summarize::load_named(Path::new(&directory), precis_summarize::SMALLEST_MODEL)?);
                }
                let models = self.models.as_ref().ok_or("nothing is loaded")?;
                let (summary, seconds) =
                    timed(|| models.get(mode).summarize(&text, &Options::default(), &Control::new()));
                let summary = summary?;
                json!({ "seconds": seconds, "input_tokens": summary.input_tokens, "chunks": summary.chunks })
            }
            Request::Memory => json!({ "peak": status("VmHWM:").saturating_sub(before) }),
        })
    }
}

fn first_length(sequences: &[Vec<u32>]) -> usize {
    sequences.first().map_or(0, Vec::len)
}

/// Mean negative log-likelihood of every token after the first, and the likeliest token at each position.
fn score(rig: &mut Rig, tokens: &[u32]) -> Value {
    let (mut total, mut best) = (0f64, Vec::with_capacity(tokens.len()));
    rig.logits(tokens, |index, logits| {
        // The first of equals, as numpy has it.
        let first_larger =
            |best: (usize, f32), (at, logit): (usize, &f32)| if *logit > best.1 { (at, *logit) } else { best };
        let (likeliest, most) = logits.iter().enumerate().fold((0, f32::NEG_INFINITY), first_larger);
        best.push(likeliest);
        if let Some(next) = tokens.get(index + 1) {
            let sum: f64 = logits.iter().map(|logit| f64::from(logit - most).exp()).sum();
            total += f64::from(most) + sum.ln() - f64::from(logits[*next as usize]);
        }
    });
    json!({ "nll": total / (tokens.len().max(2) - 1) as f64, "best": best })
}

/// candle's own BERT, as it comes.
fn candle(path: &str) -> Result<BertModel, Box<dyn std::error::Error>> {
    let variables = VarBuilder::from_buffered_safetensors(std::fs::read(path)?, DType::F32, &Device::Cpu)?;
    let config = Config { hidden_size: 384, num_hidden_layers: 6, intermediate_size: 1536, ..Config::default() };
    Ok(BertModel::load(variables, &config)?)
}

/// The longest first, so many at a time, padded to the longest of a batch.
fn embed_candle(bert: &BertModel, mut texts: Vec<Vec<u32>>, rows: usize) -> candle_core::Result<f64> {
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let mut total = 0.0;
    for batch in texts.chunks(rows) {
        let (count, width) = (batch.len(), first_length(batch));
        let padded = |one: bool| {
            let row = move |text: &Vec<u32>| {
                (0..width).map(|at| text.get(at).map_or(0, |id| if one { 1 } else { *id })).collect::<Vec<u32>>()
            };
            Tensor::from_vec(batch.iter().flat_map(row).collect::<Vec<u32>>(), (count, width), &Device::Cpu)
        };
        let (ids, mask) = (padded(false)?, padded(true)?);
        let hidden = bert.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let mask = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
        let means = hidden.broadcast_mul(&mask)?.sum(1)?.broadcast_div(&mask.sum(1)?)?;
        let norms = means.sqr()?.sum_keepdim(1)?.sqrt()?;
        total += f64::from(means.broadcast_div(&norms)?.sum_all()?.to_scalar::<f32>()?);
    }
    Ok(total)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (before, mut state) = (status("VmRSS:"), State::default());
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = state.answer(serde_json::from_str(&line?)?, before)?;
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
