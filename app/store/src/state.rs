//! The states of a job, and which may follow which (SPEC 6.5).

/// When the payment is taken (x402 v2, `extra.paymentFlow`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Verify, work, settle.
    Authorization,
    /// Settle, work; what is not delivered is paid back.
    Upfront,
}

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
    /// The work failed, or was called off; not charged.
    Failed {
        /// A stable code, never free text.
        code: String,
    },
    /// Charged before the work, which is still owed.
    Paid {
        /// Hash of the transaction that paid.
        transaction: [u8; 32],
    },
    /// Charged for nothing: the amount is being paid back. What pays it back is itself an authorization with a nonce
    /// that follows from the claim, so that the token's contract makes it happen at most once.
    Refunding {
        /// Hash of the transaction that paid.
        transaction: [u8; 32],
        /// Why there is no result: a stable code.
        code: String,
        /// What pays back, once it is signed.
        broadcast: Option<Broadcast>,
    },
    /// Charged and paid back.
    Refunded {
        /// Hash of the transaction that paid.
        transaction: [u8; 32],
        /// Why there is no result: a stable code.
        code: String,
        /// Hash of the transaction that paid back.
        refund: [u8; 32],
    },
    /// Ended without a charge, and its authorization has lapsed unused: no charge can follow.
    Void {
        /// The code it ended with.
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
            Self::Paid { .. } => Stage::Paid,
            Self::Refunding { .. } => Stage::Refunding,
            Self::Refunded { .. } => Stage::Refunded,
            Self::Void { .. } => Stage::Void,
        }
    }
}

/// A state without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the state of the same name")]
pub enum Stage {
    Claimed,
    Running,
    Done,
    Settling,
    Settled,
    Rejected,
    Unknown,
    Failed,
    Paid,
    Refunding,
    Refunded,
    Void,
}

/// Transitions of both flows.
const COMMON: &[(Stage, Stage)] = &[
    // Called off, or lapsed before anything was done for it.
    (Stage::Claimed, Stage::Failed),
    // Signed again, with another fee.
    (Stage::Settling, Stage::Settling),
    (Stage::Settling, Stage::Rejected),
    (Stage::Settling, Stage::Unknown),
    (Stage::Unknown, Stage::Settling),
    (Stage::Unknown, Stage::Rejected),
    // Whoever else holds the authorization may submit it until it lapses.
    (Stage::Failed, Stage::Refunding),
    (Stage::Failed, Stage::Void),
    (Stage::Rejected, Stage::Void),
    (Stage::Refunding, Stage::Refunding),
    (Stage::Refunding, Stage::Refunded),
];

/// Transitions of [`Flow::Authorization`].
const AUTHORIZATION: &[(Stage, Stage)] = &[
    (Stage::Claimed, Stage::Running),
    (Stage::Running, Stage::Done),
    (Stage::Running, Stage::Failed),
    // The process that ran it is gone and the document with it: a retry of the request runs it again.
    (Stage::Running, Stage::Claimed),
    (Stage::Done, Stage::Settling),
    // Refused before anything was broadcast: expired, spent, or the simulation failed.
    (Stage::Done, Stage::Rejected),
    (Stage::Settling, Stage::Settled),
    (Stage::Unknown, Stage::Settled),
    // It was paid after all, and its result is still there.
    (Stage::Rejected, Stage::Settling),
];

/// Transitions of [`Flow::Upfront`].
const UPFRONT: &[(Stage, Stage)] = &[
    (Stage::Claimed, Stage::Settling),
    (Stage::Claimed, Stage::Rejected),
    (Stage::Settling, Stage::Paid),
    (Stage::Unknown, Stage::Paid),
    (Stage::Paid, Stage::Settled),
    (Stage::Paid, Stage::Refunding),
    // As after a failure; there is no result that could be delivered instead.
    (Stage::Rejected, Stage::Refunding),
];

