//! What Intel would publish about the mock machine: TCB info, QE identity and revocation lists,
//! signed by the mock PKI, fresh by default and stale, revoked or unfit when asked for.

use dcap_qvl::QuoteCollateralV3;
use serde_json::{Value, json};

use super::{
    MockError,
    pki::{MockPki, PCK_CA_SERIAL, PCK_SERIAL, TCB_SERIAL, sign},
    quote::{QE_ISV_PROD_ID, QE_ISV_SVN, QE_MR_SIGNER, TEE_TCB_SVN},
    rfc3339,
};

const DAY: u64 = 86_400;

/// Which certificate the revocation lists name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// None.
    Nothing,
    /// The machine's PCK certificate.
    Pck,
    /// The PCK CA.
    PckCa,
    /// The TCB signing certificate.
    TcbSigning,
}

/// How to make the collateral. [`CollateralSpec::fresh`] is what an up-to-date machine gets.
#[derive(Clone, Debug)]
pub struct CollateralSpec {
    /// Unix seconds of TCB info's and QE identity's `issueDate`.
    pub issued: u64,
    /// Unix seconds of the PCK list's `thisUpdate`.
    pub pck_crl_issued: u64,
    /// Unix seconds of the root list's `thisUpdate`.
    pub root_crl_issued: u64,
    /// Unix seconds of `nextUpdate`.
    pub next_update: u64,
    /// `nextUpdate` of the revocation lists, where it should differ.
    pub crl_next_update: u64,
    /// TCB evaluation data number of TCB info and QE identity.
    pub evaluation_number: u32,
    /// `tcbStatus` of the level that the default machine meets.
    pub tcb_status: &'static str,
    /// Advisories of that level.
    pub advisories: Vec<String>,
    /// `tcbStatus` of the QE level.
    pub qe_status: &'static str,
    /// FMSPC in TCB info.
    pub fmspc: [u8; 6],
    /// PCE id in TCB info.
    pub pce_id: [u8; 2],
    /// QE identity: `TD_QE`, or `QE` for SGX.
    pub qe_id: &'static str,
    /// QE identity: expected signer.
    pub qe_mr_signer: [u8; 32],
    /// QE identity: lowest version listed.
    pub qe_isv_svn: u16,
    /// What the revocation lists name.
    pub revoked: Revoked,
}

impl CollateralSpec {
    /// UpToDate collateral for the mock machine, issued an hour before `now`, valid for 30 days.
    #[must_use]
    pub fn fresh(pki: &MockPki, now: u64) -> Self {
        let issued = now.saturating_sub(3_600);
        Self {
            issued,
            pck_crl_issued: issued,
            root_crl_issued: issued,
            next_update: issued + 30 * DAY,
            crl_next_update: issued + 30 * DAY,
            evaluation_number: 20,
            tcb_status: "UpToDate",
            advisories: Vec::new(),
            qe_status: "UpToDate",
            fmspc: pki.platform.fmspc,
            pce_id: pki.platform.pce_id,
            qe_id: "TD_QE",
            qe_mr_signer: QE_MR_SIGNER,
            qe_isv_svn: QE_ISV_SVN,
            revoked: Revoked::Nothing,
        }
    }

    /// Makes and signs the documents.
    ///
    /// # Errors
    /// [`MockError`] for dates out of range.
    pub fn sign(&self, pki: &MockPki) -> Result<MockCollateral, MockError> {
        let tcb_info = self.tcb_info(pki)?.to_string();
        let qe_identity = self.qe_identity()?.to_string();
        let (from_root, from_pck_ca): (&[u64], &[u64]) = match self.revoked {
            Revoked::Nothing => (&[], &[]),
            Revoked::Pck => (&[], &[PCK_SERIAL]),
            Revoked::PckCa => (&[PCK_CA_SERIAL], &[]),
            Revoked::TcbSigning => (&[TCB_SERIAL], &[]),
        };
        Ok(MockCollateral {
            root_ca_crl: pki.root_crl((self.root_crl_issued, self.crl_next_update), from_root)?,
            pck_crl: pki.pck_crl((self.pck_crl_issued, self.crl_next_update), from_pck_ca)?,
            pck_crl_issuer_chain: pki.pck_ca_chain(),
            tcb_info_signature: sign(&pki.tcb_key, tcb_info.as_bytes()),
            tcb_info,
            qe_identity_signature: sign(&pki.tcb_key, qe_identity.as_bytes()),
            qe_identity,
            signing_chain: pki.tcb_chain(),
        })
    }

