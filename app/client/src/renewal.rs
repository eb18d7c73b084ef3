//! A service replaces its keys now and then (SPEC 2.6). Whoever has verified it verifies it again, under the same policy, and
//! goes on as long as the terms are the same.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use precis_verify::VerifiedService;
use precis_verify::policy::Policy;

use crate::channel::ChannelChoice;
use crate::error::ClientError;
use crate::found::{Found, find};
use crate::online::Sources;
use crate::transport::Transport;

/// What verified a service, and what it was found to be last.
pub(crate) struct Renewal {
    policy: Policy,
    sources: Sources,
    /// Unix seconds by the caller's clock, at that moment.
    verified_at: (u64, Instant),
    latest: Mutex<Arc<VerifiedService>>,
}

impl Renewal {
    /// Of a service that was verified at `now` (Unix seconds).
    pub(crate) fn new(service: VerifiedService, policy: &Policy, sources: Sources, now: u64) -> Self {
        let verified_at = (now, Instant::now());
        Self { policy: policy.clone(), sources, verified_at, latest: Mutex::new(Arc::new(service)) }
    }

    /// The service as it was verified last.
    pub(crate) fn latest(&self) -> Arc<VerifiedService> {
        Arc::clone(&self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Verifies the service again. Nothing but a random nonce is sent.
    ///
    /// # Errors
    /// [`ClientError::CannotVerify`] when it is no longer what the policy allows, or has other terms: then the caller must look
    /// at it anew.
    pub(crate) async fn renew(&self, transport: &Transport) -> Result<Arc<VerifiedService>, ClientError> {
        // The key of a plain connection was judged before, and the transport talks to no other.
        let found: Found = find(transport, &self.sources, ChannelChoice::Encrypted).await?;
        let (then, since) = self.verified_at;
        let now = then.saturating_add(since.elapsed().as_secs());
        let service = found.appraise(&self.policy, now).service.ok_or_else(|| {
            ClientError::CannotVerify(
                "the service changed its keys and does not verify under the policy any more; verify it again to see why".into(),
            )
        })?;
        let before = self.latest();
        let terms = |service: &VerifiedService| (service.payments().to_vec(), service.tasks().clone());
        if terms(&service) != terms(&before) {
            return Err(ClientError::CannotVerify(
                "the service changed its tasks, its prices or its payee since it was verified; run the command again to see the new terms"
                    .into(),
            ));
        }
        let service = Arc::new(service);
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&service);
        Ok(service)
    }
}
