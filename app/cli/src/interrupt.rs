//! SIGINT and SIGTERM: a purchase that is interrupted says what is signed before it ends.

use std::future::Future;

use crate::exit::{Exit, Failure};

/// The signals, held back from the system's own way of ending the process.
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Holds the signals back. From here on only [`Signals::interrupt`] ends on them.
    ///
    /// # Errors
    /// A [`Failure`] when the system refuses.
    pub fn hold() -> Result<Self, Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let refused = |e: std::io::Error| {
                Failure::new(Exit::Unavailable, format!("the system refuses what the command needs ({e})"))
            };
            Ok(Self {
                interrupt: signal(SignalKind::interrupt()).map_err(refused)?,
                terminate: signal(SignalKind::terminate()).map_err(refused)?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Runs `work` until it ends or a signal comes.
    ///
    /// # Errors
    /// That of `work`, or a [`Failure`] with the exit code of the signal.
    pub async fn interrupt<T>(&mut self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        #[cfg(unix)]
        {
            let interrupted = |exit| Err(Failure::new(exit, "interrupted"));
            tokio::select! {
                ended = work => ended,
                _ = self.interrupt.recv() => interrupted(Exit::Interrupted),
                _ = self.terminate.recv() => interrupted(Exit::Terminated),
            }
        }
        #[cfg(not(unix))]
        work.await
    }
}
