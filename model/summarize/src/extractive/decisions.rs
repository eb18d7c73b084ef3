//! Ranking for a reader who asks what was decided, and what is due until when. Pure.
//!
//! A text that says nothing of the kind is ranked as for any other reader.

use crate::extractive::rank::Trait;

/// Weight of telling a decision against everything else, in 1000.
pub(crate) const TOLD_PERMILLE: u32 = 700;
/// Weight of figures, dates among them, against a phrase for what was decided or is due, in 1000.
pub(crate) const DATED_PERMILLE: u32 = 500;

/// Checks whether there is a sentence to quote for what was decided, or is due.
pub(crate) fn are_told(traits: &[Trait]) -> bool {
    traits.iter().any(|unit| unit.quotable && unit.weighty)
}

/// Moves scores, on a scale of 0 to 1, towards decisions and dates.
pub(super) fn towards(scores: &mut [f32], traits: &[Trait]) {
    if !are_told(traits) {
        return;
    }
    let weight = TOLD_PERMILLE as f32 / 1000.0;
    scores.iter_mut().zip(traits).for_each(|(score, unit)| *score = (1.0 - weight) * *score + weight * told(unit));
}

/// Words of the sentences that tell decisions and dates: more would be padding. None in a text without decisions.
pub(super) fn words(traits: &[Trait]) -> Option<usize> {
    let telling = traits.iter().filter(|unit| unit.quotable && told(unit) > 0.0);
    are_told(traits).then(|| telling.map(|unit| unit.size).sum())
}

/// Share to which a sentence tells a decision, 0 to 1.
fn told(unit: &Trait) -> f32 {
    let dated = DATED_PERMILLE as f32 / 1000.0;
    (f32::from(u8::from(unit.weighty)) + dated * unit.figures) / (1.0 + dated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::Kind;

    fn unit(weighty: bool, figures: f32) -> Trait {
        Trait {
            kind: Kind::Prose,
            passage: 0,
            quotable: true,
            size: 10,
            words: 10,
            digits: 0.0,
            symbols: 0.0,
            figures,
            weighty,
            penalty: 0.0,
        }
    }

    #[test]
    fn decisions_outweigh_what_the_text_is_about_and_dated_ones_go_first() {
        let traits = [unit(false, 0.0), unit(true, 0.0), unit(true, 1.0), unit(false, 1.0)];
        let mut scores = vec![1.0, 0.1, 0.1, 0.1];
        towards(&mut scores, &traits);
        assert!(scores[2] > scores[1] && scores[1] > scores[0], "{scores:?}");
        assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
        assert_eq!(words(&traits), Some(30), "the sentence without either is padding");
    }

    #[test]
    fn the_usual_ranking_stands_where_nothing_was_decided() {
        let mut traits = [unit(false, 1.0), unit(false, 0.0), unit(true, 0.0)];
        traits[2].quotable = false;
        let mut scores = vec![0.2, 1.0, 0.5];
        towards(&mut scores, &traits);
        assert_eq!((scores, words(&traits)), (vec![0.2, 1.0, 0.5], None));
    }
}
