//! Sentences without an end: what was said and written down without marks is cut into windows at pauses.
//!
//! A window ends before a word that begins a clause, at a mark, or at the end of a line; only where there is nothing of
//! that kind for very long, at any space. The best cuts are those with the least cost over the whole run, in integers.

use crate::words;

/// A run of more words than this is cut.
pub(crate) const MAX_RUN_WORDS: usize = 80;
/// Bytes that so many words have at least.
const MIN_RUN_BYTES: usize = 3 * MAX_RUN_WORDS;
/// Words of a window: wished for, at least, at most.
const WISHED: usize = 17;
const LEAST: usize = 8;
const MOST: usize = 44;
/// Costs of a cut where nothing speaks for it, and of each word outside the bounds.
const ANYWHERE: u64 = 900;
const OUTSIDE: u64 = 60;

/// Words that begin a new thought in speech.
const STRONG: &[&str] = &[
    "so",
    "okay",
    "ok",
    "now",
    "but",
    "well",
    "anyway",
    "then",
    "finally",
    "next",
    "also",
    "however",
    "another",
    "alright",
    "aber",
    "jetzt",
    "nun",
    "dann",
    "außerdem",
    "danach",
    "alors",
    "donc",
    "mais",
    "puis",
    "ensuite",
    "maintenant",
    "entonces",
    "pero",
    "luego",
    "después",
    "ahora",
    "además",
    "allora",
    "quindi",
    "ma",
    "poi",
    "adesso",
    "inoltre",
    "então",
    "mas",
    "depois",
    "agora",
    "więc",
    "ale",
    "potem",
    "teraz",
    "так",
    "но",
    "потом",
    "теперь",
    "затем",
    "ещё",
    "dus",
    "maar",
    "daarna",
    "ama",
    "sonra",
    "şimdi",
];
/// Words that join clauses.
const JOINING: &[&str] = &[
    "and",
    "or",
    "because",
    "if",
    "when",
    "while",
    "which",
    "since",
    "although",
    "unless",
    "und",
    "oder",
    "weil",
    "wenn",
    "denn",
    "während",
    "obwohl",
    "et",
    "ou",
    "parce",
    "quand",
    "si",
    "car",
    "lorsque",
    "y",
    "o",
    "porque",
    "cuando",
    "mientras",
    "e",
    "perché",
    "quando",
    "se",
    "mentre",
    "enquanto",
    "i",
    "bo",
    "kiedy",
    "jeśli",
    "ponieważ",
    "и",
    "или",
    "потому",
    "когда",
    "если",
    "пока",
    "en",
    "omdat",
    "als",
    "toen",
    "ve",
    "çünkü",
];
/// Words with which a clause begins: who does it, and what is asked.
const OPENERS: &[&str] = &[
    "first", "second", "third", "i", "you", "we", "they", "he", "she", "it", "this", "these", "there", "the", "my",
    "your", "our", "if", "when", "what", "how", "why", "let's", "some", "don't", "it's", "that's", "i'm", "we're",
    "you're", "they're", "ich", "du", "er", "sie", "es", "wir", "ihr", "das", "der", "die", "man", "wenn", "was",
    "wie", "mein", "je", "j'ai", "tu", "il", "elle", "on", "nous", "vous", "ils", "ce", "c'est", "le", "la", "les",
    "un", "une", "yo", "él", "ella", "nosotros", "ellos", "el", "los", "las", "esto", "hay", "io", "noi", "lei", "lui",
    "loro", "questo", "eu", "ele", "ela", "nós", "eles", "os", "as", "ja", "ty", "on", "ona", "my", "oni", "to", "я",
    "ты", "он", "она", "мы", "вы", "они", "это", "ik", "je", "hij", "zij", "we", "het", "de", "ben", "bu",
];
/// Those of them that hardly ever stand behind the verb.
const SUBJECTS: &[&str] =
    &["i", "we", "they", "he", "she", "ich", "wir", "je", "nous", "ils", "yo", "io", "eu", "я", "мы", "они"];

/// Offsets inside a sentence at which windows end, none if it is short enough.
pub(crate) fn cuts(sentence: &str) -> Vec<usize> {
    if sentence.len() < MIN_RUN_BYTES || words::size(sentence) <= MAX_RUN_WORDS {
        return Vec::new();
    }
    let places = places(sentence);
    best(&places)
}

/// A place where a window can end.
struct Place {
    at: usize,
    /// Words before it, from the start.
    words: usize,
    cost: u64,
}

fn places(sentence: &str) -> Vec<Place> {
    let tokens: Vec<(usize, &str)> = tokens(sentence).collect();
    let mut places = vec![Place { at: 0, words: 0, cost: 0 }];
    let mut quarters = 0;
    let mut before = String::new();
    let mut lower = tokens.first().map(|(_, token)| plain(token)).unwrap_or_default();
    for (index, (at, token)) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1).map(|(_, token)| plain(token)).unwrap_or_default();
        if index > 0 {
            let (from, last) = tokens[index - 1];
            let end = from + last.len();
            let gap = &sentence[end..*at];
            places.push(Place { at: end, words: quarters / 4, cost: cost(last, gap, &before, &lower, &next) });
        }
        quarters += words::size(token).max(1) * 4;
        before = std::mem::replace(&mut lower, next);
    }
    places.push(Place { at: sentence.len(), words: quarters / 4, cost: 0 });
    places
}

