//! Styles of a summary, and the text that its sentences make in each (SPEC 5.2).
//!
//! Service and client lay sentences out by this one module, so that no text passes that says something else than they do.

use serde::{Deserialize, Serialize};

/// Stands where words of a sentence are left out.
const ELLIPSIS: &str = "…";

/// Choice and layout of the sentences of a summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// Running text.
    #[default]
    Paragraph,
    /// The same sentences, one to a line.
    Bullets,
    /// Decisions and tasks with names and dates, one to a line.
    Decisions,
    /// Running text of one or two sentences.
    Tldr,
}

/// A sentence that is laid out.
#[derive(Clone, Copy)]
pub struct Piece<'a> {
    /// Its text.
    pub text: &'a str,
    /// Set if words of its sentence are left out before it, and behind it.
    pub cut: (bool, bool),
}

impl Style {
    /// All styles.
    pub const ALL: [Self; 4] = [Self::Paragraph, Self::Bullets, Self::Decisions, Self::Tldr];

    /// The wire name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paragraph => "paragraph",
            Self::Bullets => "bullets",
            Self::Decisions => "decisions",
            Self::Tldr => "tldr",
        }
    }

    /// Set for the style of a request that names none.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The text that sentences make.
    pub fn render<'a>(self, sentences: impl IntoIterator<Item = Piece<'a>>) -> String {
        let mut text = String::new();
        for (index, piece) in sentences.into_iter().enumerate() {
            text.push_str(self.mark(index));
            // One is enough between two of a paragraph of which both are cut.
            if piece.cut.0 && !text.ends_with("… ") {
                text.push_str(ELLIPSIS);
            }
            text.push_str(&one_line(piece.text));
            if piece.cut.1 {
                text.push_str(ELLIPSIS);
            }
        }
        text
    }

    /// Checks whether a text is what sentences make, wherever words of them are left out.
    pub fn is_rendering<'a>(self, text: &str, sentences: impl IntoIterator<Item = &'a str>) -> bool {
        let mut rest = text;
        for (index, sentence) in sentences.into_iter().enumerate() {
            let Some(line) = rest.strip_prefix(self.mark(index)) else { return false };
            let sentence = one_line(sentence);
            let ends = |rest: &&str| rest.is_empty() || rest.starts_with(self.mark(1));
            let behind = |start: &str| line.strip_prefix(start)?.strip_prefix(sentence.as_str());
            let whole = || ["", ELLIPSIS].into_iter().filter_map(behind);
            let cut = || whole().filter_map(|rest| rest.strip_prefix(ELLIPSIS));
            let Some(next) = whole().chain(cut()).find(ends) else { return false };
            rest = next;
        }
        rest.is_empty()
    }

    /// The mark before a sentence.
    const fn mark(self, index: usize) -> &'static str {
        match (self, index) {
            (Self::Paragraph | Self::Tldr, 0) => "",
            (Self::Paragraph | Self::Tldr, _) => " ",
            (Self::Bullets | Self::Decisions, 0) => "- ",
            (Self::Bullets | Self::Decisions, _) => "\n- ",
        }
    }
}

/// A sentence as it is read: one space for all white space, without the `>` of quoted lines.
fn one_line(sentence: &str) -> String {
    let mut line = String::with_capacity(sentence.len());
    for part in sentence.lines() {
        let part = if line.is_empty() { part } else { part.trim_start().trim_start_matches('>') };
        for word in part.split_whitespace() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn piece(text: &str, cut: (bool, bool)) -> Piece<'_> {
        Piece { text, cut }
    }

    #[test]
    fn each_style_lays_out_the_same_sentences() {
        let sentences = [
            piece("One goes\n> on   here.", (false, false)),
            piece("and so on", (true, true)),
            piece("until", (true, true)),
            piece("End.", (false, false)),
        ];
        for style in [Style::Paragraph, Style::Tldr] {
            assert_eq!(style.render(sentences), "One goes on here. …and so on… until… End.");
        }
        for style in [Style::Bullets, Style::Decisions] {
            assert_eq!(style.render(sentences), "- One goes on here.\n- …and so on…\n- …until…\n- End.");
        }
    }

    #[test]
    fn a_text_that_says_more_or_less_than_the_sentences_is_no_rendering() {
        let sentences = ["Oak is hard.", "Birch is white."];
        assert!(Style::Paragraph.is_rendering("Oak is hard. Birch is white.", sentences));
        assert!(Style::Bullets.is_rendering("- Oak is hard.\n- …Birch is white.…", sentences));
        for text in [
            "",
            "Oak is hard.",
            "Oak is hard. Birch is white. ",
            "Oak is hard.Birch is white.",
            "Birch is white. Oak is hard.",
            "Oak is hard. Birch is black.",
            "Oak is hard. Birch is white. Elm too.",
            "Oak is hard.\nBirch is white.",
            "- Oak is hard.\n- Birch is white.",
            "Oak is hard.……… Birch is white.",
        ] {
            assert!(!Style::Paragraph.is_rendering(text, sentences), "{text}");
        }
        assert!(!Style::Bullets.is_rendering("Oak is hard. Birch is white.", sentences));
        assert!(Style::Paragraph.is_rendering("", []) && !Style::Paragraph.is_rendering("Oak.", []));
    }

    #[test]
    fn the_wire_has_the_names() {
        for style in Style::ALL {
            assert_eq!(serde_json::to_value(style).unwrap(), style.name());
        }
    }

    proptest! {
        #[test]
        fn a_rendering_is_one_of_its_sentences_alone(
            sentences in prop::collection::vec(("\\PC{0,3}[a-z…> \n]{1,12}[a-z]", any::<(bool, bool)>()), 1..6),
            style in prop::sample::select(Style::ALL.to_vec()),
        ) {
            let pieces = sentences.iter().map(|(text, cut)| piece(text, *cut));
            let text = style.render(pieces);
            let texts = || sentences.iter().map(|(text, _)| text.as_str());
            prop_assert!(style.is_rendering(&text, texts()));
            let more = format!("{text} more");
            prop_assert!(!style.is_rendering(&more, texts()));
            prop_assert!(!style.is_rendering(&text, texts().chain(["more"])));
            if matches!(style, Style::Bullets | Style::Decisions) {
                prop_assert_eq!(text.lines().filter(|line| line.starts_with("- ")).count(), sentences.len());
            }
        }
    }
}
