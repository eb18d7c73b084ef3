//! The mock evidence is what it says: right by default, and wrong in exactly the way asked for,
//! judged by dcap-qvl, the library that the verifier uses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use dcap_qvl::{quote::Quote, verify::QuoteVerifier};
use precis_devnet::oasis::mock::{
    CollateralSpec, Measurements, MockCollateral, MockPki, PkiSpec, QeReport, Revoked, TdQuote,
};

const NOW: u64 = 1_795_000_000;
const DAY: u64 = 86_400;

fn pki() -> MockPki {
    MockPki::new(&PkiSpec::fresh([1; 32], NOW)).unwrap()
}

fn td() -> TdQuote {
    TdQuote::new(Measurements::of("enclave"), [7; 64])
}

fn verify(pki: &MockPki, quote: &[u8], collateral: &MockCollateral) -> Result<String, String> {
    let verifier = QuoteVerifier::new(pki.root_der().to_vec());
    let report = verifier.verify(quote, &collateral.to_dcap(), NOW);
    report.map(|report| report.status).map_err(|error| format!("{error:#}"))
}

fn verify_td(td: TdQuote) -> Result<String, String> {
    let pki = pki();
    let collateral = CollateralSpec::fresh(&pki, NOW).sign(&pki).unwrap();
    verify(&pki, &td.sign(&pki), &collateral)
}

fn verify_spec(change: impl FnOnce(&mut CollateralSpec)) -> Result<String, String> {
    let pki = pki();
    let mut spec = CollateralSpec::fresh(&pki, NOW);
    change(&mut spec);
    verify(&pki, &td().sign(&pki), &spec.sign(&pki).unwrap())
}

#[track_caller]
fn assert_refused(outcome: Result<String, String>, because: &str) {
    let error = outcome.expect_err(because);
    assert!(error.contains(because), "{error}");
}

#[test]
fn the_default_quote_is_up_to_date_and_has_its_exact_length() {
    assert_eq!(verify_td(td()).unwrap(), "UpToDate");
    let quote = td().sign(&pki());
    let auth = u32::from_le_bytes(quote[632..636].try_into().unwrap()) as usize;
    assert_eq!(quote.len(), 636 + auth);
    let parsed = Quote::parse(&quote).unwrap();
    assert_eq!(parsed.report.as_td10().unwrap().report_data, [7; 64]);
}

#[test]
fn equal_seeds_give_equal_keys_and_other_seeds_other_roots() {
    let (a, b) = (td().sign(&pki()), td().sign(&pki()));
    // Certificates carry randomized signatures of varying length; what comes before them does not.
    assert!(a[..632] == b[..632] && a[636..764] == b[636..764]);
    let other = MockPki::new(&PkiSpec::fresh([2; 32], NOW)).unwrap();
    let collateral = CollateralSpec::fresh(&other, NOW).sign(&other).unwrap();
    assert!(verify(&pki(), &td().sign(&other), &collateral).is_err());
}

#[test]
fn every_attribute_that_must_be_off_or_on_is_refused_otherwise() {
    let bits = [
        (0, "Debug mode is enabled"),
        (1, "Reserved bits"),
        (4, "profiling"),
        (29, "migration"),
        (40, "Reserved bits"),
    ];
    for (bit, because) in bits {
        let mut quote = td();
        quote.td_attributes[bit / 8] |= 1 << (bit % 8);
        assert_refused(verify_td(quote), because);
    }
    assert_refused(verify_td(TdQuote { td_attributes: [0; 8], ..td() }), "SEPT_VE_DISABLE");
    assert_refused(verify_td(TdQuote { mr_signer_seam: [1; 48], ..td() }), "MRSIGNER");
}

