//! What a 402 asks for, held against what the verified service published and what the caller allows.
//!
//! Guarantee: [`Terms`] exist only for requirements whose network, token and payee are the keyset's, whose amount follows from the
//! keyset's price list, and which neither the policy's pins nor the caller's cap forbid. Only `Terms` are ever signed.

use alloy_primitives::{Address, U256};
use precis_payment::Network;
use precis_payment::wire::{self, PaymentRequired, PaymentRequirements};
use precis_protocol::Task;
use precis_protocol::keyset::PaymentTarget;
use precis_protocol::price::Price;

use crate::amount::Amount;
use crate::token::Token;

/// Longest life of an authorization this client signs, in seconds.
pub const MAX_AUTHORIZATION_SECONDS: u64 = 3600;
/// Tokens that a document may have beyond one per byte: markers that a tokenizer adds around the text.
const TOKEN_SLACK: usize = 64;

/// Why this client does not sign what was asked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermsError {
    /// The 402 holds no x402 v2 quote.
    #[error("the service asks for payment without a readable quote; report this to its operator")]
    Unreadable,
    /// No entry is on the keyset's network with the keyset's token.
    #[error(
        "the service takes no payment with {asset} on {network} now, although its attested keyset names them; {}", instead(.quoted)
    )]
    NothingAttested {
        /// The keyset's network.
        network: String,
        /// The keyset's token.
        asset: Address,
        /// Networks that the quote names.
        quoted: Vec<Network>,
    },
    /// The keyset does not name the task, or the policy does not allow it.
    #[error(
        "the service does not sell {0}, or the policy does not allow it; use another service, or change the policy"
    )]
    NotSold(Task),
    /// The payee is not the keyset's.
    #[error(
        "the quote pays {found}, but the attested keyset names {expected}; report this to the operator of the service"
    )]
    PayTo {
        /// The keyset's payee.
        expected: Address,
        /// The quote's payee.
        found: Address,
    },
    /// A transfer method or flow that this client does not sign.
    #[error("the quote asks for {0}, which this client does not sign; use another service")]
    Method(&'static str),
    /// The quote is not bound to the request.
    #[error("the quote is not bound to this request (no requestDigest); report this to the operator of the service")]
    Unbound,
    /// The amount does not follow from the attested price list.
    #[error(
        "the quote asks for {amount}, which the attested price list does not give for this document; report this to the operator of the service"
    )]
    Price {
        /// The quote's amount.
        amount: Amount,
    },
    /// The amount is above the caller's cap.
    #[error("the price is {amount}, over the cap of {cap}; raise --max-price to allow it")]
    OverCap {
        /// The quote's amount.
        amount: Amount,
        /// The caller's cap.
        cap: Amount,
    },
    /// The amount, with what was spent before, is above what the caller allows in all.
    #[error(
        "the price is {}, which with the {} spent before is over {} in all; raise --max-total to allow it",
        .0.amount, .0.spent, .0.cap
    )]
    OverTotal(Box<OverTotal>),
    /// An authorization that was signed before is above the caller's cap.
    #[error(
        "an unfinished payment of {amount} is kept for this request, over the cap of {cap}; leave --max-price out to fetch what it pays for, or use --cancel to call the order off"
    )]
    KeptOverCap {
        /// The amount that is signed.
        amount: Amount,
        /// The caller's cap.
        cap: Amount,
    },
    /// The quote lacks what an authorization is signed over.
    #[error("{0}; report this to the operator of the service")]
    Unpayable(#[from] precis_payment::authorize::Unpayable),
    /// The quote carries a signed offer that the verified service did not make, or not for these terms (SPEC 6.6).
    #[error("the signed offer in the quote {0}; report this to the operator of the service")]
    Offer(&'static str),
    /// The authorization would live too long, or not at all.
    #[error(
        "the quote wants an authorization that lives {0} seconds, and this client signs 1 to {MAX_AUTHORIZATION_SECONDS}; use another service"
    )]
    Lifetime(u64),
}

/// An amount that is too much with what was spent before.
#[derive(Debug, PartialEq, Eq)]
pub struct OverTotal {
    /// The quote's amount.
    pub amount: Amount,
    /// The cost of the purchases before it.
    pub spent: Amount,
    /// The caller's bound.
    pub cap: Amount,
}

impl TermsError {
    /// None of `quoted` is what the keyset names as `target`.
    pub(crate) fn nothing_attested(target: &PaymentTarget, quoted: &[PaymentRequirements]) -> Self {
        let quoted = quoted.iter().map(|terms| terms.network).filter(|network| network.to_string() != target.network);
        Self::NothingAttested { network: target.network.clone(), asset: target.asset, quoted: quoted.collect() }
    }
}

