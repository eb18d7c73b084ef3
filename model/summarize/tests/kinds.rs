//! Extracts of ordinary documents, of many kinds and languages, have the facts that a payer expects and nothing that must
//! not appear. Without the files of `scripts/fetch-model` it says that it was skipped; so it does for the documents of
//! `PRECIS_CASES` without that variable.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/cases.rs"]
mod cases;

use std::path::{Path, PathBuf};

use precis_summarize::{Mode, Options};

/// Facts found of those needed, in percent, that a folder reaches as a whole.
const MIN_PERCENT: usize = 90;

fn judge(folder: &Path) {
    let Some(models) = crate::common::models() else { return };
    let (mut needed, mut found, mut wrong) = (0, 0, Vec::new());
    for case in cases::cases(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let outcome = case.run(models, Mode::Extractive, &Options::default()).unwrap_or_else(|error| {
            panic!("{} ({} {}): {error}", case.name, case.expected.kind, case.expected.language)
        });
        for sentence in &outcome.summary.sentences {
            assert_eq!(sentence.source.unwrap().of(&case.text), Some(sentence.text.as_str()), "{}", case.name);
        }
        needed += case.expected.need;
        found += outcome.found.len().min(case.expected.need);
        wrong.extend(outcome.wrong.into_iter().map(|pattern| format!("{}: {pattern}", case.name)));
    }
    assert!(wrong.is_empty(), "quoted what must not be quoted: {wrong:#?}");
    assert!(found * 100 >= needed * MIN_PERCENT, "{found} of {needed} facts");
}

#[test]
fn extracts_of_ordinary_documents_have_their_facts_and_no_boilerplate() {
    judge(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/evaluation/texts"));
}

#[test]
fn extracts_of_the_shared_cases_have_their_facts_and_no_boilerplate() {
    let Some(cases) = std::env::var_os("PRECIS_CASES") else {
        eprintln!("SKIPPED: PRECIS_CASES names no directory with documents");
        return;
    };
    judge(&PathBuf::from(cases).join("texts"));
}
