//! Whether a full stop after a word ends the sentence.

use crate::segment::style::Style;

/// Almost never the last word of a sentence.
#[rustfmt::skip]
const TITLES: &[&str] = &[
    "adm", "approx", "brig", "ca", "capt", "cf", "col", "dr", "e.g", "eg", "gen", "gov", "hon", "i.e", "ie", "lt",
    "maj", "messrs", "mr", "mrs", "ms", "mt", "pres", "prof", "rep", "resp", "rev", "sen", "sgt", "st", "viz", "vs",
    "v", "w.r.t", "wrt", "incl", "esp", "dept", "univ", "supt", "bzw", "vgl", "hr", "fr", "frl", "zzgl", "mme",
    "mlle", "sra", "srta", "dott", "sig", "bijv", "fa", "dhr", "mevr", "d.h", "z.b", "med", "vet", "jur", "phil", "rer",
    "nat", "h.c", "u.a", "o.ä", "i.d.r", "bspw", "sog", "gem", "ggf", "evtl", "inkl", "exkl", "zzt", "ggü", "geb",
    "dipl", "mind", "p.ex", "p.ej", "av", "bd", "boul", "env", "pte", "rte", "sig.ra", "dott.ssa", "avv", "gent",
    "spett", "avda", "apdo", "lic", "sres", "exc", "exmo", "eng", "np", "tzw", "tzn", "tj", "m.in", "ul", "wg", "mgr",
    "inż", "hab", "т.е", "т.к", "т.н", "им", "ул", "просп", "пл", "пер", "д", "кв", "см", "напр", "проф", "акад",
    "гр", "св", "руб", "тыс", "стр", "рис", "табл", "ст", "гл", "соч", "г-н", "t.ex", "bl.a", "f.eks", "c.-à-d",
];

/// An abbreviation before a number or a bracket, an ordinary word otherwise.
#[rustfmt::skip]
const BEFORE_NUMBERS: &[&str] = &[
    "al", "app", "apr", "art", "aug", "ch", "chap", "cl", "dec", "ed", "eds", "eq", "eqn", "eqns", "eqs", "ex", "feb",
    "fig", "figs", "jan", "jul", "jun", "mar", "no", "nos", "nov", "oct", "op", "p", "par", "pp", "pt", "ref", "refs",
    "sec", "sect", "secs", "sep", "sept", "ser", "sub", "tab", "tbl", "thm", "vol", "vols", "abb", "abs", "kap",
    "lit", "nr", "núm", "pag", "pág", "para", "paras", "reg", "sch", "str", "ziff", "s", "bl", "rn", "rdnr", "tz",
    "tel", "rz", "§", "ust", "poz", "rozdz", "lp", "п", "пп", "ч", "т", "cap", "fasc", "num", "prop", "n", "nº",
    "лист", "sekt", "anl", "beil",
];

/// Can end a sentence; it does when the next word is one that begins sentences.
#[rustfmt::skip]
const EITHER: &[&str] = &[
    "a.d", "a.m", "b.c", "b.sc", "bros", "co", "corp", "d.c", "etc", "inc", "jr", "ltd", "m.d", "m.sc", "p.m", "ph.d",
    "plc", "sr", "u.k", "u.n", "u.s", "u.s.a", "usw", "u.ä", "e.v", "n.chr", "v.chr", "chr", "mio", "mrd", "tsd",
    "uds", "ud", "s.a", "s.p.a", "s.r.l", "s.l", "itd", "itp", "r", "w", "zł", "tys", "т.д", "т.п", "г", "гг", "в",
    "вв", "н.э", "др", "пр", "млн", "млрд", "ave", "blvd", "ecc",
];

/// Words that begin a sentence far more often than they continue a name, in the languages of the abbreviations.
#[rustfmt::skip]
const STARTERS: &[&str] = &[
    "a", "aber", "after", "ainsi", "ale", "all", "alle", "also", "although", "am", "an", "and", "après", "as", "at",
    "auch", "außerdem", "because", "before", "bei", "both", "but", "by", "ce", "cela", "ces", "cette", "dabei",
    "damit", "dann", "dans", "das", "de", "depois", "der", "des", "die", "dies", "diese", "dieser", "dieses", "dopo",
    "during", "each", "een", "egli", "ein", "eine", "el", "ela", "ele", "eles", "ella", "elle", "elles", "ellos",
    "er", "es", "esse", "esta", "este", "estos", "finally", "first", "for", "from", "furthermore", "für", "gli", "he",
    "her", "here", "het", "hij", "his", "how", "however", "i", "ich", "if", "ihr", "ihre", "il", "ils", "im", "in",
    "inoltre", "instead", "isto", "it", "its", "je", "jedoch", "jest", "la", "las", "le", "les", "lo", "los", "ma",
    "maar", "mais", "man", "many", "mas", "mit", "more", "moreover", "most", "my", "na", "nach", "nel", "no", "not",
    "nous", "now", "o", "of", "on", "ona", "one", "oni", "only", "ono", "or", "os", "our", "pero", "po", "pour",
    "questa", "questo", "second", "secondo", "según", "seine", "seit", "selon", "several", "she", "sie", "since",
    "so", "some", "such", "ta", "también", "te", "ten", "that", "the", "their", "then", "there", "therefore", "these",
    "they", "this", "those", "thus", "to", "um", "uma", "un", "una", "und", "under", "une", "uno", "vous", "w", "we",
    "wenn", "what", "when", "where", "which", "while", "who", "why", "wij", "wir", "with", "you", "your", "zij", "в",
    "для", "если", "как", "когда", "мы", "на", "но", "он", "она", "они", "оно", "по", "после", "при", "также", "эти",
    "это", "этот", "я",
];