#[test]
fn statuses_and_advisories_arrive_as_specified() {
    for status in ["UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "OutOfDate"] {
        assert_eq!(verify_spec(|spec| spec.tcb_status = status).unwrap(), status);
    }
    assert_eq!(verify_spec(|spec| spec.qe_status = "OutOfDate").unwrap(), "OutOfDate");
    assert_refused(verify_spec(|spec| spec.tcb_status = "Revoked"), "Revoked");
    let mut old = td();
    old.tee_tcb_svn[2] = 0;
    assert_refused(verify_td(old), "No matching TCB level");

    let pki = pki();
    let mut spec = CollateralSpec::fresh(&pki, NOW);
    spec.tcb_status = "SWHardeningNeeded";
    spec.advisories = vec!["INTEL-SA-00615".to_owned()];
    spec.evaluation_number = 17;
    let collateral = spec.sign(&pki).unwrap().to_dcap();
    let policy = dcap_qvl::QuotePolicy::claims_only(NOW);
    let claims = QuoteVerifier::new(pki.root_der().to_vec())
        .verify_with_policy(&td().sign(&pki), collateral, NOW, &policy)
        .unwrap();
    assert_eq!(claims.tcb.advisory_ids, ["INTEL-SA-00615"]);
    assert_eq!(claims.tcb.eval_data_number, 17);
    assert_eq!(claims.platform.pck.fmspc, pki.platform.fmspc);
    assert_eq!(claims.platform.pck.pce_id, pki.platform.pce_id);
}

#[test]
fn stale_and_early_collateral_is_refused() {
    assert_refused(verify_spec(|spec| spec.next_update = NOW - 1), "expired");
    assert_refused(verify_spec(|spec| spec.issued = NOW + 60), "future");
    let stale = verify_spec(|spec| {
        (spec.pck_crl_issued, spec.root_crl_issued, spec.crl_next_update) = (NOW - 2 * DAY, NOW - 2 * DAY, NOW - DAY);
    });
    assert!(stale.is_err(), "{stale:?}");
}

#[test]
fn revoked_certificates_are_refused_wherever_they_stand() {
    for revoked in [Revoked::Pck, Revoked::PckCa, Revoked::TcbSigning] {
        let outcome = verify_spec(|spec| spec.revoked = revoked);
        let error = outcome.expect_err("revoked");
        assert!(error.to_lowercase().contains("revoked"), "{revoked:?}: {error}");
    }
}

#[test]
fn swapped_lists_edited_documents_and_foreign_platforms_are_refused() {
    let pki = pki();
    let quote = td().sign(&pki);
    let good = CollateralSpec::fresh(&pki, NOW).sign(&pki).unwrap();
    let bend = |change: fn(&mut MockCollateral)| {
        let mut bent = good.clone();
        change(&mut bent);
        verify(&pki, &quote, &bent)
    };
    assert!(bend(|c| c.pck_crl = c.root_ca_crl.clone()).is_err());
    assert!(bend(|c| c.root_ca_crl = c.pck_crl.clone()).is_err());
    assert!(bend(|c| c.pck_crl.clear()).is_err());
    assert_refused(
        bend(|c| c.tcb_info = c.tcb_info.replace("OutOfDate", "UpToDate")),
        "Signature is invalid for tcb_info",
    );
    assert_refused(bend(|c| c.qe_identity_signature[0] ^= 1), "Signature is invalid for qe_identity");
    assert_refused(verify_spec(|spec| spec.fmspc[0] ^= 1), "Fmspc mismatch");
    assert_refused(verify_spec(|spec| spec.qe_id = "QE"), "Unsupported QE Identity");
}

#[test]
fn another_quoting_enclave_is_refused() {
    let qe = QeReport::default();
    let mut debug = qe;
    debug.attributes[0] |= 2;
    for (qe, because) in [
        (QeReport { mr_signer: [0; 32], ..qe }, "MRSIGNER"),
        (QeReport { isv_prod_id: 1, ..qe }, "ISVPRODID"),
        (QeReport { isv_svn: 1, ..qe }, "ISVSVN"),
        (debug, "QE report"),
    ] {
        assert_refused(verify_td(TdQuote { qe, ..td() }), because);
    }
}

#[test]
fn a_changed_byte_under_the_signature_is_refused() {
    let pki = pki();
    let collateral = CollateralSpec::fresh(&pki, NOW).sign(&pki).unwrap();
    let good = td().sign(&pki);
    // MRTD, an RTMR, REPORTDATA, and the signature itself.
    for at in [48 + 136, 48 + 328, 48 + 520, 636] {
        let mut bent = good.clone();
        bent[at] ^= 1;
        assert!(verify(&pki, &bent, &collateral).is_err(), "byte {at}");
    }
}
