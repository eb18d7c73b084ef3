//! The way to the chain fails: what was sent may have arrived, and what is answered may not be so.

use std::time::Duration;

use precis_tests::rpc_faults::{Call, Fault};

use super::steps::Document::Good;
use super::steps::Step::{Ask, Boot, Fail, Heal, Order};
use super::{FLOWS, ends_as, town};

const SEND: &str = "eth_sendRawTransaction";
/// Longer than the service waits for an answer.
const TOO_LONG: Duration = Duration::from_secs(20);

fn first(call: &Call, method: &str, fault: Fault) -> Fault {
    if call.method == method && call.nth == 1 { fault } else { Fault::Pass }
}

fn all(call: &Call, method: &str, fault: Fault) -> Fault {
    if call.method == method { fault } else { Fault::Pass }
}

/// What becomes of calls while a payment is sent.
type Rule = fn(&Call) -> Fault;

/// Each is on while the payment is sent once, and off afterwards.
const RULES: [(&str, Rule); 12] = [
    ("the first broadcast does not arrive", |call| first(call, SEND, Fault::Drop)),
    ("no broadcast arrives", |call| all(call, SEND, Fault::Drop)),
    ("the answer to the first broadcast is lost", |call| first(call, SEND, Fault::LoseAnswer)),
    ("every answer to a broadcast is lost", |call| all(call, SEND, Fault::LoseAnswer)),
    ("the node fails inside", |call| all(call, SEND, Fault::Refuse(-32_603, "internal error"))),
    ("the node has had enough", |call| all(call, SEND, Fault::Refuse(-32_005, "rate limit exceeded"))),
    ("the node's pool is full", |call| first(call, SEND, Fault::Refuse(-32_000, "txpool is full"))),
    ("the node says that it knows what it does not", |call| first(call, SEND, Fault::Refuse(-32_000, "already known"))),
    ("the node says that the nonce is used", |call| first(call, SEND, Fault::Refuse(-32_000, "nonce too low"))),
    ("the node shows no receipt", |call| all(call, "eth_getTransactionReceipt", Fault::Null)),
    ("the node shows no events", |call| all(call, "eth_getLogs", Fault::Drop)),
    ("nothing arrives after the claim", |call| {
        if matches!(call.method.as_str(), "eth_call" | "eth_getCode") { Fault::Pass } else { Fault::Drop }
    }),
];

#[tokio::test]
async fn a_node_that_fails_around_a_broadcast_costs_one_charge_and_one_result() {
    let town = town(&[]).await.unwrap();
    for (what, rule) in RULES {
        for (flow, _) in FLOWS {
            eprintln!("{flow}: {what}");
            ends_as(&town, flow, "settled", &[Boot, Order(Good), Fail(rule), Ask, Heal]).await;
        }
    }
}

#[tokio::test]
async fn a_node_that_does_not_answer_in_time_before_or_after_a_broadcast_costs_one_charge() {
    let rules: [Rule; 2] =
        [|call| first(call, SEND, Fault::Swallow(TOO_LONG)), |call| first(call, SEND, Fault::Hang(TOO_LONG))];
    let wait = rules.map(async |rule| {
        let town = town(&[]).await.unwrap();
        ends_as(&town, "authorization", "settled", &[Boot, Order(Good), Fail(rule), Ask, Heal]).await;
    });
    futures::future::join_all(wait).await;
}

#[tokio::test]
async fn a_node_that_is_gone_takes_no_payment() {
    let town = town(&[]).await.unwrap();
    for (flow, _) in FLOWS {
        let gone: Rule = |_| Fault::Drop;
        // It is claimed once the node is back, by the same payment.
        ends_as(&town, flow, "settled", &[Boot, Order(Good), Fail(gone), Ask, Heal]).await;
    }
}
