//! Faults around chain, disk and process. After each, the auditor finds one story in ledger, chain and answers.
#![allow(clippy::unwrap_used, clippy::panic)]

mod circle;
mod clock;
mod disk;
mod facilitator;
mod lag;
mod matrix;
mod money;
mod node;
mod rollback;
mod scenarios;
mod soak;
mod steps;
mod unattended;
mod upfront;
mod wallet;

use std::sync::Arc;

use anyhow::ensure;
use precis_server::http::ledger::Entry;
use precis_tests::audit::Violation;
use precis_tests::testbed::town::Town;
use steps::{Play, Step};

/// How a flow is chosen: by how long work may take before it is paid first.
const FLOWS: [(&str, &str); 2] = [("authorization", "1000000s"), ("upfront", "0s")];

/// A devnet with settings for testbeds that do not wait long.
async fn town(arguments: &[&str]) -> anyhow::Result<Arc<Town>> {
    Ok(Arc::new(Town::start(arguments, &[("PRECIS_PAYMENT__NETWORK__0__CONFIRM_WITHIN", "1s")]).await?))
}

fn none(violations: &[Violation]) -> anyhow::Result<()> {
    ensure!(violations.is_empty(), "{}", violations.iter().map(|v| format!("\n  {v}")).collect::<String>());
    Ok(())
}

/// Carries out `steps` on a new ledger, brings everything to an end, audits it, and returns how the last order ended.
async fn ends(town: &Arc<Town>, flow: &str, steps: &[Step]) -> anyhow::Result<Option<Entry>> {
    let (_, upfront) = FLOWS.into_iter().find(|(name, _)| *name == flow).unwrap();
    town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", upfront);
    let mut play = Play::begin(town, None).await?;
    play.play(steps).await?;
    none(&town.conclude(&play.orders).await?)?;
    let nonce = play.orders.last().unwrap().payload.payload.authorization.nonce.to_string();
    Ok(town.ledger().await?.into_iter().find(|entry| entry.nonce == nonce))
}

/// The same, with how it has to end.
async fn ends_as(town: &Arc<Town>, flow: &str, state: &str, steps: &[Step]) {
    let ended = ends(town, flow, steps).await.map(|entry| entry.map_or("unclaimed".into(), |entry| entry.state));
    let ended = ended.unwrap_or_else(|error| format!("{error:#}"));
    assert_eq!(ended, state, "{flow}, {steps:?}\n{}", town.log());
}
