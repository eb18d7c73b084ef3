//! The words of a document, and whether a name stands in it.

use std::collections::{HashMap, HashSet};

use unicode_segmentation::UnicodeSegmentation;

use super::super::forms::{bare, fold, is_short, key};
use super::calendar::{self, Calendar};
use super::link::{Link, is_hyphen, link};
use super::lists::{FOLKS, INSIDE, PEOPLE_ENDINGS, PEOPLE_LETTERS, PEOPLES, SUFFIXES, TITLES};

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
    /// Whether it can belong to a name that a comma stands in: Jr, Inc.
    suffix: bool,
    /// Whether it is written as a title is: in capitals throughout, without any, or known as one.
    title: bool,
    /// How it follows the word before.
    link: Link,
}

/// The words of a document, and where each stands.
pub(in super::super) struct Words {
    ids: HashMap<String, u32>,
    words: Vec<Word>,
    places: Vec<Vec<u32>>,
    /// Words with capitals, as written but for dots and plural endings.
    exact: HashSet<String>,
    /// Words with capitals, folded, with their plural endings.
    capitals: HashSet<String>,
    calendar: Calendar,
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
            capitals: HashSet::new(),
            calendar: Calendar::of(text),
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
            let link = before.map_or(Link::Broken, |(end, previous)| link(text, previous, end, at));
            index.push(word, link);
            let is_number = |word: &str| word.starts_with(char::is_numeric);
            if let Some((_, previous)) =
                before.filter(|(_, previous)| is_number(word) && calendar::is_abbreviated(previous))
            {
                index.calendar.note(previous, true);
            }
            index.calendar.note(word, before.is_some_and(|(_, previous)| is_number(previous)));
            before = Some((at + word.len(), word));
        }
        index
    }

    fn push(&mut self, word: &str, link: Link) {
        let next = self.places.len() as u32;
        let lookup = key(word);
        let suffix = SUFFIXES.contains(&lookup.as_str());
        let title = is_shouted(word) || TITLES.contains(&lookup.as_str()) || !word.chars().any(char::is_uppercase);
        let id = *self.ids.entry(lookup).or_insert(next);
        if id == next {
            self.places.push(Vec::new());
        }
        self.places[id as usize].push(self.words.len() as u32);
        let capital = word.chars().any(char::is_uppercase);
        if capital {
            self.exact.insert(exact(word));
            self.capitals.insert(fold(bare(word)));
        }
        let initial = word.chars().next().filter(|c| c.is_uppercase());
        self.words.push(Word { key: id, initial, capital, small: INSIDE.contains(&word), suffix, title, link });
    }

    /// Whether a word stands in the document in any form.
    pub(super) fn mentions(&self, word: &str) -> bool {
        let lookup = key(word);
        self.ids.contains_key(&lookup) || self.compounds.contains(&lookup)
    }

    /// Whether a single word stands in the document. Capitals matter for a word that is another one without them: US, us.
    fn knows(&self, word: &str, is_common: &impl Fn(&str) -> bool) -> bool {
        if let Some(is_named) = self.calendar.has(word) {
            return is_named;
        }
        if !self.mentions(word) {
            return self.calendar.has_abbreviated(word);
        }
        !is_shouted(word) || !is_common(&fold(word)) || self.exact.contains(&exact(word))
    }

    /// Whether a word is another name than the one it is the plural of in form: Adams, where the document has Adam.
    pub(super) fn is_other_name(&self, word: &str, is_common: &impl Fn(&str) -> bool) -> bool {
        let (folded, stem) = (fold(bare(word)), key(word));
        let is_folk = FOLKS.contains(&stem.as_str())
            || PEOPLES.contains(&stem.as_str())
            || PEOPLE_ENDINGS.iter().any(|ending| stem.ends_with(ending))
            || stem.len() >= PEOPLE_LETTERS && stem.ends_with("an");
        let has_inner = word.chars().skip(1).any(|c| c.is_uppercase() || c.is_numeric());
        if !folded.ends_with('s')
            || folded == stem
            || is_short(bare(word))
            || has_inner
            || is_folk
            || is_common(&stem)
            || self.capitals.contains(&folded)
        {
            return false;
        }
        let is_written_small =
            |id: &u32| self.places[*id as usize].iter().any(|place| !self.words[*place as usize].capital);
        self.capitals.contains(&stem) && !self.ids.get(&stem).is_some_and(is_written_small)
    }

    /// Whether words stand in the document side by side in this order; up to two capitalized or small words may stand
    /// between them, as a second given name does. If `turned`, the first is a surname that a comma may follow.
    fn adjacent(&self, keys: &[u32], turned: bool) -> bool {
        let Some((first, rest)) = keys.split_first() else {
            return true;
        };
        self.places[*first as usize].iter().any(|place| {
            let mut at = *place as usize;
            rest.iter().enumerate().all(|(step, key)| {
                for next in at + 1..self.words.len().min(at + 2 + MOST_BETWEEN) {
                    let word = &self.words[next];
                    let is_linked = match word.link {
                        Link::Joined => true,
                        _ if next > at + 1 => false,
                        Link::Loose => !turned,
                        Link::Comma => word.suffix || turned && step == 0 && self.turns(next),
                        Link::Broken => false,
                    };
                    if word.key == *key && is_linked {
                        at = next;
                        return true;
                    }
                    if !((word.capital || word.small) && word.link == Link::Joined) {
                        return false;
                    }
                }
                false
            })
        })
    }

    /// Whether a word after a comma goes before the word that the comma follows: it is a title, or that word is no part
    /// of a longer name.
    fn turns(&self, at: usize) -> bool {
        let is_free = |surname: usize| {
            self.words[surname].link != Link::Joined || surname == 0 || !self.words[surname - 1].capital
        };
        self.words[at].title || at.checked_sub(1).is_some_and(is_free)
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

    /// Whether a word before `next` in the same name, or after its comma, begins with an initial.
    fn abbreviates(&self, initial: &str, next: &str) -> bool {
        let Some(id) = self.ids.get(&key(next)) else {
            return false;
        };
        let begins = |word: &Word| word.initial.is_some_and(|letter| initial.starts_with(letter));
        self.places[*id as usize].iter().any(|place| {
            let place = *place as usize;
            let is_turned = |after: &Word| after.link == Link::Comma && begins(after) && self.turns(place + 1);
            let mut at = place;
            while at > 0 && place - at <= MOST_BETWEEN && self.words[at].link == Link::Joined {
                at -= 1;
                let before = &self.words[at];
                if begins(before) {
                    return true;
                }
                if !(before.capital || before.small) {
                    break;
                }
            }
            self.words.get(place + 1).is_some_and(is_turned)
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
        self.adjacent(&keys, false)
            || keys.len() <= 3 && self.adjacent(&turned, true)
            || is_ordinary && self.near(&keys)
    }
}

/// Whether a word of two letters or more is written in capitals throughout.
fn is_shouted(word: &str) -> bool {
    word.chars().filter(|c| c.is_alphabetic()).count() > 1 && !word.chars().any(char::is_lowercase)
}

/// A word as written, without dots and plural ending.
pub(super) fn exact(word: &str) -> String {
    let plain: String = bare(word).chars().filter(|c| !matches!(c, '.' | '-')).collect();
    match plain.strip_suffix('s') {
        Some(stem) if stem.chars().count() > 1 && !stem.ends_with('s') => stem.to_owned(),
        _ => plain,
    }
}
