use precis_protocol::limits::MAX_QUOTE_BYTES;
use precis_verify::policy::TdPolicy;
use precis_verify::quote::{Quote, pem};

/// `Quote::parse`: no byte is free, and what dcap-qvl verifies is what the policy is applied to.
pub fn quote(bytes: &[u8]) {
    let Ok(quote) = Quote::parse(bytes) else { return };
    assert!(bytes.len() <= MAX_QUOTE_BYTES);
    assert!(Quote::parse(&bytes[..bytes.len() - 1]).is_err(), "a byte too few");
    assert!(Quote::parse(&[bytes, &[0]].concat()).is_err(), "a byte too many");
    let chain = pem::encode(&quote.pck_chain);
    assert!(bytes.windows(chain.len()).any(|window| window == chain.as_bytes()), "the chain has another encoding");
    assert_eq!(pem::parse_chain(&chain).as_ref(), Ok(&quote.pck_chain));
    let _ = quote.check_attributes(&TdPolicy::default());

    // Two parsers that disagree would let a quote be verified as one enclave and judged as another.
    let Ok(theirs) = dcap_qvl::quote::Quote::parse(bytes) else { return };
    let report = theirs.report.as_td10().expect("a TD report");
    assert_eq!(theirs.header.version, quote.version);
    assert_eq!(report.mr_seam, quote.mr_seam);
    assert_eq!(report.mr_signer_seam, quote.mr_signer_seam);
    assert_eq!(u64::from_le_bytes(report.td_attributes), quote.td_attributes);
    assert_eq!(u64::from_le_bytes(report.xfam), quote.xfam);
    assert_eq!(report.mr_td, quote.mr_td);
    assert_eq!(report.mr_config_id, quote.mr_config_id);
    assert_eq!(report.mr_owner, quote.mr_owner);
    assert_eq!(report.mr_owner_config, quote.mr_owner_config);
    assert_eq!([report.rt_mr0, report.rt_mr1, report.rt_mr2, report.rt_mr3], quote.rtmrs);
    assert_eq!(report.report_data, quote.report_data);
    assert_eq!(report.tee_tcb_svn, quote.tee_tcb_svn);
    let ours = quote.report_15.as_ref();
    let theirs_15 = theirs.report.as_td15().map(|report| (report.tee_tcb_svn2, report.mr_service_td));
    assert_eq!(theirs_15, ours.map(|report| (report.tee_tcb_svn, report.mr_service_td)));
    let theirs_ex = theirs.report.as_td15_ex();
    let ours_ex = ours.and_then(|report| report.extended.as_ref());
    assert_eq!(
        theirs_ex.map(|r| (
            r.vmid,
            r.dev_info,
            r.init_service_td_hash,
            r.cur_service_td_hash,
            r.cur_service_td_attributes
        )),
        ours_ex.map(|r| (r.vm, r.devices, r.initial_service_td.0, r.current_service_td.0, r.current_service_td.1))
    );
    let theirs = theirs.raw_cert_chain().expect("a PCK chain");
    assert_eq!(theirs.strip_suffix(&[0]).unwrap_or(theirs), chain.as_bytes());
}
