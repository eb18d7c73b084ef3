//! The prompt of the language model. The instruction stands after the text: a small model follows what it read last.

use sha2::{Digest, Sha256};

/// Version of the prompt; the digest below changes with every byte of it.
pub(crate) const VERSION: u32 = 4;

/// The role of the model.
pub(crate) const SYSTEM: &str = "You are an editor. You write short, accurate summaries in plain prose. You use only what the text says and add nothing.";
/// The task on a whole document, and on one part of a long one. What stands in braces is filled in.
const WHOLE: &str = "\n\nList the {count} most important {subject} of the text above{focus}. Number them. Each is one whole sentence that can be understood alone, with the names, amounts, dates and conditions exactly as the text has them.{due}{language}";
const PART: &str = "\n\nThe text above is one part of a longer document. List the {count} most important {subject} of this part{focus}. Number them. Each is one whole sentence that can be understood alone, with the names, amounts, dates and conditions exactly as the text has them.{due}{language}";
/// Subject of a summary, and that of one for which only decisions count, with what is asked of each of these.
const FACTS: &str = "facts";
const DECISIONS: &str = "decisions, tasks and deadlines";
const DUE: &str = " Say who does it and until when, where the text does.";
/// The caller's interest, and the language of the text where it is not English.
const FOCUS: &str = ", with attention to {focus}";
const LANGUAGE: &str = " Write in {language}, the language of the text.";

/// Wishes that are filled in.
#[derive(Clone, Copy)]
pub(crate) struct Wishes<'a> {
    /// Interest of the caller.
    pub(crate) focus: Option<&'a str>,
    /// Language of the text by its English name.
    pub(crate) language: Option<&'a str>,
    /// Decisions, tasks and dates count, not all facts.
    pub(crate) decisions: bool,
}

/// The instruction on a whole document.
pub(crate) fn whole(sentences: usize, wishes: Wishes<'_>) -> String {
    fill(WHOLE, sentences, wishes)
}

/// The instruction on one part of several.
pub(crate) fn part(sentences: usize, wishes: Wishes<'_>) -> String {
    fill(PART, sentences, wishes)
}

/// The longest instruction on a part, but for the focus.
pub(crate) fn longest_part() -> String {
    part(9, Wishes { focus: None, language: Some("Indonesian"), decisions: true })
}

fn fill(template: &str, sentences: usize, Wishes { focus, language, decisions }: Wishes<'_>) -> String {
    let focus = focus.map_or(String::new(), |focus| FOCUS.replace("{focus}", focus));
    let language = language.filter(|language| *language != "English");
    let language = language.map_or(String::new(), |language| LANGUAGE.replace("{language}", language));
    let (subject, due) = if decisions { (DECISIONS, DUE) } else { (FACTS, "") };
    let template = template.replace("{subject}", subject).replace("{due}", due);
    // The focus last: it is the caller's, and may look like a place to fill in.
    template.replace("{count}", &sentences.to_string()).replace("{language}", &language).replace("{focus}", &focus)
}

/// SHA-256 over all templates in a fixed order, each with its length in front.
pub(crate) fn digest() -> String {
    let mut hash = Sha256::new();
    for template in [SYSTEM, WHOLE, PART, FACTS, DECISIONS, DUE, FOCUS, LANGUAGE] {
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
        let wishes = Wishes { focus: Some("the {count} of {focus}"), language: Some("German"), decisions: false };
        let text = whole(3, wishes);
        assert!(
            text.contains(
                "List the 3 most important facts of the text above, with attention to the {count} of {focus}."
            ) && text.ends_with("Write in German, the language of the text."),
            "{text}"
        );
        let wishes = Wishes { focus: None, language: Some("English"), decisions: false };
        let plain = part(1, wishes);
        assert!(!plain.contains('{') && plain.contains("of this part. Number"), "{plain}");
    }

    #[test]
    fn decisions_are_asked_for_in_place_of_facts() {
        let wishes = Wishes { focus: Some("the {due}"), language: Some("German"), decisions: true };
        for text in [whole(3, wishes), part(3, wishes)] {
            assert!(text.contains("List the 3 most important decisions, tasks and deadlines of "), "{text}");
            assert!(text.contains("attention to the {due}.") && !text.contains("facts"), "{text}");
            assert!(text.ends_with("where the text does. Write in German, the language of the text."), "{text}");
        }
    }

    #[test]
    fn the_digest_is_of_the_templates_of_this_version() {
        assert_eq!((VERSION, digest().len()), (4, 64));
    }
}