fn instead(quoted: &[Network]) -> String {
    match quoted {
        [] => "report this to its operator".into(),
        networks => {
            let named: Vec<_> = networks.iter().map(ToString::to_string).collect();
            format!("it takes payments on {}: choose one that your policy allows by --network", named.join(", "))
        }
    }
}

/// What terms are held against.
pub(crate) struct Expected<'a> {
    pub target: &'a PaymentTarget,
    pub price: &'a Price,
    /// Bytes of the document: no tokenizer makes more tokens than that, but for its markers.
    pub document_bytes: usize,
    pub cap: U256,
    /// For messages.
    pub token: Option<&'a Token>,
}

/// Requirements that may be signed.
#[derive(Clone)]
pub struct Terms {
    quote: PaymentRequired,
    chosen: PaymentRequirements,
}

impl Terms {
    pub(crate) fn check(quote: PaymentRequired, expected: &Expected<'_>) -> Result<Self, TermsError> {
        let target = expected.target;
        let attested = |r: &&PaymentRequirements| {
            r.scheme == wire::SCHEME_EXACT && r.network.to_string() == target.network && r.asset == target.asset
        };
        let chosen =
            quote.accepts.iter().find(attested).ok_or_else(|| TermsError::nothing_attested(target, &quote.accepts))?;
        if chosen.pay_to != target.pay_to {
            return Err(TermsError::PayTo { expected: target.pay_to, found: chosen.pay_to });
        }
        check_extra(chosen)?;
        let amount = chosen.amount.get();
        if !follows_from(amount, expected.price, expected.document_bytes) {
            return Err(TermsError::Price { amount: Amount::new(amount, expected.token) });
        }
        if amount > expected.cap {
            let (amount, cap) = (Amount::new(amount, expected.token), Amount::new(expected.cap, expected.token));
            return Err(TermsError::OverCap { amount, cap });
        }
        if !(1..=MAX_AUTHORIZATION_SECONDS).contains(&chosen.max_timeout_seconds) {
            return Err(TermsError::Lifetime(chosen.max_timeout_seconds));
        }
        let chosen = chosen.clone();
        Ok(Self { quote, chosen })
    }

    /// The price, in atomic units of [`Self::asset`].
    #[must_use]
    pub fn amount(&self) -> U256 {
        self.chosen.amount.get()
    }

    /// CAIP-2 network.
    #[must_use]
    pub fn network(&self) -> String {
        self.chosen.network.to_string()
    }

    /// Token contract.
    #[must_use]
    pub fn asset(&self) -> Address {
        self.chosen.asset
    }

    /// Payee.
    #[must_use]
    pub fn pay_to(&self) -> Address {
        self.chosen.pay_to
    }

    /// Set if the payment is taken before the work, and paid back if that fails.
    #[must_use]
    pub fn upfront(&self) -> bool {
        self.chosen.extra_text(wire::EXTRA_FLOW) == Some(wire::FLOW_UPFRONT)
    }

    pub(crate) fn quote(&self) -> &PaymentRequired {
        &self.quote
    }

    pub(crate) fn chosen(&self) -> &PaymentRequirements {
        &self.chosen
    }
}

fn check_extra(chosen: &PaymentRequirements) -> Result<(), TermsError> {
    let absent_or = |key: &str, value: &str| chosen.extra.get(key).is_none_or(|v| v.as_str() == Some(value));
    if !absent_or(wire::EXTRA_FLOW, wire::FLOW_AUTHORIZATION) && !absent_or(wire::EXTRA_FLOW, wire::FLOW_UPFRONT) {
        return Err(TermsError::Method("a payment flow other than `authorization` and `upfront`"));
    }
    if !absent_or(wire::EXTRA_METHOD, wire::METHOD_EIP3009) {
        return Err(TermsError::Method("a transfer method other than EIP-3009"));
    }
    if chosen.extra_text(wire::EXTRA_REQUEST_DIGEST).is_none_or(str::is_empty) {
        return Err(TermsError::Unbound);
    }
    Ok(())
}

