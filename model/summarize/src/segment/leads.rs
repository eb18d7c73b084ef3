//! Which segment another is not understood without: the stem of a list, the question that is answered.

use crate::segment::blocks::NUMBERED;
use crate::segment::kind::{Kind, Segment};
use crate::segment::notices;

/// Longest question in bytes that leads an answer.
const MAX_QUESTION_BYTES: usize = 300;
/// Sentences of an answer that need its question.
const ANSWER_SENTENCES: usize = 3;
/// Longest answer of another speaker in bytes that needs the question.
const MAX_REPLY_BYTES: usize = 160;
/// Share of a text that titles can make notices, in 100.
const MAX_TITLED_PERCENT: usize = 30;

/// Facts of the block of a segment.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Which block, as they begin in the text.
    pub(crate) block: usize,
    /// See [`crate::segment::blocks::Block`].
    pub(crate) shape: u8,
    pub(crate) speech: bool,
}

/// Find the leads. `places` goes with `segments`.
pub(crate) fn find(text: &str, segments: &mut [Segment], places: &[Place]) {
    stems(text, segments, places);
    questions(text, segments, places);
}

fn quote<'a>(text: &'a str, segment: &Segment) -> &'a str {
    segment.quote.of(text).unwrap_or_default()
}

fn ends_with(text: &str, marks: &[char]) -> bool {
    text.trim_end_matches(['*', '_', '"', '”', '»', ')']).ends_with(marks)
}

/// Entries under a line that ends with a colon, or that stands right above them without an end.
fn stems(text: &str, segments: &mut [Segment], places: &[Place]) {
    // Stems that are open, outermost first, with the shape of their entries.
    let mut open: Vec<(usize, u8)> = Vec::new();
    let mut last: Option<usize> = None;
    for index in 0..segments.len() {
        let segment = segments[index];
        match segment.kind {
            Kind::Scrap => {
                open.clear();
                last = None;
                continue;
            }
            Kind::Notice => continue,
            Kind::Item => {
                let first = index == 0 || places[index - 1].block != places[index].block;
                let shape = places[index].shape;
                if first {
                    let begins =
                        last.is_some_and(|last| is_stem(text, &segments[last], &segment, places[last].shape != shape));
                    if begins && let Some(last) = last {
                        open.push((last, shape));
                    } else {
                        while open.last().is_some_and(|(_, of)| *of != shape) {
                            open.pop();
                        }
                    }
                    segments[index].lead = open.last().map(|(stem, _)| *stem);
                }
            }
            Kind::Prose | Kind::Heading => open.clear(),
        }
        last = Some(index);
    }
}

/// Checks whether a segment leads to the entry behind it. `other`: its own marker, if it has one, is of another shape.
fn is_stem(text: &str, segment: &Segment, next: &Segment, other: bool) -> bool {
    let (stem, entry) = (quote(text, segment), quote(text, next));
    if segment.kind == Kind::Item && !other {
        return false;
    }
    if ends_with(stem, &[':', '：']) {
        return true;
    }
    let gap = text.get(segment.range.end..next.range.start).unwrap_or_default();
    let near = gap.matches('\n').count() <= 1;
    let stops = ['.', '!', '?', '。', '…', ';'];
    // A title above whole sentences is no stem of them.
    let whole = segment.kind == Kind::Heading && ends_with(entry, &stops) && entry.starts_with(char::is_uppercase);
    near && !ends_with(stem, &stops) && !whole
}

/// Sentences behind a question that opens its block, under one that stands alone, or of the next speaker.
fn questions(text: &str, segments: &mut [Segment], places: &[Place]) {
    let mut question: Option<usize> = None;
    let mut answered = 0;
    for index in 0..segments.len() {
        let (segment, place) = (segments[index], places[index]);
        if segment.kind == Kind::Scrap || segment.kind == Kind::Notice {
            continue;
        }
        let opens = index == 0 || places[index - 1].block != place.block;
        let quote = quote(text, &segment);
        let asks = ends_with(quote, &['?', '？', '؟']) && quote.len() <= MAX_QUESTION_BYTES;
        if let Some(asked) = question {
            let same = places[asked].block == place.block;
            let near = same
                || places[asked].block + 1 == place.block
                || answered > 0 && places[index - 1].block == place.block;
            let reply = !place.speech || same || quote.len() <= MAX_REPLY_BYTES;
            let new = segment.kind == Kind::Heading || asks && !same;
            if near && reply && !new && answered < ANSWER_SENTENCES {
                // Only the first sentence of an answer has the speaker's name, which parts it from the question.
                if segment.lead.is_none() && (opens || !place.speech || same) {
                    segments[index].lead = Some(asked);
                }
                answered += 1;
                continue;
            }
            question = None;
        }
        if asks && (opens || place.speech) {
            question = Some(index);
            answered = 0;
        }
    }
}

/// Make notices of what stands under titles such as `Licence`.
pub(crate) fn mark_titled(text: &str, segments: &mut [Segment], places: &[Place]) {
    let mut titled = Vec::new();
    let mut bytes = 0;
    // The block of a title inside of its paragraph, or any block up to the next heading.
    let mut under: Option<Option<usize>> = None;
    for (index, segment) in segments.iter().enumerate() {
        let opens = index == 0 || places[index - 1].block != places[index].block;
        let title = notices::is_title(quote(text, segment));
        if segment.kind == Kind::Heading {
            under = (title && places[index].shape != NUMBERED).then_some(None);
        } else if segment.kind.is_running() && opens && title {
            under = Some(Some(places[index].block));
            titled.push(index);
        } else if under.is_some_and(|block| block.is_none_or(|block| block == places[index].block)) {
            if segment.kind.is_running() {
                titled.push(index);
                bytes += segment.range.len();
            }
        } else if under.is_some_and(|block| block.is_some()) {
            under = None;
        }
    }
    if bytes * 100 <= text.len() * MAX_TITLED_PERCENT {
        titled.into_iter().for_each(|index| segments[index].kind = Kind::Notice);
    }
}
