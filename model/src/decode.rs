//! Greedy decoding: what comes next, when to stop, and what of it to keep. Pure; the model is a function.

use crate::segment::{self, Kind};
use crate::words;

/// Longest period in tokens that is recognized as a loop.
const MAX_LOOP_TOKENS: usize = 64;
/// A period this long is a loop when it occurs twice in a row.
const LONG_LOOP_TOKENS: usize = 12;
/// A shorter period is a loop when it occurs this often in a row.
const SHORT_LOOP_REPEATS: usize = 4;

/// Index of the greatest logit, the lowest of equals. Not-a-number loses against everything.
pub(crate) fn argmax(logits: &[f32]) -> u32 {
    let mut best = (0, f32::NEG_INFINITY);
    for (id, logit) in (0u32..).zip(logits) {
        if *logit > best.1 {
            best = (id, *logit);
        }
    }
    best.0
}

/// Whether the tokens end in a repetition that greedy decoding will not leave.
pub(crate) fn is_loop(ids: &[u32]) -> bool {
    (1..=MAX_LOOP_TOKENS.min(ids.len() / 2)).any(|period| {
        let repeats = if period >= LONG_LOOP_TOKENS { 2 } else { SHORT_LOOP_REPEATS };
        let Some(start) = ids.len().checked_sub(period * repeats) else { return false };
        let (first, rest) = ids[start..].split_at(period);
        rest.chunks_exact(period).all(|again| again == first)
    })
}

/// Bounds on what is written.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// Most sentences.
    pub(crate) sentences: usize,
    /// Most words.
    pub(crate) words: usize,
}

/// Whether enough is written: a sentence beyond the bound has begun, or the words are used up.
pub(crate) fn is_enough(text: &str, bounds: Bounds) -> bool {
    let segments = segment::segment(text);
    segments.iter().filter(|segment| segment.kind != Kind::Scrap).count() > bounds.sentences
        || words::count(text, bounds.words + 1) > bounds.words
}

/// The sentences to keep of what was written: complete, each said once, without preamble, within the bounds.
///
/// If not even the first sentence is complete and within the bounds, its start is kept up to a whole word, with an
/// ellipsis. `finished` says that the model itself ended the text.
pub(crate) fn keep(text: &str, finished: bool, bounds: Bounds) -> Vec<String> {
    let segments = segment::segment(text);
    let mut kept: Vec<String> = Vec::new();
    let mut said: Vec<String> = Vec::new();
    let mut budget = bounds.words;
    for (index, segment) in segments.iter().enumerate() {
        let Some(sentence) = segment.quote.of(text) else { continue };
        let is_last = index + 1 == segments.len();
        if words::lettered(sentence, 1) == 0 || (index == 0 && !is_last && is_preamble(sentence)) {
            continue;
        }
        let complete = if is_last { finished || ends_complete(sentence) } else { true };
        let count = words::count(sentence, budget + 1);
        if !complete || count > budget || kept.len() == bounds.sentences {
            break;
        }
        let plain = plain(sentence);
        if !said.contains(&plain) {
            said.push(plain);
            kept.push(sentence.split_whitespace().collect::<Vec<_>>().join(" "));
            budget -= count;
        }
    }
    if kept.is_empty() {
        kept.extend(beginning(text, finished, bounds.words));
    }
    kept
}

/// The start of a text that has no complete sentence within the bound.
fn beginning(text: &str, finished: bool, limit: usize) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let whole = if finished || ends_complete(&text) {
        text.as_str()
    } else {
        // The last word may lack its end.
        text.rsplit_once(' ').map_or("", |(before, _)| before)
    };
    let start = words::prefix(whole, limit);
    (!start.is_empty()).then(|| format!("{start}…"))
}

fn ends_complete(sentence: &str) -> bool {
    sentence
        .trim_end_matches(['"', '\'', '”', '’', ')', ']', '*'])
        .ends_with(['.', '!', '?', '…', '。', '！', '？', '।', '؟'])
}

/// Announcements such as "Here is a summary of the text:".
fn is_preamble(sentence: &str) -> bool {
    sentence.ends_with(':') && words::count(sentence, 16) < 16
}

/// The words alone, for telling whether two sentences say the same.
fn plain(sentence: &str) -> String {
    sentence
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Bounds = Bounds { sentences: 10, words: 1000 };

    #[test]
    fn the_greatest_logit_wins_and_ties_go_to_the_lowest_id() {
        assert_eq!(argmax(&[0.0, 2.0, 2.0, f32::NAN]), 1);
        assert_eq!(argmax(&[f32::NAN]), 0);
    }

    #[test]
    fn loops_are_recognized_and_lists_are_not() {
        assert!(is_loop(&[9, 1, 1, 1, 1]));
        assert!(is_loop(&[9, 1, 2, 1, 2, 1, 2, 1, 2]));
        assert!(!is_loop(&[1, 2, 1, 2, 1, 2]));
        let sentence: Vec<u32> = (0..20).collect();
        assert!(is_loop(&[sentence.clone(), sentence.clone()].concat()));
        assert!(!is_loop(&[sentence.clone(), vec![99], sentence].concat()));
        assert!(!is_loop(&[]));
    }

    #[test]
    fn an_unfinished_sentence_is_dropped() {
        assert_eq!(keep("One is said. Two is sai", false, WIDE), ["One is said."]);
        assert_eq!(keep("One is said. Two is said", true, WIDE), ["One is said.", "Two is said"]);
    }

    #[test]
    fn a_text_never_ends_inside_a_word() {
        assert_eq!(keep("One long sentence that does not en", false, WIDE), ["One long sentence that does not…"]);
        let bounds = Bounds { sentences: 2, words: 3 };
        assert_eq!(keep("One long sentence, too long.", true, bounds), ["One long sentence…"]);
        assert!(keep("...", true, WIDE).is_empty());
        assert!(keep("unfinishe", false, WIDE).is_empty());
    }

    #[test]
    fn repeated_sentences_and_preambles_are_dropped() {
        let text = "Here is a summary:\n\nIt rains. It rains! It snows. It rains.";
        assert_eq!(keep(text, true, WIDE), ["It rains.", "It snows."]);
    }

    #[test]
    fn bounds_hold_in_whole_sentences() {
        let text = "One two three. Four five. Six seven eight nine.";
        assert_eq!(keep(text, true, Bounds { sentences: 2, words: 100 }).len(), 2);
        assert_eq!(keep(text, true, Bounds { sentences: 9, words: 6 }), ["One two three.", "Four five."]);
        assert!(is_enough("One. Two. Three", Bounds { sentences: 2, words: 100 }));
        assert!(!is_enough("One. Two.", Bounds { sentences: 2, words: 100 }));
        assert!(is_enough("one two three four", Bounds { sentences: 2, words: 3 }));
    }
}
