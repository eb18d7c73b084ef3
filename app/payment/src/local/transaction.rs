//! The wallet's transactions: signed, read back from the bytes that were stored, and made again with higher fees.

use std::ops::Range;

use alloy::{
    consensus::{SignableTransaction, Signed, TxEip1559, TxEnvelope, TxLegacy},
    eips::eip2718::{Decodable2718, Encodable2718},
};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256, keccak256};
use k256::ecdsa::SigningKey;

use super::fees::Fees;
use crate::{authorize::sign_hash, facilitator::SignedTransaction};

/// Where `validBefore` stands in the call data of both kinds of `transferWithAuthorization`: the fifth argument.
const VALID_BEFORE: Range<usize> = 4 + 4 * 32..4 + 5 * 32;

/// A call without value, before it is signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Body {
    Dynamic(TxEip1559),
    Legacy(TxLegacy),
}

/// What a call is besides its fees.
pub(super) struct Call {
    pub chain_id: u64,
    pub to: Address,
    pub input: Bytes,
    pub gas_limit: u64,
    pub nonce: u64,
}

impl Body {
    pub(super) fn new(call: Call, fees: Fees) -> Self {
        let Call { chain_id, to, input, gas_limit, nonce } = call;
        let (to, value) = (TxKind::Call(to), U256::ZERO);
        match fees {
            Fees::Dynamic { max_fee_per_gas, max_priority_fee_per_gas } => Self::Dynamic(TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                input,
                access_list: Default::default(),
            }),
            Fees::Legacy { gas_price } => {
                Self::Legacy(TxLegacy { chain_id: Some(chain_id), nonce, gas_price, gas_limit, to, value, input })
            }
        }
    }

    /// A transfer of nothing from the wallet to itself, which does nothing but use its nonce.
    pub(super) fn idle(chain_id: u64, wallet: Address, nonce: u64, gas_limit: u64, fees: Fees) -> Self {
        Self::new(Call { chain_id, to: wallet, input: Bytes::new(), gas_limit, nonce }, fees)
    }

    /// The transaction in EIP-2718 bytes and the account that signed it; `None` if it is of a kind that is not made here.
    pub(super) fn read(raw: &[u8]) -> Option<(Address, Self)> {
        fn parts<T: SignableTransaction<Signature>>(signed: Signed<T>) -> Option<(Address, T)> {
            let signer = signed.signature().recover_address_from_prehash(&signed.signature_hash()).ok()?;
            Some((signer, signed.strip_signature()))
        }
        match TxEnvelope::decode_2718_exact(raw).ok()? {
            TxEnvelope::Eip1559(signed) => parts(signed).map(|(signer, body)| (signer, Self::Dynamic(body))),
            TxEnvelope::Legacy(signed) => parts(signed).map(|(signer, body)| (signer, Self::Legacy(body))),
            _ => None,
        }
    }

    pub(super) const fn nonce(&self) -> u64 {
        match self {
            Self::Dynamic(body) => body.nonce,
            Self::Legacy(body) => body.nonce,
        }
    }

    /// Unix second from which the call has no effect any more: `validBefore` of an EIP-3009 transfer, zero for anything
    /// else.
    pub(super) fn until(&self) -> U256 {
        let input = match self {
            Self::Dynamic(body) => &body.input,
            Self::Legacy(body) => &body.input,
        };
        input.get(VALID_BEFORE).map_or(U256::ZERO, U256::from_be_slice)
    }

    /// What it offers.
    pub(super) const fn fees(&self) -> Fees {
        match self {
            Self::Dynamic(body) => Fees::Dynamic {
                max_fee_per_gas: body.max_fee_per_gas,
                max_priority_fee_per_gas: body.max_priority_fee_per_gas,
            },
            Self::Legacy(body) => Fees::Legacy { gas_price: body.gas_price },
        }
    }

    /// The same call under the same account nonce with fees that take its place in every node's pool, and that are not
    /// below `quote`; `None` if that is above `cap`, wei per gas.
    pub(super) fn raised(&self, quote: Fees, cap: u128) -> Option<Self> {
        let mut body = self.clone();
        match (&mut body, self.fees().raised(quote, cap)?) {
            (Self::Dynamic(body), Fees::Dynamic { max_fee_per_gas, max_priority_fee_per_gas }) => {
                body.max_fee_per_gas = max_fee_per_gas;
                body.max_priority_fee_per_gas = max_priority_fee_per_gas;
            }
            (Self::Legacy(body), Fees::Legacy { gas_price }) => body.gas_price = gas_price,
            _ => return None,
        }
        Some(body)
    }

    pub(super) fn sign(self, key: &SigningKey) -> Option<SignedTransaction> {
        match self {
            Self::Dynamic(body) => seal(body, key),
            Self::Legacy(body) => seal(body, key),
        }
    }
}

