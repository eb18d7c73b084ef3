//! Units that are ranked and quoted: sentences with their parts, entries of lists with their stems, answers with
//! their questions.

use std::ops::Range;

use crate::extractive::rank::Trait;
use crate::extractive::select::{Candidate, Lead};
use crate::extractive::{orders, phrases};
use crate::segment::{self, Kind, Segment};
use crate::summary::ByteRange;
use crate::words;
use precis_engine::tokenizer::Encoded;

/// Fewest words of a sentence that stands for itself.
pub(crate) const MIN_WORDS: usize = 5;
/// Longest sentence in words that is quoted if there are others.
pub(crate) const MAX_WORDS: usize = segment::MAX_RUN_WORDS;
/// A list of so few words, of entries of so few words, is quoted whole.
const LIST_WORDS: usize = 60;
const ENTRY_WORDS: usize = 12;
/// Most sentences of a passage that is left out as a whole if one of them speaks to a model, and those around it otherwise.
const PASSAGE_UNITS: usize = 12;
const BEFORE_ORDER: usize = 1;
const BEHIND_ORDER: usize = 4;
/// Penalties, in 1000: for each level of quotation in a mail; for a question; for a line without an end among sentences;
/// for words broken at the end of a line; for an address of the web.
const QUOTED_PERMILLE: u32 = 250;
const QUESTION_PERMILLE: u32 = 700;
const OPEN_PERMILLE: u32 = 400;
const BROKEN_PERMILLE: u32 = 500;
const ADDRESS_PERMILLE: u32 = 200;
/// Penalty for each place where something else stands inside of a sentence, in 1000.
const PIECE_PERMILLE: u32 = 200;
/// Penalty for what is said out of courtesy, in 1000.
const COURTESY_PERMILLE: u32 = 700;

/// Segments that are ranked as one.
pub(crate) struct Unit {
    /// Its segments.
    pub(crate) segments: Vec<usize>,
    /// Parts of it that are quoted, in order.
    pub(crate) pieces: Vec<ByteRange>,
    pub(crate) kind: Kind,
    /// The unit that it is not understood without.
    pub(crate) lead: Option<usize>,
    /// Words of its sentence stand before it, or behind it.
    pub(crate) cut: (bool, bool),
    /// Quotations that it stands in, and messages of its thread that came later.
    history: usize,
}

impl Unit {
    /// The whole of its quotations for comparing.
    pub(crate) fn text(&self, text: &str) -> String {
        let pieces: Vec<&str> = self.pieces.iter().filter_map(|piece| piece.of(text)).collect();
        pieces.join(" ")
    }
}

/// Token ranges of consecutive segments. White space between two belongs to the later; together they are all tokens.
pub(crate) fn spans(encoded: &Encoded, segments: &[Segment]) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut spans = Vec::with_capacity(segments.len());
    for (index, segment) in segments.iter().enumerate() {
        let end = if index + 1 == segments.len() {
            encoded.ids.len()
        } else {
            encoded.index_at(segment.range.end).max(start)
        };
        spans.push(start..end);
        start = end;
    }
    spans
}

/// Units of a text, at most `limit`: neighbours are ranked together if there are more, and the longest readable one of
/// them is quoted.
pub(crate) fn units(text: &str, segments: &[Segment], limit: usize) -> Vec<Unit> {
    let units = gather(text, segments);
    if units.len() <= limit { units } else { merged(text, units, limit) }
}

fn gather(text: &str, segments: &[Segment]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::with_capacity(segments.len());
    let mut owner: Vec<usize> = Vec::with_capacity(segments.len());
    let whole_lists = whole_lists(text, segments);
    let mut last_running: Option<usize> = None;
    for (index, segment) in segments.iter().enumerate() {
        let stem = whole_lists[index].map(|stem| owner[stem]);
        let short_answer = || {
            let last = last_running.filter(|last| *last + 1 == units.len())?;
            let unit: &Unit = &units[last];
            let near = unit.pieces.last().and_then(|piece| text.get(piece.end..segment.quote.start));
            let near = near.is_some_and(|gap| !gap.contains(char::is_alphanumeric));
            let same = near && segment.lead.is_some() && unit.lead == segment.lead.map(|lead| owner[lead]);
            (same && segment.kind == Kind::Prose && words::size(&unit.text(text)) < MIN_WORDS).then_some(last)
        };
        let resumed = if segment.resumes { last_running } else { None };
        let joined = stem.or(resumed).or_else(short_answer);
        if let Some(into) = joined {
            let unit = &mut units[into];
            unit.segments.push(index);
            match unit.pieces.last_mut() {
                Some(piece) if resumed.is_none() => piece.end = segment.quote.end,
                _ => unit.pieces.push(segment.quote),
            }
            unit.cut.1 = segment.cut.1;
            if stem.is_some() {
                unit.kind = Kind::Item;
            }
            owner.push(into);
            continue;
        }
        owner.push(units.len());
        if segment.kind.is_running() {
            last_running = Some(units.len());
        }
        units.push(Unit {
            segments: vec![index],
            pieces: vec![segment.quote],
            kind: segment.kind,
            lead: segment.lead.map(|lead| owner[lead]),
            cut: segment.cut,
            history: segment.depth + segment.age,
        });
    }
    units
}

