//! Contract accounts (EIP-1271) pay before the work, whatever a quote asks of others (SPEC 6.11): their code may make a
//! settlement revert after any simulation, and so the revert costs no work.
//!
//! A payer says so itself, by `paymentFlow` in what it accepts, as x402 has it. Only the enclave's own wallet is in question:
//! a remote facilitator pays its gas and judges for itself.

use precis_payment::exact::{Authorized, SignatureKind};
use precis_payment::wire::{EXTRA_FLOW, FLOW_UPFRONT, PaymentPayload, PaymentRequired};
use precis_store::Flow;

use crate::config::{Config, ContractAccounts};

/// The terms that the payer accepted: those of the quote, or the same with the payment first, where the service takes that.
pub(super) fn chosen(
    config: &Config,
    payload: &PaymentPayload,
    required: PaymentRequired,
    flow: Flow,
) -> (PaymentRequired, Flow) {
    let first = payload.accepted.extra_text(EXTRA_FLOW) == Some(FLOW_UPFRONT);
    let taken = config.contract_accounts == ContractAccounts::On && config.facilitator_url.is_none();
    if flow == Flow::Authorization && first && taken { (first_of(required), Flow::Upfront) } else { (required, flow) }
}

/// Whether this payer must pay first and did not say so.
pub(super) fn is_due(config: &Config, payment: &Authorized) -> bool {
    payment.signature_kind() == SignatureKind::Contract
        && config.contract_accounts == ContractAccounts::On
        && config.facilitator_url.is_none()
        && payment.requirements().extra_text(EXTRA_FLOW) != Some(FLOW_UPFRONT)
}

/// The same terms with the payment first.
pub(super) fn first_of(mut required: PaymentRequired) -> PaymentRequired {
    required.accepts = required.accepts.into_iter().map(|terms| terms.with_extra(EXTRA_FLOW, FLOW_UPFRONT)).collect();
    required
}