fn seal<T>(body: T, key: &SigningKey) -> Option<SignedTransaction>
where
    T: SignableTransaction<Signature>,
    Signed<T>: Encodable2718,
{
    let signature = sign_hash(key, body.signature_hash())?;
    let raw: Bytes = body.into_signed(signature).encoded_2718().into();
    Some(SignedTransaction { hash: keccak256(&raw), raw })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{authorize::address_of, exact::fixtures};

    fn body(fees: Fees) -> Body {
        let (to, input) = (Address::repeat_byte(7), Bytes::from_static(b"call"));
        Body::new(Call { chain_id: 8453, to, input, gas_limit: 90_000, nonce: 5 }, fees)
    }

    #[test]
    fn a_transaction_is_known_again_from_its_bytes_alone() {
        let key = fixtures::key();
        for fees in [Fees::Dynamic { max_fee_per_gas: 20, max_priority_fee_per_gas: 3 }, Fees::Legacy { gas_price: 20 }]
        {
            let made = body(fees);
            let signed = made.clone().sign(&key).unwrap();
            assert_eq!(Body::read(&signed.raw), Some((address_of(&key), made)));
            assert_eq!(Body::read(&signed.raw[1..]), None);
            assert_eq!(Body::read(b""), None);
        }
    }

    #[test]
    fn a_replacement_differs_in_its_fees_only() {
        let first = body(Fees::Dynamic { max_fee_per_gas: 80, max_priority_fee_per_gas: 8 });
        let quote = Fees::Dynamic { max_fee_per_gas: 10, max_priority_fee_per_gas: 1 };
        let Some(Body::Dynamic(next)) = first.raised(quote, 1_000) else { panic!("not raised") };
        assert_eq!((next.max_fee_per_gas, next.max_priority_fee_per_gas), (90, 9));
        let back = TxEip1559 { max_fee_per_gas: 80, max_priority_fee_per_gas: 8, ..next };
        assert_eq!(Body::Dynamic(back), first);
        assert_eq!(first.raised(quote, 89), None);

        let legacy = body(Fees::Legacy { gas_price: 80 });
        let Some(Body::Legacy(next)) = legacy.raised(Fees::Legacy { gas_price: 200 }, 1_000) else {
            panic!("not raised")
        };
        assert_eq!((next.gas_price, next.nonce), (200, 5));
    }

    #[test]
    fn a_transfer_tells_from_its_bytes_until_when_it_has_an_effect() {
        let payload = fixtures::payload();
        let authorized = crate::exact::verify_offline(&payload, &fixtures::required(), fixtures::NOW, 1).unwrap();
        let input = crate::chain::token::transfer_call(&authorized);
        let fees = Fees::Legacy { gas_price: 1 };
        let call = Call { chain_id: 1, to: Address::ZERO, input, gas_limit: 1, nonce: 0 };
        assert_eq!(Body::new(call, fees).until(), payload.payload.authorization.valid_before);
        assert_eq!(Body::idle(1, Address::ZERO, 0, 21_000, fees).until(), U256::ZERO);
    }
}
