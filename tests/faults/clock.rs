//! The host's clock is wrong by an hour, from the start or all of a sudden. The chain's clock is right.

use std::time::Instant;

use precis_tests::process::{GLANCE, PATIENCE};
use serde_json::json;

use super::steps::Document::{Failing, Good};
use super::steps::Play;
use super::steps::Step::{Ask, Boot, Order, Submit};
use super::{FLOWS, none, town};

const HOUR: i64 = 3_600;

#[tokio::test]
async fn a_clock_that_is_wrong_from_the_start_charges_nobody_for_nothing() {
    let town = town(&[]).await.unwrap();
    for (flow, upfront) in FLOWS {
        town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", upfront);
        for skew in [HOUR, -HOUR] {
            let mut play = Play::begin(&town, None).await.unwrap();
            town.skew(skew);
            town.boot(None).await.unwrap();
            play.play(&[Order(Good), Ask, Order(Failing), Ask]).await.unwrap();
            none(&town.audit(false).await.unwrap()).unwrap();
            let found = town.conclude(&play.orders).await.unwrap();
            none(&found).unwrap_or_else(|error| panic!("{flow} {skew}: {error}\n{}", town.log()));
        }
    }
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_gives_up_no_charge_that_may_still_come() {
    let town = town(&[]).await.unwrap();
    for (flow, document, end) in [("authorization", Failing, "refunded"), ("upfront", Good, "settled")] {
        let (_, upfront) = FLOWS.into_iter().find(|(name, _)| *name == flow).unwrap();
        town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", upfront);
        let mut play = Play::begin(&town, None).await.unwrap();
        // One has failed; of the other nothing was done yet.
        let kill = (flow == "upfront").then(|| "claimed>settling:before".parse().unwrap());
        town.boot(kill).await.unwrap();
        play.play(&[Order(document)]).await.unwrap();
        drop(town.send(&play.orders[0]).await);
        town.skew(HOUR);
        town.boot(None).await.unwrap();
        for _ in 0..3 {
            town.reconcile().await.unwrap();
        }
        // By the chain's clock it is good for minutes.
        play.play(&[Submit]).await.unwrap();
        let found = town.conclude(&play.orders).await.unwrap();
        none(&found).unwrap_or_else(|error| panic!("{flow}: {error}\n{}", town.log()));
        assert_eq!(town.ledger().await.unwrap()[0].state, end, "{flow}");
    }
}

#[tokio::test]
async fn what_was_charged_and_is_forgotten_is_never_said_to_be_uncharged() {
    let town = town(&[]).await.unwrap();
    town.set("PRECIS_LEDGER__KEEP_RESULTS", "3600s");
    let mut play = Play::begin(&town, None).await.unwrap();
    play.play(&[Boot, Order(Good), Ask, Order(Good)]).await.unwrap();
    let [charged, unsent] = &play.orders[..] else { panic!("two orders") };
    // The results are kept for an hour, and after two the jobs are forgotten.
    town.jump(7_200).await.unwrap();
    town.boot(None).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !town.ledger().await.unwrap().is_empty() {
        assert!(Instant::now() < deadline, "it is not forgotten");
        tokio::time::sleep(GLANCE).await;
    }
    let answer = town.send(charged).await.unwrap();
    answer.refused_and_charged(410, "job_expired", &json!("unknown")).unwrap();
    // Of what was never sent the chain shows that it was not taken.
    let answer = town.send(unsent).await.unwrap();
    answer.refused(402, "authorization_valid_before").unwrap();
    assert_eq!(answer.json().unwrap()["charged"], false);
}
