//! A whole service made to order: mock platform, registration, keyset, challenge and receipts, all properly signed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code, unused_imports, missing_docs)]

mod job;

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
pub use job::{BODY, DOCUMENT, Job, RESULT, SALT, receipt_rejects};
use precis_devnet::oasis::mock::{
    Chain, CollateralSpec, InstanceKeys, Measurements, MockCollateral, MockPki, PkiSpec, Register, TdQuote,
};
use precis_protocol::attestation::{Attestation, Collateral, Evidence};
use precis_protocol::challenge::{Block, Challenge};
use precis_protocol::keyset::{Keys, Keyset, PayToOrigin, PaymentTarget, Release, Scheme};
use precis_protocol::price::Price;
use precis_protocol::task::{TaskLimits, TaskTerms};
use precis_protocol::{Digest, Task, tags};
use precis_verify::check::{CheckId, Status};
use precis_verify::policy::{self, AllowedModels, PaymentPins, TcbPolicy, TdPolicy, TrustedRoot};
use precis_verify::{
    Account, AppId, AppState, Appraisal, Instance, Online, Policy, Presented, Registered, Transcript, Verdict,
    VerifiedService, verify,
};

pub const NOW: u64 = 1_790_000_000;
pub const NONCE: [u8; 32] = [0x4e; 32];
const APP: [u8; 21] = [0xa9; 21];
const NETWORK: &str = "eip155:31337";
pub const METADATA_KEY: &str = "net.oasis.app.precis.keyset";

/// Everything an attestation is made of; tests change one thing and look at the verdict.
pub struct World {
    pub pki: MockPki,
    pub collateral_spec: CollateralSpec,
    pub bend_collateral: fn(&mut Collateral, &World),
    pub quote: TdQuote,
    pub bend_quote: fn(&mut Vec<u8>),
    pub bend_transaction: fn(Vec<u8>, &World) -> Vec<u8>,
    pub rak: InstanceKeys,
    pub chain: Chain,
    pub chain_context: [u8; 32],
    pub app: [u8; 21],
    pub expiration: u64,
    pub metadata: BTreeMap<String, String>,
    pub metadata_digest: Option<String>,
    pub identity: ed25519_dalek::SigningKey,
    pub receipt: k256::ecdsa::SigningKey,
    pub keyset: Keyset,
    /// Presented instead of `keyset`, with everything else unchanged.
    pub presented_keyset: Option<Vec<u8>>,
    pub challenge_nonce: [u8; 32],
    pub challenge_issued_at: u64,
    pub challenge_network: String,
}

impl World {
    pub fn new() -> Self {
        let pki = MockPki::new(&PkiSpec::fresh([1; 32], NOW)).unwrap();
        let collateral_spec = CollateralSpec::fresh(&pki, NOW);
        let rak = InstanceKeys::from_seed([2; 32]).unwrap();
        let quote = TdQuote::new(Measurements::of("release 1"), rak.report_data([9; 32]));
        let chain_context = [0xcc; 32];
        let identity = ed25519_dalek::SigningKey::from_bytes(&[3; 32]);
        let receipt = k256::ecdsa::SigningKey::from_slice(&[4; 32]).unwrap();
        let keyset = keyset(&identity, &receipt);
        Self {
            pki,
            collateral_spec,
            bend_collateral: |_, _| {},
            quote,
            bend_quote: |_| {},
            bend_transaction: |transaction, _| transaction,
            rak,
            chain: Chain { runtime_id: [0x80; 32], chain_context: hex::encode(chain_context) },
            chain_context,
            app: APP,
            expiration: 100,
            metadata: BTreeMap::from([("net.oasis.policy.provider".to_owned(), "other".to_owned())]),
            metadata_digest: None,
            identity,
            receipt,
            keyset,
            presented_keyset: None,
            challenge_nonce: NONCE,
            challenge_issued_at: NOW - 2,
            challenge_network: NETWORK.to_owned(),
        }
    }

