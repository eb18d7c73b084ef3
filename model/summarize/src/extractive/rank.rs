//! How much each sentence of a text matters, from what it is, where it stands and how it relates to the others. Pure, and
//! without a word of any language.

use precis_kernels::exp;

use crate::segment::Kind;

/// Similarity below this does not connect two sentences, in 1000.
pub(crate) const CONNECTED_PERMILLE: u32 = 100;
/// Extra vote of the very start and the very end of a text, and the share of the text over which it fades, in 1000.
pub(crate) const START_PERMILLE: u32 = 1000;
pub(crate) const END_PERMILLE: u32 = 500;
pub(crate) const FADE_PERMILLE: u32 = 100;
/// Weight of being said again elsewhere, against centrality at 1000. Elsewhere is at least this share of the text away.
pub(crate) const ECHO_PERMILLE: u32 = 700;
pub(crate) const ECHO_DISTANCE_PERMILLE: u32 = 100;
/// How many of the nearest distant sentences make the echo.
pub(crate) const ECHO_SENTENCES: usize = 2;
/// Weight of standing in an opening passage that sums up the rest, and the most sentences of such a passage.
pub(crate) const LEAD_PERMILLE: u32 = 600;
pub(crate) const LEAD_SENTENCES: usize = 12;
/// Weight of the opening and the closing part of a long text, and their shares of it.
pub(crate) const PARTS_PERMILLE: u32 = 400;
pub(crate) const OPENING_PERMILLE: u32 = 150;
pub(crate) const CLOSING_PERMILLE: u32 = 120;
/// A text is long from so many sentences on, and entirely so at twice as many.
pub(crate) const LONG_SENTENCES: usize = 60;
/// Weight of length, up to so many words: a very short sentence says little.
pub(crate) const LENGTH_PERMILLE: u32 = 100;
pub(crate) const FULL_WORDS: usize = 25;
/// Words of a sentence of usual length in a text that is not a paper.
pub(crate) const DENSE_WORDS: usize = 20;
/// Penalty for a sentence of which a tenth is digits, or symbols: details, references, formulas. Digits only where a text
/// cites others; in every other text figures are what matters, and have a bonus.
pub(crate) const DIGITS_PERMILLE: u32 = 400;
pub(crate) const FIGURES_PERMILLE: u32 = 700;
/// Bonus, there, for what was decided, is due, or sums up.
pub(crate) const WEIGHTY_PERMILLE: u32 = 250;
pub(crate) const SYMBOLS_PERMILLE: u32 = 100;

/// Share of a text over which its opening and closing parts blur into the rest.
const BLUR: f32 = 0.02;

/// What is known of a sentence before it is compared with others.
pub(crate) struct Trait {
    pub(crate) kind: Kind,
    /// Which run of text between blank lines and headings it belongs to, not decreasing.
    pub(crate) passage: usize,
    /// Whether it may be quoted.
    pub(crate) quotable: bool,
    /// Its length in words as a reader counts them.
    pub(crate) size: usize,
    /// Its length in words by UAX #29.
    pub(crate) words: usize,
    /// Share of its characters that are digits.
    pub(crate) digits: f32,
    /// Share of its characters that are symbols.
    pub(crate) symbols: f32,
    /// Share to which it names sums, dates, times and other figures, 0 to 1.
    pub(crate) figures: f32,
    /// Set if it says what was decided, is due, or sums up.
    pub(crate) weighty: bool,
    /// Weight against quoting it, from how it is written.
    pub(crate) penalty: f32,
}

/// Score of each sentence, at most 1 among those that may be quoted. `similarities` is the full matrix by rows, each at
/// least 0.
pub(crate) fn scores(similarities: &[f32], traits: &[Trait], scholarly: bool) -> Vec<f32> {
    let digits = |unit: &Trait| match scholarly {
        true => -weight(DIGITS_PERMILLE) * (unit.digits * 10.0).min(1.0),
        false => weight(FIGURES_PERMILLE) * unit.figures + weight(WEIGHTY_PERMILLE) * f32::from(u8::from(unit.weighty)),
    };
    let centrality = spread(&centrality(similarities, traits), traits);
    let echo = spread(&echo(similarities, traits), traits);
    let lead = lead(similarities, traits);
    let mut scores: Vec<f32> = traits
        .iter()
        .enumerate()
        .map(|(index, unit)| {
            centrality[index]
                + weight(ECHO_PERMILLE) * echo[index]
                + weight(LEAD_PERMILLE) * lead[index]
                + weight(PARTS_PERMILLE) * part(index, traits.len())
                + weight(LENGTH_PERMILLE) * (unit.size as f32 / FULL_WORDS as f32).min(1.0)
                + digits(unit)
                - weight(SYMBOLS_PERMILLE) * (unit.symbols * 10.0).min(1.0)
                - unit.penalty
        })
        .collect();
    if !scholarly {
        // Of two sentences that say as much the shorter goes first.
        let positive = scores.iter_mut().zip(traits).filter(|(score, _)| **score > 0.0);
        positive.for_each(|(score, unit)| *score *= density(unit.size));
    }
    let quotable = scores.iter().zip(traits).filter(|(_, unit)| unit.quotable).map(|(score, _)| *score);
    let top = quotable.fold(f32::MIN_POSITIVE, f32::max);
    if top > f32::MIN_POSITIVE {
        scores.iter_mut().for_each(|score| *score /= top);
    }
    scores
}

/// Weight of a sentence by its length in words: the fourth root of how much shorter it is than usual.
fn density(size: usize) -> f32 {
    (DENSE_WORDS as f32 / size.max(DENSE_WORDS / 2) as f32).sqrt().sqrt()
}

