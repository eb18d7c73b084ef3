//! Between the look at a payment and its settlement the money goes, the authorization goes, or somebody else takes it;
//! the chain itself goes back, forgets, or becomes dear.

use std::time::{Duration, Instant};

use alloy_primitives::U64;
use precis_tests::audit::Kind;
use precis_tests::process::{GLANCE, PATIENCE};
use precis_tests::rpc_faults::{Call, Fault};
use serde_json::json;

use super::scenarios::{hold_sent, hold_simulation, unsent};
use super::steps::Document::{Failing, Good};
use super::steps::Play;
use super::steps::Step::{
    Ask, Boot, Cancel, Drain, Fail, Fund, Heal, Held, Lapse, Order, Other, Release, Send, Submit,
};
use super::{FLOWS, ends_as, none, town};

/// The node is out of reach.
fn gone(_: &Call) -> Fault {
    Fault::Drop
}

#[tokio::test]
async fn a_payer_drained_or_an_authorization_cancelled_after_the_claim_is_not_charged() {
    let town = town(&[]).await.unwrap();
    for (flow, _) in FLOWS {
        for hold in [hold_simulation, hold_sent] {
            for taken in [Drain, Cancel] {
                ends_as(&town, flow, "void", &[Boot, Order(Good), Fail(hold), Send, Held, taken, Release, Ask]).await;
            }
        }
    }
}

#[tokio::test]
async fn a_payment_that_somebody_else_submits_is_one_charge_with_a_result_or_a_refund() {
    let town = town(&[]).await.unwrap();
    for (flow, _) in FLOWS {
        for hold in [hold_simulation, hold_sent] {
            ends_as(&town, flow, "settled", &[Boot, Order(Good), Fail(hold), Send, Held, Submit, Release, Ask]).await;
        }
        ends_as(&town, flow, "settled", &[Boot, Order(Good), Submit, Ask]).await;
        // Told to come back, the payer comes late; what somebody else took meanwhile still buys its summary.
        let unheard = [Boot, Order(Good), Fail(gone), Ask, Heal, Submit, Lapse, Boot, Ask];
        ends_as(&town, flow, "settled", &unheard).await;
        let unheard = [Boot, Order(Failing), Fail(gone), Ask, Heal, Submit, Lapse, Boot, Ask, Lapse];
        ends_as(&town, flow, "refunded", &unheard).await;
        // Its work fails, before or after somebody else has submitted it.
        ends_as(&town, flow, "refunded", &[Boot, Order(Failing), Submit, Ask, Lapse]).await;
    }
    ends_as(&town, "authorization", "refunded", &[Boot, Order(Failing), Ask, Submit]).await;
    let drained = [Boot, Order(Good), Fail(hold_simulation), Send, Held, Drain, Release, Ask, Fund, Submit];
    ends_as(&town, "authorization", "settled", &drained).await;
    ends_as(&town, "upfront", "refunded", &drained).await;
}

#[tokio::test]
async fn a_transaction_that_leaves_its_block_while_it_is_waited_for_is_sent_again() {
    let town = town(&[]).await.unwrap();
    for requeue in [false, true] {
        town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", "1000000s");
        let mut play = Play::begin(&town, None).await.unwrap();
        let hold: fn(&Call) -> Fault =
            |call| if call.method == "eth_getTransactionReceipt" { Fault::Hold } else { Fault::Pass };
        play.play(&[Boot, Order(Good), Fail(hold), Send, Held]).await.unwrap();
        town.chain.rpc("devnet_reorg", json!([U64::from(1), requeue])).await.unwrap();
        if requeue {
            // This chain mines when something comes in, not what comes back.
            town.chain.rpc("evm_mine", json!([])).await.unwrap();
        }
        play.play(&[Release, Ask]).await.unwrap();
        none(&town.conclude(&play.orders).await.unwrap()).unwrap();
        assert_eq!(town.ledger().await.unwrap()[0].state, "settled");
    }
}

#[tokio::test]
async fn a_block_that_goes_after_the_release_costs_no_payer_anything() {
    let town = town(&[]).await.unwrap();
    for requeue in [true, false] {
        let mut play = Play::begin(&town, None).await.unwrap();
        play.play(&[Boot, Order(Good), Ask]).await.unwrap();
        town.chain.rpc("devnet_reorg", json!([U64::from(1), requeue])).await.unwrap();
        town.chain.rpc("evm_mine", json!([])).await.unwrap();
        let found = town.conclude(&play.orders).await.unwrap();
        if requeue {
            none(&found).unwrap();
            continue;
        }
        // One confirmation is what the service waits for: where blocks go for good after that, it has worked for nothing.
        let kinds: std::collections::BTreeSet<Kind> = found.iter().map(|violation| violation.kind).collect();
        assert_eq!(kinds, [Kind::ReleasedUnpaid, Kind::TransactionMissing, Kind::Sums].into(), "{found:?}");
    }
}

