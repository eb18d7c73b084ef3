//! `precis-server`: read the settings, start, serve until told to stop; or tell the operator of the ledger.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use precis_server::boot::Parts;
use precis_server::{config, exit, model_command, operator, redact, reproduce, serve, telemetry};

/// Confidential, paid document summaries inside a TEE.
///
/// Settings are read from one TOML file: the one of `--config`, or of PRECIS_CONFIG_FILE, or the text in PRECIS_CONFIG. Variables
/// override them: PRECIS_PAYMENT__NETWORK__0__PAY_TO is `pay_to` of the first [[payment.network]]. `precis-server settings` lists
/// them all.
#[derive(Parser)]
#[command(name = "precis-server", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// TOML file with the settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Prints every setting with its type, default and meaning, as Markdown.
    Settings,
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
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Settings) => return print(&config::documentation()),
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
    let settings = match config::load(arguments.config.as_deref()) {
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

fn print(text: &str) -> ExitCode {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