/// Whether some token count that the document can have gives `amount`. The receipt later fixes which one it was.
fn follows_from(amount: U256, price: &Price, document_bytes: usize) -> bool {
    let most_tokens = u32::try_from(document_bytes.saturating_add(TOKEN_SLACK)).unwrap_or(u32::MAX);
    let (least, most) = (U256::from(price.amount(1)), U256::from(price.amount(most_tokens)));
    if amount < least || amount > most {
        return false;
    }
    let steps = amount.saturating_sub(least);
    match U256::from(price.per_1k_tokens) {
        U256::ZERO => steps.is_zero(),
        step => steps.checked_rem(step).is_some_and(|rest| rest.is_zero()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use precis_payment::AtomicUnits;
    use precis_protocol::keyset::{PayToOrigin, Scheme};
    use serde_json::json;

    const PRICE: Price = Price { base: 1000, per_1k_tokens: 500 };

    fn target() -> PaymentTarget {
        PaymentTarget {
            network: "eip155:31337".into(),
            asset: Address::repeat_byte(1),
            pay_to: Address::repeat_byte(2),
            pay_to_origin: PayToOrigin::EnclaveWallet,
            schemes: vec![Scheme::Exact],
        }
    }

    fn quote() -> PaymentRequired {
        serde_json::from_value(json!({
            "x402Version": 2,
            "resource": {"url": "https://precis.example/v1/summaries"},
            "accepts": [{
                "scheme": "exact", "network": "eip155:31337", "amount": "1500",
                "asset": Address::repeat_byte(1), "payTo": Address::repeat_byte(2), "maxTimeoutSeconds": 90,
                "extra": {"name": "USDC", "version": "2", "requestDigest": "ab"}
            }]
        }))
        .unwrap()
    }

    fn check(quote: PaymentRequired, cap: u64) -> Result<U256, TermsError> {
        let target = target();
        let cap = U256::from(cap);
        let expected = Expected { target: &target, price: &PRICE, document_bytes: 1500, cap, token: None };
        Terms::check(quote, &expected).map(|t| t.amount())
    }

    #[test]
    fn terms_that_follow_from_the_keyset_are_accepted() {
        assert_eq!(check(quote(), 1500), Ok(U256::from(1500)));
    }

    #[test]
    fn every_departure_from_the_keyset_is_refused_before_signing() {
        let with = |edit: fn(&mut PaymentRequirements)| {
            let mut quote = quote();
            edit(&mut quote.accepts[0]);
            check(quote, 10_000).unwrap_err()
        };
        assert!(matches!(with(|r| r.pay_to = Address::repeat_byte(9)), TermsError::PayTo { .. }));
        assert!(matches!(with(|r| r.asset = Address::repeat_byte(9)), TermsError::NothingAttested { .. }));
        assert!(matches!(with(|r| r.network = "eip155:8453".parse().unwrap()), TermsError::NothingAttested { .. }));
        assert!(matches!(with(|r| r.scheme = "upto".into()), TermsError::NothingAttested { .. }));
        assert!(matches!(with(|r| r.amount = AtomicUnits::from(1501)), TermsError::Price { .. }));
        assert!(matches!(with(|r| r.amount = AtomicUnits::from(1000)), TermsError::Price { .. }));
        assert!(
            matches!(with(|r| r.amount = AtomicUnits::from(2500)), TermsError::Price { .. }),
            "more tokens than the document has bytes"
        );
        assert!(matches!(with(|r| r.max_timeout_seconds = 0), TermsError::Lifetime(0)));
        assert!(matches!(with(|r| r.max_timeout_seconds = 86_400), TermsError::Lifetime(_)));
        assert!(matches!(
            with(|r| {
                r.extra.remove("requestDigest");
            }),
            TermsError::Unbound
        ));
        assert!(matches!(
            with(|r| {
                r.extra.insert("paymentFlow".into(), "trust".into());
            }),
            TermsError::Method(_)
        ));
        assert!(matches!(
            with(|r| {
                r.extra.insert("paymentFlow".into(), 1.into());
            }),
            TermsError::Method(_)
        ));
        assert!(matches!(
            with(|r| {
                r.extra.insert("assetTransferMethod".into(), "permit2".into());
            }),
            TermsError::Method(_)
        ));
    }

    #[test]
    fn a_payment_before_the_work_is_signed_and_said() {
        let target = target();
        let cap = U256::from(1500);
        let expected = Expected { target: &target, price: &PRICE, document_bytes: 1500, cap, token: None };
        assert!(!Terms::check(quote(), &expected).unwrap().upfront());
        let mut upfront = quote();
        upfront.accepts[0].extra.insert("paymentFlow".into(), "upfront".into());
        assert!(Terms::check(upfront, &expected).unwrap().upfront());
    }

    #[test]
    fn a_price_over_the_cap_is_refused() {
        let amount = |units| Amount::new(U256::from(units), None);
        assert_eq!(check(quote(), 1499), Err(TermsError::OverCap { amount: amount(1500), cap: amount(1499) }));
    }

    #[test]
    fn a_flat_price_has_exactly_one_amount() {
        let flat = Price { base: 700, per_1k_tokens: 0 };
        assert!(follows_from(U256::from(700), &flat, 10));
        assert!(!follows_from(U256::from(701), &flat, 10));
        assert!(!follows_from(U256::from(699), &flat, 10));
    }
}
