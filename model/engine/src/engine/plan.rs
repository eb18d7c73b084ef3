//! What the next step computes, as a function of what there is to do. Pure.
//!
//! Sequences that write get a row each, and their guesses: they never wait. What is left of the step goes to prompts,
//! the least served payer's first, and within a payer in the order of arrival.

use std::cmp::Reverse;

use super::fair::Turn;

/// Prompt tokens in a step while nobody writes: enough to keep the products busy, few enough to be called off soon.
pub(super) const PROMPT_ROWS: usize = 512;
/// Prompt tokens in a step while somebody writes, who waits for it.
pub(super) const PROMPT_ROWS_BESIDE_WRITING: usize = 128;

/// A running sequence, as far as planning sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Where its payer stands.
    pub(super) turn: Turn,
    /// Its number in the order of arrival.
    pub(super) order: u64,
    pub(super) need: Need,
}

/// What a sequence needs of the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// So many prompt tokens are to be read.
    Prompt(usize),
    /// The next token, with so many guesses behind it.
    Next(usize),
}

/// How many tokens of each sequence the next step computes.
pub(super) fn plan(views: &[View]) -> Vec<usize> {
    let writing = views.iter().any(|view| matches!(view.need, Need::Next(_)));
    let mut budget = if writing { PROMPT_ROWS_BESIDE_WRITING } else { PROMPT_ROWS };
    let mut rows = vec![0; views.len()];
    let mut order: Vec<usize> = (0..views.len()).collect();
    order.sort_by_key(|index| (views[*index].turn, views[*index].order));
    for index in order {
        rows[index] = match views[index].need {
            Need::Next(guesses) => 1 + guesses,
            Need::Prompt(tokens) => {
                let count = tokens.min(budget);
                budget -= count;
                count
            }
        };
    }
    rows
}

/// Which of the waiting sequences, given as (where its payer stands, order, may run now), is next.
pub(super) fn next(waiting: impl Iterator<Item = (Turn, u64, bool)>) -> Option<usize> {
    let all = waiting.enumerate().filter(|(_, (.., may_run))| *may_run);
    all.max_by_key(|(_, (turn, order, _))| Reverse((*turn, *order))).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(served: u64) -> Turn {
        Turn { served, pending: 1 }
    }

    fn prompt(served: u64, order: u64, tokens: usize) -> View {
        View { turn: turn(served), order, need: Need::Prompt(tokens) }
    }

    #[test]
    fn a_prompt_is_read_in_large_pieces_while_nobody_writes() {
        assert_eq!(plan(&[prompt(0, 0, 2000)]), [PROMPT_ROWS]);
        assert_eq!(plan(&[prompt(0, 0, 500), prompt(0, 1, 500)]), [500, 12]);
        assert!(plan(&[]).is_empty());
    }

    #[test]
    fn whoever_writes_is_in_every_step_and_a_prompt_takes_what_little_is_left() {
        let writer = |guesses| View { turn: turn(1000), order: 9, need: Need::Next(guesses) };
        assert_eq!(plan(&[prompt(0, 0, 2000), writer(2), writer(0)]), [PROMPT_ROWS_BESIDE_WRITING, 3, 1]);
    }

    #[test]
    fn the_least_served_payer_reads_first() {
        assert_eq!(plan(&[prompt(700, 0, 600), prompt(20, 1, 100)]), [412, 100]);
    }

    #[test]
    fn the_next_to_run_is_the_least_served_payer_s_oldest() {
        let waiting = [(turn(5), 0, true), (turn(2), 3, true), (turn(2), 1, true), (turn(0), 2, false)];
        assert_eq!(next(waiting.into_iter()), Some(2));
        assert_eq!(next([(turn(0), 0, false)].into_iter()), None);
    }
}
