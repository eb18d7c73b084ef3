//! `precis`: the command of those who pay for summaries, and of those who check the service before they trust it.

mod args;
mod commands;
mod exit;
mod grounding;
mod input;
mod output;
mod policy;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser as _;

use crate::exit::{Exit, Failure};

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let output = output::Output::new(cli.command.format());
    precis_client::install_tls_provider();
    match run(cli, output) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}

fn run(cli: args::Cli, output: output::Output) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| Failure {
        exit: Exit::Unavailable,
        message: format!("the system refuses what the command needs ({e})"),
        transcript: None,
        job: None,
    })?;
    runtime.block_on(commands::run(cli.command, output))
}

/// The clock, in Unix seconds. Before 1970 it reads zero, which fails every check that has a date.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
