//! Documents with the facts that a payer expects of their summary, and what must not appear.
//!
//! A folder has the documents and a `facts.toml`: for each document, by its file name without what follows the first full
//! stop, `facts` (each a list of spellings, any of which counts, in any case), `need` (how many of them a summary has at
//! least), `wrong` (regular expressions that match no sentence of it) and perhaps `kind` and `language`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use precis_summarize::{Control, Mode, Models, Options, Summary};
use regex::Regex;
use serde::Deserialize;

/// Expectations of one document.
#[derive(Deserialize)]
pub struct Expected {
    pub need: usize,
    pub facts: Vec<Vec<String>>,
    pub wrong: Vec<String>,
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub language: String,
}

/// One document and what is expected of it.
pub struct Case {
    pub name: String,
    pub text: String,
    pub expected: Expected,
}

/// Outcome for one document.
pub struct Outcome {
    pub summary: Summary,
    pub found: Vec<usize>,
    pub wrong: Vec<String>,
}

impl Case {
    /// Summarize the document and look for the facts.
    pub fn run(&self, models: &Models, mode: Mode, options: &Options) -> Result<Outcome, Box<dyn Error>> {
        let summary = models.get(mode).summarize(&self.text, options, &Control::new())?;
        // A fact may be said over the end of a line, or in two quotations.
        let said = summary.text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let says = |spellings: &Vec<String>| spellings.iter().any(|spelling| said.contains(&spelling.to_lowercase()));
        let facts = self.expected.facts.iter().enumerate();
        let found = facts.filter(|(_, spellings)| says(spellings)).map(|(index, _)| index).collect();
        let mut wrong = Vec::new();
        for pattern in &self.expected.wrong {
            let pattern = Regex::new(pattern)?;
            if summary.sentences.iter().any(|sentence| pattern.is_match(&sentence.text))
                || pattern.is_match(&summary.text)
            {
                wrong.push(pattern.to_string());
            }
        }
        Ok(Outcome { summary, found, wrong })
    }
}

/// The cases of a folder, by name.
pub fn cases(folder: &Path) -> Result<Vec<Case>, Box<dyn Error>> {
    let facts = std::fs::read_to_string(folder.join("facts.toml"))?;
    let mut expected: BTreeMap<String, Expected> = toml::from_str(&facts)?;
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let stem = name.split('.').next().unwrap_or_default();
        if name != "facts.toml"
            && let Some(expected) = expected.remove(stem)
        {
            cases.push(Case { name: stem.to_owned(), text: std::fs::read_to_string(&path)?, expected });
        }
    }
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    if let Some(name) = expected.keys().next() {
        return Err(format!("facts.toml names {name}, and there is no such document").into());
    }
    Ok(cases)
}
