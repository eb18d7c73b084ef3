//! Which sentences matter, from their similarities. Pure.

/// Similarity below this does not connect two sentences.
const MIN_SIMILARITY: f32 = 0.1;
/// Share of a sentence's rank that comes from its neighbours, the rest from its position.
const DAMPING: f32 = 0.85;
/// Most rounds of the power iteration.
const MAX_ROUNDS: usize = 50;
/// Change of the whole ranking at which the iteration ends.
const TOLERANCE: f32 = 1e-5;

/// Rank of each of `priors.len()` sentences by the graph of their similarities (TextRank), scaled to a maximum of 1.
/// `similarities` is the full matrix by rows. A sentence with prior 0 neither votes nor is voted for.
pub(crate) fn centrality(similarities: &[f32], priors: &[f32]) -> Vec<f32> {
    let count = priors.len();
    let total: f32 = priors.iter().sum();
    if total <= 0.0 {
        return vec![0.0; count];
    }
    let teleport: Vec<f32> = priors.iter().map(|prior| prior / total).collect();
    let edge = |from: usize, to: usize| -> f32 {
        let similarity = similarities[from * count + to];
        if from == to || similarity < MIN_SIMILARITY || priors[from] <= 0.0 || priors[to] <= 0.0 {
            0.0
        } else {
            similarity
        }
    };
    let out: Vec<f32> = (0..count).map(|from| (0..count).map(|to| edge(from, to)).sum()).collect();
    let mut ranks = teleport.clone();
    for _ in 0..MAX_ROUNDS {
        // A sentence without neighbours gives its rank back by position.
        let loose: f32 = (0..count).filter(|from| out[*from] <= 0.0).map(|from| ranks[from]).sum();
        let shares: Vec<f32> =
            ranks.iter().zip(&out).map(|(rank, out)| if *out > 0.0 { rank / out } else { 0.0 }).collect();
        let next: Vec<f32> = (0..count)
            .map(|to| {
                // The matrix is symmetric: the row of `to` holds the edges into it.
                let votes: f32 = (0..count).map(|from| shares[from] * edge(to, from)).sum();
                (1.0 - DAMPING) * teleport[to] + DAMPING * (votes + loose * teleport[to])
            })
            .collect();
        let change: f32 = ranks.iter().zip(&next).map(|(old, new)| (old - new).abs()).sum();
        ranks = next;
        if change < TOLERANCE {
            break;
        }
    }
    let top = ranks.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    ranks.iter_mut().for_each(|rank| *rank /= top);
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_nearest_to_all_others_ranks_first() {
        #[rustfmt::skip]
        let similarities = [
            1.0, 0.2, 0.6, 0.0,
            0.2, 1.0, 0.7, 0.0,
            0.6, 0.7, 1.0, 0.3,
            0.0, 0.0, 0.3, 1.0,
        ];
        let ranks = centrality(&similarities, &[1.0; 4]);
        assert_eq!(ranks[2], 1.0);
        assert!(ranks[3] < ranks[0] && ranks[3] < ranks[1]);
    }

    #[test]
    fn sentences_without_similarity_are_ranked_by_position() {
        let ranks = centrality(&[1.0, 0.0, 0.0, 1.0], &[2.0, 1.0]);
        assert!(ranks[0] > ranks[1] && ranks[1] > 0.0);
    }

    #[test]
    fn a_sentence_with_prior_zero_takes_no_part() {
        let ranks = centrality(&[1.0, 0.9, 0.9, 0.9, 1.0, 0.2, 0.9, 0.2, 1.0], &[0.0, 1.0, 1.0]);
        assert_eq!(ranks[0], 0.0);
        assert!(centrality(&[1.0], &[0.0]).iter().all(|rank| *rank == 0.0));
        assert!(centrality(&[], &[]).is_empty());
    }
}
