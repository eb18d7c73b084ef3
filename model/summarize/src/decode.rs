//! What a model writes: when it is enough, and what of it to keep. Pure.

use std::collections::HashSet;

use crate::segment::{self, Kind, Segment};
use crate::words;

/// Longest period in tokens that is recognized as a loop.
const MAX_LOOP_TOKENS: usize = 64;
/// A period this long is a loop when it occurs twice in a row.
const LONG_LOOP_TOKENS: usize = 12;
/// A shorter period is a loop when it occurs this often in a row.
const SHORT_LOOP_REPEATS: usize = 4;

/// Words of a sentence that must be in another one, in 1000, for the two to say the same.
pub(crate) const SAME_PERMILLE: usize = 800;
/// Shorter sentences are the same only if they are equal.
const SHORTEST_COMPARED: usize = 5;
/// So many repeated sentences end the text.
const MOST_REPEATED: usize = 2;
/// Sentences after which a heading begins to say everything again.
const ENOUGH_BEFORE_HEADING: usize = 2;

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

/// Whether enough is written: as many different sentences as asked for are complete and another one has begun, the words
/// are used up, or the text only repeats itself.
pub(crate) fn is_enough(text: &str, bounds: Bounds) -> bool {
    if words::count(text, bounds.words + 1) > bounds.words {
        return true;
    }
    let segments = segment::segment(text);
    let Some((_, complete)) = segments.split_last() else { return false };
    let (kept, repeated) = distinct(text, complete, &[]);
    kept.len() >= bounds.sentences || repeated >= MOST_REPEATED
}

/// The sentences to keep of what was written: complete, each said once, without what is no part of a summary, within the
/// bounds. `instruction` is what the model was told, which it shall not repeat.
///
/// If not even the first sentence is complete and within the bounds, its start is kept up to a whole word, with an
/// ellipsis. `finished` says that the model itself ended the text.
pub(crate) fn keep(text: &str, finished: bool, bounds: Bounds, instruction: &str) -> Vec<String> {
    let segments = segment::segment(text);
    let is_whole = |last: &Segment| finished || last.quote.of(text).is_some_and(ends_complete);
    let complete = match segments.split_last() {
        Some((last, before)) if !is_whole(last) => before,
        _ => segments.as_slice(),
    };
    let told: Vec<Vec<String>> = segment::segment(instruction)
        .iter()
        .filter_map(|segment| segment.quote.of(instruction))
        .map(plain)
        .filter(|words| words.len() >= SHORTEST_COMPARED)
        .collect();
    let mut room = bounds.words;
    let mut kept: Vec<String> = Vec::new();
    for sentence in distinct(text, complete, &told).0 {
        let count = words::count(&sentence, room + 1);
        if count > room || kept.len() == bounds.sentences {
            break;
        }
        room -= count;
        kept.push(sentence);
    }
    if kept.is_empty() && !segments.is_empty() && distinct(text, &segments[..1], &told).0.len() == 1 {
        kept.extend(beginning(text, finished, bounds.words));
    }
    kept
}