    pub fn keyset_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.keyset).unwrap()
    }

    pub fn keyset_digest(&self) -> Digest {
        Digest::of(&self.keyset_bytes())
    }

    pub fn quote_bytes(&self) -> Vec<u8> {
        let mut quote = self.quote.sign(&self.pki);
        (self.bend_quote)(&mut quote);
        quote
    }

    pub fn collateral(&self) -> Collateral {
        let mut collateral = to_protocol(&self.collateral_spec.sign(&self.pki).unwrap());
        (self.bend_collateral)(&mut collateral, self);
        collateral
    }

    pub fn with_register<T>(&self, quote: &[u8], use_it: impl FnOnce(&Register<'_>) -> T) -> T {
        let mut metadata = self.metadata.clone();
        let digest = self.metadata_digest.clone().unwrap_or_else(|| self.keyset_digest().to_string());
        metadata.insert(METADATA_KEY.to_owned(), digest);
        let collateral = self.collateral_spec.sign(&self.pki).unwrap();
        use_it(&Register {
            chain: &self.chain,
            app_id: self.app,
            keys: &self.rak,
            quote,
            collateral: &collateral,
            height: 7,
            expiration: self.expiration,
            nonce: 0,
            metadata,
        })
    }

    pub fn transaction(&self) -> Vec<u8> {
        let transaction = self.with_register(&self.quote_bytes(), |register| register.sign());
        (self.bend_transaction)(transaction, self)
    }

    pub fn register_evidence(&self) -> Evidence {
        Evidence::RoflRegister {
            transaction: self.transaction(),
            runtime_id: self.chain.runtime_id,
            chain_context: self.chain_context,
            collateral: Box::new(self.collateral()),
        }
    }

    pub fn tdx_evidence(&self) -> Evidence {
        let mut quote = self.quote;
        let digest = Digest::tagged(tags::REPORT_DATA, &[&self.challenge_nonce, self.keyset_digest().as_bytes()]);
        quote.report_data[..32].copy_from_slice(digest.as_bytes());
        quote.report_data[32..].copy_from_slice(&self.challenge_nonce);
        Evidence::TdxQuote { quote: quote.sign(&self.pki), collateral: Box::new(self.collateral()) }
    }

    pub fn document(&self, evidence: Vec<Evidence>) -> Attestation {
        let block = Block { network: self.challenge_network.clone(), number: 12, hash: B256::repeat_byte(0xb1) };
        let challenge = Challenge::sign(
            &self.identity,
            self.challenge_nonce,
            &self.keyset_digest(),
            self.challenge_issued_at,
            block,
        )
        .unwrap();
        let keyset = self.presented_keyset.clone().unwrap_or_else(|| self.keyset_bytes());
        Attestation { version: tags::ATTESTATION.to_owned(), keyset, evidence, challenge }
    }

    pub fn attestation(&self) -> Vec<u8> {
        serde_json::to_vec(&self.document(vec![self.register_evidence()])).unwrap()
    }

    /// What an honest node says of app and instance.
    pub fn app_state(&self) -> AppState {
        AppState {
            of: Instance { runtime_id: self.chain.runtime_id, app: self.app, rak: self.rak.rak_public() },
            identities: vec![self.quote.measurements.identity()],
            max_expiration: 3,
            admin: Some(Account([0; 21])),
            secrets: vec!["LETTERHEAD".to_owned()],
            registered: Some(Registered {
                expiration: 101,
                node_id: self.rak.node.verifying_key().to_bytes(),
                metadata: BTreeMap::new(),
            }),
        }
    }

    /// A policy for the world as [`World::new`] makes it, whatever was changed since.
    pub fn policy() -> Policy {
        let world = Self::new();
        Policy {
            app_id: AppId::from_bytes(APP),
            enclave_identities: [world.quote.measurements.identity()].into(),
            revoked_enclave_identities: Default::default(),
            admin: None,
            tasks: [
                (Task::SummaryAbstractive, AllowedModels::Only([Digest::of(b"abstractive model")].into())),
                (Task::SummaryExtractive, AllowedModels::Only([Digest::of(b"extractive model")].into())),
            ]
            .into(),
            evidence: [policy::EvidenceKind::RoflRegister].into(),
            chain: Some(policy::Chain { runtime_id: [0x80; 32], chain_context: [0xcc; 32] }),
            tcb: TcbPolicy {
                min_evaluation_number: 18,
                allowed_advisories: ["INTEL-SA-00001".to_owned()].into(),
                max_collateral_age_days: 30,
                max_root_crl_age_days: policy::DEFAULT_MAX_ROOT_CRL_AGE_DAYS,
            },
            td: TdPolicy::default(),
            challenge_max_age_seconds: 300,
            payments: vec![PaymentPins {
                network: Some(NETWORK.to_owned()),
                asset: Some(Address::repeat_byte(0xaa)),
                pay_to: None,
            }],
            root: TrustedRoot::Mock(world.pki.root_der().to_vec()),
        }
    }

    pub fn appraise(&self) -> Appraisal {
        judge(&self.attestation())
    }

    pub fn service(&self) -> VerifiedService {
        let appraisal = self.appraise();
        appraisal.service.unwrap_or_else(|| panic!("{}", appraisal.transcript))
    }
}