#[tokio::test]
async fn a_nonce_gap_is_closed() {
    let town = town(&["--block-interval", "1"]).await.unwrap();
    town.set("PRECIS_PAYMENT__NETWORK__0__CONFIRM_WITHIN", "3s");
    let mut play = Play::begin(&town, None).await.unwrap();
    // The node takes one transaction and forgets it; those of the others wait behind the gap.
    play.play(&[Boot, Order(Good), Send]).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while town.chain.rpc("devnet_dropPending", json!([])).await.unwrap() == 0 && Instant::now() < deadline {
        tokio::time::sleep(GLANCE / 10).await;
    }
    play.play(&[Order(Good), Send, Order(Good), Ask]).await.unwrap();
    none(&town.conclude(&play.orders).await.unwrap()).unwrap();
    assert!(town.ledger().await.unwrap().iter().all(|entry| entry.state == "settled"));
}

#[tokio::test]
async fn an_unsent_transaction_whose_nonce_another_one_takes_is_made_anew() {
    let town = town(&[]).await.unwrap();
    for (flow, _) in FLOWS {
        ends_as(&town, flow, "settled", &[Boot, Order(Good), Fail(unsent), Ask, Other, Heal, Ask]).await;
    }
}

#[tokio::test]
async fn gas_that_becomes_dear_delays_a_settlement_and_no_more() {
    let town = town(&["--block-interval", "1"]).await.unwrap();
    town.set("PRECIS_PAYMENT__NETWORK__0__CONFIRM_WITHIN", "12s");
    let base_fee = async |gwei: u64| {
        town.chain.rpc("devnet_setBaseFee", json!([U64::from(gwei * 1_000_000_000)])).await.unwrap();
        town.chain.rpc("evm_mine", json!([])).await.unwrap();
    };
    // What waits offers less from one block to the next: it is replaced by the same call for more.
    let mut play = Play::begin(&town, None).await.unwrap();
    play.play(&[Boot, Order(Good), Fail(hold_sent), Send, Held]).await.unwrap();
    base_fee(10).await;
    play.play(&[Release]).await.unwrap();
    let answer = town.insist(&play.orders[0]).await.unwrap();
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), town.log());
    // Above the service's limit nothing is sent; below it again, everything is.
    base_fee(200).await;
    play.play(&[Order(Good), Ask]).await.unwrap();
    assert!(town.ledger().await.unwrap().iter().filter(|entry| entry.state == "settled").count() == 1);
    base_fee(1).await;
    none(&town.conclude(&play.orders).await.unwrap()).unwrap();
    assert!(town.ledger().await.unwrap().iter().all(|entry| entry.state == "settled"));
}

#[tokio::test]
async fn a_sweep_that_waits_beyond_its_period_takes_nothing_that_is_owed() {
    let town = town(&[]).await.unwrap();
    let mut play = Play::begin(&town, None).await.unwrap();
    // One is delivered; of the other nobody but the chain knows, so that it may have to be paid back.
    play.play(&[Boot, Order(Good), Ask, Order(Good), Submit]).await.unwrap();
    let (wallet, price) = (play.orders[1].required.pay_to, play.orders[1].required.amount.get());
    let count = async |at: &str| -> u64 {
        let count = town.chain.rpc("eth_getTransactionCount", json!([wallet, at])).await.unwrap();
        serde_json::from_value::<U64>(count).unwrap().to()
    };
    town.set("PRECIS_PAYMENT__SWEEP__TO", "0x3333333333333333333333333333333333333333");
    town.set("PRECIS_PAYMENT__SWEEP__EVERY", "60s");
    town.set("PRECIS_PAYMENT__NETWORK__0__HEAD_AGE", "any");
    // No block comes while the host's clock goes from one period into the next.
    town.chain.rpc("evm_setIntervalMining", json!([86_400])).await.unwrap();
    for (sweeps, late) in [(1, 0), (2, 60)] {
        town.skew(late);
        town.boot(None).await.unwrap();
        let deadline = Instant::now() + PATIENCE;
        while count("pending").await < count("latest").await + sweeps {
            assert!(Instant::now() < deadline, "no sweep\n{}", town.log());
            tokio::time::sleep(GLANCE).await;
        }
    }
    town.chain.rpc("evm_mine", json!([])).await.unwrap();
    assert_eq!(count("pending").await, count("latest").await);
    assert!(town.chain.tokens(wallet).await.unwrap() >= price, "what is owed has left\n{}", town.log());
}
