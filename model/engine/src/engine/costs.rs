//! What a step costs by its number of rows, as seen on this machine: whether a guess pays depends on it.

use std::time::Duration;

/// Most rows of a step that are told apart.
const ROWS: usize = 16;
/// Weight of one more observation.
const SMOOTHING: f32 = 0.1;
/// Cost of each further row, as a share of the first, until it was measured.
const ASSUMED_SLOPE: f32 = 0.25;

/// Nanoseconds of steps with 1, 2, ... rows.
pub(super) struct Costs([f32; ROWS]);

impl Costs {
    /// From measured steps of 1, 2, ... rows; what was not measured goes on as it was assumed.
    pub(super) fn measured(steps: &[Duration]) -> Self {
        let first = steps.first().map_or(1.0, |step| step.as_nanos() as f32).max(1.0);
        let mut costs = [0f32; ROWS];
        for (index, cost) in costs.iter_mut().enumerate() {
            let last = index.min(steps.len().saturating_sub(1));
            let measured = steps.get(last).map_or(first, |step| step.as_nanos() as f32).max(first);
            *cost = measured + first * ASSUMED_SLOPE * (index - last) as f32;
        }
        Self(costs)
    }

    /// The cost of a step, relative to others.
    pub(super) fn of(&self, rows: usize) -> f32 {
        self.0[rows.clamp(1, ROWS) - 1]
    }

    /// One more step was seen.
    pub(super) fn observe(&mut self, rows: usize, took: Duration) {
        if let Some(cost) = rows.checked_sub(1).and_then(|index| self.0.get_mut(index)) {
            *cost += (took.as_nanos() as f32 - *cost) * SMOOTHING;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_what_was_seen() {
        let mut costs = Costs::measured(&[Duration::from_nanos(100), Duration::from_nanos(130)]);
        assert_eq!([1, 2, 3, 4].map(|rows| costs.of(rows)), [100.0, 130.0, 155.0, 180.0]);
        for _ in 0..100 {
            costs.observe(2, Duration::from_nanos(200));
        }
        assert!((costs.of(2) - 200.0).abs() < 1.0);
        costs.observe(0, Duration::ZERO);
        costs.observe(1000, Duration::ZERO);
        assert_eq!(costs.of(1000), costs.of(16));
    }
}