/// Runs without white space; where a script has none, up to a comma.
fn tokens(sentence: &str) -> impl Iterator<Item = (usize, &str)> {
    let comma = |c: char| matches!(c, '，' | '、' | '；' | '：' | '،' | '؛');
    let mut ended = false;
    let mut start = 0;
    let mut chars = sentence.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            if ended {
                return None;
            }
            let Some((at, c)) = chars.next() else {
                ended = true;
                return (start < sentence.len()).then(|| (start, &sentence[start..]));
            };
            if c.is_whitespace() {
                let token = (start, &sentence[start..at]);
                start = at + c.len_utf8();
                if !token.1.is_empty() {
                    return Some(token);
                }
            } else if comma(c) {
                let end = at + c.len_utf8();
                let token = (start, &sentence[start..end]);
                start = end;
                return Some(token);
            }
        }
    })
}

fn plain(token: &str) -> String {
    if token.len() > 32 {
        return String::new();
    }
    token.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// Cost of a cut behind `last`, before `word` and `next`; `before` is the plain form of `last`.
fn cost(last: &str, gap: &str, before: &str, word: &str, next: &str) -> u64 {
    let strong = |word: &str| STRONG.contains(&word);
    let joining = |word: &str| JOINING.contains(&word);
    let opener = |word: &str| OPENERS.contains(&word);
    let mark = match last.chars().next_back() {
        Some('.' | '!' | '?' | ';' | '；' | '؛') => 0,
        Some(':' | '：' | '–' | '—') => 20,
        Some(',' | '，' | '،') => 40,
        Some('、') => 120,
        _ if gap.contains('\n') => 150,
        _ => ANYWHERE,
    };
    let pause =
        if strong(word) && (opener(next) || joining(next) || strong(next)) && !joining(before) && !strong(before) {
            0
        } else if joining(word) && (opener(next) || strong(next)) && !strong(before) && !joining(before) {
            60
        } else if strong(word) && !joining(before) && !opener(before) {
            320
        } else if SUBJECTS.contains(&word) && !strong(before) && !joining(before) && !opener(before) && before.len() > 3
        {
            200
        } else if joining(word) && !strong(before) {
            260
        } else {
            ANYWHERE
        };
    mark.min(pause)
}

/// The cheapest way from the first place to the last.
fn best(places: &[Place]) -> Vec<usize> {
    let mut least = vec![(u64::MAX, 0usize); places.len()];
    least[0] = (0, 0);
    for end in 1..places.len() {
        for start in (0..end).rev() {
            let length = places[end].words - places[start].words;
            // One that is too long is taken only whole.
            if length > MOST && start + 1 < end {
                break;
            }
            let total = least[start].0.saturating_add(window_cost(length)).saturating_add(places[end].cost);
            if total < least[end].0 {
                least[end] = (total, start);
            }
        }
    }
    let mut cuts = Vec::new();
    let mut at = least.last().map_or(0, |last| last.1);
    while at > 0 {
        cuts.push(places[at].at);
        at = least[at].1;
    }
    cuts.reverse();
    cuts
}

/// Cost of the length of a window.
fn window_cost(words: usize) -> u64 {
    let away = words.abs_diff(WISHED) as u64;
    let outside = LEAST.saturating_sub(words).max(words.saturating_sub(MOST)) as u64;
    30 + away * away + outside * OUTSIDE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speech_without_marks_is_cut_before_the_words_that_begin_clauses() {
        let said = "so when it has been dry for two weeks and then you get a big storm the plant drinks everything at once and the fruit grows faster than the skin and pop it splits \
            okay so the number one thing is to water regularly i water every second day about two litres per plant in the morning never on the leaves because wet leaves bring blight \
            the second thing is mulch i use straw about five centimetres it keeps the moisture even and the third thing is to pick early if you see rain coming";
        let mut start = 0;
        let mut windows = Vec::new();
        for end in cuts(said).into_iter().chain([said.len()]) {
            windows.push(said[start..end].trim());
            start = end;
        }
        assert!(windows.len() >= 4, "{windows:?}");
        for window in &windows {
            assert!((5..=MOST).contains(&window.split_whitespace().count()), "{window}");
            assert!(!window.ends_with(" the") && !window.ends_with(" and") && !window.ends_with(" than"), "{window}");
        }
        assert!(windows.iter().any(|window| window.starts_with("okay so the number one thing")), "{windows:?}");
    }

    #[test]
    fn what_is_short_enough_stays_whole() {
        assert!(cuts("An ordinary sentence, and nothing else.").is_empty());
        assert!(cuts(&"word ".repeat(MAX_RUN_WORDS)).is_empty());
    }

    #[test]
    fn a_run_without_any_pause_is_cut_at_spaces_in_linear_time() {
        let run = "word ".repeat(100_000);
        let cuts = cuts(&run);
        assert!(cuts.len() >= 100_000 / MOST);
        assert!(cuts.iter().all(|at| run[..*at].ends_with("word")));
    }
}