/// For each segment the stem of its list if the list is quoted whole: it is short, and so are its entries.
fn whole_lists(text: &str, segments: &[Segment]) -> Vec<Option<usize>> {
    let mut whole = vec![None; segments.len()];
    let mut start = 0;
    while start < segments.len() {
        let Some(stem) = segments[start].lead.filter(|stem| *stem + 1 == start && segments[start].kind == Kind::Item)
        else {
            start += 1;
            continue;
        };
        let mut end = start;
        while segments.get(end).is_some_and(|segment| segment.lead == Some(stem) && segment.kind == Kind::Item) {
            end += 1;
        }
        let size = |segment: &Segment| words::size(segment.quote.of(text).unwrap_or_default());
        let entries: usize = segments[start..end].iter().map(size).sum();
        let count = end - start;
        let alone = segments.get(end).is_none_or(|next| next.kind != Kind::Item) && segments[stem].lead.is_none();
        if count >= 2 && alone && entries + size(&segments[stem]) <= LIST_WORDS && entries <= count * ENTRY_WORDS {
            whole[start..end].fill(Some(stem));
        }
        start = end;
    }
    whole
}

fn merged(text: &str, mut units: Vec<Unit>, limit: usize) -> Vec<Unit> {
    let group = units.len().div_ceil(limit);
    let mut merged = Vec::with_capacity(limit);
    while !units.is_empty() {
        let rest = units.split_off(group.min(units.len()));
        let size = |unit: &Unit| words::size(&unit.text(text));
        let best = (0..units.len())
            .rev()
            .max_by_key(|index| (may_be_quoted(&units[*index], size(&units[*index])), size(&units[*index])));
        let segments = units.iter().flat_map(|unit| unit.segments.iter().copied()).collect();
        if let Some(best) = best {
            let unit = units.swap_remove(best);
            merged.push(Unit { segments, lead: None, ..unit });
        }
        units = rest;
    }
    merged
}

/// What is known of each unit before any is compared with another.
pub(crate) fn traits(text: &str, units: &[Unit], segments: &[Segment]) -> Vec<Trait> {
    let texts: Vec<String> = units.iter().map(|unit| unit.text(text)).collect();
    let is_ended = |index: usize| {
        let quote = texts[index].trim_end_matches(|c: char| {
            matches!(c, '*' | '_' | '"' | '\'' | '”' | '“' | '»' | '«' | '’' | ')' | ']' | '`' | '」' | '』')
        });
        quote.ends_with(|c: char| {
            c.is_ascii_punctuation() && !matches!(c, ',' | '-' | ':')
                || matches!(c, '…' | '。' | '！' | '？' | '؟' | '۔' | '।' | '॥' | '።' | '။' | '។' | '։' | '̈')
        })
    };
    let prose: Vec<usize> = (0..units.len()).filter(|index| units[*index].kind == Kind::Prose).collect();
    // Where most sentences have an end, a line without one is torn, or none.
    let ends = prose.iter().filter(|index| is_ended(**index)).count() * 2 > prose.len();
    let mut passage = 0;
    let mut before: Option<&Segment> = None;
    let mut traits: Vec<Trait> = Vec::with_capacity(units.len());
    for (index, unit) in units.iter().enumerate() {
        let first = unit.segments.first().map(|segment| &segments[*segment]);
        let age = first.map_or(0, |segment| segment.age);
        passage += usize::from(before.zip(first).is_some_and(|(before, first)| is_break(text, before, first)));
        before = unit.segments.last().map(|segment| &segments[*segment]);
        let quote = texts[index].as_str();
        let size = words::size(quote);
        let torn = ends && unit.kind == Kind::Prose && !unit.cut.1 && !is_ended(index);
        traits.push(Trait {
            kind: unit.kind,
            passage,
            quotable: may_be_quoted(unit, size) && !segment::is_bare(quote) && !quote.trim_end().ends_with([':', '：']),
            size,
            words: words::count(quote, usize::MAX),
            digits: share(quote, char::is_numeric),
            symbols: share(quote, is_symbol),
            figures: figures(quote),
            // A later message may have decided otherwise.
            weighty: age == 0 && (phrases::is_weighty(quote) || quote.contains("**")),
            penalty: penalty(unit, quote, torn),
        });
    }
    // A stem or a question says nothing without what it leads to.
    units.iter().filter_map(|unit| unit.lead).for_each(|lead| {
        traits[lead].quotable &= units[lead].kind == Kind::Item && units[lead].lead.is_none() && is_ended(lead)
    });
    leave_out_orders(&mut traits, |index| orders::is_order(&texts[index]));
    offer_something(text, units, &mut traits);
    traits
}

