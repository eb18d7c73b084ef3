//! The token contract: calls (EIP-20, EIP-3009), events, and the one test whether a receipt shows that we were paid.

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::{SolCall, SolEvent, sol};

use super::rpc::{RawLog, RawReceipt};
use crate::exact::{Authorized, EOA_SIGNATURE_BYTES, SignatureKind, Transfer, split_signature};

mod abi {
    #![allow(missing_docs, clippy::too_many_arguments)]
    use super::sol;

    sol! {
        interface Token {
            event Transfer(address indexed from, address indexed to, uint256 value);
            event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
            event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);
            function DOMAIN_SEPARATOR() external view returns (bytes32);
            function balanceOf(address account) external view returns (uint256);
            function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);
            function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external;
            function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature) external;
        }
    }
}

use abi::Token::{self, transferWithAuthorization_0Call as ByKey, transferWithAuthorization_1Call as BySignature};
pub(crate) use abi::Token::{DOMAIN_SEPARATORCall, authorizationStateCall, balanceOfCall};

/// First topic of a used authorization.
pub(crate) const USED: B256 = Token::AuthorizationUsed::SIGNATURE_HASH;
/// First topic of a transfer.
pub(crate) const MOVED: B256 = Token::Transfer::SIGNATURE_HASH;
/// First topic of a cancelled authorization.
pub(crate) const CANCELED: B256 = Token::AuthorizationCanceled::SIGNATURE_HASH;

/// The call that moves the money: with v, r, s for a key (every EIP-3009 token has it), with the bytes for a contract
/// account (USDC since version 2.2).
pub(crate) fn transfer_call(authorized: &Authorized) -> Bytes {
    let Transfer { from, to, value, valid_after, valid_before, nonce, .. } = *authorized.transfer();
    let (value, signature) = (value.get(), &authorized.payload().payload.signature);
    let key = (authorized.signature_kind() == SignatureKind::Key)
        .then(|| <&[u8; EOA_SIGNATURE_BYTES]>::try_from(signature.as_ref()).ok())
        .flatten();
    match key.map(split_signature) {
        Some((r, s, v)) => ByKey {
            from,
            to,
            value,
            validAfter: valid_after,
            validBefore: valid_before,
            nonce,
            v,
            r: r.into(),
            s: s.into(),
        }
        .abi_encode(),
        None => BySignature {
            from,
            to,
            value,
            validAfter: valid_after,
            validBefore: valid_before,
            nonce,
            signature: signature.clone(),
        }
        .abi_encode(),
    }
    .into()
}

/// Whether `log` says that the authorization of `transfer` was used.
fn is_use(log: &RawLog, transfer: &Transfer) -> bool {
    log.address == transfer.asset && log.topics == [USED, topic(transfer.from), transfer.nonce]
}

/// Whether `log` says that the authorization of `transfer` was used or cancelled.
pub(crate) fn is_end(log: &RawLog, transfer: &Transfer) -> bool {
    is_use(log, transfer)
        || log.address == transfer.asset && log.topics == [CANCELED, topic(transfer.from), transfer.nonce]
}

/// Whether `log` says that exactly the money of `transfer` moved.
fn is_transfer(log: &RawLog, transfer: &Transfer) -> bool {
    log.address == transfer.asset
        && log.topics == [Token::Transfer::SIGNATURE_HASH, topic(transfer.from), topic(transfer.to)]
        && log.data.as_ref() == transfer.value.get().to_be_bytes::<32>()
}

/// Whether a receipt shows that this authorization paid: success, its use, and as the token's next event the transfer
/// of exactly this amount from payer to payee.
///
/// The order matters. A payer can sign two authorizations with one nonce, one for us and one for itself, and put the
/// use of the second beside another payment to us into one transaction; that other payment must not count twice.
pub(crate) fn pays(receipt: &RawReceipt, transfer: &Transfer) -> bool {
    let succeeded = receipt.status.is_some_and(|status| status.to::<u64>() == 1);
    let mut events = receipt.logs.iter().filter(|log| log.address == transfer.asset);
    let used = events.any(|log| is_use(log, transfer));
    succeeded && used && events.next().is_some_and(|log| is_transfer(log, transfer))
}

/// An address as an indexed event argument.
pub(crate) fn topic(address: Address) -> B256 {
    address.into_word()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U64;

    use super::*;
    use crate::{AtomicUnits, exact::fixtures};

    fn transfer() -> Transfer {
        Transfer::new(
            fixtures::required().network,
            fixtures::required().asset,
            &fixtures::payload().payload.authorization,
        )
    }

    fn log(address: Address, topics: Vec<B256>, data: Bytes) -> RawLog {
        RawLog { address, topics, data, transaction_hash: None, block_hash: None, block_number: None, removed: false }
    }

    fn used(transfer: &Transfer) -> RawLog {
        let topics = vec![USED, topic(transfer.from), transfer.nonce];
        log(transfer.asset, topics, Bytes::new())
    }

    fn moved(transfer: &Transfer) -> RawLog {
        let topics = vec![Token::Transfer::SIGNATURE_HASH, topic(transfer.from), topic(transfer.to)];
        let data = transfer.value.get().to_be_bytes::<32>().into();
        log(transfer.asset, topics, data)
    }

    fn receipt(logs: Vec<RawLog>) -> RawReceipt {
        RawReceipt {
            transaction_hash: B256::ZERO,
            block_hash: None,
            block_number: Some(U64::from(1)),
            status: Some(U64::from(1)),
            logs,
        }
    }

    #[test]
    fn use_and_transfer_together_are_a_payment() {
        let ours = transfer();
        assert!(pays(&receipt(vec![used(&ours), moved(&ours)]), &ours));
        let noise = RawLog { address: Address::repeat_byte(3), ..moved(&ours) };
        assert!(pays(&receipt(vec![noise.clone(), used(&ours), noise, moved(&ours)]), &ours));
    }

    #[test]
    fn anything_less_is_not() {
        let ours = transfer();
        let reverted = RawReceipt { status: Some(U64::ZERO), ..receipt(vec![used(&ours), moved(&ours)]) };
        assert!(!pays(&reverted, &ours));
        assert!(!pays(&RawReceipt { status: None, ..receipt(vec![used(&ours), moved(&ours)]) }, &ours));
        assert!(!pays(&receipt(vec![]), &ours));
        assert!(!pays(&receipt(vec![moved(&ours)]), &ours), "a transfer without the authorization");
        assert!(!pays(&receipt(vec![used(&ours)]), &ours));
        for other in [
            Transfer { to: Address::repeat_byte(1), ..ours },
            Transfer { value: AtomicUnits::from(9_999), ..ours },
            Transfer { from: Address::repeat_byte(1), ..ours },
            Transfer { asset: Address::repeat_byte(1), ..ours },
        ] {
            assert!(!pays(&receipt(vec![used(&ours), moved(&other)]), &ours));
        }
        for other in [Transfer { nonce: B256::ZERO, ..ours }, Transfer { asset: Address::repeat_byte(1), ..ours }] {
            assert!(!pays(&receipt(vec![used(&other), moved(&ours)]), &ours));
        }
    }

    #[test]
    fn another_payment_in_the_same_transaction_does_not_count_for_this_nonce() {
        let ours = transfer();
        let second = Transfer { nonce: B256::repeat_byte(2), ..ours };
        let to_self = Transfer { to: ours.from, ..ours };
        let bundle = receipt(vec![used(&ours), moved(&to_self), used(&second), moved(&second)]);
        assert!(!pays(&bundle, &ours));
        assert!(pays(&bundle, &second));
    }
}
