use precis_protocol::limits::MAX_RELEASE_BYTES;
use precis_protocol::release::Release;
use precis_verify::Policy;
use precis_verify::policy::{AllowedModels, PaymentPins, TrustedRoot};
use precis_verify::release::policy_toml;

/// `Release::parse` and the policy made from it: whatever the texts of the statement are, the policy allows what the statement names, under
/// Intel's root, or is refused.
pub fn release(bytes: &[u8]) {
    let Ok(release) = Release::parse(bytes) else { return };
    assert!(bytes.len() <= MAX_RELEASE_BYTES);
    let encoded = serde_json::to_vec(&release).unwrap();
    assert_eq!(serde_json::from_slice::<Release>(&encoded).unwrap(), release);

    let Ok(policy) = Policy::parse(&policy_toml(&release), |path| Ok(path.as_bytes().to_vec())) else { return };
    let named = release.enclave_identities.iter().map(|identity| identity.0).collect();
    assert_eq!(policy.enclave_identities, named);
    assert_eq!(policy.root, TrustedRoot::Intel);
    assert_eq!(policy.app_id.to_string(), release.app_id);
    let pins = release.payments.into_iter();
    let pins = pins.map(|to| PaymentPins { network: Some(to.network), asset: Some(to.asset), pay_to: None });
    assert_eq!(policy.payments, pins.collect::<Vec<_>>());
    assert_eq!(policy.tcb.min_evaluation_number, release.min_evaluation_number);
    let allowed = |model: Option<_>| model.map_or(AllowedModels::Any, |model| AllowedModels::Only([model].into()));
    assert_eq!(policy.tasks, release.tasks.into_iter().map(|(task, model)| (task, allowed(model))).collect());
    assert_eq!(policy.chain.unwrap().runtime_id, release.chain.runtime_id);
    assert_eq!(policy.chain.unwrap().chain_context, release.chain.chain_context);
}
