//! Checks of a written sentence before it is sold, cheapest first. Pure.
//!
//! A sentence that passes is not proven: it can use the words of the document and still be wrong. One that fails has a
//! defect that was seen: a number or a name that the document lacks, words and numbers of several places put together, another
//! subject, a denial of what is said or a statement of what is denied, no whole sentence, another language.

mod cues;
mod form;
mod language;
mod rows;
#[cfg(test)]
mod tests;

use crate::grounding::Measured;
use crate::summary::ByteRange;
use cues::Cues;
use rows::Row;

pub(crate) use form::told;
pub(crate) use language::Language;

/// Version of the checks: changes whenever the same sentence could be judged otherwise.
pub(crate) const VERSION: u32 = 2;
/// Least share of a sentence's content words near to what it is about, and in the whole document, in 1000.
pub(crate) const NEAR_PERMILLE: usize = 500;
pub(crate) const ANYWHERE_PERMILLE: usize = 600;
/// The same in other languages than English, in which small models make up words.
pub(crate) const FOREIGN_PERMILLE: usize = 800;
/// Sentences of the document that a written one is held against, by shared words, and by meaning.
const BY_WORDS: usize = 3;
/// Most content words of a sentence that stand in the document only far from the rest of it: one of so many.
const FAR: usize = 10;
/// Words behind a negation that it is surely about, and those that it may be about.
const CLOSE: usize = 4;
const REACH: usize = 6;
/// Content words of a sentence that stands for itself: what belongs to a shorter one is also in its neighbours.
const LONG: usize = 8;
/// Sentences before the one that something is said in, in which its subject may be named, and behind it.
const SUBJECT_BEFORE: usize = 1;
const SUBJECT_BEHIND: usize = 1;

/// Defect of a written sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No whole sentence, or mark-up, or a line such as of a form.
    Form,
    /// It is in another language than the document.
    Language,
    /// It has a number or a name that the document lacks.
    Unsupported,
    /// Its words are not near to each other in the document, or not in it.
    Elsewhere,
    /// It denies what the document says, or says what the document denies.
    Polarity,
    /// It says that something rose of which the document says that it fell, or the reverse.
    Direction,
}

/// A document prepared for the checks.
pub(crate) struct Checker {
    rows: Vec<Row>,
    /// The document on one line, lowercase.
    plain: String,
    language: Language,
}

impl Checker {
    /// A document, and the places of its sentences in their order.
    pub(crate) fn new(text: &str, sentences: &[ByteRange], language: Language) -> Self {
        let rows = sentences.iter().filter_map(|range| range.of(text)).map(Row::of).collect();
        Self { rows, plain: rows::plain(text).to_lowercase(), language }
    }

    /// The first defect that is seen in a written sentence.
    pub(crate) fn fault(&self, sentence: &str, measured: &Measured) -> Option<Fault> {
        if !form::is_sentence(sentence) {
            return Some(Fault::Form);
        }
        if self.language.is_left_by(sentence) {
            return Some(Fault::Language);
        }
        let claim = Row::of(sentence);
        let grounding = &measured.grounding;
        let is_foreign = |name: &String| !self.language.has_capital_nouns() && !self.mentions(sentence, name);
        if !grounding.unsupported_numbers.is_empty() || grounding.unsupported_names.iter().any(is_foreign) {
            return Some(Fault::Unsupported);
        }
        let by_words = self.by_words(&claim);
        let near = self.around(by_words.iter().copied().chain(measured.nearest_rows()));
        let anywhere = if self.language.is_english() { ANYWHERE_PERMILLE } else { FOREIGN_PERMILLE };
        if self.share(&claim, near.iter().copied()) < NEAR_PERMILLE
            || self.share(&claim, 0..self.rows.len()) < anywhere
            || self.is_put_together(&claim, &by_words)
            || self.has_another_subject(sentence, &by_words)
            || self.has_strange_ideographs(sentence)
            || self.names_one_twice(sentence)
        {
            return Some(Fault::Elsewhere);
        }
        let cues = self.language.cues()?;
        if self.is_opposed(&claim, cues, &by_words, &near) {
            return Some(Fault::Polarity);
        }
        self.is_reversed(&claim, cues, &by_words).then_some(Fault::Direction)
    }

    /// Checks whether a name that was not found as such stands in the document all the same: in other capitals, broken at the end of
    /// a line, or as an ordinary word that only begins the sentence.
    fn mentions(&self, sentence: &str, name: &str) -> bool {
        let lower = name.to_lowercase();
        let is_opening = sentence.starts_with(name) && !name.contains(' ');
        let at = self.plain.match_indices(&lower).any(|(at, _)| {
            let (before, behind) = (&self.plain[..at], &self.plain[at + lower.len()..]);
            !before.ends_with(char::is_alphanumeric) && !behind.starts_with(char::is_alphanumeric)
        });
        at || is_opening && self.rows.iter().any(|row| row.has_inflected(&lower))
    }

    /// Rows that share most content words with a sentence.
    fn by_words(&self, claim: &Row) -> Vec<usize> {
        let mut rows: Vec<(usize, usize)> =
            self.rows.iter().enumerate().map(|(at, row)| (claim.shared(row), at)).filter(|(n, _)| *n > 0).collect();
        rows.sort_by_key(|(shared, at)| (std::cmp::Reverse(*shared), *at));
        rows.into_iter().take(BY_WORDS).map(|(_, at)| at).collect()
    }

