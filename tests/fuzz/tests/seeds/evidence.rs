//! Quotes, registrations, attestations, keysets, policies and receipts.

use std::path::Path;

use precis_devnet::oasis::{PaymentPin, policy_toml};
use precis_protocol::evidence_file::EvidenceFile;
use precis_protocol::keyset::Keyset;
use precis_protocol::release::{HexIdentity, Release, ReleaseChain, ReleaseFiles, ReleasePayment};
use precis_protocol::{Digest, tags};
use precis_verify::AppId;
use serde_json::to_vec;

use super::common::{Job, NONCE, NOW, World};
use super::{Seed, seed};

/// Bytes of a quote's header and of a TD report 1.0.
const HEADER_BYTES: usize = 48;
const REPORT_BYTES: usize = 584;

pub fn seeds() -> Vec<Seed> {
    let world = World::new();
    let mut seeds = quotes(&world);
    seeds.extend(registrations(&world));
    seeds.extend(attestations(&world));
    seeds.extend(keysets(&world.keyset));
    seeds.extend(policies(&world));
    seeds.extend(receipts());
    seeds.extend(bundles(&world));
    seeds.extend(releases(&world));
    seeds
}

fn quotes(world: &World) -> Vec<Seed> {
    let quote = world.quote_bytes();
    let mut debug = world.quote;
    debug.td_attributes[0] = 1;
    vec![
        seed("quote/v4", &quote),
        seed("quote/v4-debug", debug.sign(&world.pki)),
        seed("quote/v4-short", &quote[..quote.len() - 1]),
        seed("quote/v5-report-1.0", version_5(&quote, 2, &[])),
        seed("quote/v5-report-1.5", version_5(&quote, 3, &[0; 64])),
        seed("quote/v5-report-1.5-extended", version_5(&quote, 4, &[0; 301])),
    ]
}

/// A quote of format 5 with the parts of one of format 4, its report longer by `more`.
fn version_5(quote: &[u8], body_type: u16, more: &[u8]) -> Vec<u8> {
    let (header, rest) = quote.split_at(HEADER_BYTES);
    let (report, authentication) = rest.split_at(REPORT_BYTES);
    let size = u32::try_from(REPORT_BYTES + more.len()).unwrap().to_le_bytes();
    [&[5, 0], &header[2..], &body_type.to_le_bytes(), &size, report, more, authentication].concat()
}

fn registrations(world: &World) -> Vec<Seed> {
    let transaction = world.transaction();
    // Properly signed, for another chain.
    let mut other = World::new();
    other.chain.runtime_id = [0x81; 32];
    other.expiration = u64::MAX;
    vec![
        seed("register/transaction.cbor", &transaction),
        seed("register/other.cbor", other.transaction()),
        seed("register/trailing.cbor", [&transaction[..], &[0]].concat()),
        // The same array with its length in a second byte.
        seed("register/not-canonical.cbor", [&[0x98, 2], &transaction[1..]].concat()),
    ]
}

fn attestations(world: &World) -> Vec<Seed> {
    let registered = world.document(vec![world.register_evidence()]);
    let quoted = world.document(vec![world.tdx_evidence()]);
    let mut spaced = registered.clone();
    spaced.evidence.clear();
    vec![
        seed("attestation/registered.json", to_vec(&registered).unwrap()),
        seed("attestation/quoted.json", to_vec(&quoted).unwrap()),
        seed("attestation/spaced.json", serde_json::to_vec_pretty(&spaced).unwrap()),
        // Edits: one bit of the registered transaction, of the quote, of its collateral; the evidence twice.
        seed("attestation/edit-transaction", [0, 10, 0, 0, 200, 1]),
        seed("attestation/edit-quote", [1, 10, 0, 1, 0, 4]),
        seed("attestation/edit-lists", [1, 15, 0, 0, 90, 1, 16, 3, 0, 60, 2]),
        seed("attestation/edit-tcb-info", [1, 18, 6, 0, 30, 40, 21, 1, 0, 12, b'9']),
        seed("attestation/edit-twice", [0, 6, 0, 0, 0, 0]),
    ]
}

fn keysets(keyset: &Keyset) -> Vec<Seed> {
    let mut shared = keyset.clone();
    shared.keys.channel = shared.keys.identity;
    vec![
        seed("keyset/keyset.json", to_vec(keyset).unwrap()),
        seed("keyset/spaced.json", serde_json::to_vec_pretty(keyset).unwrap()),
        seed("keyset/shared-key.json", to_vec(&shared).unwrap()),
    ]
}