fn weight(permille: u32) -> f32 {
    permille as f32 / 1000.0
}

/// Sum of the similarities to all others, each weighed by where the other stands.
fn centrality(similarities: &[f32], traits: &[Trait]) -> Vec<f32> {
    let count = traits.len();
    let votes: Vec<f32> = traits.iter().enumerate().map(|(index, unit)| vote(unit.kind, index, count)).collect();
    let least = weight(CONNECTED_PERMILLE);
    (0..count)
        .map(|row| {
            let cells = similarities[row * count..][..count].iter().zip(&votes).enumerate();
            cells
                .filter(|(column, (near, _))| *column != row && **near >= least)
                .map(|(_, (near, vote))| near * vote)
                .sum()
        })
        .collect()
}

/// How much a sentence of `count` counts in judging the others.
fn vote(kind: Kind, index: usize, count: usize) -> f32 {
    let base = match kind {
        Kind::Prose | Kind::Item => 1.0,
        Kind::Heading => 0.5,
        Kind::Notice | Kind::Scrap => return 0.0,
    };
    let fade = (count as f32 * weight(FADE_PERMILLE)).max(1.0);
    let start = weight(START_PERMILLE) * exp(-(index as f32) / fade);
    let end = weight(END_PERMILLE) * exp(-((count - 1 - index) as f32) / fade);
    base * (1.0 + start + end)
}

/// Mean similarity to the nearest sentences that stand far away: what a text says twice is what it is about.
fn echo(similarities: &[f32], traits: &[Trait]) -> Vec<f32> {
    let count = traits.len();
    let distance = (count as f32 * weight(ECHO_DISTANCE_PERMILLE)).max(2.0);
    (0..count)
        .map(|row| {
            let mut nearest = [0f32; ECHO_SENTENCES];
            for (column, near) in similarities[row * count..][..count].iter().enumerate() {
                if traits[column].quotable && row.abs_diff(column) as f32 >= distance && *near > nearest[0] {
                    nearest[0] = *near;
                    nearest.sort_unstable_by(f32::total_cmp);
                }
            }
            nearest.iter().sum::<f32>() / ECHO_SENTENCES as f32
        })
        .collect()
}

/// For the sentences of a short opening passage (abstract, lead, management summary) how much better it covers the rest
/// than runs of its length elsewhere do, 0 to 1; 0 for all others, and for all if there is no such passage.
fn lead(similarities: &[f32], traits: &[Trait]) -> Vec<f32> {
    let mut lead = vec![0f32; traits.len()];
    let rows: Vec<usize> = (0..traits.len()).filter(|row| traits[*row].quotable).collect();
    let passages = rows.chunk_by(|left, right| traits[*left].passage == traits[*right].passage);
    let lengths: Vec<usize> = passages.map(<[usize]>::len).collect();
    if lengths.len() < 3 {
        return lead;
    }
    // One-sentence paragraphs, as news have, make a passage together.
    let mut size = 0;
    for length in &lengths[..lengths.len() - 1] {
        size += length;
        if size >= 3 {
            break;
        }
    }
    if size > LEAD_SENTENCES || size * 3 > rows.len() {
        return lead;
    }
    let covered = coverage(similarities, traits.len(), &rows, 0, size);
    let elsewhere: Vec<f32> = (size..=rows.len() - size)
        .step_by((size / 2).max(1))
        .map(|start| coverage(similarities, traits.len(), &rows, start, size))
        .collect();
    let mean = elsewhere.iter().sum::<f32>() / elsewhere.len() as f32;
    let variance = elsewhere.iter().map(|value| (value - mean) * (value - mean)).sum::<f32>() / elsewhere.len() as f32;
    // Two standard deviations above the others is certain; differences of rounding say nothing.
    let strength = ((covered - mean) / (2.0 * variance.sqrt()).max(0.001)).clamp(0.0, 1.0);
    rows[..size].iter().for_each(|row| lead[*row] = strength);
    lead
}

/// Mean over the rows outside `start..start + size` of the similarity to the nearest inside.
fn coverage(similarities: &[f32], count: usize, rows: &[usize], start: usize, size: usize) -> f32 {
    let inside = &rows[start..start + size];
    let outside = rows[..start].iter().chain(&rows[start + size..]);
    let sum: f32 =
        outside.map(|row| inside.iter().map(|column| similarities[row * count + column]).fold(0.0, f32::max)).sum();
    sum / (rows.len() - size).max(1) as f32
}

/// Nearness to the opening and the closing part, 0 to 1, by how long the text is.
fn part(index: usize, count: usize) -> f32 {
    let long = ((count as f32 - LONG_SENTENCES as f32) / LONG_SENTENCES as f32).clamp(0.0, 1.0);
    let place = (index as f32 + 0.5) / count as f32;
    let inside = |depth: f32| 1.0 / (1.0 + exp(-depth / BLUR));
    long * (inside(weight(OPENING_PERMILLE) - place) + inside(place - 1.0 + weight(CLOSING_PERMILLE)))
}

/// Values scaled so that those of the sentences that may be quoted go from 0 to 1.
fn spread(values: &[f32], traits: &[Trait]) -> Vec<f32> {
    let quotable = || values.iter().zip(traits).filter(|(_, unit)| unit.quotable).map(|(value, _)| *value);
    let (low, high) = (quotable().fold(f32::MAX, f32::min), quotable().fold(f32::MIN, f32::max));
    values.iter().map(|value| ((value - low) / (high - low).max(1e-9)).clamp(0.0, 1.0)).collect()
}

#[cfg(test)]
mod tests;
