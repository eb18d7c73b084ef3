//! Why a payment is refused. Names say what was wrong, [`Invalid::code`] what x402 calls it; neither repeats input.

/// A payment that will not be taken as it is. The payer must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Invalid {
    /// The chosen entry has another scheme than `exact`.
    #[error("the payment uses another scheme than the one quoted")]
    Scheme,
    /// The chosen entry is for another chain.
    #[error("the payment is for another network than the one quoted")]
    Network,
    /// The chosen entry differs from what this request costs: amount, asset, payee, timeout or `extra`.
    #[error("the accepted requirements are not the ones quoted for this request")]
    Requirements,
    /// As [`Invalid::Requirements`], and what differs is the request digest: the quote was for another request.
    #[error("the payment was quoted for another request")]
    OtherRequest,
    /// The requirements themselves cannot be paid with EIP-3009: the service's fault.
    #[error("the requirements lack the token's EIP-712 domain")]
    NoDomain,
    /// The authorization pays someone else.
    #[error("the authorization pays another recipient")]
    Recipient,
    /// The authorization is not for exactly the amount.
    #[error("the authorization is not for the exact amount")]
    Value,
    /// `validAfter` lies in the future.
    #[error("the authorization is not valid yet")]
    NotYetValid,
    /// `validBefore` is past, or too near for the work and the settlement.
    #[error("the authorization expires before the work and its settlement can finish")]
    ExpiresTooSoon,
    /// `validBefore` is so far that it would have to be remembered for ever.
    #[error("the authorization is valid for much longer than was asked for")]
    ExpiresTooLate,
    /// No signature of the payer over this authorization: neither its key's in canonical form (65 bytes, low s, v 27 or
    /// 28) nor one that its contract account accepts (EIP-1271).
    #[error("the signature is not a canonical signature of the payer")]
    Signature,
    /// An EIP-6492 wrapper around the signature of an account without code: it would have us call an arbitrary factory.
    #[error("the account is not deployed, and signatures of undeployed accounts (EIP-6492) are not accepted")]
    UndeployedAccount,
    /// A contract account's (EIP-1271) where they are not taken.
    #[error("payments of contract accounts are not accepted here")]
    ContractAccount,
    /// A contract account's that is to be taken after the work.
    #[error("a contract account pays before the work: accept `paymentFlow` \"upfront\"")]
    ContractFlow,
    /// A contract account's whose earlier payment reverted on chain.
    #[error("an earlier payment of this account reverted on chain; it is refused for a day")]
    AccountReverts,
    /// The authorization was used or cancelled, and did not pay for this.
    #[error("the authorization is used or canceled")]
    NonceUsed,
    /// The payer's balance is below the amount.
    #[error("the payer's balance is too low")]
    InsufficientFunds,
    /// The token refuses the transfer for a reason of its own (paused, blocked, a contract account's refusal).
    #[error("the token refuses the transfer")]
    Transaction,
    /// The transfer costs more gas than a settlement may.
    #[error("the transfer needs too much gas")]
    TooMuchGas,
    /// A remote facilitator refused for a reason that is none of the above.
    #[error("the facilitator refuses the payment")]
    Refused,
}

impl Invalid {
    /// The error code of x402 v2, section 9.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Scheme => "unsupported_scheme",
            Self::Network => "invalid_network",
            Self::Requirements | Self::OtherRequest | Self::NoDomain | Self::ContractFlow => {
                "invalid_payment_requirements"
            }
            Self::Recipient => "invalid_exact_evm_payload_recipient_mismatch",
            Self::Value => "invalid_exact_evm_payload_authorization_value_mismatch",
            Self::NotYetValid => "invalid_exact_evm_payload_authorization_valid_after",
            Self::ExpiresTooSoon | Self::ExpiresTooLate => "invalid_exact_evm_payload_authorization_valid_before",
            Self::Signature | Self::UndeployedAccount | Self::ContractAccount => "invalid_exact_evm_payload_signature",
            Self::InsufficientFunds => "insufficient_funds",
            Self::NonceUsed | Self::Transaction | Self::TooMuchGas | Self::AccountReverts => {
                "invalid_transaction_state"
            }
            Self::Refused => "unexpected_verify_error",
        }
    }

    /// What a facilitator's refusal amounts to where the chain shows an authorization that is unspent and in time: what it
    /// says of use, time or execution is then its own matter.
    #[cfg(feature = "settle")]
    pub(crate) const fn refusal(self) -> Self {
        match self {
            Self::NonceUsed | Self::Transaction | Self::ExpiresTooSoon => Self::Refused,
            other => other,
        }
    }

    /// The member of the payment that the refusal is about, by its path; none where it is about the whole, or about what
    /// the chain or the service itself has.
    pub const fn member(self) -> Option<&'static str> {
        Some(match self {
            Self::Scheme => "accepted.scheme",
            Self::Network => "accepted.network",
            Self::Requirements => "accepted",
            Self::OtherRequest => "accepted.extra.requestDigest",
            Self::Recipient => "payload.authorization.to",
            Self::Value => "payload.authorization.value",
            Self::NotYetValid => "payload.authorization.validAfter",
            Self::ExpiresTooSoon | Self::ExpiresTooLate => "payload.authorization.validBefore",
            Self::Signature | Self::UndeployedAccount | Self::ContractAccount => "payload.signature",
            Self::ContractFlow => "accepted.extra.paymentFlow",
            Self::NonceUsed => "payload.authorization.nonce",
            Self::InsufficientFunds | Self::AccountReverts => "payload.authorization.from",
            Self::NoDomain | Self::Transaction | Self::TooMuchGas | Self::Refused => return None,
        })
    }

    /// The refusal that a code of section 9 (or one that the released SDKs send instead) stands for.
    pub fn from_code(code: &str) -> Self {
        match code {
            "unsupported_scheme" | "invalid_scheme" => Self::Scheme,
            "invalid_network" => Self::Network,
            "invalid_payment_requirements" => Self::Requirements,
            "invalid_exact_evm_payload_recipient_mismatch" | "invalid_exact_evm_recipient_mismatch" => Self::Recipient,
            "invalid_exact_evm_payload_authorization_value_mismatch" => Self::Value,
            "invalid_exact_evm_payload_authorization_valid_after" => Self::NotYetValid,
            "invalid_exact_evm_payload_authorization_valid_before" => Self::ExpiresTooSoon,
            "invalid_exact_evm_payload_signature" | "invalid_exact_evm_signature" => Self::Signature,
            "invalid_exact_evm_nonce_already_used" => Self::NonceUsed,
            "insufficient_funds" => Self::InsufficientFunds,
            "invalid_transaction_state" | "invalid_exact_evm_transaction_simulation_failed" => Self::Transaction,
            _ => Self::Refused,
        }
    }
}
