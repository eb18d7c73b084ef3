//! Real quotes and collateral against the quote layer, each with its known verdict. The folder is named by `PRECIS_TDX_VECTORS`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::path::PathBuf;

use precis_protocol::attestation::Collateral;
use precis_verify::policy::INTEL_ROOT_CA;
use precis_verify::policy::{DEFAULT_MAX_ROOT_CRL_AGE_DAYS, TdPolicy};
use precis_verify::quote::collateral::check_shape;
use precis_verify::quote::verifier::GenuineError;
use precis_verify::quote::{DcapVerifier, Quote, QuoteClaims, QuoteVerifier, TcbStatus};

const TDX_1_0: (&str, &str, u64) = ("dcap-qvl/tdx_quote", "dcap-qvl/tdx_quote_collateral.json", 1_750_377_600);
const TDX_1_5_EXTENDED: (&str, &str, u64) =
    ("dcap-qvl/tdx_quote_td15ex", "dcap-qvl/tdx_quote_td15ex_collateral.json", 1_792_000_000);
const GCP: (&str, &str, u64) = (
    "flashbots-attested-tls/dcap-tdx-1766059550570652607",
    "flashbots-attested-tls/dcap-quote-collateral-00.json",
    1_769_509_141,
);
const GCP_LATER: (&str, &str, u64) = (
    "flashbots-attested-tls/gcp-tdx-1782809233226668671",
    "flashbots-attested-tls/gcp-tdx-collateral-1782809233226668671.json",
    1_782_809_233,
);
const AZURE_OUT_OF_DATE: (&str, &str, u64) =
    ("dcap-qvl/tdx_quote_outdated", "dcap-qvl/tdx_quote_outdated_collateral.json", 1_772_000_000);

/// The folder of recorded quotes, or a visible skip.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("PRECIS_TDX_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        println!("SKIPPED: PRECIS_TDX_VECTORS does not name the folder of recorded quotes");
    }
    folder
}

