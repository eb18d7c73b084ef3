//! Contract accounts: whether the payer is one, and whether it stands by a signature (EIP-1271).

use alloy_primitives::{Address, FixedBytes};
use alloy_sol_types::SolCall;

use crate::{
    chain::{ChainView, RpcError},
    exact::{Authorized, Invalid, SignatureKind},
    facilitator::{Standing, VerifyError},
};

mod abi {
    #![allow(missing_docs)]
    use alloy_sol_types::sol;

    sol! {
        interface Account {
            function isValidSignature(bytes32 hash, bytes signature) external view returns (bytes4);
        }
    }
}

use abi::Account::isValidSignatureCall;

impl ChainView {
    /// Refuses a signature that only a contract account could have made if the payer is none. One question, asked before
    /// anything is simulated for it.
    pub(crate) async fn check_account(&self, authorized: &Authorized) -> Result<(), VerifyError> {
        match authorized.signature_kind() {
            SignatureKind::Key => Ok(()),
            SignatureKind::Contract if self.rpc().code(authorized.payer()).await?.is_empty() => {
                Err(if authorized.was_wrapped() { Invalid::UndeployedAccount } else { Invalid::Signature }.into())
            }
            SignatureKind::Contract => Ok(()),
        }
    }

    /// Lets `standing` pass only if the payer signed. While a payment is still to be made the token itself sees to that;
    /// once it is made, anybody can read its authorization from the chain and present it under any signature.
    pub(crate) async fn vouched(&self, authorized: &Authorized, standing: Standing) -> Result<Standing, VerifyError> {
        let proven = standing == Standing::Payable || authorized.signature_kind() == SignatureKind::Key;
        if proven || self.accepts(authorized).await? {
            return Ok(standing);
        }
        // Without code there is only the key, which did not sign: whoever shows this is not the payer.
        if self.rpc().code(authorized.payer()).await?.is_empty() {
            return Err(Invalid::Signature.into());
        }
        // Money was moved: an account that does not stand by its signature now is not told that nothing was charged.
        Err(VerifyError::Unknown(RpcError::Contradicted))
    }

    /// Asks the payer's account.
    async fn accepts(&self, authorized: &Authorized) -> Result<bool, RpcError> {
        let call = isValidSignatureCall {
            hash: authorized.transfer().signing_hash(&self.asset().domain),
            signature: authorized.payload().payload.signature.clone(),
        };
        let yes = FixedBytes(isValidSignatureCall::SELECTOR);
        match self.rpc().eth_call(Address::ZERO, authorized.payer(), &call.abi_encode()).await {
            Ok(answer) => Ok(isValidSignatureCall::abi_decode_returns(&answer).is_ok_and(|answer| answer == yes)),
            Err(RpcError::Reverted) => Ok(false),
            // A node that refuses the question says nothing of the account.
            Err(error) => Err(error),
        }
    }
}
