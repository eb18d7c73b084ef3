//! How a separator is read: whether "1.000" and "1,000" are one or a thousand.

/// What three digits after a separator can be.
#[derive(Clone, Copy)]
pub(super) enum Threes {
    /// "1,000" is a thousand.
    Thousands,
    /// "1,000" is one.
    Decimals,
    /// It cannot be told.
    Either,
}

/// How to read a separator that three digits follow.
#[derive(Clone, Copy)]
pub(super) struct Usage {
    pub(super) comma: Threes,
    pub(super) point: Threes,
}

impl Default for Usage {
    fn default() -> Self {
        Self { comma: Threes::Thousands, point: Threes::Either }
    }
}

impl Usage {
    pub(super) fn of(self, separator: char) -> Threes {
        if separator == ',' { self.comma } else { self.point }
    }
}
