//! Hyphens at the ends of lines: of words that were parted, or of the words themselves.

use std::collections::BTreeSet;

use super::lines::Line;

/// Words that are kept to compare with.
const MAX_WORDS: usize = 200_000;
/// First parts of compounds that are written with a hyphen.
const COMPOUNDS: [&str; 44] = [
    "well", "self", "half", "high", "low", "long", "short", "full", "part", "cross", "ex", "all", "ill", "best",
    "better", "large", "small", "two", "three", "four", "five", "six", "ten", "one", "first", "second", "third", "so",
    "far", "old", "new", "real", "time", "state", "year", "cost", "user", "hard", "soft", "open", "double", "single",
    "multi", "anti",
];
/// Words before which a hyphen stands for a part that is left out, as in `in- and output`.
const LISTS: [&str; 14] = ["and", "or", "to", "und", "oder", "bis", "bzw", "sowie", "et", "ou", "y", "o", "e", "en"];

/// The words of a document.
pub struct Words {
    whole: BTreeSet<String>,
}

/// Joint of the two sides of a line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// With a blank.
    Blank,
    /// With nothing.
    Nothing,
    /// With nothing, and without the hyphen.
    Drop,
}

impl Words {
    /// Those within the lines of all pages, where nothing parts them.
    pub fn of(pages: &[Vec<Line>]) -> Self {
        let mut whole = BTreeSet::new();
        for line in pages.iter().flatten() {
            let mut words = line.text.split_whitespace().peekable();
            while let Some(word) = words.next() {
                let word = bare(word);
                // The last word of a line may be half a word.
                if words.peek().is_some() && word.chars().count() > 3 && whole.len() < MAX_WORDS {
                    whole.insert(word);
                }
            }
        }
        Self { whole }
    }

    /// Joint between a line that ends with `before` and one that begins with `after`.
    pub fn joins(&self, before: &str, after: &str) -> Join {
        let Some(stem) = before.strip_suffix(['-', '\u{2010}', '\u{ad}']) else {
            let both = [before.chars().next_back(), after.chars().next()];
            return if both.iter().all(|character| character.is_some_and(is_unspaced)) {
                Join::Nothing
            } else {
                Join::Blank
            };
        };
        if before.ends_with('\u{ad}') {
            return Join::Drop;
        }
        let first = stem.rsplit(char::is_whitespace).next().unwrap_or_default();
        let second = after.split_whitespace().next().unwrap_or_default();
        if !first.chars().next_back().is_some_and(char::is_alphanumeric) {
            // A dash between blanks.
            return Join::Blank;
        }
        if LISTS.contains(&bare(second).as_str()) {
            return Join::Blank;
        }
        if !second.chars().next().is_some_and(char::is_lowercase) {
            return Join::Nothing;
        }
        let (joined, parted) = (bare(&format!("{first}{second}")), bare(&format!("{first}-{second}")));
        if self.whole.contains(&joined) {
            Join::Drop
        } else if self.whole.contains(&parted) || first.contains('-') || COMPOUNDS.contains(&bare(first).as_str()) {
            Join::Nothing
        } else {
            Join::Drop
        }
    }
}

fn bare(word: &str) -> String {
    word.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase()
}

/// Written without blanks between words.
fn is_unspaced(character: char) -> bool {
    matches!(character, '\u{e00}'..='\u{eff}' | '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
}
