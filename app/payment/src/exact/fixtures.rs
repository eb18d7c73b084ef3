//! Payments that are good, for tests to spoil.
#![allow(clippy::unwrap_used)]

use alloy_primitives::address;
use k256::ecdsa::SigningKey;
use serde_json::Map;

use crate::{
    AtomicUnits, Network,
    authorize::authorize,
    wire::{EXTRA_NAME, EXTRA_REQUEST_DIGEST, EXTRA_VERSION, PaymentPayload, PaymentRequirements, SCHEME_EXACT},
};

/// The time of every fixture.
pub const NOW: u64 = 1_790_000_000;

pub fn key() -> SigningKey {
    let secret = hex::decode("4c0883a69102937d6231471b5dbb6204fe512961708279f8c2f6a7a3b1e0d5c1").unwrap();
    SigningKey::from_slice(&secret).unwrap()
}

pub fn required() -> PaymentRequirements {
    PaymentRequirements {
        scheme: SCHEME_EXACT.to_owned(),
        network: Network::BASE,
        amount: AtomicUnits::from(10_000),
        asset: address!("833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"),
        pay_to: address!("209693Bc6afc0C5328bA36FaF03C514EF312287C"),
        max_timeout_seconds: 60,
        extra: Map::new(),
        other: Map::new(),
    }
    .with_extra(EXTRA_NAME, "USD Coin")
    .with_extra(EXTRA_VERSION, "2")
    .with_extra(EXTRA_REQUEST_DIGEST, &"ab".repeat(32))
}

pub fn nonce() -> [u8; 32] {
    let bytes = hex::decode("f3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480").unwrap();
    bytes.try_into().unwrap()
}

pub fn payload() -> PaymentPayload {
    authorize(&key(), &required(), None, NOW, nonce()).unwrap()
}
