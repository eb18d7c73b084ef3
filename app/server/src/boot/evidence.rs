//! The service's own evidence: publish the keyset's digest, find the registration that carries it, add Intel's
//! collateral, and judge the whole bundle with the same verifier that callers use. Only then is the service ready.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context as _;
use precis_protocol::attestation::{Collateral, Evidence};
use precis_protocol::challenge::Block;
use precis_protocol::tags;
use precis_rofl::appd::Appd;
use precis_rofl::collateral::CollateralSource;
use precis_rofl::register::{Retry, SAPPHIRE, Search, find_registration};
use precis_verify::Presented;
use precis_verify::policy::{AppId, Chain, EvidenceKind, PaymentPins, Policy, TcbPolicy, TrustedRoot};
use precis_verify::register::Register;

use super::Readiness;
use crate::config::Settings;
use crate::service::{Identity, OwnEvidence, Payments};
use crate::{clock, random};

/// The floor of TCB evaluation data numbers that the self-check accepts; callers have their own.
const MIN_EVALUATION_NUMBER: u32 = 18;
/// How long the registration is looked for before its metadata is handed in again. Nothing happens by that where it stands.
const PUBLISHED_AGAIN_AFTER: Duration = Duration::from_secs(16);
/// Greatest age of collateral that the self-check accepts, days.
const MAX_COLLATERAL_AGE_DAYS: u32 = 30;

/// Publishes the digest, then finds, completes and judges the registration that carries it. Retries what is outside the
/// enclave.
///
/// # Errors
/// When the finished bundle does not verify: the platform is not what the service must run on.
pub async fn publish(
    settings: &Settings,
    appd: &Appd,
    http: &reqwest::Client,
    identity: &Identity,
    payments: &Payments,
    readiness: &Readiness,
) -> anyhow::Result<()> {
    let digest = identity.keyset_digest.to_string();
    let metadata = BTreeMap::from([(tags::METADATA_KEYSET.to_owned(), digest)]);
    let registered = async || {
        // Each time: what the daemon took is only queued, and whatever replaces it before the next registration is all that
        // comes on chain.
        appd.put_metadata(&metadata).await.context("publish the keyset through rofl-appd")?;
        gather(settings, http, identity, Retry { deadline: PUBLISHED_AGAIN_AFTER, ..Retry::default() }).await
    };
    let gathered =
        readiness.until("own evidence", async || registered().await.map_err(|error| format!("{error:#}"))).await;
    let block = readiness.until("payment chain", async || payments.recent_block().await.map_err(|e| e.code())).await;
    let (own, attestation) = check(settings, identity, gathered, block)?;
    tracing::info!(event = "boot.attested", enclave = %hex::encode(own.enclave_identity));
    // Where every replica and every later boot finds it, for the receipts of this one (SPEC 3.5).
    let keep = async || payments.ledger.keep(identity.keyset_digest.as_bytes(), &attestation, clock::now()).await;
    readiness.until("keep the own attestation", keep).await;
    identity.set_evidence(own);
    Ok(())
}

/// The registration on chain with Intel's collateral, as bytes that still have to be judged.
///
/// # Errors
/// When the registration or the collateral cannot be had.
pub async fn gather(
    settings: &Settings,
    http: &reqwest::Client,
    identity: &Identity,
    retry: Retry,
) -> anyhow::Result<Evidence> {
    let digest = identity.keyset_digest.to_string();
    let search = Search {
        nexus_url: &settings.config.nexus_url,
        runtime: SAPPHIRE,
        grpc_url: &settings.config.oasis_grpc_url,
        runtime_id: settings.runtime_id,
        app_id: &identity.keyset.app_id,
        key: tags::METADATA_KEYSET,
        value: &digest,
        after_round: 0,
    };
    let found = find_registration(http, &search, retry).await?;
    let quote = Register::parse(&found.raw_tx).context("the registration")?.quote;
    let collateral = CollateralSource::new(&settings.config.pcs_url).fetch(http, &quote).await?;
    Ok(Evidence::RoflRegister {
        transaction: found.raw_tx,
        runtime_id: settings.runtime_id,
        chain_context: settings.chain_context,
        collateral: Box::new(Collateral {
            pck_crl_issuer_chain: collateral.pck_crl_issuer_chain,
            root_ca_crl: collateral.root_ca_crl,
            pck_crl: collateral.pck_crl,
            tcb_info_issuer_chain: collateral.tcb_info_issuer_chain,
            tcb_info: collateral.tcb_info,
            tcb_info_signature: collateral.tcb_info_signature,
            qe_identity_issuer_chain: collateral.qe_identity_issuer_chain,
            qe_identity: collateral.qe_identity,
            qe_identity_signature: collateral.qe_identity_signature,
            pck_certificate_chain: collateral.pck_certificate_chain,
        }),
    })
}

/// Judges the service's own bundle with the verifier that callers use. The policy is what the evidence itself claims:
/// whether that identity deserves trust is the callers' question; whether it all fits together is ours. Returns the bundle, too.
///
/// # Errors
/// The transcript's failures, when the verdict is not VERIFIED.
pub fn check(
    settings: &Settings,
    identity: &Identity,
    evidence: Evidence,
    block: Block,
) -> anyhow::Result<(OwnEvidence, Vec<u8>)> {
    let nonce = random::bytes()?;
    let document = identity.attest_with(std::slice::from_ref(&evidence), nonce, block)?;
    let enclave_identity =
        precis_verify::enclave_identity_of(&document).map_err(anyhow::Error::msg).context("the own quote")?;
    let app_id = AppId::parse(&identity.keyset.app_id).context("rofl-appd gave an app id that is none")?;
    let models = &identity.keyset.models;
    let policy = Policy {
        app_id,
        enclave_identities: BTreeSet::from([enclave_identity]),
        revoked_enclave_identities: BTreeSet::new(),
        model_digests: BTreeSet::from([models.extractive, models.abstractive]),
        evidence: BTreeSet::from([EvidenceKind::RoflRegister]),
        chain: Some(Chain { runtime_id: settings.runtime_id, chain_context: settings.chain_context }),
        tcb: TcbPolicy {
            min_evaluation_number: MIN_EVALUATION_NUMBER,
            allowed_advisories: BTreeSet::new(),
            max_collateral_age_days: MAX_COLLATERAL_AGE_DAYS,
        },
        challenge_max_age_seconds: 60,
        payment: PaymentPins::default(),
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
        ohttp_config: Some(&identity.keyset.ohttp_config),
        ..Presented::default()
    };
    let appraisal = precis_verify::verify(&presented, &policy, clock::now());
    if appraisal.service.is_none() {
        let failures: Vec<String> =
            appraisal.transcript.failures().map(|o| format!("{}: {}", o.check, o.detail)).collect();
        anyhow::bail!("the own evidence does not verify: {}", failures.join("; "));
    }
    Ok((OwnEvidence { items: vec![evidence], enclave_identity, app_id: *app_id.as_bytes() }, document))
}
