//! The words of a document, and whether a name stands in it.

use std::collections::{HashMap, HashSet};

use unicode_segmentation::UnicodeSegmentation;

use super::super::forms::{bare, fold, key};
use super::lists::{CALENDAR, INSIDE, PEOPLES};

/// Words between the two parts of a name around "of" or of a name in another order that still hold them together.
const NEAR_WORDS: usize = 4;
/// Words that may stand between two words of a name.
const MOST_BETWEEN: usize = 2;

/// A word of the document in order.
struct Word {
    key: u32,
    /// Its first letter, if that is a capital.
    initial: Option<char>,
    /// Whether it has a capital letter.
    capital: bool,
    /// Whether it is one of the small words inside names.
    small: bool,
    /// Whether it follows the word before without a comma or the end of a sentence.
    joined: bool,
}

/// The words of a document, and where each stands.
pub(in super::super) struct Words {
    ids: HashMap<String, u32>,
    words: Vec<Word>,
    places: Vec<Vec<u32>>,
    /// Words with capitals, as written but for dots and plural endings.
    exact: HashSet<String>,
    /// Compounds without their hyphens, and words that a line break cut in two.
    compounds: HashSet<String>,
}

impl Words {
    /// Index a document.
    pub(in super::super) fn of(text: &str) -> Self {
        let mut index = Self {
            ids: HashMap::new(),
            words: Vec::new(),
            places: Vec::new(),
            exact: HashSet::new(),
            compounds: HashSet::new(),
        };
        let mut before: Option<(usize, &str)> = None;
        // The compound so far: words with nothing but a hyphen between them.
        let mut compound: Vec<&str> = Vec::new();
        for (at, word) in text.unicode_word_indices() {
            let between = before.map_or("", |(end, _)| &text[end..at]);
            if is_hyphen(between.trim()) && before.is_some() {
                compound.push(word);
                if compound.len() <= 6 {
                    index.compounds.insert(key(&compound.concat()));
                }
                if let Some((_, previous)) = before {
                    index.compounds.insert(key(&format!("{previous}{word}")));
                }
            } else {
                compound = vec![word];
            }
            index.push(word, before.is_some() && holds(between));
            before = Some((at + word.len(), word));
        }
        index
    }

    fn push(&mut self, word: &str, joined: bool) {
        let next = self.places.len() as u32;
        let id = *self.ids.entry(key(word)).or_insert(next);
        if id == next {
            self.places.push(Vec::new());
        }
        self.places[id as usize].push(self.words.len() as u32);
        let capital = word.chars().any(char::is_uppercase);
        if capital {
            self.exact.insert(exact(word));
        }
        let initial = word.chars().next().filter(|c| c.is_uppercase());
        self.words.push(Word { key: id, initial, capital, small: INSIDE.contains(&word), joined });
    }

    /// Whether a single word stands in the document. Capitals matter for a word that is another one without them: US, us.
    fn knows(&self, word: &str, is_common: &impl Fn(&str) -> bool) -> bool {
        let lookup = key(word);
        let is_known = self.ids.contains_key(&lookup) || self.compounds.contains(&lookup);
        if !is_known {
            return false;
        }
        let is_shouted =
            word.chars().filter(|c| c.is_alphabetic()).count() > 1 && !word.chars().any(char::is_lowercase);
        let is_month = CALENDAR.contains(&lookup.as_str());
        if is_shouted && is_common(&fold(word)) {
            return self.exact.contains(&exact(word));
        }
        !is_month || self.exact.iter().any(|known| known.eq_ignore_ascii_case(&exact(word)))
    }

    /// Whether words stand in the document side by side in this order; up to two capitalized or small words may stand
    /// between them, as a second given name does.
    fn adjacent(&self, keys: &[u32]) -> bool {
        let Some((first, rest)) = keys.split_first() else {
            return true;
        };
        self.places[*first as usize].iter().any(|place| {
            let mut at = *place as usize;
            rest.iter().all(|key| {
                for next in at + 1..self.words.len().min(at + 2 + MOST_BETWEEN) {
                    let word = &self.words[next];
                    if word.key == *key && (next == at + 1 || word.joined) {
                        at = next;
                        return true;
                    }
                    if !((word.capital || word.small) && word.joined) {
                        return false;
                    }
                }
                false
            })
        })
    }

