//! Whether the service would take a request, and what it waits for otherwise.

use std::fmt::Display;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use crate::service::Service;

/// First pause between tries; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Shared by boot and every route.
#[derive(Default)]
pub struct Readiness {
    service: OnceLock<Arc<Service>>,
    waiting: RwLock<String>,
}

impl Readiness {
    /// The service once it is ready.
    ///
    /// # Errors
    /// What is waited for, as one sentence for people.
    pub fn service(&self) -> Result<Arc<Service>, String> {
        self.service.get().cloned().ok_or_else(|| {
            let waiting = self.waiting.read().unwrap_or_else(PoisonError::into_inner);
            if waiting.is_empty() { "starting".to_owned() } else { waiting.clone() }
        })
    }

    /// Opens the routes.
    pub fn ready(&self, service: Arc<Service>) {
        tracing::info!(event = "boot.ready", keyset = %service.identity.keyset_digest);
        // Boot runs once, so the cell is empty.
        _ = self.service.set(service);
    }

    /// Says what is waited for.
    pub fn waiting(&self, what: &str, why: &dyn Display) {
        tracing::warn!(event = "boot.waiting", what, why = %why);
        *self.waiting.write().unwrap_or_else(PoisonError::into_inner) = format!("{what}: {why}");
    }

    /// Tries until it works, saying what is waited for and why.
    pub async fn until<T, E: Display>(&self, what: &str, mut attempt: impl AsyncFnMut() -> Result<T, E>) -> T {
        let mut pause = FIRST_PAUSE;
        loop {
            match attempt().await {
                Ok(value) => return value,
                Err(why) => self.waiting(what, &why),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
