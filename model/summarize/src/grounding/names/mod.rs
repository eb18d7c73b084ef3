//! Names in a sentence that a document does not support: one of their words does not occur in it, or their words occur
//! but never together. A name is a capitalized word where no sentence begins or as its subject, a word with capitals or
//! digits inside, and such words side by side, also around "of".

mod calendar;
mod index;
mod link;
mod lists;
mod openers;
mod sentence;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(super) use index::Words;
use sentence::{group, is_acronym_of, tokens};

impl Words {
    /// The names of a sentence that the document does not support, each once, as written. `is_common` says whether a
    /// lowercase word is an ordinary one.
    pub(in super::super) fn unsupported(&self, sentence: &str, is_common: impl Fn(&str) -> bool) -> Vec<String> {
        let words = tokens(sentence, &is_common, |word| self.mentions(word));
        let mut names: Vec<String> = Vec::new();
        for name in group(sentence, &words) {
            let parts: Vec<Vec<&str>> =
                name.iter().map(|run| run.clone().map(|at| words[at].text).collect::<Vec<&str>>()).collect();
            let is_defined = |run: &Range<usize>| run.len() == 1 && is_acronym_of(sentence, &words, run.start);
            let is_supported =
                name.iter().zip(&parts).all(|(run, part)| self.supports(part, &is_common) || is_defined(run))
                    && !name
                        .iter()
                        .cloned()
                        .flatten()
                        .any(|at| !words[at].is_counted && self.is_other_name(words[at].text, &is_common))
                    && (parts.len() < 2 || self.holds_near(&parts.concat()));
            let (Some(first), Some(last)) = (name.first(), name.last()) else {
                continue;
            };
            let end = &words[last.end - 1];
            let written = &sentence[words[first.start].start..end.start + end.text.len()];
            if !is_supported && !names.iter().any(|known| known == written) {
                names.push(written.to_owned());
            }
        }
        names
    }
}
