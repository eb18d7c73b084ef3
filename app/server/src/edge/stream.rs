//! A socket that gives up a peer which does not take what it is sent, and says when bytes came.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::pace::{Floor, Pace};
use super::watch::Watch;

/// The socket of one connection.
pub struct Stream<S> {
    socket: S,
    watch: Arc<Watch>,
    floor: Floor,
    /// Progress while the peer does not take all that it could.
    behind: Option<(Pace, Pin<Box<Sleep>>)>,
}

impl<S> Stream<S> {
    /// Wraps a socket.
    pub fn new(socket: S, watch: Arc<Watch>, floor: Floor) -> Self {
        Self { socket, watch, floor, behind: None }
    }

    /// Judges an attempt to write `wanted` bytes.
    fn wrote(
        &mut self,
        context: &mut Context<'_>,
        wanted: usize,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = &outcome
            && *count >= wanted
        {
            self.behind = None;
            return outcome;
        }
        let floor = self.floor;
        let (pace, timer) = self.behind.get_or_insert_with(|| {
            let pace = Pace::new(floor, Instant::now());
            let timer = Box::pin(sleep_until(pace.end()));
            (pace, timer)
        });
        if let Poll::Ready(Ok(count)) = &outcome {
            pace.moved(*count);
        }
        while timer.as_mut().poll(context).is_ready() {
            if pace.is_too_slow(Instant::now()) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            timer.as_mut().reset(pace.end());
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.socket).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.watch.bytes_came(Instant::now());
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.wrote(context, bytes.len(), outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.wrote(context, slices.iter().map(|slice| slice.len()).sum(), outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const FLOOR: Floor = Floor { window: Duration::from_secs(20), bytes: 1000 };

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_or_hardly_reads_is_given_up() {
        for (every, takes) in [(3600, 1), (1, 10)] {
            let (near, mut far) = tokio::io::duplex(64);
            let mut stream = Stream::new(near, Arc::new(Watch::new(Instant::now())), FLOOR);
            let reading = tokio::spawn(async move {
                let mut bytes = vec![0; takes];
                loop {
                    tokio::time::sleep(Duration::from_secs(every)).await;
                    if far.read_exact(&mut bytes).await.is_err() {
                        return;
                    }
                }
            });
            let started = Instant::now();
            let error = stream.write_all(&[0; 100_000]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert!(started.elapsed() < Duration::from_secs(45), "{:?}", started.elapsed());
            drop(stream);
            reading.abort();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_slowly_but_enough_gets_everything() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut stream = Stream::new(near, Arc::new(Watch::new(Instant::now())), FLOOR);
        let reading = tokio::spawn(async move {
            let mut got = 0;
            let mut bytes = [0; 64];
            while got < 10_000 {
                tokio::time::sleep(Duration::from_millis(500)).await;
                got += far.read(&mut bytes).await.unwrap();
            }
            got
        });
        stream.write_all(&[0; 10_000]).await.unwrap();
        assert_eq!(reading.await.unwrap(), 10_000);
    }
}
