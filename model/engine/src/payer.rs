//! Whom work is done for.

/// Whom work is done for: an opaque key, such as a digest of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Payer(pub [u8; 32]);