    /// Rows with their neighbours.
    fn around(&self, rows: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut around: Vec<usize> = rows.flat_map(|row| row.saturating_sub(1)..=row + 1).collect();
        around.retain(|row| *row < self.rows.len());
        around.sort_unstable();
        around.dedup();
        around
    }

    /// Share of a sentence's content words that some rows have, in 1000.
    fn share(&self, claim: &Row, rows: impl Iterator<Item = usize> + Clone) -> usize {
        let known = |key: &&String| rows.clone().any(|row| self.rows[row].has(key));
        match claim.keys.len() {
            0 => 1000,
            count => claim.keys.iter().filter(known).count() * 1000 / count,
        }
    }

    /// Checks whether too many of its words and numbers stand in the document, but far from the place that has most of them: each
    /// passage is right, and what is put together from them need not be.
    fn is_put_together(&self, claim: &Row, by_words: &[usize]) -> bool {
        let Some(best) = by_words.first() else { return false };
        let is_long = self.rows[*best].keys.len() >= LONG;
        let here = if is_long { vec![*best] } else { self.around(std::iter::once(*best)) };
        let is_far =
            |has: &dyn Fn(&Row) -> bool| !here.iter().any(|row| has(&self.rows[*row])) && self.rows.iter().any(has);
        let words = claim.keys.iter().filter(|key| is_far(&|row| row.has(key))).count();
        let numbers = claim.numbers.iter().filter(|number| is_far(&|row| row.numbers.contains(number))).count();
        words + numbers > (claim.keys.len() + claim.numbers.len()) / FAR
    }

    /// Checks whether what it begins with is named nowhere near to the place that it comes from.
    fn has_another_subject(&self, sentence: &str, by_words: &[usize]) -> bool {
        let (Some(best), Some(subject)) = (by_words.first(), Row::subject(sentence)) else { return false };
        let end = (best + SUBJECT_BEHIND + 1).min(self.rows.len());
        let named = self.rows[best.saturating_sub(SUBJECT_BEFORE)..end].iter().any(|row| row.has(&subject));
        // A word that the document lacks is no name of it.
        !named && self.rows.iter().any(|row| row.has(&subject))
    }

    /// Checks whether a name of several words stands in it twice, as if one acted on itself, and nowhere near to itself in the
    /// document.
    fn names_one_twice(&self, sentence: &str) -> bool {
        if self.language.has_capital_nouns() {
            return false;
        }
        let words: Vec<&str> = sentence.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let is_name = |pair: &&[&str]| pair.iter().all(|word| word.starts_with(char::is_uppercase) && word.len() > 2);
        let names: Vec<String> = words.windows(2).filter(is_name).map(|pair| pair.join(" ").to_lowercase()).collect();
        let again = names.iter().enumerate().find(|(at, name)| names[at + 1..].contains(name));
        again.is_some_and(|(_, name)| {
            let places: Vec<usize> = self.plain.match_indices(name.as_str()).map(|(at, _)| at).collect();
            !places.windows(2).any(|pair| pair[1] - pair[0] <= sentence.len())
        })
    }

    /// Checks whether it has ideographs that the document lacks: a model that slips into the forms of another language.
    fn has_strange_ideographs(&self, sentence: &str) -> bool {
        let mut ideographs = sentence.chars().filter(|c| ('\u{3400}'..='\u{9fff}').contains(c));
        ideographs.any(|c| !self.plain.contains(c))
    }

    /// Checks whether a sentence denies what no row near to it denies, or states what the row that it comes from denies.
    fn is_opposed(&self, claim: &Row, cues: &Cues, by_words: &[usize], near: &[usize]) -> bool {
        let denials = claim.denials(cues, CLOSE);
        let shares =
            |left: &[String], right: &[String]| left.iter().any(|key| right.iter().any(|own| rows::is_form(own, key)));
        let is_denied = |denied: &Vec<String>| {
            near.iter().map(|row| &self.rows[*row]).any(|row| {
                row.denials(cues, REACH).iter().any(|own| shares(own, denied))
                    || row.is_refusing(cues) && denied.iter().any(|key| row.has(key))
            })
        };
        if !denials.is_empty() {
            return !denials.iter().all(|denied| denied.is_empty() || is_denied(denied));
        }
        if claim.is_refusing(cues) {
            return false;
        }
        let Some(source) = by_words.first().map(|row| &self.rows[*row]) else { return false };
        let is_said = |denied: &Vec<String>| !denied.is_empty() && denied.iter().all(|key| claim.has(key));
        source.denials(cues, CLOSE).iter().any(is_said)
    }

    /// Checks whether it says that something went up of which the row that it comes from only says that it went down, or the reverse.
    fn is_reversed(&self, claim: &Row, cues: &Cues, by_words: &[usize]) -> bool {
        let way = |row: &Row| (row.has_any(cues.ups), row.has_any(cues.downs));
        let source = by_words.first().map(|row| way(&self.rows[*row]));
        matches!((way(claim), source), ((true, false), Some((false, true))) | ((false, true), Some((true, false))))
    }
}
