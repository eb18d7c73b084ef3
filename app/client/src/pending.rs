//! The unfinished payment, on disk before it is sent, so that a client that was killed retries the same payment and never signs a second one.
//!
//! The file lets whoever reads it take the payment to the service for the same request, so only its owner may read it.

use std::io;
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, U256};
use precis_payment::wire::{self, ExactPayload, PaymentPayload, PaymentRequired, Version2};
use precis_protocol::encoding::hex_array;
use precis_protocol::request::Commitment;
use precis_protocol::strict;
use serde::{Deserialize, Serialize};

use crate::error::ClientError;
use crate::files;
use crate::job::Job;

/// `version` of the file.
const VERSION: &str = "precis/pending: v1";
/// Longest file read, bytes.
const MAX_BYTES: usize = 256 * 1024;

/// A signed authorization for one request.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Pending {
    version: String,
    /// Commitment of the request that the nonce commits to.
    #[serde(with = "hex_array")]
    request: [u8; 32],
    /// Salt of the committed nonce (SPEC 6.3).
    #[serde(with = "hex_array")]
    pub salt: [u8; 32],
    /// What was signed.
    pub payment: ExactPayload,
    /// The quote that it pays, as its header, so that the job can be followed without sending the document for another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quote: Option<String>,
    /// The job, once the service accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

impl Pending {
    pub(crate) fn new(request: &Commitment, salt: [u8; 32], payload: &PaymentPayload) -> Self {
        let quote = payload.resource.clone().map(|resource| PaymentRequired {
            x402_version: Version2,
            error: None,
            resource,
            accepts: vec![payload.accepted.clone()],
            extensions: payload.extensions.clone(),
        });
        Self {
            version: VERSION.into(),
            request: *request.as_bytes(),
            salt,
            payment: payload.payload.clone(),
            quote: quote.and_then(|quote| wire::encode(&quote).ok()),
            job: None,
        }
    }

    /// Atomic units that were authorized.
    pub(crate) fn amount(&self) -> U256 {
        self.payment.authorization.value.get()
    }

    /// The quote that was paid, if the file has it.
    pub(crate) fn quote(&self) -> Option<PaymentRequired> {
        wire::decode(self.quote.as_ref()?.as_bytes()).ok()
    }
}

/// A payment that was signed and may still be taken, for whoever asks what is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPayment {
    /// Atomic units.
    pub amount: U256,
    /// CAIP-2 network and token contract, if the file says them.
    pub target: Option<(String, Address)>,
    /// The account that pays.
    pub payer: Address,
    /// The payee.
    pub pay_to: Address,
    /// Names the authorization on chain.
    pub nonce: B256,
    /// The payment cannot be taken from this Unix second on.
    pub valid_before: u64,
    /// Whether the service named the job that it made of it.
    pub accepted: bool,
}

impl From<&Pending> for SignedPayment {
    fn from(pending: &Pending) -> Self {
        let signed = &pending.payment.authorization;
        let required = pending.quote().and_then(|quote| quote.accepts.into_iter().next());
        Self {
            amount: signed.value.get(),
            target: required.map(|required| (required.network.to_string(), required.asset)),
            payer: signed.from,
            pay_to: signed.to,
            nonce: signed.nonce,
            valid_before: u64::try_from(signed.valid_before).unwrap_or(u64::MAX),
            accepted: pending.job.is_some(),
        }
    }
}

/// Where the unfinished payment of one purchase stands.
#[derive(Debug, Clone)]
pub struct PendingFile {
    path: PathBuf,
}

impl PendingFile {
    /// At `path`. Its directory must be there.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The payment that is under way, if there is one.
    ///
    /// # Errors
    /// [`ClientError::Input`] when the file cannot be read or is damaged.
    pub fn signed(&self) -> Result<Option<SignedPayment>, ClientError> {
        Ok(self.read()?.as_ref().map(SignedPayment::from))
    }

