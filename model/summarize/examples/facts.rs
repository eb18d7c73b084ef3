//! Facts that summaries have, and what they must not have: reads folders of documents with a `facts.toml` (the format is
//! described in `tests/common/cases.rs`), prints a table and, with `--show`, every summary; with `--segments` the segments
//! of the documents instead.
//!
//! `facts MODEL_DIR FOLDER... [--model NAME] [--mode extractive|abstractive] [--words N] [--style STYLE] [--only NAME] [--show] [--segments]`
//!
//! With `--focus FILE` it asks of each document what that file lists (`tests/evaluation/focus.toml`), two sentences for each,
//! and counts the answers that have what is expected.

#![allow(clippy::print_stdout)]

#[path = "../tests/common/cases.rs"]
mod cases;

use std::collections::BTreeMap;
use std::error::Error;

use precis_summarize::{Control, DEFAULT_MODEL, Mode, Models, Options, Style, load_named, segment};

const USAGE: &str = "usage: facts MODEL_DIR FOLDER... [--model NAME] [--mode extractive|abstractive] [--words N] [--style STYLE] [--only NAME] [--show] [--segments] [--focus FILE]";

fn main() -> Result<(), Box<dyn Error>> {
    let (mut mode, mut words, mut only, mut show, mut segments) = (Mode::Extractive, None, None, false, false);
    let (mut model, mut focus, mut style) = (DEFAULT_MODEL.to_owned(), None, Style::default());
    let mut places = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--model" => model = arguments.next().ok_or(USAGE)?,
            "--mode" => mode = serde_json::from_value(arguments.next().ok_or(USAGE)?.into())?,
            "--style" => style = serde_json::from_value(arguments.next().ok_or(USAGE)?.into())?,
            "--words" => words = Some(arguments.next().ok_or(USAGE)?.parse()?),
            "--only" => only = arguments.next(),
            "--focus" => focus = arguments.next(),
            "--show" => show = true,
            "--segments" => segments = true,
            _ => places.push(argument),
        }
    }
    let [directory, folders @ ..] = places.as_slice() else { return Err(USAGE.into()) };
    let models = load_named(directory.as_ref(), &model)?;
    if let Some(file) = focus {
        return answers(&models, &std::fs::read_to_string(file)?, folders, mode, show);
    }
    let options = Options { max_words: words, style, ..Options::default() };
    println!("| document | kind | language | facts | needed | wrong | words |\n|---|---|---|---|---|---|---|");
    let (mut needed, mut reached, mut wrong, mut count, mut whole) = (0, 0, 0, 0, 0);
    for folder in folders {
        for case in cases::cases(folder.as_ref())? {
            if only.as_ref().is_some_and(|only| *only != case.name) {
                continue;
            }
            if segments {
                for (index, segment) in segment(&case.text).iter().enumerate() {
                    let quote = segment.quote.of(&case.text).unwrap_or_default();
                    println!(
                        "{index} {:?} lead {:?} resumes {} cut {:?} | {quote:?}",
                        segment.kind, segment.lead, segment.resumes, segment.cut
                    );
                }
                continue;
            }
            let expected = &case.expected;
            let (name, need) = (&case.name, expected.need);
            let outcome = match case.run(&models, mode, &options) {
                Ok(outcome) => outcome,
                Err(error) => {
                    println!("| {name} | {} | {} | refused: {error} | {need} | | |", expected.kind, expected.language);
                    (needed, count) = (needed + need, count + 1);
                    continue;
                }
            };
            let (found, length) = (outcome.found.len(), outcome.summary.text.split_whitespace().count());
            let bad = if outcome.wrong.is_empty() { String::new() } else { outcome.wrong.join("  ") };
            println!(
                "| {name} | {} | {} | {found} of {} | {need} | {bad} | {length} |",
                expected.kind,
                expected.language,
                expected.facts.len()
            );
            needed += need;
            reached += found.min(need);
            wrong += outcome.wrong.len();
            count += 1;
            whole += usize::from(found >= need && outcome.wrong.is_empty());
            if show {
                let missing = (0..expected.facts.len()).filter(|index| !outcome.found.contains(index));
                println!("missing: {:?}", missing.map(|index| &expected.facts[index]).collect::<Vec<_>>());
                println!("{}\n", outcome.summary.text);
                for sentence in &outcome.summary.sentences {
                    println!("   [{:?}] {}", sentence.source, sentence.text.replace('\n', "\\n"));
                }
                println!();
            }
        }
    }
    println!(
        "\n{reached} of {needed} facts needed ({} %), {wrong} wrong, {whole} of {count} documents whole",
        100 * reached / needed.max(1)
    );
    Ok(())
}

/// Questions about the documents, and whether their answers have what is expected.
fn answers(models: &Models, questions: &str, folders: &[String], mode: Mode, show: bool) -> Result<(), Box<dyn Error>> {
    let questions: BTreeMap<String, BTreeMap<String, Vec<[String; 2]>>> = toml::from_str(questions)?;
    let mut totals: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    println!("| document | language | asked in | answered | of |\n|---|---|---|---|---|");
    for folder in folders {
        for case in cases::cases(folder.as_ref())? {
            for (kind, asked) in questions.get(&case.name).into_iter().flatten() {
                let mut answered = 0;
                for [question, expected] in asked {
                    let focus = Some(question.clone());
                    let options = Options { focus, max_sentences: Some(2), ..Options::default() };
                    let summary = models.get(mode).summarize(&case.text, &options, &Control::new())?;
                    let is_answered = summary.text.contains(expected.as_str());
                    answered += usize::from(is_answered);
                    if show {
                        println!("{question} ({expected}) {is_answered}: {}", summary.text.replace('\n', " "));
                    }
                }
                println!("| {} | {} | {kind} | {answered} | {} |", case.name, case.expected.language, asked.len());
                let total = totals.entry(kind).or_default();
                *total = (total.0 + answered, total.1 + asked.len());
            }
        }
    }
    println!("\n{totals:?}");
    Ok(())
}
