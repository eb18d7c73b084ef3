//! For every legal transition what provokes it.

use precis_store::{Flow, Stage};
use precis_tests::rpc_faults::{Call, Fault};

use super::steps::Document::{Failing, Good};
use super::steps::Step::{
    self, Arm, ArmAt, Ask, Boot, Cancel, Dead, Drain, Fail, Fund, Heal, Held, Lapse, Order, Other, ReconcileUntilDead,
    Release, Send, Submit,
};

/// How a transition comes about: by these steps.
pub type Recipe = &'static [Step];

const SEND: &str = "eth_sendRawTransaction";

/// The first transaction is not taken: another one of the wallet waits with its nonce.
pub fn rival(call: &Call) -> Fault {
    if call.method == SEND && call.nth == 1 {
        return Fault::Refuse(-32_000, "replacement transaction underpriced");
    }
    Fault::Pass
}

/// Transactions arrive, and from then on the node is out of reach.
pub fn lost(call: &Call) -> Fault {
    match call.method.as_str() {
        SEND => Fault::LoseAnswer,
        "eth_getTransactionReceipt" | "eth_getLogs" => Fault::Drop,
        _ => Fault::Pass,
    }
}

/// No transaction arrives.
pub fn unsent(call: &Call) -> Fault {
    if call.method == SEND { Fault::Drop } else { Fault::Pass }
}

/// Transactions wait on their way.
pub fn hold_sent(call: &Call) -> Fault {
    if call.method == SEND { Fault::Hold } else { Fault::Pass }
}

/// The simulation of a settlement waits on its way.
pub fn hold_simulation(call: &Call) -> Fault {
    if call.method == "eth_estimateGas" { Fault::Hold } else { Fault::Pass }
}

const PLAIN: Recipe = &[Arm, Order(Good), Send, Dead];
const FAILED: Recipe = &[Arm, Order(Failing), Send, Dead];
const RIVAL: Recipe = &[Arm, Order(Good), Fail(rival), Send, Dead];
const REVERTED: Recipe = &[Arm, Order(Good), Fail(hold_sent), Send, Held, Cancel, Release, Dead];
const LOST: Recipe = &[Arm, Order(Good), Fail(lost), Send, Dead];
const CANCELLED: Recipe = &[Arm, Order(Good), Fail(hold_simulation), Send, Held, Cancel, Release, Dead];
const DISPLACED: Recipe = &[Boot, Order(Good), Fail(unsent), Ask, Other, Heal, Arm, ReconcileUntilDead];
/// Without its document nothing is sent for work that is paid first.
const DISPLACED_UPFRONT: Recipe = &[Boot, Order(Good), Fail(unsent), Ask, Other, Heal, Arm, Send, Dead];
const TAKEN_BACK: Recipe = &[Boot, Order(Good), Fail(unsent), Ask, Cancel, Heal, Arm, ReconcileUntilDead];
const FOUND: Recipe = &[Boot, Order(Good), Fail(lost), Ask, Heal, Arm, ReconcileUntilDead];
const PAID_AFTER_ALL: Recipe = &[
    Boot,
    Order(Good),
    Fail(hold_simulation),
    Send,
    Held,
    Drain,
    Release,
    Ask,
    Fund,
    Submit,
    Lapse,
    Arm,
    ReconcileUntilDead,
];
const REJECTED_UNUSED: Recipe =
    &[Boot, Order(Good), Fail(hold_simulation), Send, Held, Cancel, Release, Ask, Lapse, Arm, ReconcileUntilDead];
const FAILED_AND_TAKEN: Recipe = &[Boot, Order(Failing), Ask, Submit, Lapse, Arm, ReconcileUntilDead];
const LAPSED_AND_TAKEN: Recipe =
    &[ArmAt("claimed>settling:before"), Order(Good), Send, Dead, Submit, Lapse, Arm, ReconcileUntilDead];
const LAPSED_UPFRONT: Recipe =
    &[ArmAt("claimed>settling:before"), Order(Good), Send, Dead, Lapse, Arm, ReconcileUntilDead];

/// What provokes a transition; none if nobody has thought of it.
pub fn recipe(flow: Flow, before: Option<Stage>, next: Stage) -> Option<Recipe> {
    use Flow::{Authorization, Upfront};
    use Stage::{
        Claimed, Done, Failed, Paid, Refunded, Refunding, Rejected, Running, Settled, Settling, Unknown, Void,
    };
    let Some(before) = before else { return Some(PLAIN) };
    Some(match (flow, before, next) {
        (Authorization, Claimed, Running)
        | (Authorization, Running, Done)
        | (Authorization, Done, Settling)
        | (Authorization, Settling, Settled)
        | (Upfront, Claimed, Settling)
        | (Upfront, Settling, Paid)
        | (Upfront, Paid, Settled) => PLAIN,
        (Authorization, Running, Failed) | (Upfront, Paid, Refunding) => FAILED,
        (Authorization, Running, Claimed) => &[ArmAt("running>done:before"), Order(Good), Send, Dead, Arm, Send, Dead],
        (Authorization, Claimed, Failed) => {
            &[ArmAt("claimed>running:before"), Order(Good), Send, Dead, Lapse, Arm, ReconcileUntilDead]
        }
        (Upfront, Claimed, Failed) => LAPSED_UPFRONT,
        (_, Settling, Settling) => RIVAL,
        (_, Settling, Rejected) => REVERTED,
        (_, Settling, Unknown) => LOST,
        (Authorization, Unknown, Settling) => DISPLACED,
        (Upfront, Unknown, Settling) => DISPLACED_UPFRONT,
        (_, Unknown, Rejected) => TAKEN_BACK,
        (Authorization, Unknown, Settled) | (Upfront, Unknown, Paid) => FOUND,
        (Authorization, Done, Rejected) | (Upfront, Claimed, Rejected) => CANCELLED,
        (Authorization, Rejected, Settling) | (Upfront, Rejected, Refunding) => PAID_AFTER_ALL,
        (_, Rejected, Void) => REJECTED_UNUSED,
        (Authorization, Failed, Refunding) => FAILED_AND_TAKEN,
        (Upfront, Failed, Refunding) => LAPSED_AND_TAKEN,
        (Authorization, Failed, Void) => &[Boot, Order(Failing), Ask, Lapse, Arm, ReconcileUntilDead],
        (Upfront, Failed, Void) => LAPSED_UPFRONT,
        (Authorization, Refunding, Refunding | Refunded) => FAILED_AND_TAKEN,
        (Upfront, Refunding, Refunding | Refunded) => FAILED,
        _ => return None,
    })
}
