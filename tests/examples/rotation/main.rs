//! The long run of keysets: `rotation [SECONDS]`. Started by scripts/soak-rotation; prints figures, fails on a failure.
#![allow(clippy::print_stdout)]

use std::time::Duration;

use anyhow::Context as _;
use precis_tests::testbed::rotation::{KEYSET_SECONDS, Plan, rotate, settings};
use precis_tests::testbed::town::Town;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let seconds =
        std::env::args().nth(1).map_or(Ok(600), |text| text.parse::<u64>()).context("SECONDS is not a number")?;
    let town = Town::start(&[], &settings()).await?;
    town.boot(None).await?;
    let figures = rotate(&town, Plan::Lasting(Duration::from_secs(seconds))).await?;
    println!("{figures}");
    anyhow::ensure!(figures.failures.is_empty(), "something failed");
    // Each comes into force when half of the one before is over.
    let least = seconds / u64::from(KEYSET_SECONDS) + 1;
    anyhow::ensure!(figures.keysets as u64 >= least, "{} keysets in {seconds} s", figures.keysets);
    Ok(())
}
