//! The real programs on real sockets: what a caller gets, what is refused, and where the money is afterwards.
#![allow(clippy::unwrap_used)]

mod batches;
mod boot;
mod channel;
mod client;
mod crash;
mod edges;
mod failures;
mod jobs;
mod networks;
mod operator;
mod payments;
mod proof;
mod refused;
mod replicas;
mod reproduce;
mod summaries;
mod vectors;
mod web;
mod wire;

use alloy_primitives::{Address, U256};
use precis_tests::chain::Chain;
use precis_tests::payer::Payer;
use precis_tests::stack::Stack;
use reqwest::Client;

/// A running stack with what most sentences need.
struct Scene {
    stack: Stack,
    client: Client,
    chain: Chain,
    payer: Payer,
    pay_to: Address,
}

impl Scene {
    async fn set() -> anyhow::Result<Self> {
        Self::around(Stack::start().await?).await
    }

    async fn around(stack: Stack) -> anyhow::Result<Self> {
        let (client, chain, payer) = (precis_tests::http::client()?, stack.chain()?, stack.payer()?);
        let service = precis_tests::http::get(&client, &format!("{}/v1/service", stack.server.url)).await?.json()?;
        let pay_to = serde_json::from_value(service["payments"][0]["payTo"].clone())?;
        Ok(Self { stack, client, chain, payer, pay_to })
    }

    fn origin(&self) -> &str {
        &self.stack.server.url
    }

    /// What the payer and the service hold, in atomic units.
    async fn balances(&self) -> anyhow::Result<(U256, U256)> {
        Ok((self.chain.tokens(self.payer.address).await?, self.chain.tokens(self.pay_to).await?))
    }

    /// Runs `work` and requires that it moved exactly `amount` from the payer to the service.
    async fn moving(&self, amount: u64, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
        let (payer, service) = self.balances().await?;
        let outcome = work.await;
        let (payer_after, service_after) = self.balances().await?;
        outcome?;
        anyhow::ensure!(
            payer - payer_after == U256::from(amount),
            "the payer paid {} instead of {amount}",
            payer - payer_after
        );
        anyhow::ensure!(service_after - service == U256::from(amount), "the service got {}", service_after - service);
        Ok(())
    }
}
