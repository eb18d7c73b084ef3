//! Speed on this machine: `bench MODEL_DIR` prints one JSON object a line. The model that writes is the smallest one, or
//! `PRECIS_MODEL__NAME`.
//!
//! Tokens per second of reading and writing are those the summarizers themselves observe and predict with; sentences and
//! tokens per second of embedding come from whole extractive summaries.

#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use precis_summarize::{Control, Error, Models, Options, SMALLEST_MODEL, load_named};
use serde_json::json;

/// Sentences that differ from each other and have the length of scientific prose.
fn text(sentences: usize) -> String {
    const SUBJECTS: [&str; 7] =
        ["The parser", "A second model", "Our corpus", "The enclave", "This method", "Each annotator", "The baseline"];
    const VERBS: [&str; 5] = ["improves on", "was compared with", "depends on", "is limited by", "contains"];
    const OBJECTS: [&str; 9] = [
        "the alignment of long sentences in both languages",
        "a small set of features that were chosen by hand",
        "the number of documents that were available",
        "results reported in earlier work on the same data",
        "a probability estimated from counts",
        "the order in which the words are read",
        "noise in the training data",
        "an agreement of more than eighty percent",
        "the memory that the machine provides",
    ];
    (0..sentences)
        .map(|i| format!("{} {} {}, as case {i} shows. ", SUBJECTS[i % 7], VERBS[i % 5], OBJECTS[i % 9]))
        .collect()
}

fn print(what: &str, value: serde_json::Value) {
    println!("{}", json!({ "measure": what, "value": value }));
}

fn extractive(models: &Models, sentences: usize) -> Result<(), Error> {
    let text = text(sentences);
    let started = Instant::now();
    let summary = models.extractive.summarize(&text, &Options::default(), &Control::new())?;
    let seconds = started.elapsed().as_secs_f64();
    print(
        &format!("extractive_{sentences}_sentences"),
        json!({
            "seconds": seconds,
            "sentences_per_second": sentences as f64 / seconds,
            "tokens": summary.input_tokens,
            "tokens_per_second": f64::from(summary.input_tokens) / seconds,
        }),
    );
    Ok(())
}

fn abstractive(models: &Models, sentences: usize) -> Result<(), Error> {
    let text = text(sentences);
    let started = Instant::now();
    let summary = models.abstractive.summarize(&text, &Options::default(), &Control::new())?;
    print(
        &format!("abstractive_{sentences}_sentences"),
        json!({
            "seconds": started.elapsed().as_secs_f64(),
            "input_tokens": summary.input_tokens,
            "output_tokens": summary.output_tokens,
            "chunks": summary.chunks,
            "read_tokens_per_second": models.abstractive.speed().read_per_second,
            "written_tokens_per_second": models.abstractive.speed().written_per_second,
            "predicted_seconds": models.abstractive.predict(summary.input_tokens).as_secs_f64(),
        }),
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).ok_or("usage: bench MODEL_DIR")?;
    let started = Instant::now();
    let name = std::env::var("PRECIS_MODEL__NAME").unwrap_or_else(|_| SMALLEST_MODEL.to_owned());
    let models = load_named(directory.as_ref(), &name)?;
    print("load_seconds", started.elapsed().as_secs_f64().into());
    let long = text(4000);
    let started = Instant::now();
    let tokens = models.extractive.count_tokens(&long)?;
    print("count_tokens_per_second_extractive", (f64::from(tokens) / started.elapsed().as_secs_f64()).into());
    let half = &long[..long.len() / 2];
    let started = Instant::now();
    let tokens = models.abstractive.count_tokens(half)?;
    print("count_tokens_per_second_abstractive", (f64::from(tokens) / started.elapsed().as_secs_f64()).into());
    for sentences in [32, 512] {
        extractive(&models, sentences)?;
    }
    for sentences in [8, 50, 150] {
        abstractive(&models, sentences)?;
    }
    print("done_after_seconds", Duration::as_secs_f64(&started.elapsed()).into());
    Ok(())
}
