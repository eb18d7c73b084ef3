//! The disk is put back to an earlier day, or loses a change. What the ledger forgot, the chain remembers.

use precis_tests::audit::{Kind, Violation};

use super::steps::Document::{Failing, Good};
use super::steps::Play;
use super::steps::Step::{ArmAt, Ask, Boot, Order};
use super::{FLOWS, ends_as, none, town};

#[tokio::test]
async fn an_older_copy_of_the_ledger_delivers_again_or_refuses_and_never_charges_twice() {
    let town = town(&[]).await.unwrap();
    for (flow, upfront) in FLOWS {
        town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", upfront);
        let mut play = Play::begin(&town, None).await.unwrap();
        play.play(&[Boot, Order(Good), Ask]).await.unwrap();
        town.stop().await.unwrap();
        let (file, copy) = (town.home().join("state/ledger.redb"), town.home().join("copy"));
        std::fs::copy(&file, &copy).unwrap();
        play.play(&[Boot, Order(Good), Ask, Order(Failing), Ask, Order(Good), Ask]).await.unwrap();
        let before = town.books(false).await.unwrap();
        let charged = |books: &precis_tests::audit::Books| {
            books.uses.iter().filter(|used| used.to == books.pay_to).map(|used| used.nonce).collect::<Vec<_>>()
        };
        assert!(charged(&before).len() >= 3);
        town.stop().await.unwrap();
        std::fs::copy(&copy, &file).unwrap();

        let found = town.conclude(&play.orders).await.unwrap();
        // A result that is delivered again has another receipt: the copy did not have the first one.
        let told = |violation: &Violation| violation.kind != Kind::TwoBodies;
        let others: Vec<Violation> = found.into_iter().filter(told).collect();
        none(&others).unwrap_or_else(|error| panic!("{flow}: {error}\n{}", town.log()));
        assert_eq!(charged(&town.books(true).await.unwrap()), charged(&before), "{flow}: charged again");
    }
}

#[tokio::test]
async fn a_charge_or_a_refund_that_was_not_written_down_is_found_on_chain() {
    let town = town(&[]).await.unwrap();
    let sent = [ArmAt("done>settling:forgotten"), Order(Good), Ask];
    ends_as(&town, "authorization", "settled", &sent).await;
    let sent = [ArmAt("claimed>settling:forgotten"), Order(Good), Ask];
    ends_as(&town, "upfront", "settled", &sent).await;
    let charged = [ArmAt("settling>paid:forgotten"), Order(Good), Ask];
    ends_as(&town, "upfront", "settled", &charged).await;
    for refund in ["refunding>refunding:forgotten", "refunding>refunded:forgotten"] {
        ends_as(&town, "upfront", "refunded", &[ArmAt(refund), Order(Failing), Ask]).await;
    }
}
