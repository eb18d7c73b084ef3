//! Contract accounts (EIP-1271) pay before the work, whatever a quote asks of others (SPEC 6.11): their code may make a
//! settlement revert after any simulation, and so the revert costs no work.
//!
//! A payer says so itself, by `paymentFlow` in what it accepts, as x402 has it. Only the enclave's own wallet is in question:
//! a remote facilitator pays its gas and judges for itself.

use precis_payment::exact::{Authorized, SignatureKind};
use precis_payment::wire::{EXTRA_FLOW, FLOW_UPFRONT, PaymentPayload, PaymentRequired, PaymentRequirements};
use precis_store::Flow;

use crate::config::{Config, ContractAccounts};

/// Flow that the payer has accepted: that of the quote, or the payment first, where the service takes that.
pub(super) fn chosen(config: &Config, payload: &PaymentPayload, flow: Flow) -> Flow {
    let first = payload.accepted.extra_text(EXTRA_FLOW) == Some(FLOW_UPFRONT);
    let taken = config.contract_accounts == ContractAccounts::On && config.facilitator_url.is_none();
    if first && taken { Flow::Upfront } else { flow }
}

/// Whether the payer is a contract account whose settlement costs the enclave's wallet gas.
pub(super) fn is_at_our_expense(config: &Config, payment: &Authorized) -> bool {
    payment.signature_kind() == SignatureKind::Contract
        && config.contract_accounts == ContractAccounts::On
        && config.facilitator_url.is_none()
}

/// Unsettled jobs that the payer may have. A contract account has one at a time: whether it makes the wallet pay for a revert is
/// known before the next transaction leaves.
pub(super) fn most_unsettled(config: &Config, at_our_expense: bool) -> u64 {
    let most = config.max_unsettled_per_payer.into();
    if at_our_expense { 1.min(most) } else { most }
}

/// Whether this payer must pay first and did not say so.
pub(super) fn is_due(config: &Config, payment: &Authorized) -> bool {
    is_at_our_expense(config, payment) && payment.requirements().extra_text(EXTRA_FLOW) != Some(FLOW_UPFRONT)
}

/// The same quote with the payment first.
pub(super) fn first_of(mut required: PaymentRequired) -> PaymentRequired {
    required.accepts = required.accepts.into_iter().map(first).collect();
    required
}

/// The same terms with the payment first.
pub(super) fn first(terms: PaymentRequirements) -> PaymentRequirements {
    terms.with_extra(EXTRA_FLOW, FLOW_UPFRONT)
}
