//! Binds, serves, and drains on a signal.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpSocket};

use crate::boot::{self, Parts};
use crate::config::Settings;
use crate::edge::{Edge, Front, TrustedProxies};
use crate::readiness::Readiness;
use crate::{drain, routes};

/// Connections that wait to be accepted; the kernel may allow fewer (`net.core.somaxconn`). One that finds no room comes again
/// after a second, so that a crowd at the door would cost everybody that.
const BACKLOG: u32 = 4096;
/// How long requests in work may take to end once the jobs have.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves until SIGTERM or SIGINT. The routes answer from the start; until boot has ended they say what is waited for.
///
/// # Errors
/// When an address cannot be bound, or the model or the ledger cannot be opened.
pub async fn run(settings: Settings, parts: Parts) -> anyhow::Result<()> {
    let public = listen(settings.config.listen)?;
    let internal = listen(settings.config.internal_listen)?;
    let (public_address, internal_address) = (public.local_addr()?, internal.local_addr()?);
    if let Some(path) = &settings.config.address_file {
        write_addresses(path, public_address, internal_address)?;
    }
    tracing::info!(event = "serve.listening", public = %public_address, internal = %internal_address);

    let readiness = Arc::new(Readiness::default());
    let trusted = TrustedProxies::new(settings.config.trusted_proxies.clone());
    let limits = parts.edge.clone();
    let edge = Arc::new(Edge::new(limits.clone(), trusted.clone()).context("threads that read requests")?);
    let routes = routes::public(Arc::clone(&readiness), &edge);
    let mut public = Front::open("public", public, routes, limits.public, trusted);
    let routes = routes::internal(Arc::clone(&readiness));
    let mut internal = Front::open("internal", internal, routes, limits.internal, TrustedProxies::default());
    let longest = Duration::from_secs(settings.config.drain_seconds);
    let mut boot = std::pin::pin!(boot::run(settings, parts, public_address, &readiness));
    let outcome = tokio::select! {
        failed = &mut boot => failed,
        () = public.ended() => Err(anyhow::anyhow!("the public listener ended")),
        () = internal.ended() => Err(anyhow::anyhow!("the internal listener ended")),
        () = signal() => Ok(()),
    };
    tracing::info!(event = "serve.draining");
    if let (Ok(()), Ok(service)) = (&outcome, readiness.service()) {
        // What was started at boot goes on meanwhile: keysets are replaced, chain and ledger are watched.
        tokio::select! {
            unfinished = drain::drain(&service, longest) => tracing::info!(event = "serve.drained", unfinished),
            // Whoever signals twice does not want to wait.
            () = signal() => tracing::warn!(event = "serve.hurried", unfinished = service.flights.names().len()),
            _ = &mut boot => {}
        }
    }
    public.stop_accepting();
    let answered = public.drained(DRAIN).await;
    internal.stop_accepting();
    tracing::info!(event = "serve.stopped", answered);
    outcome
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A port whose earlier connections are not forgotten yet is free all the same.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().with_context(|| format!("bind {address}"))
}

async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        }
        // Without handlers the default action ends the process, which the ledger survives.
        _ => std::future::pending().await,
    }
}

fn write_addresses(path: &Path, public: SocketAddr, internal: SocketAddr) -> anyhow::Result<()> {
    let text = format!("PRECIS_URL=http://{public}\nPRECIS_INTERNAL_URL=http://{internal}\n");
    let part = path.with_extension("part");
    std::fs::write(&part, text)
        .and_then(|()| std::fs::rename(&part, path))
        .with_context(|| format!("write {}", path.display()))
}
