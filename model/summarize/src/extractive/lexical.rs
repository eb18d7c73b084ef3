//! What sentences share in words: tf-idf cosines within one text, and how much of a request a sentence names. Pure.
//!
//! Embeddings see meaning but blur names and terms; words see names and terms but no meaning. Both count.

use std::collections::BTreeMap;

use crate::words;

/// Share of the embeddings in a mixed similarity, the rest from shared words, in 1000.
pub(crate) const EMBEDDING_PERMILLE: u32 = 500;
/// The same where multilingual-e5-small reads the text.
pub(crate) const MULTILINGUAL_PERMILLE: u32 = 500;
/// A word in more sentences than this says nothing about any of them. Bounds the work at this many times the words.
pub(crate) const COMMON_SENTENCES: usize = 512;

/// Characters of a long word that are compared where words alone are: the rest is mostly ending.
const STEM_CHARS: usize = 6;

/// The words of each of a text's sentences, with weights that make every sentence a unit vector.
pub(crate) struct Lexicon {
    /// For each word the sentences that have it, ascending, and its weight in them.
    postings: BTreeMap<String, Vec<(usize, f32)>>,
    sentences: usize,
    stemmed: bool,
}

impl Lexicon {
    /// Count the words of sentences; `stemmed` compares the beginnings of long ones.
    pub(crate) fn new<'a>(sentences: impl Iterator<Item = &'a str>, stemmed: bool) -> Self {
        let mut postings: BTreeMap<String, Vec<(usize, f32)>> = BTreeMap::new();
        let mut count = 0;
        for (index, sentence) in sentences.enumerate() {
            count = index + 1;
            for word in words::terms(sentence) {
                let list = postings.entry(key(word, stemmed)).or_default();
                match list.last_mut() {
                    Some((last, times)) if *last == index => *times += 1.0,
                    _ => list.push((index, 1.0)),
                }
            }
        }
        postings.retain(|_, list| list.len() <= COMMON_SENTENCES);
        let mut lexicon = Self { postings, sentences: count, stemmed };
        lexicon.normalize();
        lexicon
    }

    fn normalize(&mut self) {
        let mut squares = vec![0f32; self.sentences];
        for list in self.postings.values_mut() {
            let weight = rarity(self.sentences, list.len());
            for (sentence, value) in list {
                *value *= weight;
                squares[*sentence] += *value * *value;
            }
        }
        for (sentence, value) in self.postings.values_mut().flatten() {
            *value /= squares[*sentence].sqrt().max(f32::MIN_POSITIVE);
        }
    }

    /// Turn the matrix of cosines of embeddings, by rows, into mixed similarities, at least 0; the embeddings have so
    /// large a part of them, in 1000.
    pub(crate) fn mix_into(&self, similarities: &mut [f32], embedding_permille: u32) {
        let share = embedding_permille as f32 / 1000.0;
        similarities.iter_mut().for_each(|value| *value = share * value.max(0.0));
        for list in self.postings.values() {
            for (from, left) in list {
                let row = &mut similarities[from * self.sentences..][..self.sentences];
                for (to, right) in list {
                    row[*to] += (1.0 - share) * left * right;
                }
            }
        }
    }

    /// For each sentence the share of the words of `request` that it has, rare words counting more, 0 to 1.
    pub(crate) fn named(&self, request: &str) -> Vec<f32> {
        let mut shares = vec![0f32; self.sentences];
        let mut total = f32::MIN_POSITIVE;
        let mut words: Vec<String> = words::terms(request).into_iter().map(|word| key(word, self.stemmed)).collect();
        words.sort_unstable();
        words.dedup();
        for word in &words {
            // A word that stands nowhere counts too: else a request would be judged by its commonest words.
            let list = self.postings.get(word).map_or(&[][..], Vec::as_slice);
            let weight = rarity(self.sentences, list.len());
            total += weight;
            list.iter().for_each(|(sentence, _)| shares[*sentence] += weight);
        }
        shares.iter_mut().for_each(|share| *share /= total);
        shares
    }
}