pub fn judge(attestation: &[u8]) -> Appraisal {
    let presented = Presented { attestation, nonce: Some(NONCE), epoch: Online::Known(99), ..Presented::default() };
    verify(&presented, &World::policy(), NOW)
}

pub fn keyset(identity: &ed25519_dalek::SigningKey, receipt: &k256::ecdsa::SigningKey) -> Keyset {
    let terms = |model: &[u8], parameters: &[u8], (base, per_1k_tokens)| TaskTerms {
        model: Some(Digest::of(model)),
        parameters: Digest::of(parameters),
        price: Price { base, per_1k_tokens },
        limits: TaskLimits { max_texts: 1, max_bytes: 1000, max_tokens: 1000 }.digest(),
    };
    let channel = [5; 32];
    Keyset {
        version: tags::KEYSET.to_owned(),
        app_id: AppId::from_bytes(APP).to_string(),
        instance_id: [6; 16],
        keys: Keys {
            identity: identity.verifying_key().to_bytes(),
            receipt: receipt.verifying_key().to_encoded_point(true).as_bytes().try_into().unwrap(),
            channel,
        },
        ohttp_config: [&[1, 0, 0x20], channel.as_slice(), &[0, 4, 0, 1, 0, 1]].concat(),
        tasks: [
            (Task::SummaryAbstractive, terms(b"abstractive model", b"abstractive parameters", (2000, 4000))),
            (Task::SummaryExtractive, terms(b"extractive model", b"extractive parameters", (1000, 500))),
        ]
        .into(),
        service_config_digest: Digest::of(b"service config"),
        payments: vec![PaymentTarget {
            network: NETWORK.to_owned(),
            asset: Address::repeat_byte(0xaa),
            pay_to: Address::repeat_byte(0xbb),
            pay_to_origin: PayToOrigin::EnclaveWallet,
            schemes: vec![Scheme::Exact],
        }],
        panel_digest: None,
        page_digest: None,
        kms_keys: tags::KMS_KEYS.map(str::to_owned).to_vec(),
        release: Release { version: "0.1.0".to_owned(), commit: "unknown".to_owned() },
        not_before: NOW - 3_600,
        not_after: NOW + 86_400,
    }
}

pub fn to_protocol(mock: &MockCollateral) -> Collateral {
    Collateral {
        pck_crl_issuer_chain: mock.pck_crl_issuer_chain.clone(),
        root_ca_crl: mock.root_ca_crl.clone(),
        pck_crl: mock.pck_crl.clone(),
        tcb_info_issuer_chain: mock.signing_chain.clone(),
        tcb_info: mock.tcb_info.clone(),
        tcb_info_signature: mock.tcb_info_signature.to_vec(),
        qe_identity_issuer_chain: mock.signing_chain.clone(),
        qe_identity: mock.qe_identity.clone(),
        qe_identity_signature: mock.qe_identity_signature.to_vec(),
        pck_certificate_chain: None,
    }
    .canonical()
}

/// Asserts that the transcript rejects, and that `check` is among what failed.
#[track_caller]
pub fn assert_fails(transcript: &Transcript, check: CheckId) {
    assert_eq!(transcript.verdict(), Verdict::Rejected, "{transcript}");
    let status = transcript.outcome(check).map(|outcome| outcome.status);
    assert_eq!(status, Some(Status::Fail), "{check}\n{transcript}");
}

/// Asserts that a world with one change is rejected by `check`.
#[track_caller]
pub fn rejects(check: CheckId, change: impl FnOnce(&mut World)) {
    let mut world = World::new();
    change(&mut world);
    let appraisal = world.appraise();
    assert_fails(&appraisal.transcript, check);
    assert!(appraisal.service.is_none());
}
