//! The form of a written sentence.

use crate::words;

/// Fewest words of a sentence that says something.
const FEWEST: usize = 4;
/// Openings that tell about the text instead of what it says.
const SUBJECTS: [&str; 10] = [
    "the text",
    "the document",
    "the article",
    "the passage",
    "this text",
    "this document",
    "this article",
    "the author",
    "the excerpt",
    "the summary",
];
/// Verbs after which what the text says follows as a sentence of its own.
const VERBS: [&str; 12] = [
    "says",
    "states",
    "mentions",
    "notes",
    "explains",
    "reports",
    "adds",
    "concludes",
    "emphasizes",
    "highlights",
    "points out",
    "indicates",
];

/// Checks whether it is a whole statement: it ends, has some words, asks nothing, and is no mark-up or line of a form.
pub(super) fn is_sentence(text: &str) -> bool {
    let last = text.trim_end_matches(['"', '\'', '”', '’', '»', ')', ']', '」', '』']).chars().next_back();
    let ends = last.is_some_and(|c| matches!(c, '.' | '!' | '。' | '！' | '।' | '۔'));
    let marks = ["```", "<|", "|>", "**", "##", "</", "](", "://"];
    let label = text.split_once(": ").is_some_and(|(label, _)| {
        matches!(
            label.to_lowercase().as_str(),
            "subject" | "betreff" | "objet" | "asunto" | "oggetto" | "summary" | "title" | "topic"
        )
    });
    ends && !label && words::size(text) >= FEWEST && !marks.iter().any(|mark| text.contains(mark))
}

/// The statement of a sentence, without its words about the text: "The text also says that it rains." says "It rains." None if it
/// only tells about the text.
pub(crate) fn told(sentence: &str) -> Option<String> {
    // Letters whose lowercase form has another length are in no opening.
    let lower = sentence.to_ascii_lowercase();
    let Some(subject) = SUBJECTS.iter().find(|subject| lower.starts_with(&format!("{subject} "))) else {
        return Some(sentence.to_owned());
    };
    let mut rest = lower[subject.len()..].trim_start();
    rest = rest.strip_prefix("also ").unwrap_or(rest);
    let verb = VERBS.iter().find(|verb| rest.starts_with(*verb))?;
    let said = rest[verb.len()..].strip_prefix(" that ")?;
    let said = sentence.get(sentence.len() - said.len()..)?;
    let mut letters = said.chars();
    let first = letters.next()?;
    Some(first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_about_the_text_are_left_out() {
        assert_eq!(told("The text also mentions that the pool is closed.").as_deref(), Some("The pool is closed."));
        assert_eq!(told("The document states that 3 of 4 agreed.").as_deref(), Some("3 of 4 agreed."));
        assert_eq!(told("The text discusses the pool."), None);
        assert_eq!(told("The textile mill closed.").as_deref(), Some("The textile mill closed."));
    }

    #[test]
    fn only_whole_sentences_pass() {
        for sentence in ["The pool is closed.", "He said \"it is closed.\"", "市政府关闭了游泳池。"] {
            assert!(is_sentence(sentence), "{sentence}");
        }
        for other in [
            "Subject: the pool is closed.",
            "The pool is",
            "Closed.",
            "Do I need a card to use a computer?",
            "See [the pool](https://x.y) now.",
            "<|im_end|> is written here.",
        ] {
            assert!(!is_sentence(other), "{other}");
        }
    }
}
