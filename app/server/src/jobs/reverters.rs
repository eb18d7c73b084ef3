//! Contract accounts that made the wallet pay for a reverted settlement are refused for a day (SPEC 6.11): by every replica, and
//! after a restart. The ledger keeps their names among its public documents, which they share with the attestations of
//! keysets; so that they never crowd those out, there is room for a few each day. What finds none is known to its own process
//! only, whose facilitator remembers many more.

use alloy_primitives::Address;
use precis_payment::Network;
use precis_payment::exact::{Authorized, SignatureKind};
use precis_store::{Ledger, LedgerError};
use sha2::{Digest as _, Sha256};

/// Seconds for which an account is refused.
const REFUSED_SECONDS: u64 = 24 * 60 * 60;
/// Accounts that are kept of each day on each network, count.
const KEPT_PER_DAY: u8 = 16;

/// Name under which the account of a network and a day with this number is kept.
fn name(network: Network, day: u64, number: u8) -> [u8; 32] {
    let parts = [&b"precis reverting account"[..], &network.chain_id().to_be_bytes(), &day.to_be_bytes(), &[number]];
    Sha256::digest(parts.concat()).into()
}

/// The account and the time, Unix seconds.
fn document(account: Address, at: u64) -> Vec<u8> {
    [&account[..], &at.to_be_bytes()].concat()
}

fn read(document: &[u8]) -> Option<(Address, u64)> {
    let (account, at) = document.split_first_chunk::<20>()?;
    Some((account.into(), u64::from_be_bytes(at.try_into().ok()?)))
}

/// Keeps a contract account whose settlement reverted at `now`. Others are not refused for it.
///
/// # Errors
/// If the ledger does not keep it.
pub(crate) async fn remember(ledger: &dyn Ledger, payment: &Authorized, now: u64) -> Result<(), LedgerError> {
    if payment.signature_kind() == SignatureKind::Contract {
        keep(ledger, payment.transfer().network, payment.payer(), now).await
    } else {
        Ok(())
    }
}

async fn keep(ledger: &dyn Ledger, network: Network, account: Address, now: u64) -> Result<(), LedgerError> {
    for number in 0..KEPT_PER_DAY {
        let name = name(network, now / REFUSED_SECONDS, number);
        if ledger.kept(&name).await?.is_none() {
            // What was kept first stays, should another replica be as fast.
            ledger.keep(&name, &document(account, now), now).await?;
        }
        let kept = ledger.kept(&name).await?;
        if kept.as_deref().and_then(read).is_some_and(|(other, _)| other == account) {
            return Ok(());
        }
    }
    tracing::warn!(event = "payment.reverters_full", most = KEPT_PER_DAY);
    Ok(())
}

/// Whether this contract account is refused at `now`.
///
/// # Errors
/// If the ledger does not tell.
pub(crate) async fn is_refused(
    ledger: &dyn Ledger,
    network: Network,
    account: Address,
    now: u64,
) -> Result<bool, LedgerError> {
    let today = now / REFUSED_SECONDS;
    for day in [today, today.saturating_sub(1)] {
        // Some may have been forgotten in between, so that a gap is no end.
        for number in 0..KEPT_PER_DAY {
            let kept = ledger.kept(&name(network, day, number)).await?;
            let refused = |(other, at): (Address, u64)| other == account && now.saturating_sub(at) < REFUSED_SECONDS;
            if kept.as_deref().and_then(read).is_some_and(refused) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use precis_store::{EmbeddedLedger, SealingKey};

    use super::*;

    #[tokio::test]
    async fn accounts_that_revert_are_refused_for_a_day_by_whoever_opens_the_ledger_and_few_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let open = async || EmbeddedLedger::open(&dir.path().join("ledger"), SealingKey::new([7; 32])).await.unwrap();
        let (account, now) = (Address::repeat_byte, 20_000 * REFUSED_SECONDS - 100);
        let ledger = open().await;
        assert!(!is_refused(&ledger, Network::BASE, account(1), now).await.unwrap());
        keep(&ledger, Network::BASE, account(1), now).await.unwrap();
        keep(&ledger, Network::BASE, account(1), now + 1).await.unwrap();
        drop(ledger);
        let ledger = open().await;
        for (later, refused) in [(0, true), (REFUSED_SECONDS - 1, true), (REFUSED_SECONDS, false)] {
            assert_eq!(is_refused(&ledger, Network::BASE, account(1), now + later).await.unwrap(), refused, "{later}");
        }
        assert!(!is_refused(&ledger, Network::BASE, account(2), now).await.unwrap());
        assert!(!is_refused(&ledger, Network::POLYGON, account(1), now).await.unwrap(), "another's, perhaps");
        for number in 2..=KEPT_PER_DAY + 1 {
            keep(&ledger, Network::BASE, account(number), now).await.unwrap();
        }
        assert!(is_refused(&ledger, Network::BASE, account(KEPT_PER_DAY), now).await.unwrap());
        assert!(!is_refused(&ledger, Network::BASE, account(KEPT_PER_DAY + 1), now).await.unwrap(), "there is no room");
    }
}