fn penalty(unit: &Unit, quote: &str, torn: bool) -> f32 {
    let asks = quote.trim_end_matches(['*', '"', '”', '»']).ends_with(['?', '？', '؟']);
    let broken = quote.contains("-\n") || quote.contains("-\r\n") || quote.contains('\u{ad}');
    let address = quote.contains("://") || quote.contains("www.") || quote.contains("</") || quote.starts_with('<');
    let sum = QUOTED_PERMILLE * u32::try_from(unit.history.min(4)).unwrap_or(0)
        + QUESTION_PERMILLE * u32::from(asks)
        + OPEN_PERMILLE * u32::from(torn)
        + BROKEN_PERMILLE * u32::from(broken)
        + ADDRESS_PERMILLE * u32::from(address)
        + PIECE_PERMILLE * u32::try_from(unit.pieces.len().saturating_sub(1).min(4)).unwrap_or(0)
        + COURTESY_PERMILLE * u32::from(phrases::is_courteous(quote));
    sum as f32 / 1000.0
}

/// Nothing of a passage is quoted that speaks to a model; of a long one, nothing near to that.
fn leave_out_orders(traits: &mut [Trait], is_order: impl Fn(usize) -> bool) {
    let orders: Vec<usize> = (0..traits.len()).filter(|index| is_order(*index)).collect();
    for order in orders {
        let passage = traits[order].passage;
        let start = traits.partition_point(|unit| unit.passage < passage);
        let end = traits.partition_point(|unit| unit.passage <= passage);
        let (start, end) = if end - start <= PASSAGE_UNITS {
            (start, end)
        } else {
            (order.saturating_sub(BEFORE_ORDER).max(start), (order + 1 + BEHIND_ORDER).min(end))
        };
        // A text that is all one passage still has something to say.
        let rest = traits[..start].iter().chain(&traits[end..]).any(|unit| unit.quotable);
        let range = if rest { start..end } else { order..(order + 1 + BEHIND_ORDER).min(end) };
        for unit in &mut traits[range] {
            unit.quotable = false;
            unit.kind = Kind::Notice;
        }
    }
}

/// Whatever can be read is better than nothing, what is running text before everything else.
fn offer_something(text: &str, units: &[Unit], traits: &mut [Trait]) {
    let readable = |unit: &Unit| unit.pieces.iter().any(|piece| segment::is_readable(text, *piece));
    type Test<'a> = &'a dyn Fn(&Unit, &Trait) -> bool;
    let tests: [Test<'_>; 4] = [
        &|unit, known| known.kind.is_running() && known.size >= MIN_WORDS && readable(unit),
        &|unit, known| known.kind == Kind::Heading && known.size >= MIN_WORDS && readable(unit),
        &|unit, known| (known.kind.is_running() || known.kind == Kind::Heading) && readable(unit),
        &|unit, _| readable(unit),
    ];
    let enough = |traits: &[Trait]| {
        let quotable: usize = traits.iter().filter(|unit| unit.quotable).map(|unit| unit.size).sum();
        // Where most lines look like headings, they are what the text says.
        let headings: usize = traits
            .iter()
            .filter(|unit| unit.kind == Kind::Heading && unit.size >= MIN_WORDS)
            .map(|unit| unit.size)
            .sum();
        quotable > 0 && quotable * 2 >= headings
    };
    for test in tests {
        if enough(traits) {
            return;
        }
        for (unit, known) in units.iter().zip(traits.iter_mut()) {
            known.quotable |= test(unit, known);
        }
    }
}

