//! The `ohttp` streams, driven over memory. Nothing here ever waits: a stream that says `Pending` is an error.

use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::{AsyncRead, AsyncWrite};

pub(crate) type Reader = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// The stream failed; its own error says nothing that may be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamFailed;

/// Bytes in memory that one side writes and the other takes; shared, because the streams keep what they write to.
#[derive(Clone, Default)]
pub(crate) struct Pipe(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    read: usize,
}

impl Pipe {
    /// Makes room for what will be written.
    pub(crate) fn reserve(&self, additional: usize) {
        self.lock().bytes.reserve_exact(additional);
    }

    /// Replaces what there is to read.
    pub(crate) fn fill(&self, bytes: Vec<u8>) {
        *self.lock() = State { bytes, read: 0 };
    }

    /// Takes what was written.
    pub(crate) fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.lock()).bytes
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Pipe {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        let State { bytes, read } = &mut *state;
        let left = bytes.get(*read..).unwrap_or_default();
        let count = left.len().min(out.len());
        out[..count].copy_from_slice(&left[..count]);
        *read += count;
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.lock().bytes.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Reads a stream that must yield exactly `length` bytes. `slack` is room that lets the stream decrypt in place.
pub(crate) fn read_exactly(
    mut reader: impl AsyncRead + Unpin,
    length: usize,
    slack: usize,
) -> Result<Vec<u8>, StreamFailed> {
    let mut context = Context::from_waker(Waker::noop());
    let mut out = vec![0; length + slack];
    let mut filled = 0;
    loop {
        match Pin::new(&mut reader).poll_read(&mut context, &mut out[filled..]) {
            Poll::Ready(Ok(0)) => break,
            Poll::Ready(Ok(count)) => filled += count,
            Poll::Ready(Err(_)) | Poll::Pending => return Err(StreamFailed),
        }
        if filled > length {
            return Err(StreamFailed);
        }
    }
    if filled != length {
        return Err(StreamFailed);
    }
    out.truncate(length);
    Ok(out)
}

/// Writes all of `bytes` and the end of the stream.
pub(crate) fn write_all(mut writer: impl AsyncWrite + Unpin, mut bytes: &[u8]) -> Result<(), StreamFailed> {
    let mut context = Context::from_waker(Waker::noop());
    while !bytes.is_empty() {
        match Pin::new(&mut writer).poll_write(&mut context, bytes) {
            Poll::Ready(Ok(count)) if count > 0 => bytes = bytes.get(count..).ok_or(StreamFailed)?,
            Poll::Ready(_) | Poll::Pending => return Err(StreamFailed),
        }
    }
    match Pin::new(&mut writer).poll_close(&mut context) {
        Poll::Ready(Ok(())) => Ok(()),
        Poll::Ready(Err(_)) | Poll::Pending => Err(StreamFailed),
    }
}
