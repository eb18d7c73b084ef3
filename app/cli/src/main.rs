//! `precis`: the command of those who pay for summaries, and of those who check the service before they trust it.

mod args;
mod bar;
mod clock;
mod commands;
mod documents;
mod exit;
mod grounding;
mod input;
mod interrupt;
mod joined;
mod money;
mod output;
mod page;
mod policy;
mod sources;

use std::process::ExitCode;

use clap::Parser as _;

use crate::exit::{Exit, Failure};

fn main() -> ExitCode {
    // Documents are parsed in a process of their own.
    if let Some(code) = precis_extract::sandbox::child_if_asked() {
        return code;
    }
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unusable(&error),
    };
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

/// Help and version are no errors. A usage error is written as every other error, for programs as well.
fn unusable(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && args::wants_json(std::env::args_os()) {
        let text = error.to_string();
        let what = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
        output::Output::new(args::Format::Json).failure(&Failure::usage(format!("{what}; see precis --help")));
    } else {
        // A closed stream leaves nobody to tell.
        let _ = error.print();
    }
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
    exit.into()
}

fn run(cli: args::Cli, output: output::Output) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Unavailable, format!("the system refuses what the command needs ({e})")))?;
    runtime.block_on(commands::run(cli.command, output))
}
