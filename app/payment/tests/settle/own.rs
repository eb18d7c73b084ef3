//! Transfers of the service's own.

use std::sync::Arc;

use alloy_primitives::{B256, U256};
use precis_payment::authorize::address_of;
use precis_payment::exact::Transfer;
use precis_payment::{AtomicUnits, own};

use crate::world::*;

#[tokio::test]
async fn a_refund_that_is_tried_again_and_again_happens_once() {
    let world = World::new().await;
    let till = key(7);
    world.mint(address_of(&till), PURSE).await;
    let asset = world.asset();
    let refund = Transfer {
        network: asset.network,
        asset: asset.address,
        from: address_of(&till),
        to: address_of(&world.payer),
        value: AtomicUnits::from(u128::from(PRICE)),
        valid_after: U256::ZERO,
        valid_before: U256::from(now() + 3600),
        nonce: B256::repeat_byte(0x2f),
    };
    let order = || own::sign(&till, &asset.domain, refund).unwrap();
    let facilitators = [Arc::new(world.facilitator()), Arc::new(world.facilitator())];
    let mut settling = tokio::task::JoinSet::new();
    for facilitator in facilitators.iter().cycle().take(4).cloned() {
        let order = order();
        settling.spawn(async move { paid(settle_anew(&*facilitator, &order).await).transaction });
    }
    let mut hashes = settling.join_all().await;
    hashes.dedup();
    assert_eq!(hashes.len(), 1, "one transaction, whoever asks");
    assert_eq!(world.view().balance_of(address_of(&till)).await, Ok(U256::from(PURSE - PRICE)));
    assert_eq!(world.balance(address_of(&world.payer)).await, PURSE + PRICE);
}
