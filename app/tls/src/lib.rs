//! The one TLS configuration of the service's outgoing connections: payment chain, facilitator, Oasis, Intel, database.
//!
//! Its trust roots are compiled in: the image needs no certificate files, and what is trusted is part of what is measured.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// The roots of the web, as Mozilla trusts them.
#[must_use]
pub fn web_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// A configuration that trusts `roots` alone and presents no certificate.
///
/// # Errors
/// None in practice: the provider has the default versions of TLS.
pub fn client_config(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

/// [`client_config`] with [`web_roots`], for HTTP: version 2 where the server has it, else 1.1.
///
/// # Errors
/// As [`client_config`].
pub fn http_config() -> Result<ClientConfig, rustls::Error> {
    let mut config = client_config(web_roots())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
