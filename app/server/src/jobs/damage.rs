//! Rows of the ledger that cannot be read: told to the operator, and in nobody's way.

use precis_store::Cursor;

/// Rows that one event names.
const NAMED: usize = 8;

/// Tells the operator of damaged rows, until there are none.
pub(crate) fn alarm(rows: &[Cursor]) {
    if !rows.is_empty() {
        let named: Vec<String> = rows.iter().take(NAMED).map(hex::encode).collect();
        tracing::error!(event = "ledger.damaged", count = rows.len(), rows = named.join(","));
    }
}