impl Flow {
    /// Whether a job may move from `before` to `next`.
    #[must_use]
    pub fn allows(self, before: Stage, next: Stage) -> bool {
        let own = match self {
            Self::Authorization => AUTHORIZATION,
            Self::Upfront => UPFRONT,
        };
        COMMON.contains(&(before, next)) || own.contains(&(before, next))
    }
}

impl Stage {
    /// All stages.
    pub const ALL: [Self; 12] = [
        Self::Claimed,
        Self::Running,
        Self::Done,
        Self::Settling,
        Self::Settled,
        Self::Rejected,
        Self::Unknown,
        Self::Failed,
        Self::Paid,
        Self::Refunding,
        Self::Refunded,
        Self::Void,
    ];

    /// Its name in small letters, as operators see it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Running => "running",
            Self::Done => "done",
            Self::Settling => "settling",
            Self::Settled => "settled",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Paid => "paid",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
            Self::Void => "void",
        }
    }

    /// Whether nothing follows.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Settled | Self::Refunded | Self::Void)
    }

    /// Whether a payer's job counts against the number it may have at a time: the service has done or owes work for
    /// which it does not have the money for good.
    #[must_use]
    pub const fn is_unsettled(self) -> bool {
        matches!(self, Self::Claimed | Self::Running | Self::Done | Self::Settling | Self::Unknown | Self::Paid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOWS: [Flow; 2] = [Flow::Authorization, Flow::Upfront];

    /// Every stage that can be reached from `from`, itself included.
    fn reachable(flow: Flow, from: Stage) -> Vec<Stage> {
        let mut reached = vec![from];
        let mut at = 0;
        while let Some(before) = reached.get(at).copied() {
            let next = Stage::ALL.into_iter().filter(|next| flow.allows(before, *next) && !reached.contains(next));
            reached.extend(next.collect::<Vec<_>>());
            at += 1;
        }
        reached
    }

    #[test]
    fn exactly_the_final_stages_have_no_successor() {
        for stage in Stage::ALL {
            let ends = FLOWS.iter().all(|flow| !Stage::ALL.iter().any(|next| flow.allows(stage, *next)));
            assert_eq!(stage.is_final(), ends, "{stage:?}");
        }
    }

    #[test]
    fn every_stage_can_be_reached_and_every_job_can_end() {
        for flow in FLOWS {
            let reached = reachable(flow, Stage::Claimed);
            for stage in &reached {
                assert!(reachable(flow, *stage).iter().any(|end| end.is_final()), "{flow:?} {stage:?}");
            }
        }
        let both = FLOWS.map(|flow| reachable(flow, Stage::Claimed)).concat();
        assert!(Stage::ALL.iter().all(|stage| both.contains(stage)));
    }

    #[test]
    fn nothing_is_charged_before_its_work_is_done_unless_that_was_announced() {
        for before in [Stage::Claimed, Stage::Running] {
            for charging in [Stage::Settling, Stage::Settled, Stage::Unknown, Stage::Paid] {
                assert!(!Flow::Authorization.allows(before, charging));
            }
        }
        assert!(!reachable(Flow::Authorization, Stage::Claimed).contains(&Stage::Paid));
    }

    #[test]
    fn what_may_have_been_broadcast_is_never_declared_failed_nor_done_again() {
        for flow in FLOWS {
            for before in [Stage::Settling, Stage::Unknown] {
                for forgetful in [Stage::Claimed, Stage::Running, Stage::Done, Stage::Failed, Stage::Void] {
                    assert!(!flow.allows(before, forgetful));
                }
            }
        }
    }

    #[test]
    fn a_charge_ends_with_a_result_or_a_refund() {
        let ends = reachable(Flow::Upfront, Stage::Paid);
        assert!(
            ends.iter().filter(|stage| stage.is_final()).all(|end| matches!(end, Stage::Settled | Stage::Refunded))
        );
        for flow in FLOWS {
            assert!(!reachable(flow, Stage::Refunding).contains(&Stage::Void));
        }
    }
}
