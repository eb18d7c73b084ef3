//! What the language model is asked. The instruction stands after the text: a small model follows what it read last.

use sha2::{Digest, Sha256};

/// Version of the prompt; the digest below changes with every byte of it.
pub(crate) const VERSION: u32 = 1;

/// Who the model is to be.
pub(crate) const SYSTEM: &str = "You are an editor. You write short, accurate summaries in plain prose. You use only what the text says and add nothing.";
/// The task on a document, or on the notes about its parts. `{sentences}` and `{focus}` are filled in.
const TASK: &str = "\n\nSummarize the text above in {sentences} sentences{focus}. State its subject, its main points and its conclusion.";
/// The task on one part of a long document.
const PART_TASK: &str =
    "\n\nThe text above is one part of a longer document. Summarize this part in {sentences} sentences{focus}.";
/// How the caller's interest is named.
const FOCUS: &str = ", with attention to {focus}";

/// Which text the model reads.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    /// One part of several.
    Part,
    /// The whole, or the notes on all parts.
    Whole,
}

/// The instruction after the text.
pub(crate) fn instruction(stage: Stage, sentences: usize, focus: Option<&str>) -> String {
    let template = match stage {
        Stage::Part => PART_TASK,
        Stage::Whole => TASK,
    };
    let focus = focus.map_or(String::new(), |focus| FOCUS.replace("{focus}", focus));
    template.replace("{sentences}", &sentences.to_string()).replace("{focus}", &focus)
}

/// SHA-256 over all templates in a fixed order, each with its length in front.
pub(crate) fn digest() -> String {
    let mut hash = Sha256::new();
    for template in [SYSTEM, TASK, PART_TASK, FOCUS] {
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
        let text = instruction(Stage::Whole, 3, Some("the {sentences} of {focus}"));
        assert!(text.contains("in 3 sentences, with attention to the {sentences} of {focus}."));
        assert!(!instruction(Stage::Part, 2, None).contains('{'));
    }

    #[test]
    fn the_digest_is_of_the_templates_of_this_version() {
        assert_eq!(VERSION, 1);
        assert_eq!(digest().len(), 64);
    }
}