/// Form that a word is compared by.
fn key(word: &str, stemmed: bool) -> String {
    let lower = word.to_lowercase();
    if !stemmed || lower.is_ascii() && lower.bytes().any(|b| b.is_ascii_digit()) {
        return lower;
    }
    // The Arabic article is written together with its noun.
    let bare = lower.strip_prefix("ال").filter(|rest| rest.chars().count() >= 3).unwrap_or(&lower);
    bare.chars().take(STEM_CHARS).collect()
}

/// Weight of a word in `found` of `sentences`.
fn rarity(sentences: usize, found: usize) -> f32 {
    ln((sentences as f32 + 1.0) / (found as f32 + 0.5))
}

/// The natural logarithm of a positive number, of plain operations: the system's library has another last bit here and
/// there, and a ranking must be the same everywhere. With m from 1 to 2 and t = (m - 1) / (m + 1), which is at most 1/3,
/// ln m = 2 (t + t^3/3 + t^5/5 ...).
fn ln(x: f32) -> f32 {
    const TERMS: u32 = 12;
    let bits = f64::from(x).to_bits();
    let exponent = f64::from((bits >> 52) as u32) - 1023.0;
    let mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let series = (0..TERMS).rev().fold(0.0, |sum, term| sum * (t * t) + 1.0 / f64::from(2 * term + 1));
    (2.0 * t * series + exponent * std::f64::consts::LN_2) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_that_of_the_library_but_for_the_last_bit() {
        for number in 1..100_000 {
            let x = number as f32 / 7.0;
            assert!((ln(x) - x.ln()).abs() <= 2.0 * f32::EPSILON * x.ln().abs().max(0.01), "{x}");
        }
    }

    #[test]
    fn sentences_that_share_rare_words_are_nearer_than_those_that_share_common_ones() {
        let lexicon = Lexicon::new(
            ["the gate closed", "the GATE opened", "the wind rose", "the wind fell", "the sun"].into_iter(),
            false,
        );
        let mut similarities = vec![0.0; 25];
        lexicon.mix_into(&mut similarities, EMBEDDING_PERMILLE);
        assert!(similarities[1] > similarities[2] && similarities[2] > 0.0);
        assert_eq!(similarities[1], similarities[5]);
        let own = 1.0 - EMBEDDING_PERMILLE as f32 / 1000.0;
        assert!((similarities[0] - own).abs() < 1e-5);
    }

    #[test]
    fn a_request_is_named_by_the_sentences_that_have_its_words() {
        let lexicon = Lexicon::new(["costs of the gate", "the gate", "wind"].into_iter(), false);
        let named = lexicon.named("Costs costs gate");
        assert!((named[0] - 1.0).abs() < 1e-6 && named[1] > 0.0 && named[1] < 0.5 && named[2] == 0.0);
        assert!(lexicon.named("Costs costs gate nowhere")[0] < 0.7);
        assert!(lexicon.named("elsewhere").iter().all(|share| *share == 0.0));
    }

    #[test]
    fn a_word_in_very_many_sentences_costs_nothing() {
        let sentence = "again ".to_owned();
        let lexicon = Lexicon::new(std::iter::repeat_n(sentence.as_str(), COMMON_SENTENCES + 1), false);
        assert!(lexicon.postings.is_empty());
        let mut similarities = vec![1.0; (COMMON_SENTENCES + 1).pow(2)];
        lexicon.mix_into(&mut similarities, EMBEDDING_PERMILLE);
        assert_eq!(similarities[1], EMBEDDING_PERMILLE as f32 / 1000.0);
        Lexicon::new(std::iter::empty(), true).mix_into(&mut [], 0);
    }

    #[test]
    fn long_words_are_compared_by_their_beginning() {
        let lexicon = Lexicon::new(["пожарная станция", "пожарной станции", "школа"].into_iter(), true);
        let mut similarities = vec![0.0; 9];
        lexicon.mix_into(&mut similarities, 0);
        assert!((similarities[1] - 1.0).abs() < 1e-5 && similarities[2] == 0.0);
        assert_eq!(key("المدينة", true), key("مدينة", true));
    }
}
