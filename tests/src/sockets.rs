//! Raw sockets, as somebody speaks who does not want to be served.

use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::process::PATIENCE;

/// A connection to the host and port of an origin.
///
/// # Errors
/// If there is none.
pub async fn connect(origin: &str) -> anyhow::Result<TcpStream> {
    let address = origin.strip_prefix("http://").context("origin")?;
    TcpStream::connect(address).await.context("connect")
}

/// A connection on which `bytes` were sent.
///
/// # Errors
/// If they cannot be sent.
pub async fn sent(origin: &str, bytes: &[u8]) -> anyhow::Result<TcpStream> {
    let mut socket = connect(origin).await?;
    socket.write_all(bytes).await?;
    Ok(socket)
}

/// Everything that comes until the other side closes.
///
/// # Errors
/// If it does not close.
pub async fn until_closed(mut socket: impl AsyncRead + Unpin) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    match tokio::time::timeout(PATIENCE, socket.read_to_end(&mut bytes)).await {
        // A reset is an end, too.
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(_) => anyhow::bail!("not closed in {PATIENCE:?}"),
    }
}

/// Whether the other side has closed, as far as that can be seen within `glance`.
pub async fn is_closed(socket: &mut TcpStream, glance: Duration) -> bool {
    let mut byte = [0];
    matches!(tokio::time::timeout(glance, socket.read(&mut byte)).await, Ok(Ok(0) | Err(_)))
}

/// Head of a `POST` that announces `length` bytes.
#[must_use]
pub fn post(path: &str, media_type: &str, length: usize) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: precis.invalid\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
    )
    .into_bytes()
}
