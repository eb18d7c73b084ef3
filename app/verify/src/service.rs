//! The proof token: a service that was verified. Only [`crate::verify`] makes one, and only from a VERIFIED transcript.

use precis_protocol::keyset::{Keyset, PaymentTarget};
use precis_protocol::task::TaskTerms;
use precis_protocol::{Digest, PerTask, Task};
use serde::{Serialize, Serializer};

use crate::policy::{AppId, EvidenceKind};

/// A service whose attestation passed every required check. Holding one is the permission to send a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedService {
    pub(crate) keyset: Keyset,
    pub(crate) keyset_digest: Digest,
    pub(crate) enclave_identity: [u8; 32],
    pub(crate) app_id: AppId,
    /// Those tasks of the keyset that the policy allows.
    pub(crate) tasks: PerTask<TaskTerms>,
    /// Those payment targets of the keyset that the policy allows.
    pub(crate) payments: Vec<PaymentTarget>,
    pub(crate) insecure: bool,
    pub(crate) attestation: Vec<u8>,
}

impl VerifiedService {
    /// The keyset that the evidence vouches for.
    #[must_use]
    pub const fn keyset(&self) -> &Keyset {
        &self.keyset
    }

    /// Digest of the exact keyset bytes.
    #[must_use]
    pub const fn keyset_digest(&self) -> Digest {
        self.keyset_digest
    }

    /// Which code runs (SPEC 3.4).
    #[must_use]
    pub const fn enclave_identity(&self) -> &[u8; 32] {
        &self.enclave_identity
    }

    /// The app.
    #[must_use]
    pub const fn app_id(&self) -> AppId {
        self.app_id
    }

    /// Terms of `task`, if the service sells it and the policy allows it.
    #[must_use]
    pub fn terms(&self, task: Task) -> Option<&TaskTerms> {
        self.tasks.get(&task)
    }

    /// The tasks that the service sells and the policy allows, with their terms.
    #[must_use]
    pub const fn tasks(&self) -> &PerTask<TaskTerms> {
        &self.tasks
    }

    /// Payment targets of the service that the policy allows; at least one.
    #[must_use]
    pub fn payments(&self) -> &[PaymentTarget] {
        &self.payments
    }

    /// The one OHTTP key configuration to encrypt to (RFC 9458 section 3.1, without length prefix).
    #[must_use]
    pub fn ohttp_config(&self) -> &[u8] {
        &self.keyset.ohttp_config
    }

    /// Whether a mock root was trusted: then this proves nothing about hardware, and every output must say so.
    #[must_use]
    pub const fn insecure(&self) -> bool {
        self.insecure
    }

    /// The exact attestation document that was verified, to be kept beside receipts.
    #[must_use]
    pub fn attestation_bytes(&self) -> &[u8] {
        &self.attestation
    }
}

/// What an attestation says, whether or not it was verified. Trustworthy only beside a VERIFIED transcript.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// App id in the keyset.
    pub app_id: Option<String>,
    /// Digest of the keyset as presented.
    pub keyset_digest: Option<Digest>,
    /// Boot of the service.
    #[serde(serialize_with = "hex_option")]
    pub instance_id: Option<[u8; 16]>,
    /// Release version and commit as the keyset states them.
    pub release: Option<String>,
    /// Kind of the evidence that was judged.
    #[serde(serialize_with = "kind_option")]
    pub evidence: Option<EvidenceKind>,
    /// Enclave identity in the quote.
    #[serde(serialize_with = "hex_option")]
    pub enclave_identity: Option<[u8; 32]>,
    /// Runtime attestation key of the registration.
    #[serde(serialize_with = "hex_option")]
    pub rak: Option<[u8; 32]>,
    /// Node that endorsed the enclave.
    #[serde(serialize_with = "hex_option")]
    pub node_id: Option<[u8; 32]>,
    /// Epoch in which the registration expires.
    pub registration_expiration: Option<u64>,
    /// Measurement of the TDX module.
    #[serde(serialize_with = "hex_option")]
    pub mr_seam: Option<[u8; 48]>,
    /// Platform family.
    #[serde(serialize_with = "hex_option")]
    pub fmspc: Option<[u8; 6]>,
    /// Status of the platform.
    pub tcb_status: Option<String>,
    /// Evaluation data number of the collateral.
    pub evaluation_number: Option<u32>,
}

fn hex_option<S: Serializer, const N: usize>(value: &Option<[u8; N]>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(hex::encode).serialize(serializer)
}

fn kind_option<S: Serializer>(value: &Option<EvidenceKind>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(EvidenceKind::as_str).serialize(serializer)
}
