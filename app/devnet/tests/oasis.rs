//! The path the enclave takes to its evidence, against the devnet: metadata through rofl-appd, the
//! registration through indexer and node, collateral through the collateral service, and every
//! signature on the way checked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ciborium::Value;
use dcap_qvl::QuoteCollateralV3;
use dcap_qvl::verify::QuoteVerifier;
use ed25519_dalek::{Signature, VerifyingKey};
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use precis_devnet::oasis::{self, Oasis, OasisOptions, PaymentPin, mock};
use precis_protocol::attestation::Collateral;
use precis_rofl::{
    Appd, AppdError, CollateralSource, Found, KeyKind, Node, NodeError, RegisterError, Retry, Search, current_epoch,
    find_registration, http_client,
};
use precis_verify::{AppId, Policy};
use sha2::{Digest, Sha512_256};

const DIGEST: &str = "sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

async fn start() -> (tempfile::TempDir, Oasis) {
    let dir = tempfile::tempdir().unwrap();
    let oasis = oasis::start(OasisOptions::new(dir.path())).await.unwrap();
    (dir, oasis)
}

fn search<'a>(oasis: &'a Oasis, value: &'a str) -> Search<'a> {
    Search {
        nexus_url: &oasis.nexus_url,
        runtime: oasis::RUNTIME,
        grpc_url: &oasis.grpc_url,
        runtime_id: hex::decode(&oasis.runtime_id).unwrap().try_into().unwrap(),
        app_id: &oasis.app_id,
        keys: &["precis.keyset"],
        value,
        after_round: 0,
    }
}

fn quickly(deadline: Duration) -> Retry {
    Retry { deadline, first_pause: Duration::from_millis(10), longest_pause: Duration::from_millis(50) }
}

async fn publish(oasis: &Oasis, value: &str) -> Found {
    let appd = Appd::new(&oasis.appd_socket);
    let pairs = BTreeMap::from([("precis.keyset".to_owned(), value.to_owned())]);
    appd.put_metadata(&pairs).await.unwrap();
    let http = http_client().unwrap();
    find_registration(&http, &search(oasis, value), quickly(Duration::from_secs(10))).await.unwrap()
}

fn member<'v>(map: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(map, |map, name| {
        let members = map.as_map().unwrap().iter();
        &members.clone().find(|(key, _)| key.as_text() == Some(name)).expect(name).1
    })
}

fn decode(bytes: &[u8]) -> Value {
    ciborium::from_reader(bytes).unwrap()
}

/// Body and proofs of a raw transaction.
fn open(raw: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let envelope = decode(raw).into_array().unwrap();
    let body = envelope[0].as_bytes().unwrap().clone();
    let proofs = envelope[1].as_array().unwrap();
    (body, proofs.iter().map(|p| member(p, "signature").as_bytes().unwrap().clone()).collect())
}

fn quote_of(body: &Value) -> Vec<u8> {
    let attestation = member(body, "call.body.ect.capability_tee.attestation").as_bytes().unwrap();
    member(&decode(attestation), "quote.pcs.quote").as_bytes().unwrap().clone()
}

#[tokio::test]
async fn published_metadata_comes_back_in_a_registration_whose_signatures_hold() {
    let (_dir, oasis) = start().await;
    let found = publish(&oasis, DIGEST).await;
    assert_eq!(found.tx_hash, mock::register::transaction_hash(&found.raw_tx));

    let (body_bytes, proofs) = open(&found.raw_tx);
    let body = decode(&body_bytes);
    assert_eq!(mock::cbor::encode(&body), body_bytes, "the body is canonical");
    assert_eq!(member(&body, "call.method").as_text(), Some("rofl.Register"));
    let metadata = member(&body, "call.body.metadata").as_map().unwrap();
    assert_eq!(metadata[..], [("net.oasis.app.precis.keyset".into(), DIGEST.into())]);

    let chain = mock::Chain {
        runtime_id: hex::decode(&oasis.runtime_id).unwrap().try_into().unwrap(),
        chain_context: oasis.chain_context.clone(),
    };
    let digest = Sha512_256::new().chain_update(chain.signature_context()).chain_update(&body_bytes).finalize();
    let rak = member(&body, "call.body.ect.capability_tee.rak").as_bytes().unwrap();
    let rak: [u8; 32] = rak[..].try_into().unwrap();
    let signature = Signature::from_slice(&proofs[0]).unwrap();
    VerifyingKey::from_bytes(&rak).unwrap().verify_strict(&digest, &signature).unwrap();
    let extra = &member(&body, "call.body.extra_keys").as_array().unwrap()[0];
    let extra = member(extra, "secp256k1").as_bytes().unwrap();
    let extra = k256::ecdsa::VerifyingKey::from_sec1_bytes(extra).unwrap();
    extra.verify_prehash(&digest, &k256::ecdsa::Signature::from_der(&proofs[1]).unwrap()).unwrap();

    let signers = member(&body, "ai.si").as_array().unwrap();
    let signer = member(&signers[0], "address_spec.signature.ed25519").as_bytes().unwrap();
    assert_eq!(signer[..], rak);
    let quote = quote_of(&body);
    assert_eq!(quote[568..600], mock::register::rak_binding(&rak));
    let epoch = current_epoch(&oasis.grpc_url).await.unwrap();
    assert_eq!(member(&body, "call.body.expiration").as_integer().unwrap(), (epoch + 2).into());
}

