//! Summaries of a JSON Lines file: reads objects with `id` and `text`, prints objects with `id` and `summary`.
//!
//! `evaluate MODEL_DIR extractive|abstractive FILE [MAX_SENTENCES] [LIMIT]`

#![allow(clippy::print_stdout)]

use std::io::BufRead;
use std::time::Instant;

use precis_model::{Control, Mode, Options, load};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, mode, file, rest @ ..] = arguments.as_slice() else {
        return Err("usage: evaluate MODEL_DIR extractive|abstractive FILE [MAX_SENTENCES] [LIMIT]".into());
    };
    let models = load(directory.as_ref())?;
    let mode: Mode = serde_json::from_value(mode.as_str().into())?;
    let max_sentences = rest.first().map(|text| text.parse()).transpose()?.filter(|count| *count > 0);
    let limit = rest.get(1).map_or(Ok(usize::MAX), |text| text.parse())?;
    let options = Options { max_sentences, ..Options::default() };
    for line in std::io::BufReader::new(std::fs::File::open(file)?).lines().take(limit) {
        let document: serde_json::Value = serde_json::from_str(&line?)?;
        let text = document["text"].as_str().ok_or("a line has no text")?;
        let started = Instant::now();
        let summary = models.get(mode).summarize(text, &options, &Control::new())?;
        let answer = serde_json::json!({
            "id": document["id"],
            "milliseconds": u64::try_from(started.elapsed().as_millis())?,
            "predicted_milliseconds": u64::try_from(models.get(mode).predict(summary.input_tokens).as_millis())?,
            "summary": summary,
        });
        println!("{answer}");
    }
    Ok(())
}
