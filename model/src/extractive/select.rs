//! Which of the ranked sentences to quote, within the caller's bounds and without saying things twice. Pure.

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
}

/// Rows of the chosen sentences in ascending order: at least one if there is a candidate. `similarity` of two rows is a
/// cosine. Only the shortest candidate can exceed `max_words`, when nothing fits.
pub(crate) fn select(
    candidates: &[Candidate],
    similarity: impl Fn(usize, usize) -> f32,
    max_sentences: usize,
    max_words: usize,
) -> Vec<usize> {
    let relevance = RELEVANCE_PERMILLE as f32 / 1000.0;
    let duplicate = DUPLICATE_PERMILLE as f32 / 1000.0;
    let mut nearest = vec![0f32; candidates.len()];
    let mut taken = vec![false; candidates.len()];
    let mut chosen = Vec::new();
    let mut budget = max_words;
    while chosen.len() < max_sentences {
        let value = |index: usize| relevance * candidates[index].score - (1.0 - relevance) * nearest[index];
        let best = (0..candidates.len())
            .filter(|index| !taken[*index] && nearest[*index] < duplicate && candidates[*index].words <= budget)
            .max_by(|left, right| value(*left).total_cmp(&value(*right)).then(right.cmp(left)));
        let Some(best) = best else { break };
        taken[best] = true;
        budget -= candidates[best].words;
        chosen.push(candidates[best].row);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(list: &[(f32, usize)]) -> Vec<Candidate> {
        list.iter().enumerate().map(|(row, (score, words))| Candidate { row, score: *score, words: *words }).collect()
    }

    #[test]
    fn the_best_are_returned_in_document_order() {
        let list = candidates(&[(0.2, 5), (0.9, 5), (0.1, 5), (1.0, 5)]);
        assert_eq!(select(&list, |_, _| 0.0, 3, 100), [0, 1, 3]);
    }

    #[test]
    fn a_sentence_that_repeats_a_chosen_one_is_passed_over() {
        let list = candidates(&[(1.0, 5), (0.9, 5), (0.3, 5)]);
        let similarity = |a: usize, b: usize| if a.max(b) == 1 { 0.95 } else { 0.1 };
        assert_eq!(select(&list, similarity, 2, 100), [0, 2]);
        let redundant = |a: usize, b: usize| if a.max(b) == 1 { 0.9 } else { 0.0 };
        let close = candidates(&[(1.0, 5), (0.6, 5), (0.5, 5)]);
        assert_eq!(select(&close, redundant, 2, 100), [0, 2]);
    }

    #[test]
    fn the_words_of_the_choice_stay_within_the_bound() {
        let list = candidates(&[(1.0, 20), (0.9, 50), (0.8, 10), (0.1, 5)]);
        assert_eq!(select(&list, |_, _| 0.0, 5, 36), [0, 2, 3]);
    }

    #[test]
    fn one_sentence_is_returned_even_if_none_fits() {
        let list = candidates(&[(1.0, 20), (0.1, 8)]);
        assert_eq!(select(&list, |_, _| 0.0, 5, 3), [1]);
        assert!(select(&[], |_, _| 0.0, 5, 3).is_empty());
    }
}
