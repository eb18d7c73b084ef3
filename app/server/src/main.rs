//! `precis-server`: parse the environment, start, serve until told to stop.

use std::process::ExitCode;

use clap::Parser as _;
use precis_server::{config::Config, serve, telemetry};

/// Exit code for a configuration that cannot work (sysexits EX_CONFIG).
const EXIT_CONFIG: u8 = 78;

fn main() -> ExitCode {
    let config = Config::parse();
    telemetry::init();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::error!(event = "boot.failed", why = "a TLS provider was installed twice");
        return ExitCode::FAILURE;
    }
    let settings = match config.validate() {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!(event = "config.refused", why = %error);
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(event = "boot.failed", why = %error);
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(serve::run(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(event = "serve.failed", why = %format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
