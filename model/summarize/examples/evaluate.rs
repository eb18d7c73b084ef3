//! Summaries of a JSON Lines file, or its sentences: reads objects with `id`, `text` and perhaps `reference`, prints one
//! object for each.
//!
//! `evaluate MODEL_DIR extractive|abstractive FILE [MAX_SENTENCES] [LIMIT]` prints `summary` and the time it took; no
//! bound if it is 0. The model that writes is the smallest one, or `PRECIS_MODEL__NAME`.
//! `evaluate sentences FILE [LIMIT]` prints the prose `sentences` of the text and those of the reference, for baselines.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::BufRead;
use std::time::Instant;

use precis_summarize::{Control, Kind, Mode, Options, SMALLEST_MODEL, load_named, segment};
use serde_json::{Value, json};

const USAGE: &str = "usage: evaluate MODEL_DIR extractive|abstractive FILE [MAX_SENTENCES] [LIMIT]
       evaluate sentences FILE [LIMIT]";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["sentences", file, rest @ ..] => sentences(file, limit(rest.first())?),
        [directory, mode, file, rest @ ..] => summaries(directory, mode, file, rest.first(), limit(rest.get(1))?),
        _ => Err(USAGE.into()),
    }
}

fn limit(argument: Option<&&str>) -> Result<usize, Box<dyn Error>> {
    Ok(argument.map_or(Ok(usize::MAX), |text| text.parse())?)
}

/// The objects of a JSON Lines file.
fn documents(file: &str, limit: usize) -> Result<Vec<Value>, Box<dyn Error>> {
    let lines = std::io::BufReader::new(std::fs::File::open(file)?).lines();
    lines.take(limit).map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

fn summaries(
    directory: &str,
    mode: &str,
    file: &str,
    max_sentences: Option<&&str>,
    limit: usize,
) -> Result<(), Box<dyn Error>> {
    let name = std::env::var("PRECIS_MODEL__NAME").unwrap_or_else(|_| SMALLEST_MODEL.to_owned());
    let models = load_named(directory.as_ref(), &name)?;
    let mode: Mode = serde_json::from_value(mode.into())?;
    let max_sentences = max_sentences.map(|text| text.parse()).transpose()?.filter(|count| *count > 0);
    let options = Options { max_sentences, ..Options::default() };
    for document in documents(file, limit)? {
        let text = document["text"].as_str().ok_or("a line has no text")?;
        let started = Instant::now();
        let summary = models.get(mode).summarize(text, &options, &Control::new())?;
        let answer = json!({
            "id": document["id"],
            "milliseconds": u64::try_from(started.elapsed().as_millis())?,
            "predicted_milliseconds": u64::try_from(models.get(mode).predict(summary.input_tokens).as_millis())?,
            "summary": summary,
        });
        println!("{answer}");
    }
    Ok(())
}

fn sentences(file: &str, limit: usize) -> Result<(), Box<dyn Error>> {
    let split = |value: &Value| -> Vec<String> {
        let text = value.as_str().unwrap_or_default();
        let prose = |kind| matches!(kind, Kind::Prose | Kind::Item);
        segment(text)
            .iter()
            .filter(|segment| prose(segment.kind))
            .filter_map(|segment| segment.quote.of(text).map(str::to_owned))
            .collect()
    };
    for document in documents(file, limit)? {
        let (sentences, reference) = (split(&document["text"]), split(&document["reference"]));
        println!("{}", json!({ "id": document["id"], "sentences": sentences, "reference": reference }));
    }
    Ok(())
}
