//! What changes between the verification of a payment and its settlement.

use precis_devnet::chain::contracts::PrecisDollar;
use precis_payment::exact::{Authorized, Invalid};
use precis_payment::facilitator::{Facilitator, Settlement, Standing};
use precis_payment::local::LocalFacilitator;

use crate::world::*;

/// A world in which the payment was verified.
async fn verified() -> (World, LocalFacilitator, Authorized) {
    let world = World::new().await;
    let facilitator = world.facilitator();
    let authorized = world.authorized(1);
    assert_eq!(facilitator.verify(&authorized).await, Ok(Standing::Payable));
    (world, facilitator, authorized)
}

/// The refusal without and with a transaction that was spent on it: `change` happens before the settlement is prepared, or
/// after.
async fn refused(change: impl AsyncFn(&World), expected: Invalid) {
    let (world, facilitator, authorized) = verified().await;
    change(&world).await;
    let settlement = settle(&facilitator, &authorized).await;
    assert_eq!(settlement, Settlement::Rejected { reason: expected, transaction: None });

    let (world, facilitator, authorized) = verified().await;
    let prepared = facilitator.prepare(&authorized).await.unwrap();
    let transaction = Some(prepared.transaction().unwrap().hash);
    change(&world).await;
    let settlement = facilitator.broadcast(&authorized, prepared).await;
    assert_eq!(settlement, Settlement::Rejected { reason: expected, transaction });
    assert_eq!(world.balance(world.payee).await, 0);
}

#[tokio::test]
async fn a_token_paused_meanwhile_refuses() {
    let pause = async |world: &World| {
        world.call(PrecisDollar::pauseCall {}).await;
    };
    refused(pause, Invalid::Transaction).await;
}

#[tokio::test]
async fn a_payer_that_spent_its_money_meanwhile_is_refused() {
    refused(async |world| world.drain_payer().await, Invalid::InsufficientFunds).await;
}

#[tokio::test]
async fn an_authorization_cancelled_meanwhile_is_refused() {
    refused(async |world| world.cancel(1).await, Invalid::NonceUsed).await;
}

#[tokio::test]
async fn a_token_that_was_paused_for_a_while_takes_the_payment_afterwards() {
    let (world, facilitator, authorized) = verified().await;
    world.call(PrecisDollar::pauseCall {}).await;
    let settlement = settle(&facilitator, &authorized).await;
    assert_eq!(settlement, Settlement::Rejected { reason: Invalid::Transaction, transaction: None });
    world.call(PrecisDollar::unpauseCall {}).await;
    paid(settle(&facilitator, &authorized).await);
}