    /// Whether all of the words stand in the document within a few words of each other, in any order.
    fn near(&self, keys: &[u32]) -> bool {
        let Some(first) = keys.first() else { return true };
        let reach = keys.len() + NEAR_WORDS - 1;
        self.places[*first as usize].iter().any(|place| {
            let place = *place as usize;
            let around = &self.words[place.saturating_sub(reach)..self.words.len().min(place + reach + 1)];
            keys.iter().all(|key| around.iter().any(|word| word.key == *key))
        })
    }

    /// Whether all of the words, as far as they have a place of their own, stand near each other.
    pub(super) fn holds_near(&self, words: &[&str]) -> bool {
        let keys: Option<Vec<u32>> = words.iter().map(|word| self.ids.get(&key(word)).copied()).collect();
        keys.is_none_or(|keys| self.near(&keys))
    }

    /// Whether a word of the document before `next` begins with an initial.
    fn abbreviates(&self, initial: &str, next: &str) -> bool {
        let Some(id) = self.ids.get(&key(next)) else {
            return false;
        };
        self.places[*id as usize].iter().any(|place| {
            let place = *place as usize;
            self.words[place.saturating_sub(1 + MOST_BETWEEN)..place]
                .iter()
                .any(|before| before.initial.is_some_and(|letter| initial.starts_with(letter)))
        })
    }

    /// Whether the document has each word of a run of capitalized words, and has them together.
    pub(super) fn supports(&self, run: &[&str], is_common: &impl Fn(&str) -> bool) -> bool {
        // An initial for a name that the document gives in full.
        if let [initial, rest @ ..] = run
            && let Some(next) = rest.first()
            && initial.chars().nth(1).is_none()
            && self.abbreviates(initial, next)
        {
            return self.supports(rest, is_common);
        }
        if run.len() > 1 && self.ids.contains_key(&key(&run.concat())) {
            return true;
        }
        let names =
            run.iter().position(|word| !PEOPLES.contains(&fold(word).as_str())).map_or(run, |first| &run[first..]);
        run.iter().all(|word| self.knows(word, is_common)) && self.together(names)
    }

    fn together(&self, run: &[&str]) -> bool {
        if run.len() < 2 || self.compounds.contains(&key(&run.concat())) {
            return true;
        }
        let keys: Option<Vec<u32>> = run.iter().map(|word| self.ids.get(&key(word)).copied()).collect();
        // A word that is known only as part of a compound has no place of its own.
        let Some(keys) = keys else { return true };
        let mut turned = keys.clone();
        turned.rotate_right(1);
        let is_ordinary =
            keys.iter().all(|key| self.places[*key as usize].iter().any(|place| !self.words[*place as usize].capital));
        self.adjacent(&keys) || keys.len() <= 3 && self.adjacent(&turned) || is_ordinary && self.near(&keys)
    }
}

pub(super) fn is_hyphen(between: &str) -> bool {
    matches!(between, "-" | "‐" | "‑" | "\u{ad}")
}

/// Whether what stands between two words of the document leaves them in one phrase.
fn holds(between: &str) -> bool {
    !between.contains([',', ';', ':', '!', '?', '(', ')', '|'])
        && (!between.contains('.') || between.trim() == ".")
        && between.matches('\n').count() < 2
}

/// A word as written, without dots and plural ending.
pub(super) fn exact(word: &str) -> String {
    let plain: String = bare(word).chars().filter(|c| !matches!(c, '.' | '-')).collect();
    match plain.strip_suffix('s') {
        Some(stem) if stem.chars().count() > 1 && !stem.ends_with('s') => stem.to_owned(),
        _ => plain,
    }
}
