//! What every call works on.

use std::sync::atomic::AtomicBool;

use deadpool_postgres::{Client, Pool};
use tokio::sync::watch;

use super::failure::Failure;
use crate::error::LedgerError;
use crate::rows::Tables;
use crate::seal::Vault;
use crate::vitals::Vitals;

/// Not the embedded ledger's names: a value of one does not open in the other.
pub(super) const TABLES: Tables = Tables { records: "postgres records", results: "postgres results" };

pub(super) struct Shared {
    pub(super) pool: Pool,
    pub(super) vault: Vault,
    pub(super) vitals: Vitals,
    /// Why this process can go on no longer.
    pub(super) lost: watch::Sender<Option<LedgerError>>,
    /// Whether a failed database is being tried again.
    pub(super) probing: AtomicBool,
}

impl Shared {
    pub(super) async fn client(&self) -> Result<Client, Failure> {
        self.pool.get().await.map_err(Failure::from)
    }
}
