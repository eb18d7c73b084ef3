//! A ledger that an earlier version wrote is opened by this one, which ends every job in it and pays what it owes.
//!
//! `tests/vectors/ledger/format-N.redb` was written by the version whose ledgers had format N, on a devnet: its key, its wallet and its token are the
//! same in every devnet. It has one job that was settled, one that is done and not settled, and one whose refund was decided and not begun.
//! To write that of the present format: `PRECIS_WRITE_LEDGER_FIXTURE=FILE cargo nextest run -p precis-tests --test faults -E 'test(writes_the_fixture)'`.
//! A file is written once and never again.

use std::path::PathBuf;

use precis_tests::paths;
use precis_tests::process::eventually;

use super::steps::Document::{Failing, Good};
use super::steps::Play;
use super::steps::Step::{ArmAt, Ask, Boot, Dead, Order, Send};
use super::{FLOWS, town};

const WRITE: &str = "PRECIS_WRITE_LEDGER_FIXTURE";
/// Every format that this version must open.
const FORMATS: [u32; 1] = [1];

fn fixture(format: u32) -> PathBuf {
    paths::root().join(format!("tests/vectors/ledger/format-{format}.redb"))
}

/// Not a test of its own: see above.
#[tokio::test]
async fn helper_that_writes_the_fixture_of_the_present_format() {
    let Ok(file) = std::env::var(WRITE) else { return };
    let town = town(&[]).await.unwrap();
    let [(_, later), (_, upfront)] = FLOWS;
    town.set("PRECIS_UPFRONT_SECONDS", later);
    let mut play = Play::begin(&town, None).await.unwrap();
    play.play(&[Boot, Order(Good), Ask]).await.unwrap();
    play.play(&[ArmAt("running>done:after"), Order(Good), Send, Dead]).await.unwrap();
    town.set("PRECIS_UPFRONT_SECONDS", upfront);
    play.play(&[ArmAt("paid>refunding:after"), Order(Failing), Send, Dead]).await.unwrap();
    std::fs::copy(town.home().join("state/ledger.redb"), file).unwrap();
}

#[tokio::test]
async fn a_ledger_that_an_earlier_version_wrote_is_opened_reconciled_and_paid_out() {
    for format in FORMATS {
        let town = town(&[]).await.unwrap();
        let state = town.home().join("state");
        std::fs::create_dir_all(&state).unwrap();
        std::fs::copy(fixture(format), state.join("ledger.redb")).unwrap();
        town.boot(None).await.unwrap();
        let entries = town.ledger().await.unwrap();
        // Jobs that were settled are forgotten a day after they have ended.
        let owed = entries.iter().find(|entry| entry.state == "refunding").expect("the refund");
        let (wallet, payer) = (owed.pay_to.parse().unwrap(), owed.payer.parse().unwrap());
        assert_eq!(town.chain.tokens(payer).await.unwrap(), 0u64);
        town.bank.mint(wallet, owed.amount.parse().unwrap()).await.unwrap();
        let ended = eventually("end of every job", async || {
            town.reconcile().await.ok()?;
            let entries = town.ledger().await.ok()?;
            let ended = |state: &str| ["settled", "refunded", "void"].contains(&state);
            entries.iter().all(|entry| ended(&entry.state)).then_some(entries)
        });
        let ended = ended.await.unwrap_or_else(|error| panic!("format {format}: {error}\n{}", town.log()));
        let refunded = ended.iter().find(|entry| entry.id == owed.id).unwrap();
        assert_eq!(refunded.state, "refunded", "format {format}");
        assert_eq!(town.chain.tokens(payer).await.unwrap().to_string(), owed.amount, "format {format}");
    }
}
