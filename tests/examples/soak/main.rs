//! The long run: `soak [SEED] [PAYMENTS]`. Started by scripts/soak; prints figures, fails if
//! anything is wrong: the auditor finds something, a receipt does not verify, a kind of fault never happened.
#![allow(clippy::print_stdout)]

use anyhow::Context as _;
use precis_tests::testbed::soak::{Plan, soak};

/// Payers at a time.
const PAYERS: u64 = 12;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |what: &str, other: u64| {
        arguments.next().map_or(Ok(other), |text| text.parse().with_context(|| format!("{what} is not a number")))
    };
    let (seed, payments) = (number("SEED", 1)?, number("PAYMENTS", 3_000)?);
    println!("seed             {seed}");
    let figures = soak(Plan { seed, payments, payers: PAYERS }).await?;
    println!("{figures}");
    anyhow::ensure!(figures.wrong().is_empty(), "something is wrong");
    Ok(())
}
