//! Who works on which job, by the database's clock: those of the instances may differ.

use std::time::Duration;

use super::failure::Failure;
use super::shared::Shared;
use crate::claim::ClaimKey;
use crate::ledger::{Hold, Holder, MAX_HOLD};

/// `clock_timestamp`, not `now`: the statement may have waited for another's.
const TAKE: &str = "INSERT INTO precis_holds (claim, holder, until)
    VALUES ($1, $2, clock_timestamp() + $3::float8 * interval '1 second')
    ON CONFLICT (claim) DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until
    WHERE precis_holds.holder = EXCLUDED.holder OR precis_holds.until <= clock_timestamp()";

const RELEASE: &str = "DELETE FROM precis_holds WHERE claim = $1 AND holder = $2";

impl Shared {
    pub(super) async fn hold(&self, key: &ClaimKey, holder: &Holder, time: Duration) -> Result<Hold, Failure> {
        let row = self.vault.claim_row(key);
        let client = self.client().await?;
        let statement = client.prepare_cached(TAKE).await?;
        let seconds = time.min(MAX_HOLD).as_secs_f64();
        let taken = client.execute(&statement, &[&&row[..], &&holder[..], &seconds]).await?;
        Ok(if taken == 1 { Hold::Ours } else { Hold::Theirs })
    }

    pub(super) async fn release(&self, key: &ClaimKey, holder: &Holder) -> Result<(), Failure> {
        let row = self.vault.claim_row(key);
        let client = self.client().await?;
        let statement = client.prepare_cached(RELEASE).await?;
        client.execute(&statement, &[&&row[..], &&holder[..]]).await?;
        Ok(())
    }
}
