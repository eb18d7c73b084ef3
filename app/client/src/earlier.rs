//! A job that was settled before the service restarted is delivered with the receipt of the boot that settled it (SPEC 3.5). That boot is
//! judged by the attestation kept of it, under the same policy, as at the time of the receipt. That time is the word of a boot that is
//! gone, under collateral of then: it must not lie before the payment was signed.

use std::borrow::Cow;

use alloy_primitives::U256;
use bytes::Bytes;
use precis_protocol::receipt::SignedReceipt;
use precis_protocol::{headers, limits};
use precis_verify::{CLOCK_TOLERANCE_SECONDS, VerifiedService, verify_archived};

use crate::error::ClientError;
use crate::judge::Payment;
use crate::session::Session;
use crate::terms::MAX_AUTHORIZATION_SECONDS;

impl Session {
    /// The verified service whose keys signed a receipt: this boot of it, or an earlier one.
    ///
    /// # Errors
    /// [`ClientError::Receipt`] with the transcript when the earlier boot is not what the policy allows.
    pub(crate) async fn signed_by(
        &self,
        receipt: &[u8],
        payment: &Payment,
    ) -> Result<Cow<'_, VerifiedService>, ClientError> {
        let receipt =
            SignedReceipt::parse(receipt).map_err(|_| ClientError::malformed("the receipt cannot be read"))?.receipt;
        if receipt.keyset_digest == self.service.keyset_digest() {
            return Ok(Cow::Borrowed(&self.service));
        }
        let latest = self.exchange.latest();
        if receipt.keyset_digest == latest.keyset_digest() {
            return Ok(Cow::Owned(VerifiedService::clone(&latest)));
        }
        if receipt.issued_at < signed_after(payment).saturating_sub(CLOCK_TOLERANCE_SECONDS) {
            return Err(ClientError::malformed(
                "the receipt is of an earlier boot, and dated before the payment was signed",
            ));
        }
        let uri = format!("{}?keyset={}", headers::ATTESTATION_PATH, receipt.keyset_digest);
        let request = http::Request::get(uri)
            .body(Bytes::new())
            .map_err(|_| ClientError::malformed("the receipt names no keyset that can be asked for"))?;
        let answer = self.exchange.send(request).await?;
        if answer.status() != http::StatusCode::OK || answer.body().len() > limits::MAX_ATTESTATION_BYTES {
            return Err(ClientError::malformed(
                "the receipt is of an earlier boot of the service, which keeps no attestation of it",
            ));
        }
        let appraisal = verify_archived(answer.body(), &self.policy, receipt.issued_at);
        appraisal.service.map(Cow::Owned).ok_or_else(|| ClientError::Receipt(Box::new(appraisal.transcript)))
    }
}

/// A time that the payment was not signed before, Unix seconds: no authorization of ours lives longer than an hour.
fn signed_after(payment: &Payment) -> u64 {
    let until = payment.payload.payload.authorization.valid_before.min(U256::from(u64::MAX)).to::<u64>();
    until.saturating_sub(MAX_AUTHORIZATION_SECONDS)
}