fn read(folder: &std::path::Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The quote and its collateral, without what their recorders appended: bytes after the quote, a zero after a chain copied from one.
fn load(folder: &std::path::Path, (quote, collateral, _): (&str, &str, u64)) -> (Vec<u8>, Collateral) {
    let mut quote = read(folder, quote);
    let at = if quote[0] == 4 { 632 } else { 54 + u32::from_le_bytes(quote[50..54].try_into().unwrap()) as usize };
    let length = at + 4 + u32::from_le_bytes(quote[at..at + 4].try_into().unwrap()) as usize;
    quote.truncate(length);
    let mut collateral: Collateral = serde_json::from_slice(&read(folder, collateral)).unwrap();
    collateral.pck_certificate_chain =
        collateral.pck_certificate_chain.map(|chain| chain.trim_end_matches('\0').to_owned());
    (quote, collateral.canonical())
}

fn judge(quote: &[u8], collateral: &Collateral, now: u64) -> Result<QuoteClaims, GenuineError> {
    DcapVerifier.verify(quote, collateral, now, INTEL_ROOT_CA)
}

#[test]
fn genuine_quotes_of_four_machines_are_up_to_date_under_intels_root() {
    let Some(folder) = folder() else { return };
    for (vector, evaluation_number) in [(TDX_1_0, 17), (TDX_1_5_EXTENDED, 20), (GCP, 18), (GCP_LATER, 19)] {
        let (bytes, collateral) = load(&folder, vector);
        let quote = Quote::parse(&bytes).unwrap();
        assert_eq!(check_shape(&quote, &collateral).unwrap(), INTEL_ROOT_CA, "{}", vector.0);
        let claims = judge(&bytes, &collateral, vector.2).unwrap();
        assert!(claims.statuses.iter().all(|(_, status)| *status == TcbStatus::UpToDate), "{:?}", claims.statuses);
        assert_eq!(claims.evaluation_number, evaluation_number, "{}", vector.0);
        assert_eq!(claims.pck_pce_id, claims.times.pce_id);
        // As old as Intel lets them become, and none of them from the future.
        let of = |name| claims.times.items().into_iter().find(|(item, _)| *item == name).unwrap().1;
        for (name, most) in
            [("TCB info", 30), ("QE identity", 30), ("PCK CRL", 30), ("root CRL", DEFAULT_MAX_ROOT_CRL_AGE_DAYS)]
        {
            let (period, most) = (of(name), u64::from(most) * 86_400);
            assert!((period.issued..=period.issued + most).contains(&vector.2), "{name} of {}: {period:?}", vector.0);
            assert!(period.next_update - period.issued <= most && vector.2 <= period.next_update, "{name}: {period:?}");
        }
    }
}

#[test]
fn attributes_of_genuine_quotes_pass_where_the_host_configured_nothing() {
    let Some(folder) = folder() else { return };
    for vector in [TDX_1_0, GCP, GCP_LATER] {
        Quote::parse(&load(&folder, vector).0).unwrap().check_attributes(&TdPolicy::default()).unwrap();
    }
    // What the host configured is all that is wrong with it: XFAM and the fields of TD 1.5 pass.
    let mut extended = Quote::parse(&load(&folder, TDX_1_5_EXTENDED).0).unwrap();
    let configured = extended.check_attributes(&TdPolicy::default()).unwrap_err();
    assert!(configured.starts_with("MRCONFIGID") && !configured.contains(';'), "{configured}");
    extended.mr_config_id = [0; 48];
    assert!(extended.report_15.as_ref().unwrap().extended.is_some());
    extended.check_attributes(&TdPolicy::default()).unwrap();
    for (name, xfam) in [("dcap-qvl/tdx_quote_outdated", 0x61_8e7), ("go-tdx-guest/quote_v5_sample.dat", 0x60_2e7)] {
        let quote = Quote::parse(&read(&folder, name)).unwrap();
        assert_eq!(quote.xfam, xfam, "{name}");
        assert!(quote.report_15.is_some(), "{name}");
        quote.check_attributes(&TdPolicy::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let without_sept_ve_disable = read(&folder, "oasis-core/quote_v4_tdx_ecdsa_p256_out_of_date.bin");
    let error = Quote::parse(&without_sept_ve_disable).unwrap().check_attributes(&TdPolicy::default()).unwrap_err();
    assert!(error.starts_with("SEPT_VE_DISABLE") && !error.contains(';'), "{error}");
}

#[test]
fn a_machine_below_every_level_is_refused() {
    let Some(folder) = folder() else { return };
    let (bytes, collateral) = load(&folder, AZURE_OUT_OF_DATE);
    let error = judge(&bytes, &collateral, AZURE_OUT_OF_DATE.2).unwrap_err().to_string();
    assert!(error.contains("No matching TCB level"), "{error}");
}

#[test]
fn an_sgx_quote_is_not_a_tdx_quote() {
    let Some(folder) = folder() else { return };
    assert!(Quote::parse(&read(&folder, "dcap-qvl/sgx_quote")).is_err());
}

#[test]
fn enclave_identities_match_the_published_ones() {
    let Some(folder) = folder() else { return };
    for (name, identity) in [
        ("oasis-core/quote_v4_tdx_ecdsa_p256.bin", "63d522d975f7de879a8f3368b4f32dd1e8db635f5a24b651ce8ff81705028813"),
        (
            "oasis-core/quote_v4_tdx_ecdsa_p256_out_of_date.bin",
            "9495c99b59584809ca2751f457df3c59217ad69e8081a5e8c64baa70214827fe",
        ),
        ("go-tdx-guest/quote_v5_sample.dat", "f416213f07a5bdf1566a3d36f440ddb1d4e67379fd61701a08a8df2aab69e716"),
        ("dcap-qvl/tdx_quote_td15ex", "5f41c611af5f95e48a46ac4862d7b7f274a394abda2c76bc04098284fda31cbc"),
        ("dcap-qvl/tdx_quote_outdated", "25f493bed73e28da4fde2b3b84f67faefaf3e6906d7805c73b5faeade1059b03"),
    ] {
        assert_eq!(hex::encode(Quote::parse(&read(&folder, name)).unwrap().enclave_identity()), identity, "{name}");
    }
}

#[test]
fn bytes_after_a_quote_are_refused() {
    let Some(folder) = folder() else { return };
    for name in [
        "oasis-core/quote_v4_tdx_ecdsa_p256_trailing.bin",
        "go-tdx-guest/tdx_prod_quote_SPR_E4.dat",
        "dcap-qvl/tdx_quote",
        "flashbots-attested-tls/gcp-tdx-1782809233226668671",
    ] {
        let error = Quote::parse(&read(&folder, name)).unwrap_err().to_string();
        assert!(error.contains("bytes follow the quote"), "{name}: {error}");
    }
}

#[test]
fn a_quote_cut_anywhere_is_refused_without_a_panic() {
    let Some(folder) = folder() else { return };
    for vector in [TDX_1_0, TDX_1_5_EXTENDED] {
        let (bytes, _) = load(&folder, vector);
        for length in 0..bytes.len() {
            assert!(Quote::parse(&bytes[..length]).is_err(), "{length}");
        }
    }
}

#[test]
fn announced_lengths_that_cannot_be_are_refused() {
    let Some(folder) = folder() else { return };
    let (bytes, _) = load(&folder, TDX_1_0);
    let with = |at: usize, value: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        Quote::parse(&bytes)
    };
    assert!(with(632, &[0xff; 4]).is_err());
    for certification in [1u8, 2, 3, 4, 5, 7] {
        assert!(with(636 + 128, &[certification, 0]).is_err(), "outer type {certification}");
    }
    for certification in [1u8, 2, 3, 4, 6] {
        assert!(with(636 + 134 + 448 + 2 + 32, &[certification, 0]).is_err(), "inner type {certification}");
    }
    let (extended, _) = load(&folder, TDX_1_5_EXTENDED);
    for (at, value) in [(48, 1u8), (48, 3), (50, 0)] {
        let mut bytes = extended.clone();
        bytes[at] = value;
        assert!(Quote::parse(&bytes).is_err(), "{at}");
    }
}

#[test]
fn collateral_outside_its_window_or_of_another_machine_is_refused() {
    let Some(folder) = folder() else { return };
    let (bytes, collateral) = load(&folder, TDX_1_5_EXTENDED);
    for now in [1_791_418_186 - 301, 1_794_008_711 + 1, 1_750_377_600] {
        assert!(judge(&bytes, &collateral, now).is_err(), "{now}");
    }
    // A clock up to five minutes late still accepts what Intel has just issued.
    assert!(judge(&bytes, &collateral, 1_791_418_186 - 200).is_ok());
    // The same CA certified both machines, so that only the platform in the TCB info tells them apart.
    let (_, other) = load(&folder, GCP);
    assert!(judge(&bytes, &other, GCP.2).is_err());
}

#[test]
fn no_single_bit_of_a_genuine_quote_or_its_collateral_is_free() {
    let Some(folder) = folder() else { return };
    let (bytes, collateral) = load(&folder, TDX_1_0);
    let accepted = |bytes: &[u8], collateral: &Collateral| {
        let quote = Quote::parse(bytes).ok()?;
        let root = check_shape(&quote, collateral).ok()?;
        (root == INTEL_ROOT_CA).then_some(())?;
        judge(bytes, collateral, TDX_1_0.2).ok()
    };
    assert!(accepted(&bytes, &collateral).is_some());
    // Every 13th bit and all of the certification headers, so that the run stays short.
    let headers = (764 * 8)..(770 * 8);
    for bit in (0..bytes.len() * 8).step_by(13).chain(headers) {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(accepted(&changed, &collateral).is_none(), "bit {bit} of the quote");
    }
    let json = serde_json::to_vec(&collateral).unwrap();
    for bit in (0..json.len() * 8).step_by(29) {
        let mut changed = json.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(other) = serde_json::from_slice::<Collateral>(&changed) else { continue };
        assert!(accepted(&bytes, &other).is_none(), "bit {bit} of the collateral");
    }
}
