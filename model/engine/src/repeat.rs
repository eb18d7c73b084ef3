//! The rule against loops: no run of N tokens is written twice.

/// No run of tokens is written twice.
pub struct NoRepeat {
    /// Length of such a run.
    pub tokens: usize,
    /// Tokens that may complete one all the same.
    pub except: Vec<u32>,
}

/// Make impossible every token that would complete a run that was written before, but for those excepted.
pub(crate) fn ban(written: &[u32], rule: &NoRepeat, logits: &mut [f32]) {
    let length = rule.tokens;
    let Some(start) = length.checked_sub(1).and_then(|before| written.len().checked_sub(before)) else { return };
    let last = &written[start..];
    for window in written.windows(length) {
        if let Some((token, before)) = window.split_last()
            && before == last
            && !rule.except.contains(token)
            && let Some(logit) = logits.get_mut(*token as usize)
        {
            *logit = f32::NEG_INFINITY;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banned(written: &[u32], length: usize) -> Vec<usize> {
        let mut logits = [0f32; 10];
        ban(written, &NoRepeat { tokens: length, except: vec![9] }, &mut logits);
        (0..10).filter(|id| logits[*id] == f32::NEG_INFINITY).collect()
    }

    #[test]
    fn what_would_complete_a_run_again_is_banned_and_nothing_else() {
        assert_eq!(banned(&[1, 2, 3, 4, 1, 2], 3), [3]);
        assert_eq!(banned(&[1, 2, 3, 1, 2, 4, 1, 2], 3), [3, 4]);
        assert!(banned(&[1, 2, 3, 4, 2, 1], 3).is_empty());
        assert!(banned(&[1], 3).is_empty());
        assert!(banned(&[], 3).is_empty());
        assert_eq!(banned(&[7, 7], 1), [7]);
        assert!(banned(&[1, 9, 1], 2).is_empty(), "an exception");
    }
}