    fn tcb_info(&self, pki: &MockPki) -> Result<Value, MockError> {
        let module = json!({
            "mrsigner": "00".repeat(48),
            "attributes": "0000000000000000",
            "attributesMask": "FFFFFFFFFFFFFFFF",
        });
        let mut identity = module.clone();
        identity["id"] = json!(format!("TDX_{:02X}", TEE_TCB_SVN[1]));
        identity["tcbLevels"] = json!([{
            "tcb": { "isvsvn": TEE_TCB_SVN[0] },
            "tcbDate": rfc3339(self.issued)?,
            "tcbStatus": "UpToDate",
        }]);
        let mut level = json!({
            "tcb": components(&pki.platform.cpu_svn, &TEE_TCB_SVN, pki.platform.pce_svn),
            "tcbDate": rfc3339(self.issued)?,
            "tcbStatus": self.tcb_status,
        });
        if !self.advisories.is_empty() {
            level["advisoryIDs"] = json!(self.advisories);
        }
        // One component below: what an unpatched machine would meet.
        let mut older = pki.platform.cpu_svn;
        older[0] = older[0].saturating_sub(1);
        let outdated = json!({
            "tcb": components(&older, &TEE_TCB_SVN, pki.platform.pce_svn),
            "tcbDate": rfc3339(self.issued.saturating_sub(365 * DAY))?,
            "tcbStatus": "OutOfDate",
            "advisoryIDs": ["INTEL-SA-00000"],
        });
        Ok(json!({
            "id": "TDX",
            "version": 3,
            "issueDate": rfc3339(self.issued)?,
            "nextUpdate": rfc3339(self.next_update)?,
            "fmspc": hex::encode_upper(self.fmspc),
            "pceId": hex::encode_upper(self.pce_id),
            "tcbType": 0,
            "tcbEvaluationDataNumber": self.evaluation_number,
            "tdxModule": module,
            "tdxModuleIdentities": [identity],
            "tcbLevels": [level, outdated],
        }))
    }

    fn qe_identity(&self) -> Result<Value, MockError> {
        Ok(json!({
            "id": self.qe_id,
            "version": 2,
            "issueDate": rfc3339(self.issued)?,
            "nextUpdate": rfc3339(self.next_update)?,
            "tcbEvaluationDataNumber": self.evaluation_number,
            "miscselect": "00000000",
            "miscselectMask": "FFFFFFFF",
            "attributes": "11000000000000000000000000000000",
            "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
            "mrsigner": hex::encode_upper(self.qe_mr_signer),
            "isvprodid": QE_ISV_PROD_ID,
            "tcbLevels": [{
                "tcb": { "isvsvn": self.qe_isv_svn },
                "tcbDate": rfc3339(self.issued)?,
                "tcbStatus": self.qe_status,
            }],
        }))
    }
}

fn components(sgx: &[u8; 16], tdx: &[u8; 16], pce_svn: u16) -> Value {
    let list = |svns: &[u8; 16]| svns.iter().map(|svn| json!({ "svn": svn })).collect::<Vec<_>>();
    json!({ "sgxtcbcomponents": list(sgx), "pcesvn": pce_svn, "tdxtcbcomponents": list(tdx) })
}

/// Signed collateral. Its fields may be swapped and bent to make negative cases.
#[derive(Clone, Debug)]
pub struct MockCollateral {
    /// The root's revocation list, DER.
    pub root_ca_crl: Vec<u8>,
    /// The PCK CA's revocation list, DER.
    pub pck_crl: Vec<u8>,
    /// PCK CA and root, PEM.
    pub pck_crl_issuer_chain: String,
    /// TCB info, the exact signed text.
    pub tcb_info: String,
    /// `r ‖ s` over it.
    pub tcb_info_signature: [u8; 64],
    /// QE identity, the exact signed text.
    pub qe_identity: String,
    /// `r ‖ s` over it.
    pub qe_identity_signature: [u8; 64],
    /// TCB signing certificate and root, PEM: issuer chain of both documents.
    pub signing_chain: String,
}

impl MockCollateral {
    /// In the form that dcap-qvl takes and the attestation document carries (SPEC 3.1).
    #[must_use]
    pub fn to_dcap(&self) -> QuoteCollateralV3 {
        QuoteCollateralV3 {
            pck_crl_issuer_chain: self.pck_crl_issuer_chain.clone(),
            root_ca_crl: self.root_ca_crl.clone(),
            pck_crl: self.pck_crl.clone(),
            tcb_info_issuer_chain: self.signing_chain.clone(),
            tcb_info: self.tcb_info.clone(),
            tcb_info_signature: self.tcb_info_signature.to_vec(),
            qe_identity_issuer_chain: self.signing_chain.clone(),
            qe_identity: self.qe_identity.clone(),
            qe_identity_signature: self.qe_identity_signature.to_vec(),
            pck_certificate_chain: None,
        }
    }
}