#[tokio::test]
async fn the_app_and_its_one_instance_are_told_and_no_others() {
    let (_dir, oasis) = start().await;
    let found = publish(&oasis, DIGEST).await;
    let body = decode(&open(&found.raw_tx).0);
    let rak = member(&body, "call.body.ect.capability_tee.rak").as_bytes().unwrap()[..].try_into().unwrap();
    let runtime = hex::decode(&oasis.runtime_id).unwrap().try_into().unwrap();
    let app_id = *AppId::parse(&oasis.app_id).unwrap().as_bytes();

    let node = Node::new(&oasis.grpc_url).unwrap();
    let app = node.app(runtime, app_id).await.unwrap();
    assert_eq!((app.identities, app.max_expiration, app.secrets.len()), (vec![oasis.identity], 3, 0));
    let instance = node.app_instance(runtime, app_id, rak).await.unwrap().unwrap();
    assert_eq!(instance.metadata.get("net.oasis.app.precis.keyset").map(String::as_str), Some(DIGEST));
    assert!(instance.expiration > node.epoch().await.unwrap());

    assert_eq!(node.app_instance(runtime, app_id, [1; 32]).await.unwrap(), None);
    assert!(matches!(node.app(runtime, [0; 21]).await, Err(NodeError::Refused { .. })));
    assert!(matches!(node.app([0; 32], app_id).await, Err(NodeError::Refused { .. })));
}

fn to_dcap(collateral: Collateral) -> QuoteCollateralV3 {
    QuoteCollateralV3 {
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
    }
}

#[tokio::test]
async fn the_quote_verifies_with_fetched_collateral_to_the_mock_root_and_not_to_intels() {
    let (_dir, oasis) = start().await;
    let found = publish(&oasis, DIGEST).await;
    let quote = quote_of(&decode(&open(&found.raw_tx).0));
    let http = http_client().unwrap();
    let source = CollateralSource::new(&oasis.pcs_url);
    let collateral = to_dcap(source.fetch(&http, &quote).await.unwrap());

    let root = std::fs::read(&oasis.trust_root).unwrap();
    let report = QuoteVerifier::new(root).verify(&quote, &collateral, now()).unwrap();
    assert_eq!((report.status.as_str(), report.advisory_ids.len()), ("UpToDate", 0));
    let td = report.report.as_td10().unwrap();
    let measured = mock::Measurements { mr_td: td.mr_td, rt_mr: [td.rt_mr0, td.rt_mr1, td.rt_mr2, td.rt_mr3] };
    assert_eq!(measured.identity(), oasis.identity);
    assert!(QuoteVerifier::new_prod().verify(&quote, &collateral, now()).is_err());

    let length = u32::from_le_bytes(quote[632..636].try_into().unwrap()) as usize;
    assert_eq!(quote.len(), 636 + length, "nothing trails the quote");
}

#[tokio::test]
async fn a_changed_value_is_found_in_a_later_round_and_the_old_one_stays_findable() {
    let (_dir, oasis) = start().await;
    let first = publish(&oasis, "one").await;
    let second = publish(&oasis, "two").await;
    assert!(second.round > first.round);
    assert_ne!(second.raw_tx, first.raw_tx);
    let http = http_client().unwrap();
    let patience = quickly(Duration::from_secs(10));
    assert_eq!(find_registration(&http, &search(&oasis, "one"), patience).await.unwrap(), first);
    let later = Search { after_round: first.round, ..search(&oasis, "one") };
    let short = quickly(Duration::from_millis(60));
    let outcome = find_registration(&http, &later, short).await;
    assert!(matches!(outcome, Err(RegisterError::Deadline { .. })), "{outcome:?}");
}

#[tokio::test]
async fn what_was_never_published_is_not_found_and_the_error_says_so() {
    let (_dir, oasis) = start().await;
    let http = http_client().unwrap();
    let wanted = search(&oasis, "never published");
    let outcome = find_registration(&http, &wanted, quickly(Duration::from_millis(80))).await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("no registration carries the metadata yet"), "{error}");
    let stray = Search { app_id: "rofl1notanapp", ..wanted };
    let outcome = find_registration(&http, &stray, quickly(Duration::from_secs(5))).await;
    assert!(matches!(outcome, Err(RegisterError::Settings(_))), "{outcome:?}");
}

