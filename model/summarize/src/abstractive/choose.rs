//! Which of the sentences written about a document become the summary: those that cover the document, are supported by it and do not
//! repeat each other. Pure and deterministic: the same sentences give the same choice.

use crate::decode::Bounds;
use crate::grounding::Measured;
use crate::summary::ByteRange;
use crate::words;

/// Extra weight of the very start and the very end of a document, in 1000, and the share over which it fades.
pub(super) const START_PERMILLE: u32 = 1000;
pub(super) const END_PERMILLE: u32 = 500;
pub(super) const FADE_PERMILLE: u32 = 100;
/// What the support of a sentence counts beside the coverage it adds, in 1000.
pub(super) const SUPPORT_PERMILLE: u32 = 100;
/// What one unsupported name or number costs, in 1000.
pub(super) const INVENTION_PERMILLE: u32 = 30;
/// A sentence whose nearest source is further than this says something else than the document.
pub(super) const MIN_SUPPORT_PERMILLE: u16 = 250;

/// A written sentence and what the document says about it.
pub(super) struct Candidate {
    pub(super) text: String,
    pub(super) measured: Measured,
    /// Whether it says nothing without the sentence before it.
    pub(super) leans: bool,
    /// The quotation that stands for a sentence that failed.
    pub(super) quote: Option<Quotation>,
}

/// A quotation in place of a written sentence.
pub(super) struct Quotation {
    /// Place in the document.
    pub(super) source: ByteRange,
    /// Its text for reading: on one line, with an ellipsis where it was cut.
    pub(super) shown: String,
    /// Set if words of its sentence are left out before it, and behind it.
    pub(super) cut: (bool, bool),
}

impl Candidate {
    /// The text as it stands in the summary.
    pub(super) fn shown(&self) -> &str {
        self.quote.as_ref().map_or(&self.text, |quote| &quote.shown)
    }

    /// Keeps so many words at most.
    pub(super) fn cut(&mut self, words: usize) {
        if words::count(&self.text, words + 1) <= words {
            return;
        }
        self.text = format!("{}…", words::prefix(&self.text, words));
        let Self { text, measured, .. } = self;
        measured.grounding.unsupported_names.retain(|name| text.contains(name));
        measured.grounding.unsupported_numbers.retain(|number| text.contains(number));
    }
}

/// Whether a sentence begins with a word that points to the one before it.
pub(super) fn leans(sentence: &str) -> bool {
    const POINTERS: &[&str] = &["it", "they", "he", "she", "its", "their", "his", "her", "these", "those", "such"];
    let first = sentence.split(|c: char| !c.is_alphabetic()).find(|word| !word.is_empty());
    first.is_some_and(|first| POINTERS.contains(&first.to_lowercase().as_str()))
}

/// How much each sentence of a document counts: its start and end more, and what is near to the focus.
pub(super) fn weights(count: usize, focus: Option<&[f32]>) -> Vec<f32> {
    let fade = (count as f32 * FADE_PERMILLE as f32 / 1000.0).max(1.0);
    let weights: Vec<f32> = (0..count)
        .map(|index| {
            let near = |distance: usize| (1.0 - distance as f32 / fade).max(0.0);
            let start = near(index) * START_PERMILLE as f32 / 1000.0;
            let end = near(count - 1 - index) * END_PERMILLE as f32 / 1000.0;
            let interest = focus.and_then(|focus| focus.get(index)).map_or(1.0, |cosine| 0.2 + cosine.max(0.0));
            (1.0 + start + end) * interest
        })
        .collect();
    let total: f32 = weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    weights.iter().map(|weight| weight / total).collect()
}

/// What one sentence adds to what is covered.
fn gain(candidate: &Candidate, covered: &[f32], weights: &[f32]) -> f32 {
    candidate
        .measured
        .cosines
        .iter()
        .zip(covered)
        .zip(weights)
        .map(|((cosine, covered), weight)| weight * (cosine - covered).max(0.0))
        .sum()
}

/// What a sentence is worth whatever stands beside it.
fn merit(candidate: &Candidate) -> f32 {
    let support = f32::from(candidate.measured.support()) * SUPPORT_PERMILLE as f32;
    let inventions = (candidate.measured.unsupported() as u32 * INVENTION_PERMILLE) as f32;
    support / 1_000_000.0 - inventions / 1000.0
}

fn cover(candidate: &Candidate, covered: &mut [f32]) {
    covered.iter_mut().zip(&candidate.measured.cosines).for_each(|(covered, cosine)| *covered = covered.max(*cosine));
}

/// Whether the document supports none of the sentences.
pub(super) fn is_unfounded(candidates: &[Candidate]) -> bool {
    candidates.iter().all(|candidate| candidate.measured.support() < MIN_SUPPORT_PERMILLE)
}

/// The best sentences within the bounds, in the order they are given in. At least one, if there is one; none that the
/// document does not support, if there is one that it does.
pub(super) fn select(mut candidates: Vec<Candidate>, weights: &[f32], bounds: Bounds) -> Vec<Candidate> {
    let any = is_unfounded(&candidates);
    let may_be: Vec<bool> =
        candidates.iter().map(|candidate| any || candidate.measured.support() >= MIN_SUPPORT_PERMILLE).collect();
    let mut covered = vec![0.0; weights.len()];
    let lengths: Vec<usize> = candidates.iter().map(|candidate| words::count(&candidate.text, usize::MAX)).collect();
    let mut is_chosen = vec![false; candidates.len()];
    let mut room = bounds.words;
    for _ in 0..bounds.sentences {
        let fits = |index: &usize| {
            !is_chosen[*index]
                && may_be[*index]
                && lengths[*index] <= room
                && (!candidates[*index].leans || *index > 0 && is_chosen[*index - 1])
        };
        let worth = |index: usize| {
            let candidate = &candidates[index];
            (index, gain(candidate, &covered, weights) + merit(candidate) / bounds.sentences as f32)
        };
        // The earliest of equals.
        let best = (0..candidates.len())
            .filter(fits)
            .map(worth)
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        let Some((index, worth)) = best else { break };
        if worth <= 0.0 && room < bounds.words {
            break;
        }
        room -= lengths[index];
        cover(&candidates[index], &mut covered);
        is_chosen[index] = true;
    }
    if !is_chosen.contains(&true)
        && let Some(shortest) = (0..candidates.len()).filter(|index| may_be[*index]).min_by_key(|index| lengths[*index])
    {
        // All are longer than the bound, or lean on one that is.
        is_chosen[shortest] = true;
        candidates[shortest].cut(bounds.words);
    }
    let mut chosen = is_chosen.into_iter();
    candidates.retain(|_| chosen.next() == Some(true));
    candidates
}

#[cfg(test)]
mod tests;
