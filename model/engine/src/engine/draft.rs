//! Prompt-lookup drafts: a summary quotes its document, so what followed the last few tokens before is a good guess of
//! what follows now. A guess is computed in the same step as the token before it and kept only if it is what the model
//! would have written, so guessing changes the time and never the text (Saxena 2023, "Prompt Lookup Decoding").

/// Tokens that must agree before a guess is made.
const MATCH: usize = 3;
/// Longest guess.
pub(super) const MAX_DRAFT: usize = 3;
/// Weight of one observation in the running share of guesses that held.
const SMOOTHING: f32 = 0.15;
/// The share that is assumed of a sequence that has not guessed yet.
const ASSUMED: f32 = 0.6;
/// Chances passed over before one guess is made against the odds, to see whether the text has changed its nature.
const PATIENCE: u32 = 12;

/// The tokens after the latest earlier occurrence of the last [`MATCH`] tokens, at most `limit`.
pub(super) fn lookup(ids: &[u32], limit: usize) -> &[u32] {
    let Some(split) = ids.len().checked_sub(MATCH).filter(|_| limit > 0) else { return &[] };
    let last = &ids[split..];
    // What ends at the last token is the pattern itself, so the search ends one earlier.
    let Some(at) = ids[..ids.len() - 1].windows(MATCH).rposition(|window| window == last) else { return &[] };
    let follows = &ids[at + MATCH..];
    &follows[..follows.len().min(limit)]
}

/// How well the guesses of one sequence have held.
pub(super) struct Luck {
    held: f32,
    passed: u32,
}

impl Luck {
    pub(super) fn new() -> Self {
        Self { held: ASSUMED, passed: 0 }
    }

    /// How many tokens to guess, 0 to [`MAX_DRAFT`], where `cost(n)` is the time of a step with `n` tokens more.
    pub(super) fn length(&mut self, cost: impl Fn(usize) -> f32) -> usize {
        let (mut best, mut best_rate, mut expected, mut chance) = (0, 1.0 / cost(0), 1.0, 1.0);
        for length in 1..=MAX_DRAFT {
            chance *= self.held;
            expected += chance;
            let rate = expected / cost(length);
            if rate > best_rate {
                (best, best_rate) = (length, rate);
            }
        }
        if best > 0 {
            self.passed = 0;
            return best;
        }
        self.passed += 1;
        if self.passed > PATIENCE {
            self.passed = 0;
            return 1;
        }
        0
    }

    /// Of `guessed` tokens the first `held` were right.
    pub(super) fn observe(&mut self, guessed: usize, held: usize) {
        // What stands behind a wrong guess was never put to the test.
        for index in 0..guessed.min(held + 1) {
            let outcome = if index < held { 1.0 } else { 0.0 };
            self.held += (outcome - self.held) * SMOOTHING;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_is_what_followed_the_latest_earlier_occurrence() {
        let ids = [1, 2, 3, 4, 5, 1, 2, 3, 9, 8, 7, 6, 1, 2, 3];
        assert_eq!(lookup(&ids, 3), [9, 8, 7]);
        assert_eq!(lookup(&ids, 1), [9]);
        assert!(lookup(&ids, 0).is_empty());
        assert!(lookup(&[1, 2, 3, 4], 3).is_empty());
        assert!(lookup(&[1, 2], 3).is_empty());
        assert_eq!(lookup(&[7, 7, 7, 7], 3), [7]);
    }

    #[test]
    fn guessing_stops_where_it_does_not_pay_and_is_tried_again_now_and_then() {
        let mut luck = Luck::new();
        let cost = |more: usize| 1.0 + 0.3 * more as f32;
        assert!(luck.length(cost) > 0);
        for _ in 0..40 {
            luck.observe(1, 0);
        }
        let guesses: Vec<usize> = (0..2 * (PATIENCE + 1)).map(|_| luck.length(cost)).collect();
        assert_eq!(guesses.iter().sum::<usize>(), 2);
        for _ in 0..40 {
            luck.observe(3, 3);
        }
        assert_eq!(luck.length(cost), MAX_DRAFT);
    }

    #[test]
    fn a_longer_guess_is_made_only_where_more_rows_cost_little() {
        let mut luck = Luck::new();
        assert_eq!(luck.length(|more| 1.0 + more as f32), 0);
        assert_eq!(luck.length(|_| 1.0), MAX_DRAFT);
    }
}
