//! The block that was the last before a time: found in a few questions, and remembered.

use alloy_primitives::U256;

use super::{Block, ChainView, RpcError, pin::persist};

/// Blocks below the newest whose times may still change.
const UNSETTLED_BLOCKS: u64 = 128;
/// First step back from the newest block; each next one is eight times as long.
const FIRST_STEP: u64 = 1_000;

impl ChainView {
    /// The newest block, not above `at`, whose time lies before `end` (Unix seconds); the first if there is none.
    pub(super) async fn last_before(&self, at: &Block, end: U256) -> Result<u64, RpcError> {
        let Ok(end) = u64::try_from(end) else { return Ok(at.number) };
        if at.timestamp < end {
            return Ok(at.number);
        }
        let (low, mut high) = self.times.bracket(end, (at.number, at.timestamp));
        let mut low = match low {
            Some(low) => low,
            None => match self.step_back(at, end, &mut high).await? {
                Some(low) => low,
                None => return Ok(0),
            },
        };
        // `low` lies before the end, `high` does not.
        let mut halve = false;
        while high.0 - low.0 > 1 {
            let width = high.0 - low.0;
            let guess = if halve { low.0 + width / 2 } else { between(low, high, end) };
            let time = self.block_time(at, guess).await?;
            if time < end {
                low = (guess, time)
            } else {
                high = (guess, time)
            }
            halve = high.0 - low.0 > width / 2;
        }
        Ok(low.0)
    }

    /// Goes back from `high` in growing steps to a block before `end`; none if the first block is not.
    async fn step_back(&self, at: &Block, end: u64, high: &mut (u64, u64)) -> Result<Option<(u64, u64)>, RpcError> {
        let mut step = FIRST_STEP;
        while high.0 > 0 {
            let number = high.0.saturating_sub(step);
            let time = self.block_time(at, number).await?;
            if time < end {
                return Ok(Some((number, time)));
            }
            *high = (number, time);
            step = step.saturating_mul(8);
        }
        Ok(None)
    }

    async fn block_time(&self, at: &Block, number: u64) -> Result<u64, RpcError> {
        let time = persist(|| self.rpc.block_at(number)).await?.timestamp.to();
        if number + UNSETTLED_BLOCKS < at.number {
            self.times.remember(number, time);
        }
        Ok(time)
    }
}

/// A block strictly between `low` and `high`, where `end` would be if all blocks took the same time.
fn between(low: (u64, u64), high: (u64, u64), end: u64) -> u64 {
    let (width, seconds) = (high.0 - low.0, high.1.saturating_sub(low.1).max(1));
    let part = u128::from(width) * u128::from(end.saturating_sub(low.1)) / u128::from(seconds);
    let part = u64::try_from(part).unwrap_or(u64::MAX);
    low.0 + part.clamp(1, width - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_lies_strictly_between_and_is_exact_where_blocks_take_the_same_time() {
        assert_eq!(between((100, 1_000), (200, 1_200), 1_100), 150);
        assert_eq!(between((100, 1_000), (200, 1_000), 1_000), 101);
        assert_eq!(between((100, 1_000), (102, 9_000), 9_000), 101);
        assert_eq!(between((0, 0), (u64::MAX, u64::MAX), 5), 5);
    }
}