#[tokio::test]
async fn rofl_appd_gives_keys_id_and_metadata_to_the_client() {
    let (_dir, oasis) = start().await;
    let appd = Appd::new(&oasis.appd_socket);
    assert_eq!(appd.ready(Duration::from_secs(5)).await.unwrap(), oasis.app_id);
    for kind in [KeyKind::Raw256, KeyKind::Raw384, KeyKind::Ed25519, KeyKind::Secp256k1] {
        let key = appd.generate_key("precis/wallet: v1", kind).await.unwrap();
        assert_eq!(key.len(), kind.length());
        assert_eq!(key, appd.generate_key("precis/wallet: v1", kind).await.unwrap());
    }
    let wallet = appd.generate_key(oasis::WALLET_KEY_ID, KeyKind::Secp256k1).await.unwrap();
    let wallet = k256::ecdsa::SigningKey::from_slice(&wallet).unwrap();
    let address = alloy_primitives::Address::from_public_key(wallet.verifying_key());
    assert_eq!(address, oasis.wallet_address);

    let pair = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    appd.put_metadata(&pair("a", "1")).await.unwrap();
    appd.put_metadata(&pair("b", "2")).await.unwrap();
    let both: BTreeMap<_, _> = pair("a", "1").into_iter().chain(pair("b", "2")).collect();
    assert_eq!(appd.get_metadata().await.unwrap(), both);

    let long = appd.put_metadata(&pair("a", &"x".repeat(16_385))).await;
    assert!(matches!(&long, Err(AppdError::Refused { status: 400, text }) if text == "invalid argument"));
    let query = appd.query("rofl.App", &[0xf6]).await;
    assert!(matches!(query, Err(AppdError::Refused { status: 500, .. })), "{query:?}");
    let escaped = appd.generate_key("with \"quotes\"", KeyKind::Raw256).await;
    assert!(matches!(&escaped, Err(AppdError::Refused { status: 422, text }) if text.is_empty()));
}

#[tokio::test]
async fn an_absent_daemon_is_unreachable_after_the_patience_given() {
    let dir = tempfile::tempdir().unwrap();
    let appd = Appd::new(dir.path().join("absent.sock"));
    let outcome = appd.ready(Duration::from_millis(10)).await;
    assert!(matches!(outcome, Err(AppdError::Unreachable(_))), "{outcome:?}");
}

#[tokio::test]
async fn collateral_of_an_unknown_platform_is_refused() {
    let (_dir, oasis) = start().await;
    let spec = mock::PkiSpec::fresh([9; 32], now());
    let platform = mock::Platform { fmspc: [1; 6], ..spec.platform };
    let pki = mock::MockPki::new(&mock::PkiSpec { platform, ..spec }).unwrap();
    let quote = mock::TdQuote::new(mock::Measurements::of("x"), [0; 64]).sign(&pki);
    let http = http_client().unwrap();
    let outcome = CollateralSource::new(&oasis.pcs_url).fetch(&http, &quote).await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("404"), "{error}");
}

#[tokio::test]
async fn the_verifier_reads_the_policy_as_this_devnet_and_its_mock_root() {
    let dir = tempfile::tempdir().unwrap();
    let pin = PaymentPin { network: "eip155:31337".into(), asset: format!("0x{}", "11".repeat(20)) };
    let options = OasisOptions { payment: Some(pin), ..OasisOptions::new(dir.path()) };
    let oasis = oasis::start(options).await.unwrap();
    let text = std::fs::read_to_string(&oasis.policy).unwrap();
    let policy = Policy::parse(&text, |path| std::fs::read(path).map_err(|error| error.to_string())).unwrap();
    assert_eq!(policy.app_id, AppId::parse(&oasis.app_id).unwrap());
    assert_eq!(policy.enclave_identities.into_iter().collect::<Vec<_>>(), [oasis.identity]);
    let chain = policy.chain.unwrap();
    assert_eq!(hex::encode(chain.runtime_id), oasis.runtime_id);
    assert_eq!(hex::encode(chain.chain_context), oasis.chain_context);
    assert_eq!(policy.payments[0].network.as_deref(), Some("eip155:31337"));
    assert!(policy.root.is_insecure());
    assert_eq!(policy.root.der(), std::fs::read(&oasis.trust_root).unwrap());
}

#[tokio::test]
async fn the_registration_is_renewed_with_every_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let options = OasisOptions { epoch_length: Duration::from_secs(1), ..OasisOptions::new(dir.path()) };
    let oasis = oasis::start(options).await.unwrap();
    let first = publish(&oasis, DIGEST).await;
    let http = http_client().unwrap();
    let renewed = Search { after_round: first.round, ..search(&oasis, DIGEST) };
    let second = find_registration(&http, &renewed, quickly(Duration::from_secs(20))).await.unwrap();
    let expiration = |found: &Found| {
        let body = decode(&open(&found.raw_tx).0);
        u64::try_from(member(&body, "call.body.expiration").as_integer().unwrap()).unwrap()
    };
    assert!(expiration(&second) > expiration(&first));
    let signers = |found: &Found| {
        let body = decode(&open(&found.raw_tx).0);
        member(&body, "call.body.ect.capability_tee.rak").clone()
    };
    assert_eq!(signers(&first), signers(&second), "one boot, one RAK");
}
