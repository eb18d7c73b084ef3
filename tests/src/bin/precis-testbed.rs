//! `precis-testbed`: the real server with parts that fail on demand. Reads what `precis-server` reads, and `TESTBED_…`.
//!
//! The models are a stand-in; `TESTBED_KILL` names a transition of the ledger at which the process kills itself;
//! `TESTBED_CLOCK_OFFSET` makes its clock wrong. Only for tests.

use std::process::ExitCode;

use precis_server::{config, exit, serve, telemetry};
use precis_tests::testbed::parts::parts;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("precis-testbed: {error:#}");
            ExitCode::from(exit::code(&error))
        }
    }
}

fn run() -> anyhow::Result<()> {
    telemetry::init();
    let installed = rustls::crypto::ring::default_provider().install_default();
    anyhow::ensure!(installed.is_ok(), "a TLS provider was installed twice");
    let (settings, parts) = (config::load(None)?, parts()?);
    tokio::runtime::Runtime::new()?.block_on(serve::run(settings, parts))
}
