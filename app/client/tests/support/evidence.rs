//! Evidence from the devnet's mock PKI, for a keyset of our own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256};
use precis_devnet::oasis::mock;
use precis_protocol::attestation::{self, Attestation};
use precis_protocol::challenge::{Block, Challenge};
use precis_protocol::keyset::{Keys, Keyset, PayToOrigin, PaymentTarget, Release, Scheme};
use precis_protocol::price::Price;
use precis_protocol::task::{TaskLimits, TaskTerms};
use precis_protocol::{Digest, Task, tags};
use precis_verify::policy::{AppId, Policy};

pub struct Evidence {
    pub keyset: Keyset,
    pub keyset_bytes: Vec<u8>,
    pub policy: Policy,
    pub policy_toml: String,
    pub root_der: Vec<u8>,
    pub(super) identity: [u8; 32],
    pub(super) app_id: [u8; 21],
    pub(super) receipt_key: k256::ecdsa::SigningKey,
    identity_key: ed25519_dalek::SigningKey,
    item: attestation::Evidence,
    pki: Arc<mock::MockPki>,
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Evidence {
    pub fn new(ohttp_config: Vec<u8>, channel: [u8; 32]) -> Self {
        let pki = mock::MockPki::new(&mock::PkiSpec::fresh([1; 32], now())).unwrap();
        Self::of_boot(Arc::new(pki), 0, ohttp_config, channel)
    }

    /// The same service after a restart: the machine is the same, all keys are others.
    pub fn restarted(&self, ohttp_config: Vec<u8>, channel: [u8; 32]) -> Self {
        Self::of_boot(self.pki.clone(), 0x80, ohttp_config, channel)
    }

    fn of_boot(pki: Arc<mock::MockPki>, boot: u8, ohttp_config: Vec<u8>, channel: [u8; 32]) -> Self {
        let identity_key = ed25519_dalek::SigningKey::from_bytes(&[3 + boot; 32]);
        let receipt_key = k256::ecdsa::SigningKey::from_slice(&[5 + boot; 32]).unwrap();
        let app_id = [0x11; 21];
        let keyset = keyset(ohttp_config, channel, &identity_key, &receipt_key, &AppId::from_bytes(app_id).to_string());
        let keyset_bytes = serde_json::to_vec(&keyset).unwrap();
        let collateral = mock::CollateralSpec::fresh(&pki, now()).sign(&pki).unwrap();
        let chain = mock::Chain { runtime_id: [0xc0; 32], chain_context: hex::encode([0xcc; 32]) };
        let measurements = mock::Measurements::of("client tests");
        let keys = mock::InstanceKeys::from_seed([2; 32]).unwrap();
        let quote = mock::TdQuote::new(measurements, keys.report_data([0; 32])).sign(&pki);
        let metadata = BTreeMap::from([(
            format!("net.oasis.app.{}", tags::METADATA_KEYSET),
            Digest::of(&keyset_bytes).to_string(),
        )]);
        let transaction = mock::Register {
            chain: &chain,
            app_id,
            keys: &keys,
            quote: &quote,
            collateral: &collateral,
            height: 1,
            expiration: 9,
            nonce: 0,
            metadata,
        }
        .sign();
        let item = attestation::Evidence::RoflRegister {
            transaction,
            runtime_id: chain.runtime_id,
            chain_context: [0xcc; 32],
            collateral: Box::new(for_the_document(&collateral)),
        };
        let policy_toml = policy_toml(&keyset.app_id, &measurements.identity(), &chain);
        let root_der = pki.root_der().to_vec();
        let policy = Policy::parse(&policy_toml, |_| Ok(root_der.clone())).unwrap();
        Self {
            keyset,
            keyset_bytes,
            policy,
            policy_toml,
            root_der,
            identity: measurements.identity(),
            app_id,
            receipt_key,
            identity_key,
            item,
            pki,
        }
    }

    /// The attestation document for a nonce in hex.
    pub fn attestation(&self, nonce: &str) -> Vec<u8> {
        let nonce = hex::decode(nonce).unwrap().try_into().unwrap();
        let block = Block { network: "eip155:31337".into(), number: 7, hash: B256::repeat_byte(7) };
        let challenge =
            Challenge::sign(&self.identity_key, nonce, &Digest::of(&self.keyset_bytes), now(), block).unwrap();
        let document = Attestation {
            version: tags::ATTESTATION.into(),
            keyset: self.keyset_bytes.clone(),
            evidence: vec![self.item.clone()],
            challenge,
        };
        serde_json::to_vec(&document).unwrap()
    }
}

fn keyset(
    ohttp_config: Vec<u8>,
    channel: [u8; 32],
    identity: &ed25519_dalek::SigningKey,
    receipt: &k256::ecdsa::SigningKey,
    app_id: &str,
) -> Keyset {
    let price = Price { base: 1000, per_1k_tokens: 500 };
    let terms = |model: &[u8], parameters: &[u8]| TaskTerms {
        model: Some(Digest::of(model)),
        parameters: Digest::of(parameters),
        price,
        limits: TaskLimits { max_texts: 1, max_bytes: 1000, max_tokens: 1000 }.digest(),
    };
    Keyset {
        version: tags::KEYSET.into(),
        app_id: app_id.into(),
        instance_id: [4; 16],
        keys: Keys {
            identity: identity.verifying_key().to_bytes(),
            receipt: receipt.verifying_key().to_encoded_point(true).as_bytes().try_into().unwrap(),
            channel,
        },
        ohttp_config,
        tasks: [
            (Task::SummaryAbstractive, terms(b"model a", b"parameters a")),
            (Task::SummaryExtractive, terms(b"model e", b"parameters e")),
        ]
        .into(),
        service_config_digest: Digest::of(b"config"),
        payments: vec![PaymentTarget {
            network: "eip155:31337".into(),
            asset: Address::repeat_byte(0xa5),
            pay_to: Address::repeat_byte(0xb6),
            pay_to_origin: PayToOrigin::EnclaveWallet,
            schemes: vec![Scheme::Exact],
        }],
        panel_digest: None,
        page_digest: None,
        kms_keys: tags::KMS_KEYS.map(str::to_owned).to_vec(),
        release: Release { version: "0.1.0".into(), commit: "unknown".into() },
        not_before: now() - 60,
        not_after: now() + 3600,
    }
}

fn for_the_document(collateral: &mock::MockCollateral) -> attestation::Collateral {
    let c = collateral.to_dcap();
    attestation::Collateral {
        pck_crl_issuer_chain: c.pck_crl_issuer_chain,
        root_ca_crl: c.root_ca_crl,
        pck_crl: c.pck_crl,
        tcb_info_issuer_chain: c.tcb_info_issuer_chain,
        tcb_info: c.tcb_info,
        tcb_info_signature: c.tcb_info_signature,
        qe_identity_issuer_chain: c.qe_identity_issuer_chain,
        qe_identity: c.qe_identity,
        qe_identity_signature: c.qe_identity_signature,
        pck_certificate_chain: c.pck_certificate_chain,
    }
    .canonical()
}

fn policy_toml(app_id: &str, identity: &[u8; 32], chain: &mock::Chain) -> String {
    format!(
        "version = 2\napp_id = \"{app_id}\"\nenclave_identities = [\"{}\"]\nevidence = [\"rofl-register\"]\n\
         [tasks]\n\"summary.extractive\" = [\"{}\"]\n\"summary.abstractive\" = [\"{}\"]\n[chain]\nruntime_id = \"{}\"\nchain_context = \"{}\"\n[tcb]\nmin_evaluation_number = 18\nallowed_advisories = []\nmax_collateral_age_days = 30\n\
         [challenge]\nmax_age_seconds = 300\n[root]\nmock_root = \"root.der\"\n",
        hex::encode(identity),
        Digest::of(b"model e"),
        Digest::of(b"model a"),
        hex::encode(chain.runtime_id),
        chain.chain_context
    )
}