/// Candidates, with what is quoted before it. Words are counted by UAX #29 if the caller bounds them, else as a
/// reader does.
pub(crate) fn candidates(units: &[Unit], traits: &[Trait], scores: &[f32], bounded: bool) -> Vec<Candidate> {
    let words = |row: usize| if bounded { traits[row].words } else { traits[row].size };
    let candidate = |row: usize| {
        let mut leads = Vec::new();
        let mut at = units[row].lead;
        while let Some(lead) = at.filter(|lead| *lead < row && leads.len() < 3) {
            leads.insert(0, Lead { row: lead, words: words(lead), parts: units[lead].pieces.len() });
            at = units[lead].lead;
        }
        Candidate { row, score: scores[row], words: words(row), parts: units[row].pieces.len(), leads }
    };
    (0..units.len()).filter(|row| traits[*row].quotable).map(candidate).collect()
}

fn may_be_quoted(unit: &Unit, size: usize) -> bool {
    let least = if unit.lead.is_some() && unit.kind == Kind::Item { 2 } else { MIN_WORDS };
    unit.kind.is_running() && (least..=MAX_WORDS).contains(&size)
}

/// Whether a blank line or a heading stands between two neighbours.
fn is_break(text: &str, before: &Segment, unit: &Segment) -> bool {
    let heading = |segment: &Segment| segment.kind == Kind::Heading;
    let gap = text.get(before.range.end..unit.range.start).unwrap_or_default();
    heading(before) != heading(unit) || gap.matches(['\n', '\u{2029}']).count() > 1
}

/// Brackets, operators and the like: signs of formulas, references and code rather than of sentences.
fn is_symbol(c: char) -> bool {
    let sentence_mark =
        matches!(c, '.' | ',' | '\'' | '’' | '‘' | '-' | '–' | '—' | '"' | '“' | '”' | '„' | '*' | '%' | '€' | '$');
    (c.is_ascii_punctuation() || ('\u{2000}'..='\u{2bff}').contains(&c)) && !c.is_whitespace() && !sentence_mark
}

/// Share to which a sentence names figures: one small number alone is often only a name, as of a room.
fn figures(quote: &str) -> f32 {
    let mut numbers = 0usize;
    let mut telling = quote.contains(['%', '€', '$', '£', '¥', '₹', '‰', '元', '円', '万', '亿', '億']);
    // Digits of the number so far, and whether a mark that can stand inside of one was the last character.
    let (mut digits, mut mark) = (0usize, false);
    for c in quote.chars() {
        if c.is_numeric() {
            numbers += usize::from(digits == 0);
            telling |= mark;
            digits += 1;
            mark = false;
        } else if digits > 0 && !mark && matches!(c, '.' | ',' | ':') {
            mark = true;
        } else {
            (digits, mark) = (0, false);
        }
        telling |= digits >= 3;
    }
    match numbers {
        0 => 0.0,
        1 if !telling => 0.5,
        _ => 1.0,
    }
}

/// Share of the characters of a text for which `test` holds.
fn share(text: &str, test: impl Fn(char) -> bool) -> f32 {
    let (mut all, mut hits) = (0u32, 0u32);
    for c in text.chars() {
        all += 1;
        hits += u32::from(test(c));
    }
    hits as f32 / all.max(1) as f32
}

/// Words that papers have whatever they are about, and how many of them make one.
const PAPER_WORDS: [&str; 10] = [
    "in this paper",
    "we propose",
    "we present",
    "state-of-the-art",
    "our approach",
    "our method",
    "our experiments",
    "related work",
    "the proposed",
    "baseline",
];
const PAPER_SIGNS: usize = 3;

/// Checks whether a text is a paper, by its words or because it cites others in brackets: there, figures are details.
pub(crate) fn is_scholarly(text: &str) -> bool {
    /// Citations in a text of so many bytes.
    const BYTES: usize = 2500;
    let bytes = text.as_bytes();
    let year = |at: usize| {
        let year = at >= 4
            && bytes[at - 4..at].iter().all(u8::is_ascii_digit)
            && matches!(&bytes[at - 4..at - 2], b"19" | b"20");
        year && at >= 6 && (bytes[at - 5] == b' ' || bytes[at - 5] == b'(')
    };
    let number =
        |at: usize| at >= 2 && bytes[at - 1].is_ascii_digit() && bytes[at.saturating_sub(4)..at].contains(&b'[');
    let citations =
        bytes.iter().enumerate().filter(|(at, b)| **b == b')' && year(*at) || **b == b']' && number(*at)).count();
    let cites = citations + text.matches("et al").count() > 2 + text.len() / BYTES;
    let lower = text.to_ascii_lowercase();
    cites || PAPER_WORDS.iter().filter(|words| lower.contains(*words)).count() >= PAPER_SIGNS
}

#[cfg(test)]
mod tests;
