//! `precis-server`: parse the environment, start, serve until told to stop; or tell the operator of the ledger.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use precis_server::boot::Parts;
use precis_server::config::Config;
use precis_server::{exit, model_command, operator, redact, reproduce, serve, telemetry};

/// Confidential, paid document summaries inside a TEE.
#[derive(Parser)]
#[command(name = "precis-server", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Payments and what became of them, asked of the running server.
    Ledger {
        /// The server's internal address.
        #[arg(long, env = "PRECIS_INTERNAL_URL", default_value = "http://127.0.0.1:8081")]
        internal: String,
        #[command(subcommand)]
        operation: operator::Operation,
    },
    /// The models: which there are, what a file adds, how fast they are here.
    Model {
        #[command(subcommand)]
        operation: model_command::Operation,
    },
    /// Makes a disputed summary again, from its receipt and its document, and compares.
    #[command(after_help = reproduce::EXIT_CODES)]
    Reproduce(reproduce::Arguments),
}

fn main() -> ExitCode {
    // Documents are parsed in a process of their own.
    if let Some(code) = precis_extract::sandbox::child_if_asked() {
        return code;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Nobody wrote a command line, so that a setting is wrong.
        Err(error) if error.use_stderr() && std::env::args_os().len() <= 1 => {
            // A closed stream leaves nobody to tell.
            _ = error.print();
            return ExitCode::from(exit::CONFIG);
        }
        Err(error) => error.exit(),
    };
    match arguments.command {
        Some(Command::Model { operation }) => return model_command::run(operation),
        Some(Command::Reproduce(arguments)) => return reproduce::run(&arguments),
        _ => {}
    }
    telemetry::init();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::error!(event = "boot.failed", why = "a TLS provider was installed twice");
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(event = "boot.failed", why = %error);
            return ExitCode::FAILURE;
        }
    };
    if let Some(Command::Ledger { internal, operation }) = arguments.command {
        return match runtime.block_on(operator::run(operation, &internal)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("precis-server: {error:#}");
                ExitCode::FAILURE
            }
        };
    }
    if let Err(error) = Config::check_environment() {
        tracing::error!(event = "config.refused", why = %error);
        return ExitCode::from(exit::CONFIG);
    }
    let settings = match arguments.config.validate() {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!(event = "config.refused", why = %error);
            return ExitCode::from(exit::CONFIG);
        }
    };
    match runtime.block_on(serve::run(settings, Parts::default())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(event = "serve.failed", why = redact::urls(&format!("{error:#}")));
            ExitCode::from(exit::code(&error))
        }
    }
}
