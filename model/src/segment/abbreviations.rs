//! Whether a full stop after a word ends the sentence.

/// Almost never the last word of a sentence.
const TITLES: &[&str] = &[
    "adm", "approx", "brig", "ca", "capt", "cf", "col", "dr", "e.g", "eg", "gen", "gov", "hon", "i.e", "ie", "lt",
    "maj", "messrs", "mr", "mrs", "ms", "mt", "pres", "prof", "rep", "resp", "rev", "sen", "sgt", "st", "viz", "vs",
    "v", "w.r.t", "wrt", "incl", "esp", "dept", "univ", "supt", "bzw", "vgl", "hr", "fr", "frl", "mio", "mrd", "zzgl",
    "mme", "mlle", "sra", "srta", "dott", "sig", "bijv", "dhr", "mevr",
];

/// An abbreviation before a number or a bracket, an ordinary word otherwise.
const BEFORE_NUMBERS: &[&str] = &[
    "al", "app", "apr", "art", "aug", "ch", "chap", "cl", "dec", "ed", "eds", "eq", "eqn", "eqns", "eqs", "ex", "feb",
    "fig", "figs", "jan", "jul", "jun", "mar", "no", "nos", "nov", "oct", "op", "p", "par", "pp", "pt", "ref", "refs",
    "sec", "sect", "secs", "sep", "sept", "ser", "sub", "tab", "tbl", "thm", "vol", "vols", "abb", "abs", "kap", "lit",
    "nr", "núm", "pag", "pág", "para", "paras", "reg", "sch", "str", "ziff",
];

/// Can end a sentence; it does when the next word is one that begins sentences.
const EITHER: &[&str] = &[
    "a.d", "a.m", "b.c", "b.sc", "bros", "co", "corp", "d.c", "etc", "inc", "jr", "ltd", "m.d", "m.sc", "p.m", "ph.d",
    "plc", "sr", "u.k", "u.n", "u.s", "u.s.a",
];

/// Words that begin a sentence far more often than they continue a name.
const STARTERS: &[&str] = &[
    "a",
    "after",
    "all",
    "also",
    "although",
    "an",
    "and",
    "as",
    "at",
    "because",
    "before",
    "both",
    "but",
    "by",
    "during",
    "each",
    "finally",
    "first",
    "for",
    "from",
    "furthermore",
    "he",
    "her",
    "here",
    "his",
    "how",
    "however",
    "i",
    "if",
    "in",
    "instead",
    "it",
    "its",
    "many",
    "more",
    "moreover",
    "most",
    "my",
    "no",
    "not",
    "now",
    "of",
    "on",
    "one",
    "only",
    "or",
    "our",
    "second",
    "several",
    "she",
    "since",
    "so",
    "some",
    "such",
    "that",
    "the",
    "their",
    "then",
    "there",
    "therefore",
    "these",
    "they",
    "this",
    "those",
    "thus",
    "to",
    "under",
    "we",
    "what",
    "when",
    "where",
    "which",
    "while",
    "who",
    "why",
    "with",
    "you",
    "your",
];

/// What German and its neighbours put after an ordinal, which is written as a number with a full stop.
const AFTER_ORDINALS: &[&str] = &[
    "januar",
    "februar",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "dezember",
    "jahrhundert",
    "jahrhunderts",
    "weltkrieg",
];

/// Longest word in bytes that is looked up as a starter.
const MAX_STARTER_BYTES: usize = 24;

/// What follows a full stop.
pub(crate) struct Next {
    /// It begins with a lowercase letter.
    pub(crate) is_lowercase: bool,
    is_digit: bool,
    is_bracket: bool,
    begins_sentences: bool,
    follows_ordinals: bool,
}

impl Next {
    /// Look past white space and opening quotes.
    pub(crate) fn of(after: &str) -> Self {
        let rest = after.trim_start();
        let word = rest.trim_start_matches(['"', '\'', '“', '‘', '„', '«', '¿', '¡', '(', '[', '>']);
        let first = word.chars().next();
        let length = word.bytes().take(MAX_STARTER_BYTES).take_while(u8::is_ascii_alphabetic).count();
        let lower = word[..length].to_ascii_lowercase();
        Self {
            is_lowercase: first.is_some_and(char::is_lowercase),
            is_digit: first.is_some_and(char::is_numeric),
            is_bracket: rest.starts_with(['(', '[']),
            begins_sentences: STARTERS.contains(&lower.as_str()),
            follows_ordinals: AFTER_ORDINALS.contains(&lower.as_str()),
        }
    }
}

/// Whether the sentence ends.
pub(crate) enum Verdict {
    /// The full stop is the end.
    Ends,
    /// The full stop belongs to the word.
    GoesOn,
}

/// Judge the full stop after `word`, which is without it, before `next`, which is not lowercase.
pub(crate) fn verdict(word: &str, next: &Next) -> Verdict {
    let lower = word.to_lowercase();
    let lower = lower.as_str();
    let ends = if TITLES.contains(&lower) {
        false
    } else if BEFORE_NUMBERS.contains(&lower) {
        !(next.is_digit || next.is_bracket)
    } else if EITHER.contains(&lower) || is_dotted(word) {
        next.begins_sentences
    } else if next.follows_ordinals && word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit()) {
        false
    } else if is_initial(word) {
        next.begins_sentences || next.is_digit
    } else {
        true
    };
    if ends { Verdict::Ends } else { Verdict::GoesOn }
}

/// One capital letter, as in a name; not the pronoun.
fn is_initial(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| c.is_uppercase() && c != 'I') && chars.next().is_none()
}

/// Single letters with full stops between, such as `U.S.S`.
fn is_dotted(word: &str) -> bool {
    word.contains('.') && word.split('.').all(|part| part.chars().count() == 1 && part.chars().all(char::is_alphabetic))
}
