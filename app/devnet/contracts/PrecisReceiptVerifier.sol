// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Checks Precis receipts on chain (SPEC section 7). No state, no owner: any contract or caller may use it.
///
/// It proves that the key behind an address signed exactly this receipt. Whether that key belongs to a genuine enclave
/// is what the attestation says: a caller has to have verified the keyset before it trusts an address.
contract PrecisReceiptVerifier {
    /// SPEC 7.1. The domain carries no chain and no contract: one signature holds on every chain and off chain.
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

    /// The signature is not 65 bytes.
    error SignatureLength(uint256 length);
    /// s is above half the group order: the second, malleable form of the signature.
    error SignatureNotCanonical();
    /// v is neither 27 nor 28.
    error SignatureRecoveryId(uint8 v);
    /// No key could have made this signature.
    error SignatureInvalid();

    bytes32 public constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 receiptId,bytes21 appId,bytes32 enclaveIdentity,bytes32 keysetDigest,bytes32 task,bytes32 modelDigest,bytes32 parametersDigest,bytes32 requestDigest,bytes32 textDigest,bytes32 responseDigest,bytes32 paymentDigest,uint64 issuedAt,uint64 blockNumber,bytes32 blockHash,uint64 sequence,bytes32 previousReceipt,uint32 inputTokens,uint32 outputTokens,uint32 tokensRead,bytes32 subordinates,uint256 spent,uint8 channel,uint8 status)"
    );
    bytes32 public constant PAYMENT_TYPEHASH = keccak256(
        "Payment(string network,address asset,address payTo,uint256 amount,address payer,bytes32 nonce,bool nonceCommitted,bytes32 transaction)"
    );
    bytes32 public constant DOMAIN_SEPARATOR = keccak256(
        abi.encode(
            keccak256("EIP712Domain(string name,string version)"), keccak256(bytes("Precis Receipt")), keccak256(bytes("2"))
        )
    );

    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;
    /// Largest values that SPEC 7.2 defines; zero is never valid.
    uint8 private constant MAX_CHANNEL = 2;
    uint8 private constant MAX_STATUS = 3;

    /// The EIP-712 digest that the receipt key signs.
    function digest(Receipt calldata receipt) public pure returns (bytes32) {
        // Every member is static, so that the ABI encoding of the struct is its EIP-712 encoding.
        return keccak256(abi.encodePacked("\x19\x01", DOMAIN_SEPARATOR, keccak256(abi.encode(RECEIPT_TYPEHASH, receipt))));
    }

    /// The EIP-712 hashStruct of `payment`: what a paid receipt carries as paymentDigest.
    function paymentDigest(Payment calldata payment) external pure returns (bytes32) {
        return keccak256(
            abi.encode(
                PAYMENT_TYPEHASH,
                keccak256(bytes(payment.network)),
                payment.asset,
                payment.payTo,
                payment.amount,
                payment.payer,
                payment.nonce,
                payment.nonceCommitted,
                payment.transaction
            )
        );
    }

    /// The address whose key signed `receipt`, never zero; reverts where the signature is malformed.
    function recover(Receipt calldata receipt, bytes calldata signature) external pure returns (address) {
        if (signature.length != 65) revert SignatureLength(signature.length);
        (bytes32 r, bytes32 s, uint8 v) = _split(signature);
        if (uint256(s) > HALF_ORDER) revert SignatureNotCanonical();
        if (v != 27 && v != 28) revert SignatureRecoveryId(v);
        address signer = ecrecover(digest(receipt), v, r, s);
        if (signer == address(0)) revert SignatureInvalid();
        return signer;
    }

    /// True only if `receipt` is of a kind that SPEC 7.2 defines and `signer` signed it. Never reverts on a bad signature.
    function verify(address signer, Receipt calldata receipt, bytes calldata signature) external pure returns (bool) {
        if (signer == address(0) || signature.length != 65) return false;
        if (receipt.channel == 0 || receipt.channel > MAX_CHANNEL) return false;
        if (receipt.status == 0 || receipt.status > MAX_STATUS) return false;
        (bytes32 r, bytes32 s, uint8 v) = _split(signature);
        if (uint256(s) > HALF_ORDER || (v != 27 && v != 28)) return false;
        return ecrecover(digest(receipt), v, r, s) == signer;
    }

    /// `signature` must be 65 bytes: r, s, v.
    function _split(bytes calldata signature) private pure returns (bytes32, bytes32, uint8) {
        return (bytes32(signature[0:32]), bytes32(signature[32:64]), uint8(signature[64]));
    }
}
