//! One file for each command; what they share stands in [`reach`] and [`order`].

mod buyer;
mod embed;
mod order;
mod policy;
mod quote;
mod reach;
mod receipt;
mod report;
mod rerank;
mod several;
mod summarize;
mod summary;
mod verify;

use crate::args::{Command, PolicyCommand, ReceiptCommand};
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Runs a command.
///
/// # Errors
/// A [`Failure`] that says how the process ends and why.
pub async fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Verify(args) => verify::run(&args, output).await,
        Command::Quote(args) => quote::run(&args, output).await,
        Command::Summarize(args) => summarize::run(&args, output).await,
        Command::Embed(args) => embed::run(&args, output).await,
        Command::Rerank(args) => rerank::run(&args, output).await,
        Command::Receipt(ReceiptCommand::Verify(args)) => receipt::verify(&args, output).await,
        Command::Policy(PolicyCommand::FromRelease(args)) => policy::from_release(&args, output),
    }
}
