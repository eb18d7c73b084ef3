//! The unigram tokenizer of SentencePiece (Kudo 2018) with the vocabulary of XLM-R: of all ways to cut a word into pieces the
//! likeliest.
//!
//! A text is only text: what looks like a control token in it is read as the characters it is written with.

use precis_engine::tokenizer::Encoded;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_segmentation::UnicodeSegmentation;
use zeroize::Zeroizing;

use super::census::Census;
use super::packed::Vocabulary;
use crate::error::LoadError;

/// Stands for a space in the pieces: every word begins with it.
const SPACE: char = '\u{2581}';
/// Score of a character that no piece has, below the least of any piece.
const UNKNOWN_PENALTY: f64 = 10.0;
/// Longest piece, bytes.
const MAX_PIECE_BYTES: usize = 256;
/// Places of the table of pieces for each piece, at least.
const ROOM: usize = 2;

/// The tokenizer.
pub(crate) struct Unigram {
    vocabulary: Vocabulary,
    /// Pieces by the hash of their text, each number plus 1; 0 is an empty place. A power of two of them.
    table: Vec<u32>,
    longest: usize,
    unknown_score: f64,
    /// The piece that is a space alone.
    space: u32,
}

/// Characters as the model knows them, and where in the text each comes from.
#[derive(Default)]
struct Known {
    text: Zeroizing<String>,
    /// For each character its place in `text` and in the text it comes from.
    places: Zeroizing<Vec<(u32, u32)>>,
}

impl Known {
    fn push(&mut self, c: char, from: usize) {
        let narrow = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        self.places.push((narrow(self.text.len()), narrow(from)));
        self.text.push(c);
    }
}

/// The likeliest cut that ends at a character.
#[derive(Clone, Copy)]
struct Best {
    score: f64,
    piece: u32,
    from: u32,
}

impl Unigram {
    /// Index the pieces.
    pub(super) fn new(file: &str, vocabulary: Vocabulary) -> Result<Self, LoadError> {
        let places = (vocabulary.ends.len() * ROOM).next_power_of_two();
        let mut unigram = Self { table: vec![0; places], longest: 0, unknown_score: 0.0, space: 0, vocabulary };
        let Vocabulary { first, last, padding, unknown, .. } = unigram.vocabulary;
        let mut least = f64::INFINITY;
        for id in 0..unigram.vocabulary.ends.len() as u32 {
            let piece = unigram.piece(id);
            let length = piece.len();
            if length == 0 || length > MAX_PIECE_BYTES {
                return Err(LoadError::unusable(file, format!("piece {id} has {length} bytes")));
            }
            least = least.min(f64::from(unigram.vocabulary.scores[id as usize]));
            // A document cannot write a control token. The last piece of the vocabulary hides words in training.
            let is_control = [first, last, padding, unknown].contains(&id) || piece == "<mask>";
            if is_control {
                continue;
            }
            let hash = piece.bytes().fold(HASH, step);
            if unigram.find(hash, piece).is_some() {
                return Err(LoadError::unusable(file, format!("piece {id} is there twice")));
            }
            let place = unigram.empty(hash);
            unigram.table[place] = id + 1;
            unigram.longest = unigram.longest.max(length);
        }
        unigram.unknown_score = least - UNKNOWN_PENALTY;
        let mut space = [0; 4];
        let space: &str = SPACE.encode_utf8(&mut space);
        let found = unigram.find(space.bytes().fold(HASH, step), space);
        unigram.space = found.ok_or_else(|| LoadError::unusable(file, "it has no piece for a space"))?;
        Ok(unigram)
    }

    /// Begins every text that is embedded.
    pub(super) fn first(&self) -> u32 {
        self.vocabulary.first
    }

    /// Ends it.
    pub(super) fn last(&self) -> u32 {
        self.vocabulary.last
    }

    fn piece(&self, id: u32) -> &str {
        let start = if id == 0 { 0 } else { self.vocabulary.ends[id as usize - 1] };
        &self.vocabulary.text[start as usize..self.vocabulary.ends[id as usize] as usize]
    }

    /// The places of the table from where a hash points to.
    fn probe(&self, hash: u64) -> impl Iterator<Item = usize> {
        let mask = self.table.len() - 1;
        // The upper bits depend on every byte.
        let start = (hash >> 32) as usize;
        (0..=mask).map(move |offset| (start + offset) & mask)
    }

    fn empty(&self, hash: u64) -> usize {
        self.probe(hash).find(|place| self.table[*place] == 0).unwrap_or_default()
    }

    fn find(&self, hash: u64, text: &str) -> Option<u32> {
        for place in self.probe(hash) {
            match self.table[place] {
                0 => return None,
                id if self.piece(id - 1) == text => return Some(id - 1),
                _ => {}
            }
        }
        None
    }