fn policies(world: &World) -> Vec<Seed> {
    let app = AppId::from_bytes(world.app).to_string();
    let identity = world.quote.measurements.identity();
    let payment = &world.keyset.payments[0];
    let pin = PaymentPin { network: payment.network.clone(), asset: payment.asset.to_string() };
    let named = world.keyset.tasks.iter();
    let tasks =
        named.map(|(task, terms)| (task.id().to_owned(), terms.model.iter().map(ToString::to_string).collect()));
    let devnet = policy_toml(&app, &identity, &tasks.collect(), &world.chain, Path::new("mock-root.der"), Some(&pin));
    let intel: String = devnet.split_inclusive('\n').take_while(|line| !line.starts_with("[root]")).collect();
    vec![
        seed("policy/devnet.toml", &devnet),
        seed("policy/intel.toml", intel.replace("rofl-register", "tdx-quote")),
        seed("policy/no-chain.toml", devnet.replace("[chain]", "[chian]")),
        seed("policy/app-id", app),
    ]
}

fn receipts() -> Vec<Seed> {
    let job = Job::new();
    // Of a key that nobody attested.
    let mut failed = Job::new();
    failed.key = k256::ecdsa::SigningKey::from_slice(&[8; 32]).unwrap();
    failed.receipt.status = precis_protocol::receipt::ReceiptStatus::FailedUncharged;
    failed.payment = None;
    vec![
        seed("receipt/file.json", to_vec(&job.file()).unwrap()),
        seed("receipt/signed.json", to_vec(&job.signed()).unwrap()),
        seed("receipt/failed.json", to_vec(&failed.signed()).unwrap()),
    ]
}

fn bundles(world: &World) -> Vec<Seed> {
    let bundle = EvidenceFile {
        version: tags::EVIDENCE_FILE.to_owned(),
        service: "https://a.example".to_owned(),
        saved_at: NOW,
        nonce: NONCE,
        ohttp_keys: [&[0, 41], &world.keyset.ohttp_config[..]].concat(),
        attestation: world.attestation(),
        own_collateral: None,
    };
    let mut other = bundle.clone();
    other.nonce[0] ^= 1;
    other.attestation.clear();
    let mut foreign_key = bundle.clone();
    foreign_key.ohttp_keys[10] ^= 1;
    vec![
        seed("evidence_file/bundle.json", to_vec(&bundle).unwrap()),
        seed("evidence_file/foreign-key.json", to_vec(&foreign_key).unwrap()),
        seed("evidence_file/other-nonce.json", to_vec(&other).unwrap()),
    ]
}

fn releases(world: &World) -> Vec<Seed> {
    let identity = HexIdentity(world.quote.measurements.identity());
    let release = Release {
        version: tags::RELEASE.to_owned(),
        release: "0.1.0".to_owned(),
        commit: [0xc0; 20],
        image: format!("images.example/precis@{}", Digest::of(b"image")),
        files: ReleaseFiles { rofl: Digest::of(b"rofl.yaml"), compose: Digest::of(b"compose.yaml") },
        app_id: AppId::from_bytes(world.app).to_string(),
        chain: ReleaseChain { runtime_id: world.chain.runtime_id, chain_context: world.chain_context },
        enclave_identities: vec![identity, HexIdentity([1; 32])],
        revoked_enclave_identities: vec![HexIdentity([2; 32])],
        tasks: world.keyset.tasks.iter().map(|(task, terms)| (*task, terms.model)).collect(),
        payments: world
            .keyset
            .payments
            .iter()
            .map(|target| ReleasePayment { network: target.network.clone(), asset: target.asset })
            .collect(),
        min_evaluation_number: 18,
    };
    let mut injecting = release.clone();
    injecting.release = "1\n[root]\nmock_root = \"x\"".to_owned();
    injecting.payments[0].network = "x\"\n[root]\nmock_root = \"\u{7f}\\u0022\u{2028}".to_owned();
    let mut revoked = release.clone();
    revoked.revoked_enclave_identities.push(identity);
    vec![
        seed("release/release.json", to_vec(&release).unwrap()),
        seed("release/injecting.json", to_vec(&injecting).unwrap()),
        seed("release/revoked.json", to_vec(&revoked).unwrap()),
    ]
}
