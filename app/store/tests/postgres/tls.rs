//! Over the network: nothing but a verified server, unless that was asked for.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

async fn through(url: &str, roots: &str) -> Result<Shared, LedgerError> {
    Ok(Arc::new(PostgresLedger::connect_with_roots(url, roots.as_bytes(), SealingKey::new(KEY)).await?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_network_the_server_must_have_the_certificate() {
    let (authority, stranger) = (authority(), authority());
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&key, &authority).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = ["ssl=on", "listen_addresses=127.0.0.1", &format!("port={port}")].map(String::from);
    let prepare = |data: &std::path::Path| {
        std::fs::write(data.join("server.crt"), certificate.pem()).unwrap();
        std::fs::write(data.join("server.key"), key.serialize_pem()).unwrap();
        std::fs::set_permissions(data.join("server.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    let Some(_server) = Server::start_with(&settings, prepare) else { return };
    let at = |host: &str, mode: &str| format!("postgresql://{USER}@{host}:{port}/postgres{mode}");
    let refused = |result: Result<Shared, LedgerError>| matches!(result, Err(LedgerError::Unsuitable(_)));

    let client = sql(&at("127.0.0.1", "?sslmode=disable")).await;
    for mode in ["", "?sslmode=require", "?sslmode=verify-full"] {
        let ledger = through(&at("localhost", mode), &authority.pem()).await.unwrap();
        ledger.unfinished().await.unwrap();
        let query = "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
            WHERE application_name = 'precis'";
        let row = client.query_one(query, &[]).await.unwrap();
        let (all, encrypted): (i64, i64) = (row.get(0), row.get(1));
        assert!(all > 0 && all == encrypted, "{encrypted} of {all} sessions");

        assert!(refused(open(&at("localhost", mode)).await), "trusted by nobody");
        assert!(refused(through(&at("localhost", mode), &stranger.pem()).await), "of another authority");
        assert!(refused(through(&at("127.0.0.1", mode), &authority.pem()).await), "by another name");
    }

    // A server without TLS is refused too, and taken only on request.
    client.batch_execute("ALTER SYSTEM SET ssl = off").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let begun = Instant::now();
    while through(&at("localhost", ""), &authority.pem()).await.is_ok() {
        assert!(begun.elapsed() < PATIENCE, "the server does not take its new settings");
    }
    assert!(refused(through(&at("localhost", ""), &authority.pem()).await));
    open(&at("localhost", "?sslmode=disable")).await.unwrap();
}
