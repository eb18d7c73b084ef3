//! What the language model is asked. The instruction stands after the text: a small model follows what it read last, and
//! several instructions can follow one reading of the text.

use sha2::{Digest, Sha256};

/// Version of the prompt; the digest below changes with every byte of it.
pub(crate) const VERSION: u32 = 2;

/// Who the model is to be.
pub(crate) const SYSTEM: &str = "You are an editor. You write short, accurate summaries in plain prose. You use only what the text says and add nothing.";
/// The tasks on a document, each of which gives one candidate. `{sentences}` and `{focus}` are filled in.
const TASKS: &[&str] = &[
    "\n\nSummarize the text above in {sentences}{focus}. State its subject, its main points and its conclusion.",
    "\n\nSummarize the text above in {sentences}{focus}, in its own words. Say what it is about, what was done, and what came out.",
];
/// The task on one part of a long document.
const PART_TASK: &str =
    "\n\nThe text above is one part of a longer document. Summarize this part in {sentences}{focus}.";
/// How the caller's interest is named.
const FOCUS: &str = ", with attention to {focus}";
/// How one sentence and several are asked for.
const ONE: &str = "one sentence";
const SEVERAL: &str = "{count} sentences";

/// The instructions on a whole document, each for one candidate.
pub(crate) fn whole(sentences: usize, focus: Option<&str>) -> Vec<String> {
    TASKS.iter().map(|template| fill(template, sentences, focus)).collect()
}

/// The instruction on one part of several.
pub(crate) fn part(sentences: usize, focus: Option<&str>) -> String {
    fill(PART_TASK, sentences, focus)
}

fn fill(template: &str, sentences: usize, focus: Option<&str>) -> String {
    let focus = focus.map_or(String::new(), |focus| FOCUS.replace("{focus}", focus));
    let sentences = if sentences == 1 { ONE.to_owned() } else { SEVERAL.replace("{count}", &sentences.to_string()) };
    template.replace("{sentences}", &sentences).replace("{focus}", &focus)
}

/// SHA-256 over all templates in a fixed order, each with its length in front.
pub(crate) fn digest() -> String {
    let mut hash = Sha256::new();
    for template in [SYSTEM].iter().chain(TASKS).chain(&[PART_TASK, FOCUS, ONE, SEVERAL]) {
        hash.update((template.len() as u64).to_be_bytes());
        hash.update(template.as_bytes());
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_focus_is_filled_in_as_it_is() {
        let texts = whole(3, Some("the {sentences} of {focus}"));
        assert!(texts.iter().all(|text| text.contains("in 3 sentences, with attention to the {sentences} of {focus}")));
        assert!(!part(1, None).contains('{') && part(1, None).contains("in one sentence."));
    }

    #[test]
    fn the_digest_is_of_the_templates_of_this_version() {
        assert_eq!((VERSION, digest().len()), (2, 64));
    }
}
