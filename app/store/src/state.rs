//! The states of a job, and which may follow which (SPEC 6.5).

/// Where a job stands, with what must be known to go on from there after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The authorization is taken; no work has begun.
    Claimed,
    /// Work is going on.
    Running,
    /// Work is done and its result is stored; nothing has been charged.
    Done,
    /// About to charge, or charging. The transaction is stored before it is broadcast.
    Settling {
        /// What is or will be broadcast; none when a facilitator does that.
        broadcast: Option<Broadcast>,
    },
    /// Charged, with the result.
    Settled {
        /// Hash of the transaction that paid.
        transaction: [u8; 32],
    },
    /// The payment was refused; not charged.
    Rejected {
        /// A stable code, never free text.
        code: String,
    },
    /// Broadcast, but neither confirmed nor refused: to be reconciled from chain.
    Unknown {
        /// What was broadcast.
        broadcast: Option<Broadcast>,
    },
    /// The work failed; not charged.
    Failed {
        /// A stable code, never free text.
        code: String,
    },
}

/// A signed settlement transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    /// Its hash.
    pub transaction: [u8; 32],
    /// Its bytes, to be broadcast again.
    pub raw: Vec<u8>,
}

impl State {
    /// The state without its data.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self {
            Self::Claimed => Stage::Claimed,
            Self::Running => Stage::Running,
            Self::Done => Stage::Done,
            Self::Settling { .. } => Stage::Settling,
            Self::Settled { .. } => Stage::Settled,
            Self::Rejected { .. } => Stage::Rejected,
            Self::Unknown { .. } => Stage::Unknown,
            Self::Failed { .. } => Stage::Failed,
        }
    }
}

/// A state without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// See [`State::Claimed`].
    Claimed,
    /// See [`State::Running`].
    Running,
    /// See [`State::Done`].
    Done,
    /// See [`State::Settling`].
    Settling,
    /// See [`State::Settled`].
    Settled,
    /// See [`State::Rejected`].
    Rejected,
    /// See [`State::Unknown`].
    Unknown,
    /// See [`State::Failed`].
    Failed,
}

/// Every legal transition.
const TRANSITIONS: &[(Stage, Stage)] = &[
    (Stage::Claimed, Stage::Running),
    (Stage::Claimed, Stage::Failed),
    (Stage::Running, Stage::Done),
    (Stage::Running, Stage::Failed),
    // The process that ran it is gone and the document with it: a retry of the request runs it again.
    (Stage::Running, Stage::Claimed),
    (Stage::Done, Stage::Settling),
    // Refused before anything was broadcast: expired, spent, or the simulation failed.
    (Stage::Done, Stage::Rejected),
    // Signed again, with another fee.
    (Stage::Settling, Stage::Settling),
    (Stage::Settling, Stage::Settled),
    (Stage::Settling, Stage::Rejected),
    (Stage::Settling, Stage::Unknown),
    (Stage::Unknown, Stage::Settling),
    (Stage::Unknown, Stage::Settled),
    (Stage::Unknown, Stage::Rejected),
];

impl Stage {
    /// All stages.
    pub const ALL: [Self; 8] = [
        Self::Claimed,
        Self::Running,
        Self::Done,
        Self::Settling,
        Self::Settled,
        Self::Rejected,
        Self::Unknown,
        Self::Failed,
    ];

    /// Whether a job at `before` may move to `self`.
    #[must_use]
    pub fn may_follow(self, before: Self) -> bool {
        TRANSITIONS.contains(&(before, self))
    }

    /// Whether nothing follows.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Settled | Self::Rejected | Self::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_final_stages_have_no_successor() {
        for stage in Stage::ALL {
            let successors = Stage::ALL.iter().filter(|next| next.may_follow(stage)).count();
            assert_eq!(stage.is_final(), successors == 0, "{stage:?}");
        }
    }

    #[test]
    fn every_stage_can_be_reached_and_can_end() {
        for stage in Stage::ALL {
            let mut reached = vec![Stage::Claimed];
            let mut ends = vec![stage];
            for _ in Stage::ALL {
                reached.extend(
                    Stage::ALL
                        .into_iter()
                        .filter(|next| reached.iter().any(|from| next.may_follow(*from)))
                        .collect::<Vec<_>>(),
                );
                ends.extend(
                    Stage::ALL
                        .into_iter()
                        .filter(|next| ends.iter().any(|from| next.may_follow(*from)))
                        .collect::<Vec<_>>(),
                );
            }
            assert!(reached.contains(&stage) && ends.iter().any(|end| end.is_final()), "{stage:?}");
        }
    }

    #[test]
    fn nothing_is_charged_before_its_work_is_done() {
        for before in [Stage::Claimed, Stage::Running] {
            for charging in [Stage::Settling, Stage::Settled, Stage::Unknown] {
                assert!(!charging.may_follow(before));
            }
        }
        // What may have been broadcast is never declared failed, nor done again.
        for before in [Stage::Settling, Stage::Unknown] {
            for forgetful in [Stage::Claimed, Stage::Running, Stage::Done, Stage::Failed] {
                assert!(!forgetful.may_follow(before));
            }
        }
    }
}
