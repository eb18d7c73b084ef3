//! Memory under a flood: the whole queue full of long documents of as many payers at once, in the mode that writes.
//! `flood MODEL_DIR [DOCUMENTS] [WORDS]` prints one JSON object: memory before, at its peak, and after.

#![allow(clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use precis_summarize::{Control, Job, Options, Payer, SMALLEST_MODEL, Settings, Worker, load_named};
use serde_json::json;
use zeroize::Zeroizing;

/// Documents, as many as the service's queue holds by default.
const DOCUMENTS: usize = 16;
/// Words of each.
const WORDS: usize = 5_000;

/// A text of `words` words in which every sentence is another.
fn document(number: usize, words: usize) -> String {
    (0..words / 16)
        .map(|line| {
            format!("In season {line} the observer of station {number} measured a river that carried {} tonnes of sand past the town. ", line * 17 + number)
        })
        .collect()
}

/// A line of the process's status, in MiB.
fn memory(key: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse::<u64>().ok()? / 1024)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let directory = arguments.first().ok_or("usage: flood MODEL_DIR [DOCUMENTS] [WORDS]")?;
    let number = |index: usize, usual: usize| arguments.get(index).map_or(Ok(usual), |text| text.parse());
    let (documents, words) = (number(1, DOCUMENTS)?, number(2, WORDS)?);
    let models = load_named(Path::new(directory), SMALLEST_MODEL)?;
    let before = memory("VmRSS");
    let worker = Worker::spawn(documents, Settings::default().batch);
    let (sender, results) = channel();
    let started = Instant::now();
    let mut waiting = Vec::new();
    for index in 0..documents {
        let permit = worker.try_reserve(Duration::ZERO, Duration::MAX).ok_or("no place")?;
        let text = Zeroizing::new(document(index, words));
        let payer = Payer([u8::try_from(index % 256)?; 32]);
        let writer = Arc::clone(&models.abstractive);
        let work = Box::new(move |control: &Control| writer.summarize(&text, &Options::default(), control));
        let job = Job { work, control: Control::new(), payer };
        let sender = sender.clone();
        waiting.push(permit.submit(job, Box::new(move |result| _ = sender.send(result.err()))));
    }
    let errors: Vec<String> = results.iter().take(documents).flatten().map(|error| error.to_string()).collect();
    println!(
        "{}",
        json!({
            "documents": documents, "words_each": words, "errors": errors, "seconds": started.elapsed().as_secs(),
            "mib_before": before, "mib_peak": memory("VmHWM"), "mib_after": memory("VmRSS"),
        })
    );
    Ok(())
}
