//! A way to an endpoint that can be closed and opened.

use anyhow::Context as _;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A relay on loopback. Stops when dropped.
pub struct Gate {
    /// Where it listens.
    pub address: SocketAddr,
    open: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Gate {
    /// Opens one before the endpoint of an `http` URL, and gives the URL that leads through it.
    ///
    /// # Errors
    /// If it cannot listen, or the URL has no address.
    pub async fn before(url: &str) -> anyhow::Result<(Self, String)> {
        let rest = url.strip_prefix("http://").context("not an http URL")?;
        let target = rest.split('/').next().unwrap_or_default().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (open, opened) = watch::channel(true);
        let through = url.replacen(&target, &address.to_string(), 1);
        let task = tokio::spawn(relay(listener, target, opened));
        Ok((Self { address, open, task }, through))
    }

    /// Lets no new connection through from now on, and cuts those that are there.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(listener: TcpListener, target: String, open: watch::Receiver<bool>) {
    while let Ok((mut near, _)) = listener.accept().await {
        if !*open.borrow() {
            continue;
        }
        let (target, mut closed) = (target.clone(), open.clone());
        tokio::spawn(async move {
            let Ok(mut far) = TcpStream::connect(target).await else { return };
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                _ = closed.wait_for(|open| !open) => {}
            }
        });
    }
}
