//! The contracts in `app/devnet/contracts`: creation bytecode, ABI, and their interfaces as Rust types.
//!
//! `scripts/compile-contracts` makes the bytecode and the ABI from the sources beside them.

use alloy_primitives::{Bytes, hex};
use alloy_sol_types::{SolValue, sol};

/// Creation bytecode of `PrecisDollar.sol`, hex.
pub const PRECIS_DOLLAR_HEX: &str = include_str!("../../contracts/PrecisDollar.hex");
/// ABI of `PrecisDollar.sol`, JSON.
pub const PRECIS_DOLLAR_ABI: &str = include_str!("../../contracts/PrecisDollar.abi.json");
/// Creation bytecode of `PrecisReceiptVerifier.sol`, hex.
pub const PRECIS_RECEIPT_VERIFIER_HEX: &str = include_str!("../../contracts/PrecisReceiptVerifier.hex");
/// ABI of `PrecisReceiptVerifier.sol`, JSON.
pub const PRECIS_RECEIPT_VERIFIER_ABI: &str = include_str!("../../contracts/PrecisReceiptVerifier.abi.json");

/// EIP-712 domain name of the token, as USDC has it.
pub const TOKEN_NAME: &str = "USDC";
/// EIP-712 domain version of the token, as USDC has it.
pub const TOKEN_VERSION: &str = "2";
/// Ticker of the token.
pub const TOKEN_SYMBOL: &str = "USDC";
/// Atomic units of one dollar (6 decimals).
pub const DOLLAR: u64 = 1_000_000;

#[allow(missing_docs, clippy::too_many_arguments)]
mod interfaces {
    use super::sol;

    sol! {
        /// The development token: ERC-20 and EIP-3009.
        #[derive(Debug, PartialEq, Eq)]
        interface PrecisDollar {
            event Transfer(address indexed from, address indexed to, uint256 value);
            event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
            event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);
            function name() external view returns (string);
            function version() external view returns (string);
            function symbol() external view returns (string);
            function decimals() external view returns (uint8);
            function DOMAIN_SEPARATOR() external view returns (bytes32);
            function balanceOf(address account) external view returns (uint256);
            function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);
            function mint(address to, uint256 value) external;
            function pause() external;
            function unpause() external;
            function transfer(address to, uint256 value) external returns (bool);
            function approve(address spender, uint256 value) external returns (bool);
            function transferFrom(address from, address to, uint256 value) external returns (bool);
            function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external;
            function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature) external;
            function receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature) external;
            function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature) external;
        }

        /// What a payer signs (EIP-3009).
        #[derive(Debug, PartialEq, Eq)]
        struct TransferWithAuthorization {
            address from;
            address to;
            uint256 value;
            uint256 validAfter;
            uint256 validBefore;
            bytes32 nonce;
        }

        /// What a payer signs for a transfer that only the payee may submit (EIP-3009).
        #[derive(Debug, PartialEq, Eq)]
        struct ReceiveWithAuthorization {
            address from;
            address to;
            uint256 value;
            uint256 validAfter;
            uint256 validBefore;
            bytes32 nonce;
        }

        /// What a payer signs to take an authorization back (EIP-3009).
        #[derive(Debug, PartialEq, Eq)]
        struct CancelAuthorization {
            address authorizer;
            bytes32 nonce;
        }

        /// SPEC 7.1.
        #[derive(Debug, PartialEq, Eq)]
        struct Receipt {
            bytes32 receiptId;
            bytes21 appId;
            bytes32 enclaveIdentity;
            bytes32 keysetDigest;
            bytes32 task;
            bytes32 modelDigest;
            bytes32 parametersDigest;
            bytes32 requestDigest;
            bytes32 textDigest;
            bytes32 responseDigest;
            bytes32 paymentDigest;
            uint64 issuedAt;
            uint64 blockNumber;
            bytes32 blockHash;
            uint64 sequence;
            bytes32 previousReceipt;
            uint32 inputTokens;
            uint32 outputTokens;
            uint32 tokensRead;
            bytes32 subordinates;
            uint256 spent;
            uint8 channel;
            uint8 status;
        }

        /// SPEC 7.1.
        #[derive(Debug, PartialEq, Eq)]
        struct Payment {
            string network;
            address asset;
            address payTo;
            uint256 amount;
            address payer;
            bytes32 nonce;
            bool nonceCommitted;
            bytes32 transaction;
        }

        /// Checks receipts on chain.
        #[derive(Debug, PartialEq, Eq)]
        interface PrecisReceiptVerifier {
            error SignatureLength(uint256 length);
            error SignatureNotCanonical();
            error SignatureRecoveryId(uint8 v);
            error SignatureInvalid();
            function digest(Receipt receipt) external pure returns (bytes32);
            function paymentDigest(Payment payment) external pure returns (bytes32);
            function recover(Receipt receipt, bytes signature) external pure returns (address);
            function verify(address signer, Receipt receipt, bytes signature) external pure returns (bool);
        }
    }
}

pub use interfaces::{
    CancelAuthorization, Payment, PrecisDollar, PrecisReceiptVerifier, Receipt, ReceiveWithAuthorization,
    TransferWithAuthorization,
};

/// Creation code of a token with this EIP-712 domain and ticker.
///
/// # Errors
/// If the embedded bytecode is not hex, which only a broken build can cause.
pub fn token_creation_code(name: &str, version: &str, symbol: &str) -> Result<Bytes, hex::FromHexError> {
    let mut code = hex::decode(PRECIS_DOLLAR_HEX.trim())?;
    code.extend((name, version, symbol).abi_encode_params());
    Ok(code.into())
}

/// Creation code of the receipt verifier.
///
/// # Errors
/// If the embedded bytecode is not hex, which only a broken build can cause.
pub fn receipt_verifier_creation_code() -> Result<Bytes, hex::FromHexError> {
    hex::decode(PRECIS_RECEIPT_VERIFIER_HEX.trim()).map(Into::into)
}
