//! A relay in front of the service that can cut a connection in the middle of an answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Relays to `service`. Once `cut` is set, the next answer is cut short and its connection closed.
pub(super) async fn relay(service: SocketAddr, cut: Arc<AtomicBool>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let upstream = TcpStream::connect(service).await.unwrap();
            tokio::spawn(connection(client, upstream, cut.clone()));
        }
    });
    (address, task)
}

async fn connection(client: TcpStream, upstream: TcpStream, cut: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_service, mut to_service) = upstream.into_split();
    let requests = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_service).await;
    });
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = from_service.read(&mut buffer).await.unwrap_or(0);
        let cut = cut.swap(false, Ordering::SeqCst) && read > 0;
        let written = if cut { read - read / 3 } else { read };
        if read == 0 || to_client.write_all(&buffer[..written]).await.is_err() || cut {
            break;
        }
    }
    requests.abort();
}
