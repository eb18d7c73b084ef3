//! What in a document supports a written sentence: the nearest source sentences, and the names and numbers that do not
//! occur in it. A hint for a reader, not a proof: a sentence can use only words of the source and still be wrong.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use crate::control::Control;
use crate::embed::{Embedder, Embeddings};
use crate::error::Error;
use crate::extractive::spans;
use crate::segment::{self, Kind, Segment};
use crate::summary::{ByteRange, Grounding, Nearest};
use crate::threads::Threads;

/// Source sentences named for each written sentence.
pub(crate) const NEAREST: usize = 3;
/// Numbers that texts often spell.
const SPELLED: &[&str] =
    &["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// A document prepared for looking things up in it.
pub(crate) struct Source {
    ranges: Vec<ByteRange>,
    embeddings: Embeddings,
    vocabulary: Vocabulary,
}

impl Source {
    /// Embed the sentences of a document and collect its words and numbers.
    pub(crate) fn new(text: &str, embedder: &Embedder, threads: &Threads, control: &Control) -> Result<Self, Error> {
        let segments: Vec<Segment> = segment::segment(text);
        let encoded = embedder.tokenizer.encode(text)?;
        let (mut ranges, mut texts) = (Vec::new(), Vec::new());
        for (unit, span) in segments.iter().zip(spans(&encoded, &segments)) {
            if unit.kind != Kind::Scrap {
                ranges.push(unit.quote);
                texts.push(&encoded.ids[span]);
            }
        }
        let embeddings = embedder.embed(&texts, threads, control, |_| ())?;
        Ok(Self { ranges, embeddings, vocabulary: Vocabulary::of(text) })
    }

    /// Ground written sentences. `is_common` says whether a lowercase word is an ordinary one.
    pub(crate) fn ground(
        &self,
        sentences: &[String],
        embedder: &Embedder,
        threads: &Threads,
        is_common: impl Fn(&str) -> bool,
    ) -> Result<Vec<Grounding>, Error> {
        let encoded =
            sentences.iter().map(|text| Ok(embedder.tokenizer.encode(text)?.ids)).collect::<Result<Vec<_>, Error>>()?;
        let texts: Vec<&[u32]> = encoded.iter().map(Vec::as_slice).collect();
        let written = embedder.embed(&texts, threads, &Control::new(), |_| ())?;
        Ok(sentences
            .iter()
            .enumerate()
            .map(|(index, sentence)| Grounding {
                nearest: self.nearest(written.row(index)),
                unsupported_names: self.vocabulary.unsupported_names(sentence, &is_common),
                unsupported_numbers: self.vocabulary.unsupported_numbers(sentence),
            })
            .collect())
    }

    fn nearest(&self, vector: &[f32]) -> Vec<Nearest> {
        let mut all: Vec<Nearest> = (0..self.embeddings.len())
            .map(|row| Nearest {
                source: self.ranges[row],
                score_permille: permille(Embeddings::cosine(vector, self.embeddings.row(row))),
            })
            .collect();
        all.sort_by_key(|nearest| (std::cmp::Reverse(nearest.score_permille), nearest.source));
        all.truncate(NEAREST);
        all
    }
}

/// A cosine in thousandths; negative counts as unrelated.
fn permille(cosine: f32) -> u16 {
    (cosine.clamp(0.0, 1.0) * 1000.0).round() as u16
}

/// Words and numbers of a document, in a form that can be compared.
struct Vocabulary {
    words: HashSet<String>,
    numbers: HashSet<String>,
}

impl Vocabulary {
    fn of(text: &str) -> Self {
        let (mut words, mut numbers) = (HashSet::new(), HashSet::new());
        for word in text.unicode_words() {
            let lower = base(word).to_lowercase();
            numbers.extend(number(word));
            numbers.extend(SPELLED.iter().position(|spelled| *spelled == lower).map(|value| value.to_string()));
            words.insert(lower);
        }
        Self { words, numbers }
    }

    fn unsupported_numbers(&self, sentence: &str) -> Vec<String> {
        let mut unsupported = Vec::new();
        for word in sentence.unicode_words() {
            let is_new = number(word).is_some_and(|number| !self.numbers.contains(&number));
            if is_new && !unsupported.iter().any(|known| known == word) {
                unsupported.push(word.to_owned());
            }
        }
        unsupported
    }

    /// Runs of capitalized words of which one is not in the document. The first word of a sentence is capitalized
    /// anyway: it is part of a name only if it is not an ordinary word.
    fn unsupported_names(&self, sentence: &str, is_common: impl Fn(&str) -> bool) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut run: Option<(ByteRange, bool)> = None;
        let mut close = |run: &mut Option<(ByteRange, bool)>| {
            if let Some((range, true)) = run.take()
                && let Some(name) = range.of(sentence)
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_owned());
            }
        };
        for (index, (at, word)) in sentence.unicode_word_indices().enumerate() {
            let name = base(word);
            let lower = name.to_lowercase();
            let known = self.words.contains(&lower);
            let capitalized = name.chars().next().is_some_and(char::is_uppercase);
            if !capitalized || (index == 0 && !known && is_common(&lower)) {
                close(&mut run);
                continue;
            }
            let range = ByteRange::new(at, at + name.len());
            run = match run.take() {
                Some((before, new)) if joins(&sentence[before.end..at]) => {
                    Some((ByteRange::new(before.start, range.end), new || !known))
                }
                mut other => {
                    close(&mut other);
                    Some((range, !known))
                }
            };
        }
        close(&mut run);
        names
    }
}

/// Whether what stands between two capitalized words keeps them one name.
fn joins(between: &str) -> bool {
    matches!(between, " " | "-" | ". " | "'s " | "’s ")
}

/// A word without possessive ending.
fn base(word: &str) -> &str {
    word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word)
}

/// The number a word begins with, without separators of thousands; none for a word that begins otherwise.
fn number(word: &str) -> Option<String> {
    let digits: String =
        word.chars().take_while(|c| c.is_numeric() || matches!(c, '.' | ',')).filter(|c| *c != ',').collect();
    let digits = digits.trim_end_matches('.');
    digits.starts_with(char::is_numeric).then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(source: &str, sentence: &str) -> Vec<String> {
        Vocabulary::of(source).unsupported_names(sentence, |word| ["the", "researchers", "they"].contains(&word))
    }

    #[test]
    fn invented_names_are_listed_and_the_source_s_are_not() {
        let source = "Alice's method beats BERT. It was made in New York by alice and bob.";
        assert!(names(source, "The method of Alice and Bob beats BERT in New York.").is_empty());
        assert_eq!(names(source, "The University of Oslo and John Smith agree."), ["University", "Oslo", "John Smith"]);
        assert_eq!(names(source, "Researchers from New Jersey met Alice Jones."), ["New Jersey", "Alice Jones"]);
        assert_eq!(names(source, "Einstein's idea."), ["Einstein"]);
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let vocabulary = Vocabulary::of("There were 1,000 people, three dogs, 4.5% and 2nd place.");
        assert!(vocabulary.unsupported_numbers("1000 people, 3 dogs, 4.5 percent, 2 of them").is_empty());
        assert_eq!(vocabulary.unsupported_numbers("1001 people and 45% and 1001"), ["1001", "45"]);
    }

    #[test]
    fn scores_are_whole_thousandths() {
        assert_eq!([permille(-0.5), permille(0.1234), permille(1.0001)], [0, 123, 1000]);
    }
}
