use super::*;

fn plain(count: usize) -> Vec<Trait> {
    (0..count)
        .map(|index| Trait {
            kind: Kind::Prose,
            passage: index / 4,
            quotable: true,
            size: FULL_WORDS,
            words: FULL_WORDS,
            digits: 0.0,
            symbols: 0.0,
            figures: 0.0,
            weighty: false,
            penalty: 0.0,
        })
        .collect()
}

/// A symmetric matrix in which everything is `base` near and the given pairs are nearer.
fn matrix(count: usize, base: f32, pairs: &[(usize, usize, f32)]) -> Vec<f32> {
    let mut all = vec![base; count * count];
    for (left, right, near) in pairs {
        all[left * count + right] = *near;
        all[right * count + left] = *near;
    }
    (0..count).for_each(|row| all[row * count + row] = 1.0);
    all
}

#[test]
fn the_sentence_nearest_to_all_others_is_the_most_central() {
    let similarities = matrix(4, 0.0, &[(0, 1, 0.2), (0, 2, 0.6), (1, 2, 0.7), (2, 3, 0.3)]);
    let central = centrality(&similarities, &plain(4));
    assert!(central[2] > central[0] && central[2] > central[1] && central[3] < central[0]);
}

#[test]
fn a_scrap_has_no_vote() {
    let mut traits = plain(3);
    traits[0].kind = Kind::Scrap;
    let central = centrality(&matrix(3, 0.0, &[(0, 1, 0.9), (1, 2, 0.2)]), &traits);
    assert!(central[2] > 0.0 && central[1] < 0.9);
}

#[test]
fn the_start_of_a_text_has_more_say_than_its_middle() {
    assert!(vote(Kind::Prose, 0, 50) > vote(Kind::Prose, 49, 50));
    assert!(vote(Kind::Prose, 49, 50) > vote(Kind::Prose, 25, 50));
    assert_eq!(vote(Kind::Scrap, 0, 50), 0.0);
}

#[test]
fn what_is_said_again_far_away_echoes_and_what_is_said_again_at_once_does_not() {
    let similarities = matrix(40, 0.1, &[(2, 35, 0.9), (10, 11, 0.9)]);
    let echo = echo(&similarities, &plain(40));
    assert!(echo[2] > echo[10] && echo[35] > echo[11]);
    assert!((echo[10] - echo[20]).abs() < 1e-6);
}

#[test]
fn an_opening_passage_leads_if_it_covers_the_rest_better_than_others_do() {
    let traits = plain(40);
    let pairs: Vec<(usize, usize, f32)> = (4..40).map(|row| (row % 4, row, 0.8)).collect();
    let covering = lead(&matrix(40, 0.1, &pairs), &traits);
    assert!(covering[..4].iter().all(|value| *value == 1.0) && covering[4..].iter().all(|value| *value == 0.0));
    assert!(lead(&matrix(40, 0.1, &[]), &traits).iter().all(|value| *value < 0.001));
    assert!(lead(&matrix(3, 0.1, &[]), &plain(3)).iter().all(|value| *value == 0.0));
    assert!(lead(&[], &[]).is_empty());
}

#[test]
fn only_long_texts_have_opening_and_closing_parts() {
    assert_eq!(part(0, LONG_SENTENCES), 0.0);
    let long = 4 * LONG_SENTENCES;
    assert!(part(0, long) > 0.9 && part(long - 1, long) > 0.9 && part(long / 2, long) < 0.01);
}

#[test]
fn details_rank_below_sentences() {
    let mut traits = plain(6);
    traits[2].digits = 0.3;
    traits[3].symbols = 0.3;
    let ranks = scores(&matrix(6, 0.5, &[]), &traits, true);
    assert!(ranks[2] < ranks[4] && ranks[3] < ranks[4] && ranks[2] < ranks[3]);
    assert!(ranks.iter().all(|rank| rank.is_finite() && *rank <= 1.0));
}

#[test]
fn no_sentence_and_one_sentence_have_finite_scores() {
    assert!(scores(&[], &[], true).is_empty());
    assert!(scores(&[1.0], &plain(1), true).iter().all(|score| score.is_finite()));
    let mut scrap = plain(1);
    scrap[0].quotable = false;
    assert!(scores(&[1.0], &scrap, true).iter().all(|score| score.is_finite()));
}

#[test]
fn figures_rank_above_other_sentences_where_nobody_is_cited() {
    let mut traits = plain(6);
    (traits[2].figures, traits[2].digits) = (1.0, 0.2);
    traits[4].penalty = 0.5;
    let ranks = scores(&matrix(6, 0.5, &[]), &traits, false);
    assert!(ranks[2] > ranks[3] && ranks[4] < ranks[3]);
}
