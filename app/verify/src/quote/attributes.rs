//! The rules on how a TD was set up (SPEC 8 `quote.attributes`). Bits: Intel TDX Module ABI, TD_ATTRIBUTES and XFAM.

use super::{Quote, Report15};
use crate::policy::TdPolicy;

/// Attribute bits with a name that must be off. Bits 0 to 7 put the TD under debug.
const NAMED_FORBIDDEN_BITS: [(u32, &str); 6] =
    [(0, "DEBUG"), (4, "HGS+ profiling"), (5, "PERF_PROF"), (6, "PMT_PROF"), (17, "SERVTD_EXT"), (29, "MIGRATABLE")];
const SEPT_VE_DISABLE: u64 = 1 << 28;
/// Bits that may be on: ICSSD, LASS, SEPT_VE_DISABLE, PKS, PERFMON. Everything else counts as reserved.
const ALLOWED_BITS: u64 = 1 << 16 | 1 << 27 | SEPT_VE_DISABLE | 1 << 30 | 1 << 63;
/// Bits of XFAM that every TD has: x87 and SSE.
const XFAM_ALWAYS: u64 = 0b11;

const ZERO: [u8; 48] = [0; 48];

impl Report15 {
    /// Adds the rules that are broken.
    fn check(&self, launch: &[u8; 16], policy: &TdPolicy, broken: &mut Vec<String>) {
        // Byte 1 is the module's major version, byte 0 the security version within it; the others count by themselves.
        let module = |svn: &[u8; 16]| (svn[1], svn[0]);
        let older = self.tee_tcb_svn.iter().zip(launch).skip(2).any(|(now, then)| now < then);
        if older || module(&self.tee_tcb_svn) < module(launch) {
            broken.push(format!(
                "TEE_TCB_SVN2 {} is below the {} that the TD was launched with",
                hex::encode(self.tee_tcb_svn),
                hex::encode(launch)
            ));
        }
        service_td("MRSERVICETD", &self.mr_service_td, &[0; 8], policy, broken);
        let Some(extended) = &self.extended else { return };
        if extended.vm != 0 {
            broken.push(format!(
                "the report is of virtual machine {} inside the TD, expected the TD itself",
                extended.vm
            ));
        }
        for (name, value) in [("device information", &extended.devices[..]), ("migration data", &extended.launched_on)]
        {
            if value.iter().any(|byte| *byte != 0) {
                broken.push(format!("{name} is {}, expected zero", hex::encode(value)));
            }
        }
        for (name, (hash, attributes)) in [
            ("hash of service TDs at launch", &extended.initial_service_td),
            ("hash of service TDs now", &extended.current_service_td),
        ] {
            service_td(name, hash, attributes, policy, broken);
        }
    }
}

/// No service TD, or one that the policy names.
fn service_td(name: &str, hash: &[u8; 48], attributes: &[u8; 8], policy: &TdPolicy, broken: &mut Vec<String>) {
    if *hash == ZERO && *attributes != [0; 8] {
        broken.push(format!("{name} is zero with attributes {}, expected zero", hex::encode(attributes)));
    } else if *hash != ZERO && !policy.service_tds.contains(hash) {
        broken.push(format!("{name} is {}, expected zero or one that the policy names", hex::encode(hash)));
    }
}

