//! A ledger that another process wrote, on another devnet or by an earlier version, is opened by this one, which ends every job in it and pays what
//! it owes. The KMS keys and the wallet are the same in every devnet; the token is too, since one account deploys it.
//!
//! Each file `format-N.redb` in `tests/vectors/ledger` was written by the version whose ledgers had format N, and has one job that was settled, one that
//! is done and not settled, and one whose refund was decided and not begun. To write that of the present format:
//! `PRECIS_WRITE_LEDGER_FIXTURE=FILE cargo nextest run -p precis-tests --test faults -E 'test(an_earlier_version)'`.
//! A file is written once and never again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use precis_tests::paths;
use precis_tests::process::eventually;
use precis_tests::testbed::town::Town;

use super::steps::Document::{Failing, Good};
use super::steps::Play;
use super::steps::Step::{ArmAt, Ask, Boot, Dead, Order, Send};
use super::{FLOWS, town};

const WRITE: &str = "PRECIS_WRITE_LEDGER_FIXTURE";
/// Where the files of earlier versions are.
const FILES: &str = "tests/vectors/ledger";

/// Deploys the token: the same account, the same address.
const DEPLOYER: &str = "0x7c9fb23a3d2d5d0c1b8f4f4a2c8b6e5d4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c";

/// A devnet of its own whose token has the address that it has in every fixture.
async fn town_of_fixtures() -> Arc<Town> {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), DEPLOYER).unwrap();
    town(&["--deployer-key-file", key.path().to_str().unwrap()]).await.unwrap()
}

/// Writes a ledger of the present format to `file`.
async fn write(file: &Path) {
    let town = town_of_fixtures().await;
    let [(_, later), (_, upfront)] = FLOWS;
    town.set("PRECIS_UPFRONT_SECONDS", later);
    let mut play = Play::begin(&town, None).await.unwrap();
    play.play(&[Boot, Order(Good), Ask]).await.unwrap();
    play.play(&[ArmAt("running>done:after"), Order(Good), Send, Dead]).await.unwrap();
    town.set("PRECIS_UPFRONT_SECONDS", upfront);
    play.play(&[ArmAt("paid>refunding:after"), Order(Failing), Send, Dead]).await.unwrap();
    std::fs::copy(town.home().join("state/ledger.redb"), file).unwrap();
}

/// Opens a copy of `file`, ends every job in it and requires the refund.
async fn is_paid_out(file: &Path) {
    let town = town_of_fixtures().await;
    let state = town.home().join("state");
    std::fs::create_dir_all(&state).unwrap();
    std::fs::copy(file, state.join("ledger.redb")).unwrap();
    town.boot(None).await.unwrap();
    let entries = town.ledger().await.unwrap();
    // Jobs that were settled are forgotten a day after they have ended.
    let owed = entries.iter().find(|entry| entry.state == "refunding").unwrap();
    let (wallet, payer) = (owed.pay_to.parse().unwrap(), owed.payer.parse().unwrap());
    assert_eq!(town.chain.tokens(payer).await.unwrap(), 0u64);
    town.bank.mint(wallet, owed.amount.parse().unwrap()).await.unwrap();
    // The job that was done may still be paid by its payer; here it cannot, and lapses.
    town.lapse().await.unwrap();
    town.boot(None).await.unwrap();
    let ended = eventually("end of every job", async || {
        town.reconcile().await.ok()?;
        let entries = town.ledger().await.ok()?;
        let ended = |state: &str| ["settled", "refunded", "void"].contains(&state);
        entries.iter().all(|entry| ended(&entry.state)).then_some(entries)
    });
    let ended = ended.await.unwrap_or_else(|error| panic!("{}: {error}\n{}", file.display(), town.log()));
    let refunded = ended.iter().find(|entry| entry.id == owed.id).unwrap();
    assert_eq!(refunded.state, "refunded", "{}", file.display());
    assert_eq!(town.chain.tokens(payer).await.unwrap().to_string(), owed.amount, "{}", file.display());
}

#[tokio::test]
async fn a_ledger_that_an_earlier_version_wrote_is_opened_reconciled_and_paid_out() {
    let scratch = tempfile::tempdir().unwrap();
    let file = std::env::var(WRITE).map_or_else(|_| scratch.path().join("ledger"), PathBuf::from);
    // What this version writes is what the next one must open.
    write(&file).await;
    is_paid_out(&file).await;
    let kept = std::fs::read_dir(paths::root().join(FILES)).into_iter().flatten();
    for file in kept.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "redb"))
    {
        is_paid_out(&file).await;
    }
}