    /// The unfinished payment for `request`, if there is one.
    pub(crate) fn load(&self, request: &Commitment) -> Result<Option<Pending>, ClientError> {
        let pending = self.read()?;
        if pending.as_ref().is_some_and(|pending| pending.request != *request.as_bytes()) {
            return Err(ClientError::Input(format!(
                "{} holds an unfinished payment for another request; finish that one first, or use another place",
                self.path.display()
            )));
        }
        Ok(pending)
    }

    fn read(&self) -> Result<Option<Pending>, ClientError> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(self.failed("read", &e)),
        };
        match strict::from_slice::<Pending>(&bytes, MAX_BYTES) {
            Ok(pending) if pending.version == VERSION => Ok(Some(pending)),
            _ => Err(ClientError::Input(format!(
                "{} should hold an unfinished payment and cannot be read; a payment may be under way: check the wallet, and move the file away before you pay again",
                self.path.display()
            ))),
        }
    }

    /// Puts the payment on disk. Refuses to replace another: two purchases of one request at the same time would pay twice.
    pub(crate) fn save(&self, pending: &Pending) -> Result<(), ClientError> {
        let bytes = serde_json::to_vec(pending).map_err(|e| self.failed("write", &io::Error::other(e)))?;
        files::create(&self.path, &bytes).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => ClientError::Input(format!(
                "{} was made in the meantime: another purchase of the same request is under way; wait for it, or run again to resume it",
                self.path.display()
            )),
            _ => self.failed("write", &e),
        })
    }

    /// Gives the payment up: what was signed stays beside, since it may be taken until it lapses.
    pub(crate) fn abandon(&self, pending: &Pending) -> Result<(), ClientError> {
        let nonce = hex::encode(&pending.payment.authorization.nonce[..8]);
        let given_up = self.path.with_file_name(format!("abandoned-{nonce}.json"));
        std::fs::rename(&self.path, given_up).map_err(|e| self.failed("move", &e))
    }

    /// Adds the job that the service made of the payment, so that another run follows it without sending the document again.
    ///
    /// Best effort: without it the other run sends the same payment, which leads to the same job.
    pub(crate) fn accepted(&self, request: &Commitment, job: &Job) {
        let Ok(Some(pending)) = self.load(request) else { return };
        let pending = Pending { job: Some(job.clone()), ..pending };
        if let Ok(bytes) = serde_json::to_vec(&pending) {
            let _ = files::replace(&self.path, &bytes);
        }
    }

    /// Removes the file. Missing is fine.
    ///
    /// # Errors
    /// [`ClientError::Input`] with the I/O error.
    pub fn remove(&self) -> Result<(), ClientError> {
        match std::fs::remove_file(&self.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(self.failed("remove", &e)),
            _ => Ok(()),
        }
    }

    fn failed(&self, what: &str, error: &io::Error) -> ClientError {
        ClientError::Input(format!(
            "cannot {what} {}: {}; without that file a payment could be made twice, so make its directory writable",
            self.path.display(),
            files::reason(error)
        ))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_of_an_earlier_version_is_still_read() {
        let directory = tempfile::tempdir().unwrap();
        let file = PendingFile::at(directory.path().join("pending.json"));
        let request = Commitment::from_bytes([7; 32]);
        let authorization = json!({
            "from": format!("0x{}", "11".repeat(20)), "to": format!("0x{}", "22".repeat(20)), "value": "1500",
            "validAfter": "0", "validBefore": "1790000000", "nonce": format!("0x{}", "33".repeat(32)),
        });
        let older = json!({
            "version": VERSION, "request": "07".repeat(32), "salt": "08".repeat(32),
            "payment": {"signature": "0x00", "authorization": authorization},
        });
        std::fs::write(file.path(), older.to_string()).unwrap();
        let pending = file.load(&request).unwrap().unwrap();
        assert!(pending.job.is_none() && pending.quote().is_none());
        let ticket = json!({"id": "0a".repeat(16), "status": "accepted", "token": "0b".repeat(32)});
        let job = Job::accepted(ticket.to_string().as_bytes()).unwrap();
        file.accepted(&request, &job);
        assert!(file.load(&request).unwrap().unwrap().job == Some(job));
    }
}