    /// Tokens of a text with their offsets.
    pub(crate) fn encode(&self, text: &str) -> Encoded {
        let known = self.normalize(text);
        // A token has one character at least. Room for all: a vector that grows leaves copies behind that nobody wipes.
        let room = known.places.len();
        let mut encoded = Encoded { ids: Vec::with_capacity(room), starts: Vec::with_capacity(room) };
        let is_space = |place: &(u32, u32)| known.text[place.0 as usize..].starts_with(SPACE);
        let mut rest = known.places.as_slice();
        while let Some((_, after)) = rest.split_first() {
            let length = 1 + after.iter().position(is_space).unwrap_or(after.len());
            let (word, others) = rest.split_at(length);
            let end = others.first().map_or(known.text.len(), |place| place.0 as usize);
            self.pieces_of(&known.text[..end], word, &mut encoded);
            rest = others;
        }
        encoded
    }

    /// Count of those tokens that stand for letters that no piece has, and of spaces alone.
    pub(super) fn census(&self, ids: &[u32]) -> Census {
        let of = |wanted: u32| ids.iter().filter(|id| **id == wanted).count();
        Census { tokens: ids.len(), unknown: of(self.vocabulary.unknown), blank: of(self.space) }
    }

    /// The text in the characters that the model knows, its words begun with [`SPACE`].
    fn normalize(&self, text: &str) -> Known {
        let mut known = Known::default();
        known.text.reserve(text.len() + text.len() / 4 + SPACE.len_utf8());
        known.places.reserve(text.len() + 1);
        let mut formed = Zeroizing::new(Vec::new());
        for (at, grapheme) in text.grapheme_indices(true) {
            formed.clear();
            for (offset, c) in grapheme.char_indices() {
                match self.vocabulary.forms.of(c) {
                    Some(form) => formed.extend(form.iter().map(|c| (*c, at + offset))),
                    None => formed.push((c, at + offset)),
                }
            }
            let composed = || formed.iter().map(|(c, _)| *c);
            if formed.len() > 1 && is_nfc_quick(composed()) != IsNormalized::Yes {
                let composed: Zeroizing<String> = Zeroizing::new(composed().nfc().collect());
                composed.chars().for_each(|c| known.spaced(c, at));
            } else {
                formed.iter().for_each(|(c, from)| known.spaced(*c, *from));
            }
        }
        known
    }

    /// The first place from `at` on where a word ends, or the end of the text.
    pub(super) fn cut(text: &str, at: usize) -> usize {
        let mut start = at.min(text.len());
        while !text.is_char_boundary(start) {
            start += 1;
        }
        let mut before = text[..start].chars().next_back();
        for (offset, next) in text[start..].char_indices() {
            if matches!(next, ' ' | '\n') && before.is_some_and(char::is_alphanumeric) {
                return start + offset;
            }
            before = Some(next);
        }
        text.len()
    }

    /// Add the likeliest pieces of a word, which ends with `text`.
    fn pieces_of(&self, text: &str, word: &[(u32, u32)], encoded: &mut Encoded) {
        let mut best = vec![Best { score: f64::NEG_INFINITY, piece: 0, from: 0 }; word.len() + 1];
        best[0].score = 0.0;
        let end_of = |index: usize| word.get(index).map_or(text.len(), |place| place.0 as usize);
        for from in 0..word.len() {
            let (start, score) = (end_of(from), best[from].score);
            let mut reach = |to: usize, score: f64, piece: u32| {
                if score > best[to].score {
                    best[to] = Best { score, piece, from: u32::try_from(from).unwrap_or(u32::MAX) };
                }
            };
            let (mut hash, mut has_single) = (HASH, false);
            for to in from + 1..=word.len() {
                let end = end_of(to);
                if end - start > self.longest {
                    break;
                }
                hash = text.as_bytes()[end_of(to - 1)..end].iter().copied().fold(hash, step);
                if let Some(id) = self.find(hash, &text[start..end]) {
                    reach(to, score + f64::from(self.vocabulary.scores[id as usize]), id);
                    has_single |= to == from + 1;
                }
            }
            if !has_single {
                reach(from + 1, score + self.unknown_score, self.vocabulary.unknown);
            }
        }
        let (before, mut at) = (encoded.ids.len(), word.len());
        while at > 0 {
            let Best { piece, from, .. } = best[at];
            let from = from as usize;
            let is_same = encoded.ids.len() > before && encoded.ids.last() == Some(&self.vocabulary.unknown);
            if is_same && piece == self.vocabulary.unknown {
                // One token stands for all letters that no piece has.
                encoded.starts.pop();
            } else {
                encoded.ids.push(piece);
            }
            encoded.starts.push(word[from].1 as usize);
            at = from;
        }
        encoded.ids[before..].reverse();
        encoded.starts[before..].reverse();
    }
}

impl Known {
    /// Add a character; spaces become one [`SPACE`], and the first word begins with one.
    fn spaced(&mut self, c: char, from: usize) {
        if c == ' ' {
            if !self.text.ends_with(SPACE) {
                self.push(SPACE, from);
            }
            return;
        }
        if self.text.is_empty() {
            self.push(SPACE, from);
        }
        self.push(c, from);
    }
}

/// Start and step of a hash that grows byte by byte: multiplication by an odd number.
const HASH: u64 = 0x51_7c_c1_b7_27_22_0a_95;

fn step(hash: u64, byte: u8) -> u64 {
    (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(HASH)
}

#[cfg(test)]
mod tests;
