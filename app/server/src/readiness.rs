//! Whether the service would take a request, and what it waits for otherwise.

use std::fmt::Display;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use crate::redact;
use crate::service::Service;

/// First pause between tries; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Shared by boot and every route.
#[derive(Default)]
pub struct Readiness {
    service: OnceLock<Arc<Service>>,
    waiting: RwLock<Waiting>,
}

/// A step of boot that waits for something.
#[derive(Clone, Default)]
struct Waiting {
    step: &'static str,
    why: String,
}

impl Readiness {
    /// The service once it is ready.
    ///
    /// # Errors
    /// The step that boot has come to: fit for anybody.
    pub fn service(&self) -> Result<Arc<Service>, &'static str> {
        self.service.get().cloned().ok_or_else(|| match self.waiting().step {
            "" => "starting",
            step => step,
        })
    }

    /// What is waited for and why, for the operator.
    pub fn waiting_for(&self) -> String {
        match self.waiting() {
            Waiting { step: "", .. } => "starting".into(),
            Waiting { step, why } => format!("{step}: {why}"),
        }
    }

    fn waiting(&self) -> Waiting {
        self.waiting.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens the routes.
    pub fn ready(&self, service: Arc<Service>) {
        tracing::info!(event = "boot.ready", keyset = %service.identity.current().keyset_digest);
        // Boot runs once, so the cell is empty.
        _ = self.service.set(service);
    }

    /// Says what is waited for.
    fn wait_for(&self, step: &'static str, why: &dyn Display) {
        let why = redact::urls(&why.to_string());
        tracing::warn!(event = "boot.waiting", what = step, why);
        *self.waiting.write().unwrap_or_else(PoisonError::into_inner) = Waiting { step, why };
    }

    /// Tries until it works, saying what is waited for and why.
    pub async fn until<T, E: Display>(&self, step: &'static str, mut attempt: impl AsyncFnMut() -> Result<T, E>) -> T {
        let mut pause = FIRST_PAUSE;
        loop {
            match attempt().await {
                Ok(value) => return value,
                Err(why) => self.wait_for(step, &why),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
