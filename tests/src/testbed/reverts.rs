//! Settlements that reverted, by the contract account that made them: their gas was the wallet's.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U64};
use anyhow::Context as _;
use serde_json::{from_value, json};

use crate::testbed::town::Town;

/// Where a call of `transferWithAuthorization` has the payer: the first word after the selector.
const PAYER: std::ops::Range<usize> = 4 + 12..4 + 32;
/// Where it has the nonce: the sixth word.
const NONCE: std::ops::Range<usize> = 4 + 5 * 32..4 + 6 * 32;

impl Town {
    /// Payments of contract accounts that reverted in a block since `from` at the expense of the service: by account, their
    /// nonces.
    ///
    /// # Errors
    /// If the chain does not answer.
    pub(crate) async fn reverts(&self, from: u64) -> anyhow::Result<BTreeMap<Address, Vec<B256>>> {
        let (mut reverts, token) = (BTreeMap::<Address, Vec<B256>>::new(), self.devnet.get("PRECIS_DEVNET_ASSET")?);
        let token: Address = token.parse()?;
        for number in from..=self.height().await? {
            let receipts = self.chain.rpc("eth_getBlockReceipts", json!([U64::from(number)])).await?;
            for receipt in receipts.as_array().context("receipts")?.iter().filter(|one| one["status"] == "0x0") {
                let member = |name: &str| receipt[name].clone();
                let (sender, to): (Address, Option<Address>) = (from_value(member("from"))?, from_value(member("to"))?);
                if to != Some(token) || sender == self.bank.address() {
                    continue;
                }
                let hash = json!([receipt["transactionHash"]]);
                let transaction = self.chain.rpc("eth_getTransactionByHash", hash).await?;
                let input: Bytes = from_value(transaction["input"].clone())?;
                let (Some(payer), Some(nonce)) = (input.get(PAYER), input.get(NONCE)) else { continue };
                let payer = Address::from_slice(payer);
                let code: Bytes = from_value(self.chain.rpc("eth_getCode", json!([payer, "latest"])).await?)?;
                if !code.is_empty() {
                    reverts.entry(payer).or_default().push(B256::from_slice(nonce));
                }
            }
        }
        Ok(reverts)
    }
}
