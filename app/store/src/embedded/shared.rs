//! What every call works on.

use super::holds::Holds;
use super::slot::Slot;
use crate::seal::Vault;
use crate::vitals::Vitals;

pub(super) struct Shared {
    pub(super) slot: Slot,
    pub(super) vault: Vault,
    pub(super) holds: Holds,
    pub(super) vitals: Vitals,
}