/// Sentences that say something new, and how many do not. A heading or announcement after some sentences begins to say
/// the same again in another form; nothing after it is taken.
fn distinct(text: &str, segments: &[Segment], told: &[Vec<String>]) -> (Vec<String>, usize) {
    let mut said: Vec<Vec<String>> = Vec::new();
    let (mut kept, mut repeated): (Vec<String>, usize) = (Vec::new(), 0);
    for segment in segments {
        let Some(sentence) = segment.quote.of(text) else { continue };
        let sentence =
            ["Summary:", "**Summary:**"].iter().find_map(|label| sentence.strip_prefix(label)).unwrap_or(sentence);
        if words::lettered(sentence, 1) == 0 {
            continue;
        }
        if segment.kind == Kind::Heading || is_preamble(sentence) {
            if kept.len() >= ENOUGH_BEFORE_HEADING {
                break;
            }
            if is_preamble(sentence) {
                continue;
            }
        }
        let plain = plain(sentence);
        if said.iter().chain(told).any(|known| is_same(known, &plain)) {
            repeated += 1;
        } else if !is_aside(&plain) {
            said.push(plain);
            kept.push(sentence.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    (kept, repeated)
}

/// Those of several sentences that say something none before them says.
pub(crate) fn distinct_of(sentences: Vec<String>) -> Vec<String> {
    let mut said: Vec<Vec<String>> = Vec::new();
    let is_new = |sentence: &String| {
        let plain = plain(sentence);
        let is_new = !said.iter().any(|known| is_same(known, &plain));
        said.push(plain);
        is_new
    };
    sentences.into_iter().filter(is_new).collect()
}

/// Whether two sentences say the same: the words of the shorter one are nearly all in the other.
fn is_same(left: &[String], right: &[String]) -> bool {
    // `120 ml` and `120ml` are the same.
    if left == right || left.concat() == right.concat() {
        return true;
    }
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let long: HashSet<&String> = long.iter().collect();
    let short: HashSet<&String> = short.iter().collect();
    let common = short.iter().filter(|word| long.contains(**word)).count();
    short.len() >= SHORTEST_COMPARED && common * 1000 >= short.len() * SAME_PERMILLE
}

/// What an assistant says that does not summarize.
fn is_aside(plain: &[String]) -> bool {
    /// Beginnings, in plain words.
    const ASIDES: &[&str] = &[
        "i m sorry",
        "i am sorry",
        "sorry",
        "as an ai",
        "i cannot",
        "i can t",
        "i m unable",
        "i am unable",
        "sure here",
        "sure i",
        "certainly here",
        "please provide",
        "here is a summary",
        "here s a summary",
    ];
    let start = plain.iter().take(4).map(String::as_str).collect::<Vec<_>>().join(" ") + " ";
    ASIDES.iter().any(|aside| start.starts_with(&format!("{aside} ")))
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
fn plain(sentence: &str) -> Vec<String> {
    let lower = sentence.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WIDE: Bounds = Bounds { sentences: 10, words: 1000 };

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
        assert_eq!(keep("One is said. Two is sai", false, WIDE, ""), ["One is said."]);
        assert_eq!(keep("One is said. Two is said", true, WIDE, ""), ["One is said.", "Two is said"]);
    }

    #[test]
    fn a_text_never_ends_inside_a_word() {
        assert_eq!(keep("One long sentence that does not en", false, WIDE, ""), ["One long sentence that does not…"]);
        let bounds = Bounds { sentences: 2, words: 3 };
        assert_eq!(keep("One long sentence, too long.", true, bounds, ""), ["One long sentence…"]);
        assert!(keep("...", true, WIDE, "").is_empty());
        assert!(keep("unfinishe", false, WIDE, "").is_empty());
    }

    #[test]
    fn repeated_sentences_and_preambles_are_dropped() {
        let text = "Here is a summary:\n\nSummary: It rains. It rains! It snows. It rains.";
        assert_eq!(keep(text, true, WIDE, ""), ["It rains.", "It snows."]);
    }

    #[test]
    fn bounds_hold_in_whole_sentences() {
        let text = "One two three. Four five. Six seven eight nine.";
        assert_eq!(keep(text, true, Bounds { sentences: 2, words: 100 }, "").len(), 2);
        assert_eq!(keep(text, true, Bounds { sentences: 9, words: 6 }, ""), ["One two three.", "Four five."]);
        assert!(is_enough("It is one. It is two. Three", Bounds { sentences: 2, words: 100 }));
        assert!(!is_enough("It is one. It is two.", Bounds { sentences: 2, words: 100 }));
        assert!(is_enough("one two three four", Bounds { sentences: 2, words: 3 }));
    }

    #[test]
    fn a_second_telling_under_a_heading_is_left_out() {
        let text = "The gate is closed. The town stays dry.\n\nThe main points are:\n\n- The gate was shut.\n- The town is dry.";
        assert_eq!(keep(text, true, WIDE, ""), ["The gate is closed.", "The town stays dry."]);
    }

    #[test]
    fn nearly_the_same_sentence_is_said_once() {
        let text = "The models are trained on a large set of clicks. The models are also trained on a large set of clicks. The town is dry.";
        assert_eq!(keep(text, true, WIDE, "").len(), 2);
        assert!(is_enough(&format!("{text} {text}"), WIDE));
        let notes = ["One gate holds the sea back.", "The town is dry.", "One gate holds back the sea."];
        assert_eq!(distinct_of(notes.map(str::to_owned).to_vec()), notes[..2]);
    }

    #[test]
    fn instructions_and_apologies_are_no_summary() {
        let told = "Summarize the text above in 5 sentences. You use only what the text says and add nothing.";
        let text =
            "I'm sorry, but I can't do that. You use only what the text says and add nothing. The gate is closed.";
        assert_eq!(keep(text, true, WIDE, told), ["The gate is closed."]);
        assert!(keep("I'm sorry, I cannot help with", false, WIDE, told).is_empty());
    }

    proptest! {
        #[test]
        fn what_is_kept_is_bounded_and_never_said_twice(text in "([A-Ca-c ]{1,12}[.!?:\n] ?){0,12}", sentences in 1usize..5, words in 1usize..20, finished: bool) {
            let bounds = Bounds { sentences, words };
            let kept = keep(&text, finished, bounds, "");
            prop_assert!(kept.len() <= sentences);
            let count: usize = kept.iter().map(|sentence| words::count(sentence, usize::MAX)).sum();
            prop_assert!(count <= words);
            for (index, sentence) in kept.iter().enumerate() {
                prop_assert!(!sentence.trim().is_empty());
                prop_assert!(kept[..index].iter().all(|before| plain(before) != plain(sentence)));
            }
        }

        #[test]
        fn any_text_is_looked_at_without_a_panic(text in "\\PC{0,200}", finished: bool) {
            let bounds = Bounds { sentences: 3, words: 20 };
            is_enough(&text, bounds);
            keep(&text, finished, bounds, &text);
        }
    }
}