/// What German and its neighbours put after an ordinal, which is written as a number with a full stop.
#[rustfmt::skip]
const AFTER_ORDINALS: &[&str] = &[
    "april", "august", "december", "dezember", "februar", "februari", "halbjahr", "jahrhundert", "jahrhunderts",
    "januar", "januari", "januára", "juli", "juni", "jänner", "kvartal", "kvartál", "mai", "maj", "maja", "marts",
    "märz", "november", "oktober", "quartal", "september", "weltkrieg",
];

/// Longest word in characters that is looked up as a starter.
const MAX_STARTER_CHARS: usize = 24;

/// What follows a full stop.
pub(crate) struct Next {
    /// It begins with a lowercase letter.
    pub(crate) is_lowercase: bool,
    is_digit: bool,
    is_bracket: bool,
    begins_sentences: bool,
    follows_ordinals: bool,
    /// One letter with a full stop: the second part of an abbreviation such as `z. B.`.
    is_abbreviation: bool,
}

impl Next {
    /// Look past white space and opening quotes.
    pub(crate) fn of(after: &str) -> Self {
        let rest = after.trim_start();
        let word = rest.trim_start_matches(['"', '\'', '“', '‘', '„', '«', '¿', '¡', '(', '[', '>']);
        let first = word.chars().next();
        let letters = word.chars().take(MAX_STARTER_CHARS).take_while(|c| c.is_alphabetic());
        let lower = letters.flat_map(char::to_lowercase).collect::<String>();
        let behind = word.chars().nth(1);
        Self {
            is_lowercase: first.is_some_and(char::is_lowercase),
            is_digit: first.is_some_and(char::is_numeric),
            is_bracket: rest.starts_with(['(', '[']),
            begins_sentences: STARTERS.contains(&lower.as_str()),
            follows_ordinals: AFTER_ORDINALS.contains(&lower.as_str()),
            is_abbreviation: first.is_some_and(char::is_alphabetic) && behind == Some('.'),
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

/// Checks whether a word with a full stop is an abbreviation.
pub(crate) fn is_known(word: &str) -> bool {
    let lower = word.to_lowercase();
    [TITLES, BEFORE_NUMBERS, EITHER].iter().any(|list| list.contains(&lower.as_str())) || is_dotted(word)
}

/// Judge the full stop after `word`, which is without it, before `next`; lowercase only where sentences begin so.
pub(crate) fn verdict(word: &str, next: &Next, style: Style) -> Verdict {
    let lower = word.to_lowercase();
    let lower = lower.as_str();
    let ordinal = word.len() <= 2 && !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    let ends = if is_letter(word) && next.is_abbreviation || TITLES.contains(&lower) {
        false
    } else if is_initial(word) && !next.is_digit && !next.is_bracket || is_small_letter(word) {
        next.begins_sentences
    } else if BEFORE_NUMBERS.contains(&lower) {
        !(next.is_digit || next.is_bracket || style.lowercase && next.is_lowercase && lower.len() <= 3)
    } else if EITHER.contains(&lower) || is_dotted(word) {
        next.begins_sentences
    } else if ordinal && (next.follows_ordinals || style.ordinals && !next.begins_sentences && !next.is_digit) {
        false
    } else if is_initial(word) || is_letter(word) && !word.is_ascii() {
        next.begins_sentences || next.is_digit
    } else {
        true
    };
    if ends { Verdict::Ends } else { Verdict::GoesOn }
}

/// One small letter, as at the end of `u. a.`.
fn is_small_letter(word: &str) -> bool {
    is_letter(word) && word.chars().all(char::is_lowercase) && !matches!(word, "p" | "s" | "n" | "v")
}

/// One letter.
fn is_letter(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
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
