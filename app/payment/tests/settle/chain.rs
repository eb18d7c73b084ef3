//! What refuses the start, and what a view of the chain tells.

use precis_payment::Network;
use precis_payment::chain::{Asset, AssetError, ChainView, LOG_WINDOW_BLOCKS, Reconciled, RpcError};
use precis_payment::exact::TokenDomain;
use serde_json::json;

use crate::world::*;

#[tokio::test]
async fn the_configured_token_passes_and_every_other_configuration_is_refused_in_a_sentence() {
    let world = World::new().await;
    let good = world.asset();
    let checked =
        async |asset: Asset| ChainView::new(http_client(), world.chain.url(), asset).unwrap().check_asset().await;
    assert_eq!(checked(good.clone()).await, Ok(()));

    let chain = checked(Asset { network: Network::BASE, ..good.clone() }).await.unwrap_err();
    assert_eq!(chain.to_string(), "the RPC endpoint serves chain 31337, but the configuration says eip155:8453");
    let empty = checked(Asset { address: world.payee, ..good.clone() }).await.unwrap_err();
    assert!(matches!(empty, AssetError::NoContract { .. }));
    world.set_code(world.payee, "0x00").await;
    let other = checked(Asset { address: world.payee, ..good.clone() }).await.unwrap_err();
    assert!(matches!(other, AssetError::NotEip3009 { missing: "DOMAIN_SEPARATOR()", .. }));
    for (name, version) in [("USD Coin", "2"), ("USDC", "1")] {
        let domain = TokenDomain { name: name.into(), version: version.into() };
        let wrong = checked(Asset { domain, ..good.clone() }).await.unwrap_err();
        assert!(matches!(wrong, AssetError::WrongDomain { .. }));
        assert!(wrong.to_string().contains(name), "{wrong}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_absent_or_no_url_is_refused_without_showing_it() {
    let world = World::new().await;
    let absent = world.view_through("http://127.0.0.1:1/secret-key").check_asset().await.unwrap_err();
    assert!(matches!(absent, AssetError::Chain { error: RpcError::NotSent, .. }));
    assert!(!absent.to_string().contains("secret"), "{absent}");
    for bad in ["", "127.0.0.1:8545", "file:///etc/passwd", "ws://127.0.0.1"] {
        assert_eq!(ChainView::new(http_client(), bad, world.asset()).err(), Some(AssetError::Url), "{bad}");
    }
}

#[tokio::test]
async fn recent_blocks_are_those_of_the_chain() {
    let world = World::new().await;
    let before = world.view().recent_block().await.unwrap();
    world.mint(world.payee, 1).await;
    let after = world.view().recent_block().await.unwrap();
    assert_eq!(after.number, before.number + 1);
    assert_ne!(after.hash, before.hash);
    assert!(after.timestamp >= before.timestamp && after.timestamp <= now() + 5);
    assert!(world.view().finalized_block().await.unwrap().number <= after.number);
}

#[tokio::test]
async fn a_payment_is_found_and_dated_however_many_blocks_came_after_it() {
    let world = World::new().await;
    let authorized = world.authorized(1);
    let settled = paid(settle(&world.facilitator(), &authorized).await);
    let (view, before) = (world.view(), now());
    // A day goes by, and more blocks than one query covers.
    world.chain("evm_increaseTime", json!([86_400])).await;
    for _ in 0..LOG_WINDOW_BLOCKS + 50 {
        world.chain("evm_mine", json!([])).await;
    }
    assert!(view.recent_block().await.unwrap().number > settled.block + LOG_WINDOW_BLOCKS);
    let transfer = authorized.transfer();
    assert_eq!(view.reconcile(transfer, before - 600).await, Reconciled::PaidUs(settled));
    assert_eq!(view.paid_by(settled.transaction, transfer).await, Ok(Some(settled)));
    // What came before the time that counts paid for something else.
    let paid_at = view.time_of(settled.block).await.unwrap();
    let too_old = view.reconcile(transfer, paid_at + 1).await;
    assert!(
        matches!(too_old, Reconciled::SpentElsewhere(found) if found.transaction == Some(settled.transaction)),
        "{too_old:?}"
    );
    let lapsed = view.reconcile(world.authorized(2).transfer(), before).await;
    assert!(matches!(lapsed, Reconciled::Expired(found) if found.at.number > settled.block), "{lapsed:?}");
}
