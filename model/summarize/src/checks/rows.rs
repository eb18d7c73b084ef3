//! Sentences as words that can be compared.

use super::cues::Cues;
use crate::words;

/// Letters that two words have in common at their beginning if they are forms of one, and those of short words.
const STEM: usize = 5;
const SHORT_STEM: usize = 3;
/// Most letters of an ending.
const ENDING: usize = 4;
/// Shorter words carry little, except where a script needs few letters.
const SHORTEST: usize = 4;

/// A sentence as words.
pub(super) struct Row {
    /// All words, lowercase.
    words: Vec<String>,
    /// Its content words, each once.
    pub(super) keys: Vec<String>,
    /// Numbers in digits, without marks.
    pub(super) numbers: Vec<String>,
}

impl Row {
    pub(super) fn of(text: &str) -> Self {
        let words: Vec<String> = words::terms(&plain(text)).into_iter().map(str::to_lowercase).collect();
        let mut keys: Vec<String> = words.iter().filter_map(|word| key(word)).collect();
        keys.sort_unstable();
        keys.dedup();
        let numbers = words.iter().filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let numbers = numbers.map(|word| word.chars().filter(char::is_ascii_digit).collect());
        Self { numbers: numbers.collect(), words, keys }
    }

    /// Count of content words that another sentence has too.
    pub(super) fn shared(&self, other: &Self) -> usize {
        let numbers = self.numbers.iter().filter(|number| other.numbers.contains(number)).count();
        numbers + self.keys.iter().filter(|key| other.has(key)).count()
    }

    /// Checks whether it has a form of a content word.
    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|own| is_form(own, key))
    }

    /// Checks whether it has a word that differs from this one by an ending at most.
    pub(super) fn has_inflected(&self, key: &str) -> bool {
        let is_inflected = |own: &String| {
            let (short, long) = if own.len() < key.len() { (own.as_str(), key) } else { (key, own.as_str()) };
            long.strip_prefix(short).is_some_and(|ending| ending.chars().count() <= ENDING)
        };
        self.keys.iter().any(is_inflected)
    }

    /// Checks whether it has a word that begins with one of these.
    pub(super) fn has_any(&self, beginnings: &[&str]) -> bool {
        self.words.iter().any(|word| beginnings.iter().any(|beginning| word.starts_with(beginning)))
    }

    /// Checks whether it has a word that says no by itself.
    pub(super) fn is_refusing(&self, cues: &Cues) -> bool {
        self.words.iter().any(|word| cues.refuses(word))
    }

    /// For each negation of it, the content words among the `reach` words behind it, which it may be about; where nothing is
    /// behind it, as in languages that put it behind the verb, among those before it.
    pub(super) fn denials(&self, cues: &Cues, reach: usize) -> Vec<Vec<String>> {
        let content = |words: &[String]| words.iter().filter_map(|word| key(word)).collect::<Vec<_>>();
        let at = self.words.iter().enumerate().filter(|(_, word)| cues.negates(word)).map(|(at, _)| at);
        at.map(|at| {
            let behind = &self.words[at + 1..];
            if content(behind).is_empty() {
                return content(&self.words[at.saturating_sub(reach)..at]);
            }
            content(&behind[..reach.min(behind.len())])
        })
        .collect()
    }

    /// Its first content word, if it begins with a capital there.
    pub(super) fn subject(text: &str) -> Option<String> {
        let first = words::terms(text).into_iter().find(|word| key(&word.to_lowercase()).is_some())?;
        first.starts_with(char::is_uppercase).then(|| first.to_lowercase())
    }
}

/// A text on one line, words that are broken at its end put together.
pub(super) fn plain(text: &str) -> String {
    let joined = text.replace("\r\n", "\n").replace("-\n", "").replace('\u{ad}', "");
    joined.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Checks whether two words are forms of one.
pub(super) fn is_form(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    let common = left.chars().zip(right.chars()).take_while(|(a, b)| a == b).count();
    let (left, right) = (left.chars().count(), right.chars().count());
    common >= STEM || common >= SHORT_STEM && common == left.min(right) && left.abs_diff(right) <= ENDING
}

/// A content word.
fn key(word: &str) -> Option<String> {
    if word.chars().any(|c| c.is_ascii_digit()) {
        return None;
    }
    let letters = word.chars().count();
    let least = if word.chars().any(|c| c > '\u{2e80}') { 1 } else { SHORTEST };
    (letters >= least && !STOP.contains(&word)).then(|| word.to_owned())
}

/// Common words that say nothing of what a sentence is about.
#[rustfmt::skip]
const STOP: &[&str] = &[
    "about", "above", "after", "again", "also", "although", "among", "been", "before", "being", "below", "between", "both", "could", "does", "doing", "done", "down", "during", "each", "either",
    "every", "from", "further", "have", "having", "here", "however", "into", "itself", "just", "like", "made", "make", "many", "more", "most", "much", "must", "only", "other", "over", "same",
    "shall", "should", "some", "such", "than", "that", "their", "them", "then", "there", "these", "they", "this", "those", "through", "under", "until", "upon", "very", "were", "what", "when",
    "where", "which", "while", "will", "with", "within", "would", "your", "including", "included", "includes", "additionally", "due", "because",
    "aber", "alle", "auch", "dass", "dem", "denen", "diese", "dieser", "doch", "eine", "einem", "einen", "einer", "eines", "haben", "hatte", "hier", "ihre", "ihrer", "kann", "können", "mehr", "nach",
    "noch", "oder", "ohne", "sein", "seine", "sich", "sind", "soll", "sowie", "über", "unter", "werden", "wird", "wurde", "wurden", "zwischen",
    "avec", "cette", "comme", "dans", "elle", "elles", "entre", "leur", "mais", "même", "nous", "pour", "sans", "sont", "vous", "être",
    "como", "desde", "donde", "entre", "esta", "este", "esto", "hasta", "para", "pero", "porque", "sobre", "también", "una", "della", "delle", "degli", "nella", "sono", "questo", "questa", "dalla",
];
