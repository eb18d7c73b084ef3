//! How far a transaction came.

use crate::facilitator::Unavailable;

/// How far a transaction came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sent {
    /// The node has it.
    Accepted,
    /// Nobody knows.
    Perhaps,
    /// The node says that its account nonce is used: by itself, mined already, or by another transaction.
    NonceUsed,
    /// The node refused it because it keeps another transaction with this account nonce.
    Rival,
    /// The node refused it because it offers too little for gas.
    TooCheap,
    /// It never left, or the node refused it.
    Not(Unavailable),
}
