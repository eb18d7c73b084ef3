//! Which of the ranked sentences to quote, within the bounds and without saying things twice. Pure.

use crate::extractive::length::Length;

/// Weight of the rank against the similarity to what is already chosen, in 1000.
pub(crate) const RELEVANCE_PERMILLE: u32 = 700;
/// A sentence this similar to a chosen one says the same, in 1000.
pub(crate) const DUPLICATE_PERMILLE: u32 = 800;

/// A sentence that may be quoted.
pub(crate) struct Candidate {
    /// Its row in the similarity matrix.
    pub(crate) row: usize,
    /// How much it matters, at most 1.
    pub(crate) score: f32,
    /// Its length in words.
    pub(crate) words: usize,
    /// Count of its quotations.
    pub(crate) parts: usize,
    /// Segment that is quoted with it, and is not chosen by itself: the stem of a list, a question.
    pub(crate) leads: Vec<Lead>,
}

/// Segment that is quoted before a sentence.
#[derive(Clone, Copy)]
pub(crate) struct Lead {
    pub(crate) row: usize,
    pub(crate) words: usize,
    pub(crate) parts: usize,
}

/// Rows of the chosen sentences and their leads in ascending order: at least one if there is a candidate. `similarity` of
/// two rows is a cosine. Only the shortest candidate can exceed the bounds, when nothing fits, and then without leads.
pub(crate) fn select(candidates: &[Candidate], similarity: impl Fn(usize, usize) -> f32, length: Length) -> Vec<usize> {
    let relevance = RELEVANCE_PERMILLE as f32 / 1000.0;
    let duplicate = DUPLICATE_PERMILLE as f32 / 1000.0;
    let mut nearest = vec![0f32; candidates.len()];
    let mut taken = vec![false; candidates.len()];
    let mut chosen: Vec<usize> = Vec::new();
    let (mut words, mut parts) = (0usize, 0usize);
    while parts < length.sentences && words < length.enough {
        let value = |index: usize| relevance * candidates[index].score - (1.0 - relevance) * nearest[index];
        let fits = |index: usize| {
            let (more_words, more_parts) = size(&candidates[index], &chosen);
            more_words <= length.words - words && more_parts <= length.sentences - parts
        };
        let best = (0..candidates.len())
            .filter(|index| !taken[*index] && nearest[*index] < duplicate && fits(*index))
            .max_by(|left, right| value(*left).total_cmp(&value(*right)).then(right.cmp(left)));
        let Some(best) = best else { break };
        let (more_words, more_parts) = size(&candidates[best], &chosen);
        taken[best] = true;
        words += more_words;
        parts += more_parts;
        let leads = candidates[best].leads.iter().map(|lead| lead.row);
        let rows: Vec<usize> = leads.chain([candidates[best].row]).filter(|row| !chosen.contains(row)).collect();
        chosen.extend(rows);
        for (index, candidate) in candidates.iter().enumerate() {
            nearest[index] = nearest[index].max(similarity(candidate.row, candidates[best].row));
        }
    }
    if chosen.is_empty() {
        chosen.extend(candidates.iter().min_by_key(|candidate| candidate.words).map(|candidate| candidate.row));
    }
    chosen.sort_unstable();
    chosen
}

/// Words and quotations that a candidate adds to what is chosen.
fn size(candidate: &Candidate, chosen: &[usize]) -> (usize, usize) {
    let new = candidate.leads.iter().filter(|lead| !chosen.contains(&lead.row));
    new.fold((candidate.words, candidate.parts), |(words, parts), lead| (words + lead.words, parts + lead.parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(sentences: usize, words: usize) -> Length {
        Length { sentences, words, enough: words }
    }

    fn candidates(list: &[(f32, usize)]) -> Vec<Candidate> {
        let candidate = |(row, (score, words)): (usize, &(f32, usize))| Candidate {
            row,
            score: *score,
            words: *words,
            parts: 1,
            leads: Vec::new(),
        };
        list.iter().enumerate().map(candidate).collect()
    }

    #[test]
    fn the_best_are_returned_in_document_order() {
        let list = candidates(&[(0.2, 5), (0.9, 5), (0.1, 5), (1.0, 5)]);
        assert_eq!(select(&list, |_, _| 0.0, length(3, 100)), [0, 1, 3]);
    }

    #[test]
    fn a_sentence_that_repeats_a_chosen_one_is_passed_over() {
        let list = candidates(&[(1.0, 5), (0.9, 5), (0.3, 5)]);
        let similarity = |a: usize, b: usize| if a.max(b) == 1 { 0.95 } else { 0.1 };
        assert_eq!(select(&list, similarity, length(2, 100)), [0, 2]);
        let redundant = |a: usize, b: usize| if a.max(b) == 1 { 0.9 } else { 0.0 };
        let close = candidates(&[(1.0, 5), (0.6, 5), (0.5, 5)]);
        assert_eq!(select(&close, redundant, length(2, 100)), [0, 2]);
    }

    #[test]
    fn the_words_of_the_choice_stay_within_the_bound() {
        let list = candidates(&[(1.0, 20), (0.9, 50), (0.8, 10), (0.1, 5)]);
        assert_eq!(select(&list, |_, _| 0.0, length(5, 36)), [0, 2, 3]);
        let enough = Length { sentences: 5, words: 100, enough: 25 };
        assert_eq!(select(&list, |_, _| 0.0, enough), [0, 1], "no more once there is enough");
    }

    #[test]
    fn one_sentence_is_returned_even_if_none_fits() {
        let list = candidates(&[(1.0, 20), (0.1, 8)]);
        assert_eq!(select(&list, |_, _| 0.0, length(5, 3)), [1]);
        assert!(select(&[], |_, _| 0.0, length(5, 3)).is_empty());
    }

    #[test]
    fn a_lead_comes_once_and_counts() {
        let lead = Lead { row: 0, words: 4, parts: 1 };
        let mut list = candidates(&[(0.0, 4), (1.0, 5), (0.9, 5), (0.8, 5)]);
        list.remove(0);
        list[0].leads.push(lead);
        list[1].leads.push(lead);
        assert_eq!(select(&list, |_, _| 0.0, length(3, 100)), [0, 1, 2]);
        assert_eq!(select(&list, |_, _| 0.0, length(1, 100)), [3], "a list entry is not torn from its stem");
    }
}
