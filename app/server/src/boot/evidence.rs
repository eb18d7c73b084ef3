//! The service's own evidence: publish a keyset's digest, find the registration that carries it, add Intel's collateral, and
//! judge the whole bundle with the same verifier that callers use. Only then is the keyset in force.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context as _;
use precis_protocol::attestation::Evidence;
use precis_protocol::challenge::Block;
use precis_protocol::task::TaskTerms;
use precis_protocol::{Digest, Task, tags};
use precis_rofl::appd::Appd;
use precis_rofl::collateral::CollateralSource;
use precis_rofl::register::{Retry, SAPPHIRE, Search, find_registration};
use precis_verify::Presented;
use precis_verify::policy::{
    AllowedModels, AppId, Chain, DEFAULT_MAX_ROOT_CRL_AGE_DAYS, EvidenceKind, Policy, TcbPolicy, TdPolicy, TrustedRoot,
};
use precis_verify::register::Register;

use crate::config::Settings;
use crate::service::{Generation, OwnEvidence, Payments};
use crate::{clock, random};

/// The floor of TCB evaluation data numbers that the self-check accepts; callers have their own.
const MIN_EVALUATION_NUMBER: u32 = 18;
/// How long the registration is looked for before its metadata is handed in again. Nothing happens by that where it stands.
const PUBLISHED_AGAIN_AFTER: Duration = Duration::from_secs(16);
/// The same as a part of a keyset's period, where that is shorter.
const PUBLISHED_AGAIN_PART: u64 = 8;
/// Greatest age of collateral that the self-check accepts, days.
const MAX_COLLATERAL_AGE_DAYS: u32 = 30;

/// Where a keyset is published, found and kept.
pub(super) struct Publisher<'a> {
    pub(super) settings: &'a Settings,
    pub(super) appd: &'a Appd,
    pub(super) http: &'a reqwest::Client,
    pub(super) payments: &'a Payments,
}

/// The digests that the next registration is to carry.
#[derive(Clone, Copy)]
pub(super) struct Digests {
    /// Of the newest keyset.
    pub(super) newest: Digest,
    /// Of the one before, which is served beside it.
    pub(super) previous: Option<Digest>,
}

/// The finished bundle does not verify.
#[derive(Debug, thiserror::Error)]
#[error("the own evidence does not verify: {0}")]
pub(super) struct Unverified(String);

impl Publisher<'_> {
    /// Gives `generation` evidence that passed the self-check, and keeps its attestation for every replica and later boot.
    /// The registration that is looked for carries `digests`, of which its own is one.
    ///
    /// # Errors
    /// What is outside the enclave fails: try again. Inside: the bundle does not verify.
    pub(super) async fn publish(
        &self,
        generation: &Generation,
        digests: Digests,
    ) -> anyhow::Result<Result<(), Unverified>> {
        // Each time: what the daemon took is only queued, and whatever replaces it before the next registration is all that
        // comes on chain.
        let named = [(tags::METADATA_KEYSET, Some(digests.newest)), (tags::METADATA_KEYSET_PREVIOUS, digests.previous)];
        let metadata: BTreeMap<String, String> =
            named.into_iter().filter_map(|(key, digest)| Some((key.to_owned(), digest?.to_string()))).collect();
        self.appd.put_metadata(&metadata).await.context("publish the keyset through rofl-appd")?;
        let part = Duration::from_secs(self.settings.config.keyset_seconds / PUBLISHED_AGAIN_PART);
        let deadline = PUBLISHED_AGAIN_AFTER.min(part);
        let gathered = self.gather(generation, Retry { deadline, ..Retry::default() }).await?;
        let block = self.payments.recent_block().await.map_err(|failure| anyhow::anyhow!(failure.code()))?;
        let (own, attestation) = match check(self.settings, generation, gathered, block)? {
            Ok(checked) => checked,
            Err(unverified) => return Ok(Err(unverified)),
        };
        // Where every replica and every later boot finds it, for the receipts of this keyset (SPEC 3.5).
        let kept = self.payments.ledger.keep(generation.keyset_digest.as_bytes(), &attestation, clock::now()).await;
        kept.context("keep the own attestation")?;
        generation.set_evidence(own);
        Ok(Ok(()))
    }

    /// The registration on chain with Intel's collateral, as bytes that still have to be judged.
    async fn gather(&self, generation: &Generation, retry: Retry) -> anyhow::Result<Evidence> {
        let (settings, digest) = (self.settings, generation.keyset_digest.to_string());
        let search = Search {
            nexus_url: &settings.config.nexus_url,
            runtime: SAPPHIRE,
            grpc_url: &settings.config.oasis_grpc_url,
            runtime_id: settings.runtime_id,
            app_id: &generation.keyset.app_id,
            keys: &[tags::METADATA_KEYSET, tags::METADATA_KEYSET_PREVIOUS],
            value: &digest,
            after_round: 0,
        };
        let found = find_registration(self.http, &search, retry).await?;
        let quote = Register::parse(&found.raw_tx).context("the registration")?.quote;
        let collateral = CollateralSource::new(&settings.config.pcs_url).fetch(self.http, &quote).await?;
        Ok(Evidence::RoflRegister {
            transaction: found.raw_tx,
            runtime_id: settings.runtime_id,
            chain_context: settings.chain_context,
            collateral: Box::new(collateral),
        })
    }
}

