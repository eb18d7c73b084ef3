use precis_protocol::limits::MAX_POLICY_BYTES;
use precis_verify::policy::{EvidenceKind, TrustedRoot};
use precis_verify::{AppId, Policy};

/// `Policy::parse`: whatever parses could verify something, and trusts a root other than Intel's only if it says so.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(id) = AppId::parse(text) {
        assert_eq!(id.to_string(), text, "an app id with two spellings");
    }
    let mut named = None;
    let parsed = Policy::parse(text, |path| {
        named = Some(path.to_owned());
        if path.is_empty() { Err("no such file".to_owned()) } else { Ok(path.as_bytes().to_vec()) }
    });
    let Ok(policy) = parsed else { return };
    assert!(bytes.len() <= MAX_POLICY_BYTES);
    assert!(!policy.enclave_identities.is_empty() && !policy.evidence.is_empty());
    assert!(policy.chain.is_some() || !policy.evidence.contains(&EvidenceKind::RoflRegister));
    assert!(policy.challenge_max_age_seconds > 0);
    assert_eq!(AppId::parse(&policy.app_id.to_string()), Some(policy.app_id));
    match named {
        None => assert_eq!(policy.root, TrustedRoot::Intel),
        Some(path) => assert_eq!(policy.root, TrustedRoot::Mock(path.into_bytes())),
    }
}