impl Quote {
    /// Checks that the host can neither debug, migrate nor configure the TD, and that it uses no feature and is bound to nothing
    /// that the policy does not allow.
    ///
    /// # Errors
    /// Every rule that is broken, in one text.
    pub fn check_attributes(&self, policy: &TdPolicy) -> Result<String, String> {
        let mut broken = Vec::new();
        for (bit, name) in NAMED_FORBIDDEN_BITS {
            if self.td_attributes >> bit & 1 == 1 {
                broken.push(format!("{name} (bit {bit}) is set"));
            }
        }
        let named = NAMED_FORBIDDEN_BITS.iter().fold(0, |mask, (bit, _)| mask | 1 << bit);
        let reserved = self.td_attributes & !(ALLOWED_BITS | named);
        if reserved != 0 {
            broken.push(format!("reserved attribute bits {reserved:#018x} are set"));
        }
        if self.td_attributes & SEPT_VE_DISABLE == 0 {
            broken.push("SEPT_VE_DISABLE (bit 28) is not set".to_owned());
        }
        let foreign = self.xfam & !policy.allowed_xfam;
        if foreign != 0 || self.xfam & XFAM_ALWAYS != XFAM_ALWAYS {
            broken.push(format!("XFAM is {:#x}, expected within {:#x}", self.xfam, policy.allowed_xfam));
        }
        for (name, value) in [
            ("MRSIGNERSEAM", &self.mr_signer_seam),
            ("MRCONFIGID", &self.mr_config_id),
            ("MROWNER", &self.mr_owner),
            ("MROWNERCONFIG", &self.mr_owner_config),
        ] {
            if *value != ZERO {
                broken.push(format!("{name} is {}, expected zero", hex::encode(value)));
            }
        }
        if let Some(report) = &self.report_15 {
            report.check(&self.tee_tcb_svn, policy, &mut broken);
        }
        if broken.is_empty() {
            Ok(format!(
                "attributes {:#018x}, XFAM {:#x}, MRSEAM {}…, TD report {}",
                self.td_attributes,
                self.xfam,
                hex::encode(&self.mr_seam[..8]),
                if self.report_15.is_some() { "1.5" } else { "1.0" }
            ))
        } else {
            Err(broken.join("; "))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::Extended;
    use super::super::tests::quiet;
    use super::*;

    fn judged(quote: &Quote) -> Result<String, String> {
        quote.check_attributes(&TdPolicy::default())
    }

    /// The quiet TD in an extended report 1.5.
    fn extended() -> Quote {
        let extended = Extended {
            vm: 0,
            devices: ZERO,
            initial_service_td: (ZERO, [0; 8]),
            launched_on: [0; 44],
            current_service_td: (ZERO, [0; 8]),
        };
        let tee_tcb_svn = quiet().tee_tcb_svn;
        Quote { report_15: Some(Report15 { tee_tcb_svn, mr_service_td: ZERO, extended: Some(extended) }), ..quiet() }
    }

    #[test]
    fn only_harmless_attribute_bits_are_accepted() {
        assert!(judged(&quiet()).is_ok());
        for bit in 0..64 {
            let mut quote = quiet();
            quote.td_attributes ^= 1 << bit;
            let harmless = [16, 27, 30, 63].contains(&bit);
            assert_eq!(judged(&quote).is_ok(), harmless, "bit {bit}");
        }
    }

    #[test]
    fn measurements_chosen_by_the_host_must_be_zero() {
        let changes: [fn(&mut Quote); 4] = [
            |quote| quote.mr_signer_seam[47] = 1,
            |quote| quote.mr_config_id[0] = 1,
            |quote| quote.mr_owner[0] = 1,
            |quote| quote.mr_owner_config[0] = 1,
        ];
        for change in changes {
            let mut quote = quiet();
            change(&mut quote);
            assert!(judged(&quote).unwrap_err().contains("expected zero"));
        }
    }

    #[test]
    fn only_extended_features_that_the_policy_allows_are_accepted() {
        let allowed = [2, 5, 6, 7, 9, 11, 12, 17, 18];
        for bit in 0..64 {
            let mut quote = quiet();
            quote.xfam = 0b11 ^ (1 << bit);
            assert_eq!(judged(&quote).is_ok(), allowed.contains(&bit), "bit {bit}");
        }
        let mut quote = quiet();
        quote.xfam = 0x7;
        let narrow = TdPolicy { allowed_xfam: 0x3, ..TdPolicy::default() };
        assert!(quote.check_attributes(&narrow).unwrap_err().contains("XFAM is 0x7, expected within 0x3"));
    }

    #[test]
    fn every_field_that_a_td_report_1_5_adds_is_judged() {
        assert!(judged(&extended()).unwrap().ends_with("TD report 1.5"));
        let changes: [fn(&mut Report15, &mut Extended); 12] = [
            |report, _| report.tee_tcb_svn[0] = 5,
            |report, _| report.tee_tcb_svn[1] = 0,
            |report, _| report.tee_tcb_svn[2] = 2,
            |report, _| report.mr_service_td[47] = 1,
            |_, extended| extended.vm = 1,
            |_, extended| extended.devices[0] = 1,
            |_, extended| extended.initial_service_td.0[0] = 1,
            |_, extended| extended.initial_service_td.1[0] = 1,
            |_, extended| extended.launched_on[0] = 1,
            |_, extended| extended.launched_on[43] = 1,
            |_, extended| extended.current_service_td.0[0] = 1,
            |_, extended| extended.current_service_td.1[7] = 1,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut quote = extended();
            let mut report = quote.report_15.take().unwrap();
            let mut more = report.extended.take().unwrap();
            change(&mut report, &mut more);
            quote.report_15 = Some(Report15 { extended: Some(more), ..report });
            assert!(judged(&quote).is_err(), "change {index}");
        }
        // A module that was updated under the TD is no fault.
        let mut updated = extended();
        updated.report_15.as_mut().unwrap().tee_tcb_svn = [0, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(judged(&updated).is_ok());
    }

    #[test]
    fn a_service_td_is_accepted_if_the_policy_names_it() {
        let mut quote = extended();
        quote.report_15.as_mut().unwrap().mr_service_td = [7; 48];
        assert!(judged(&quote).unwrap_err().contains("MRSERVICETD"));
        let policy = TdPolicy { service_tds: [[7; 48]].into(), ..TdPolicy::default() };
        assert!(quote.check_attributes(&policy).is_ok());
    }
}
