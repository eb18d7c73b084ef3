//! The address, TLS and the pool.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::LedgerError;

/// Connections of one process. Calls take milliseconds; what waits beyond these waits its turn.
const CONNECTIONS: usize = 8;
/// To be given one of them.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);
/// To reach one address of the server, unless `connect_timeout` says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// To reach, greet and log in, over all addresses.
const CREATE_TIMEOUT: Duration = Duration::from_secs(15);
/// For a connection to show that it still lives.
const RECYCLE_TIMEOUT: Duration = Duration::from_secs(5);
/// After which what was sent without an answer from the peer's machine ends the connection.
const SILENCE: Duration = Duration::from_secs(15);

/// Of every session. Commits are on disk when they return, whatever the server's default; nothing waits without end, also if we vanish; and each
/// statement sees what was committed before it, which the locking here is made for.
const SESSION: &str = "-c synchronous_commit=on -c statement_timeout=20s -c lock_timeout=10s \
    -c idle_in_transaction_session_timeout=30s -c default_transaction_isolation=read\\ committed";

pub(super) fn pool(url: &str, roots: Option<&[u8]>) -> Result<Pool, LedgerError> {
    let config = configuration(url)?;
    // Each connection is tried before it is given out: one that died since the last call is replaced and never fails a call.
    let manager = ManagerConfig { recycling_method: RecyclingMethod::Verified };
    let manager = Manager::from_config(config, tls(roots)?, manager);
    Pool::builder(manager)
        .max_size(CONNECTIONS)
        .wait_timeout(Some(WAIT_TIMEOUT))
        .create_timeout(Some(CREATE_TIMEOUT))
        .recycle_timeout(Some(RECYCLE_TIMEOUT))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|_| LedgerError::Unsuitable("no pool of connections"))
}

fn configuration(url: &str) -> Result<Config, LedgerError> {
    // Where TLS is used at all it is verified whole, which is libpq's verify-full and a mode that the library has no name for.
    let url = url.replace("sslmode=verify-full", "sslmode=require");
    let mut config: Config = url.parse().map_err(|_| LedgerError::Unsuitable("its address cannot be read"))?;
    let on_network =
        !config.get_hostaddrs().is_empty() || config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)));
    // Without this, a man in the middle would decide whether there is TLS.
    if config.get_ssl_mode() != SslMode::Disable {
        config.ssl_mode(if on_network { SslMode::Require } else { SslMode::Disable });
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    let options = config.get_options().map_or_else(|| SESSION.to_owned(), |given| format!("{given} {SESSION}"));
    config.options(options);
    config.keepalives_idle(SILENCE);
    config.tcp_user_timeout(SILENCE);
    // A standby lags behind, and what it lacks would be claimed again.
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    config.application_name("precis");
    Ok(config)
}

fn tls(roots: Option<&[u8]>) -> Result<MakeRustlsConnect, LedgerError> {
    let mut store = match roots {
        None => precis_tls::web_roots(),
        Some(_) => RootCertStore::empty(),
    };
    for certificate in roots.into_iter().flat_map(CertificateDer::pem_slice_iter) {
        certificate
            .ok()
            .and_then(|certificate| store.add(certificate).ok())
            .ok_or(LedgerError::Unsuitable("a root certificate cannot be read"))?;
    }
    if store.is_empty() {
        return Err(LedgerError::Unsuitable("there is no root certificate"));
    }
    let config = precis_tls::client_config(store).map_err(|_| LedgerError::Unsuitable("no TLS version"))?;
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_a_socket_or_an_explicit_word_goes_without_tls() {
        for (url, mode) in [
            ("postgresql://ledger@db.example/precis", SslMode::Require),
            ("postgresql://ledger@db.example/precis?sslmode=prefer", SslMode::Require),
            ("postgresql://ledger@db.example/precis?sslmode=require", SslMode::Require),
            ("postgresql://ledger@db.example/precis?sslmode=verify-full", SslMode::Require),
            ("host=db.example user=ledger sslmode=verify-full", SslMode::Require),
            ("hostaddr=192.0.2.1 user=ledger", SslMode::Require),
            ("postgresql://ledger@db.example/precis?sslmode=disable", SslMode::Disable),
            ("postgresql://ledger@/precis?host=/run/postgresql", SslMode::Disable),
            ("host=/run/postgresql,db.example user=ledger", SslMode::Require),
        ] {
            assert_eq!(configuration(url).unwrap().get_ssl_mode(), mode, "{url}");
        }
    }

    #[test]
    fn commits_are_durable_and_waits_bounded_whatever_the_address_says() {
        let config =
            configuration("host=/run user=ledger options='-c synchronous_commit=off -c work_mem=1MB'").unwrap();
        // The server takes the last word on each.
        assert_eq!(config.get_options().unwrap(), format!("-c synchronous_commit=off -c work_mem=1MB {SESSION}"));
        assert!(config.get_connect_timeout().is_some());
    }

    #[test]
    fn an_address_or_a_root_that_cannot_be_read_is_refused() {
        assert!(matches!(configuration("postgresql://db:port/x"), Err(LedgerError::Unsuitable(_))));
        assert!(matches!(configuration("host=db sslmode=maybe"), Err(LedgerError::Unsuitable(_))));
        for pem in [&b""[..], b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(tls(Some(pem)), Err(LedgerError::Unsuitable(_))));
        }
        assert!(tls(None).is_ok());
    }
}