/// Judges the service's own bundle with the verifier that callers use. The policy is what the evidence itself claims:
/// whether that identity deserves trust is the callers' question; whether it all fits together is ours. Returns the bundle, too.
///
/// # Errors
/// A quote that cannot be read at all. Inside: the transcript's failures, when the verdict is not VERIFIED.
fn check(
    settings: &Settings,
    generation: &Generation,
    evidence: Evidence,
    block: Block,
) -> anyhow::Result<Result<(OwnEvidence, Vec<u8>), Unverified>> {
    let nonce = random::bytes()?;
    let document = generation.attest_with(std::slice::from_ref(&evidence), nonce, block)?;
    let enclave_identity =
        precis_verify::enclave_identity_of(&document).map_err(anyhow::Error::msg).context("the own quote")?;
    let app_id = AppId::parse(&generation.keyset.app_id).context("rofl-appd gave an app id that is none")?;
    let own = |(task, terms): (&Task, &TaskTerms)| (*task, AllowedModels::Only(terms.model.into_iter().collect()));
    let policy = Policy {
        app_id,
        enclave_identities: BTreeSet::from([enclave_identity]),
        revoked_enclave_identities: BTreeSet::new(),
        admin: None,
        tasks: generation.keyset.tasks.iter().map(own).collect(),
        evidence: BTreeSet::from([EvidenceKind::RoflRegister]),
        chain: Some(Chain { runtime_id: settings.runtime_id, chain_context: settings.chain_context }),
        tcb: TcbPolicy {
            min_evaluation_number: MIN_EVALUATION_NUMBER,
            allowed_advisories: BTreeSet::new(),
            max_collateral_age_days: MAX_COLLATERAL_AGE_DAYS,
            max_root_crl_age_days: DEFAULT_MAX_ROOT_CRL_AGE_DAYS,
        },
        td: TdPolicy::default(),
        challenge_max_age_seconds: 60,
        payments: Vec::new(),
        root: match &settings.mock_root {
            None => TrustedRoot::Intel,
            Some(der) => {
                tracing::warn!(event = "boot.insecure_root");
                TrustedRoot::Mock(der.clone())
            }
        },
    };
    let presented = Presented {
        attestation: &document,
        nonce: Some(nonce),
        ohttp_config: Some(&generation.keyset.ohttp_config),
        ..Presented::default()
    };
    let appraisal = precis_verify::verify(&presented, &policy, clock::now());
    if appraisal.service.is_none() {
        let failures: Vec<String> =
            appraisal.transcript.failures().map(|o| format!("{}: {}", o.check, o.detail)).collect();
        return Ok(Err(Unverified(failures.join("; "))));
    }
    Ok(Ok((OwnEvidence { items: vec![evidence], enclave_identity, app_id: *app_id.as_bytes() }, document)))
}
