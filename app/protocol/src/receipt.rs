//! Receipts (SPEC 7): EIP-712 typed data that a contract can `ecrecover`, with the salts that open its digests to the caller.

use alloy_primitives::{Address, B256, FixedBytes, Signature, U256};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::encoding::{base64_vec, hex_array};
use crate::limits::{MAX_RECEIPT_BYTES, MAX_RECEIPT_FILE_BYTES};
use crate::{strict, tags};

/// The typed data exactly as Solidity sees it (SPEC 7.1).
pub mod typed {
    #![allow(missing_docs)]
    alloy_sol_types::sol! {
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
    }
}

/// Channel the request came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Channel {
    /// Plain HTTPS.
    Https = 1,
    /// Oblivious HTTP, decapsulated inside the enclave.
    Ohttp = 2,
}

/// How the job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum ReceiptStatus {
    /// The summary was made and the payment settled.
    Completed = 1,
    /// The job failed; nothing was charged.
    FailedUncharged = 2,
    /// The job failed; the payment was given back.
    FailedRefunded = 3,
}

/// Fields of a receipt (SPEC 7.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Receipt {
    /// Random.
    #[serde(with = "hex_array")]
    pub receipt_id: [u8; 32],
    /// The 21 bytes behind the bech32 app id.
    #[serde(with = "hex_array")]
    pub app_id: [u8; 21],
    /// SPEC 3.4.
    #[serde(with = "hex_array")]
    pub enclave_identity: [u8; 32],
    /// SPEC 2.
    pub keyset_digest: Digest,
    /// SHA-256 of the id of the task that was bought (SPEC 7.2).
    pub task: Digest,
    /// Digest of the manifest of the model that worked.
    pub model_digest: Digest,
    /// SPEC 7.3.
    pub parameters_digest: Digest,
    /// SPEC 7.3, salted.
    pub request_digest: Digest,
    /// SPEC 7.3, salted: the text that the work was done on.
    pub text_digest: Digest,
    /// SPEC 7.3, salted.
    pub response_digest: Digest,
    /// Guest time, Unix seconds.
    pub issued_at: u64,
    /// Height of a block seen before signing.
    pub block_number: u64,
    /// Its hash.
    #[serde(with = "crate::encoding::prefixed_hex")]
    pub block_hash: B256,
    /// From 1 at each boot.
    pub sequence: u64,
    /// EIP-712 digest of the receipt before; the keyset digest for the first.
    #[serde(with = "crate::encoding::prefixed_hex")]
    pub previous_receipt: B256,
    /// Tokens of the document.
    pub input_tokens: u32,
    /// Tokens of the summary.
    pub output_tokens: u32,
    /// Tokens of the document that were read.
    pub tokens_read: u32,
    /// Digest of the receipts of services that were paid for parts of the work; zero if none was (SPEC 7.2).
    pub subordinates: Digest,
    /// Atomic units that were paid to those services.
    #[serde(with = "crate::encoding::decimal_u256")]
    pub spent: U256,
    /// Channel the request came through.
    pub channel: Channel,
    /// How the job ended.
    pub status: ReceiptStatus,
}

/// The payment behind a receipt (SPEC 7.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Payment {
    /// CAIP-2 network.
    pub network: String,
    /// EIP-3009 token.
    #[serde(with = "crate::encoding::prefixed_hex")]
    pub asset: Address,
    /// Payee.
    #[serde(with = "crate::encoding::prefixed_hex")]
    pub pay_to: Address,
    /// Atomic units.
    #[serde(with = "crate::encoding::decimal_u256")]
    pub amount: U256,
    /// Payer.
    #[serde(with = "crate::encoding::prefixed_hex")]
    pub payer: Address,
    /// EIP-3009 nonce.
    #[serde(with = "crate::encoding::prefixed_hex")]
    pub nonce: B256,
    /// Whether the nonce was a commitment to the request (SPEC 6.3).
    pub nonce_committed: bool,
    /// Settlement transaction; zero if nothing was settled.
    #[serde(with = "crate::encoding::prefixed_hex")]
    pub transaction: B256,
}

/// Salts that open the receipt's digests; only the caller gets them.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Salts {
    /// For `requestDigest` and `textDigest`.
    #[serde(with = "hex_array")]
    pub request: [u8; 32],
    /// For `responseDigest`.
    #[serde(with = "hex_array")]
    pub response: [u8; 32],
}

/// A receipt as it travels (SPEC 7.5).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedReceipt {
    /// Signed fields.
    pub receipt: Receipt,
    /// Preimage of the signed `paymentDigest`; absent if nothing was paid.
    pub payment: Option<Payment>,
    /// Preimages of the salted digests.
    pub salts: Salts,
    /// r ‖ s ‖ v, `0x` hex.
    #[serde(with = "crate::encoding::prefixed_hex")]
    pub signature: FixedBytes<65>,
}

/// A saved receipt: verifies alone, offline, years later (SPEC 7.5).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReceiptFile {
    /// [`tags::RECEIPT_FILE`].
    pub version: String,
    /// What was asked.
    pub request: SavedRequest,
    /// HTTP status of the response.
    pub status_code: u16,
    /// Exact bytes of `result`.
    #[serde(with = "base64_vec")]
    pub result: Vec<u8>,
    /// The receipt.
    pub receipt: SignedReceipt,
    /// The evidence the receipt is judged by, exact bytes of the attestation document.
    #[serde(with = "base64_vec")]
    pub attestation: Vec<u8>,
}

/// A request without its document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SavedRequest {
    /// HTTP method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// `Content-Type` as sent, in lowercase as the commitment has it (SPEC 6.1).
    pub media_type: String,
    /// Digest of the exact body.
    pub body_digest: Digest,
}

/// Why a receipt is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReceiptError {
    /// v is not 27 or 28.
    #[error("the signature's v is not 27 or 28")]
    V,
    /// s is in the upper half of the order.
    #[error("the signature's s is not low")]
    HighS,
    /// No key recovers.
    #[error("the signature recovers to no key")]
    Unrecoverable,
}

/// The EIP-712 domain of every receipt (SPEC 7).
pub fn domain() -> Eip712Domain {
    eip712_domain! { name: "Precis Receipt", version: "2", }
}

impl Payment {
    /// EIP-712 hashStruct.
    pub fn digest(&self) -> B256 {
        typed::Payment {
            network: self.network.clone(),
            asset: self.asset,
            payTo: self.pay_to,
            amount: self.amount,
            payer: self.payer,
            nonce: self.nonce,
            nonceCommitted: self.nonce_committed,
            transaction: self.transaction,
        }
        .eip712_hash_struct()
    }
}

impl Receipt {
    /// The typed data, with the digest of `payment` (zero if nothing was paid).
    pub fn typed(&self, payment: Option<&Payment>) -> typed::Receipt {
        typed::Receipt {
            receiptId: self.receipt_id.into(),
            appId: self.app_id.into(),
            enclaveIdentity: self.enclave_identity.into(),
            keysetDigest: (*self.keyset_digest.as_bytes()).into(),
            task: (*self.task.as_bytes()).into(),
            modelDigest: (*self.model_digest.as_bytes()).into(),
            parametersDigest: (*self.parameters_digest.as_bytes()).into(),
            requestDigest: (*self.request_digest.as_bytes()).into(),
            textDigest: (*self.text_digest.as_bytes()).into(),
            responseDigest: (*self.response_digest.as_bytes()).into(),
            paymentDigest: payment.map_or(B256::ZERO, Payment::digest),
            issuedAt: self.issued_at,
            blockNumber: self.block_number,
            blockHash: self.block_hash,
            sequence: self.sequence,
            previousReceipt: self.previous_receipt,
            inputTokens: self.input_tokens,
            outputTokens: self.output_tokens,
            tokensRead: self.tokens_read,
            subordinates: (*self.subordinates.as_bytes()).into(),
            spent: self.spent,
            channel: self.channel as u8,
            status: self.status as u8,
        }
    }

    /// The EIP-712 digest that is signed, and that the next receipt names as `previousReceipt`.
    pub fn signing_digest(&self, payment: Option<&Payment>) -> B256 {
        self.typed(payment).eip712_signing_hash(&domain())
    }
}

impl SignedReceipt {
    /// Signs with a secp256k1 key: low s, v 27 or 28. `None` only if the key cannot sign, which no valid key does.
    pub fn sign(
        receipt: Receipt,
        payment: Option<Payment>,
        salts: Salts,
        key: &k256::ecdsa::SigningKey,
    ) -> Option<Self> {
        let digest = receipt.signing_digest(payment.as_ref());
        let (signature, recovery) = key.sign_prehash_recoverable(digest.as_slice()).ok()?;
        let signature = Signature::from_signature_and_parity(signature, recovery.is_y_odd());
        let signature = signature.normalized_s();
        Some(Self { receipt, payment, salts, signature: signature.as_bytes().into() })
    }

    /// The EIP-712 digest of this receipt.
    pub fn digest(&self) -> B256 {
        self.receipt.signing_digest(self.payment.as_ref())
    }

    /// The address the signature recovers to.
    ///
    /// # Errors
    /// [`ReceiptError`] on a malleable or unrecoverable signature.
    pub fn signer(&self) -> Result<Address, ReceiptError> {
        let raw = self.signature.as_slice();
        let parity = match raw[64] {
            27 => false,
            28 => true,
            _ => return Err(ReceiptError::V),
        };
        let signature = Signature::from_bytes_and_parity(&raw[..64], parity);
        if signature.normalize_s().is_some() {
            return Err(ReceiptError::HighS);
        }
        match signature.recover_address_from_prehash(&self.digest()) {
            Ok(address) if address != Address::ZERO => Ok(address),
            _ => Err(ReceiptError::Unrecoverable),
        }
    }

    /// Parses a receipt as it travels.
    ///
    /// # Errors
    /// [`strict::StrictError`] when the bytes are not strict JSON of this shape.
    pub fn parse(bytes: &[u8]) -> Result<Self, strict::StrictError> {
        strict::from_slice(bytes, MAX_RECEIPT_BYTES)
    }
}

/// Why a receipt file is refused before any check of its contents.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptFileError {
    /// Not the strict JSON document of SPEC 7.5.
    #[error("receipt file: {0}")]
    Parse(#[from] strict::StrictError),
    /// Another version, which has other members.
    #[error("receipt file: the version is not `{}`; verify it with the release that wrote it", tags::RECEIPT_FILE)]
    Version,
    /// The media type has capital letters, which the commitment does not have.
    #[error("receipt file: `mediaType` is not in lowercase")]
    MediaType,
    /// The same contents written another way.
    #[error("receipt file: not the compact encoding with members in the order of SPEC 7.5")]
    NotCompact,
}

impl ReceiptFile {
    /// Parses a saved receipt.
    ///
    /// # Errors
    /// [`ReceiptFileError`] when the bytes are not the one encoding of a document of this shape and version.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptFileError> {
        let file: Self = strict::from_slice(bytes, MAX_RECEIPT_FILE_BYTES).map_err(|error| {
            if tags::is_another_version(bytes, tags::RECEIPT_FILE) { ReceiptFileError::Version } else { error.into() }
        })?;
        if file.version != tags::RECEIPT_FILE {
            return Err(ReceiptFileError::Version);
        }
        if file.request.media_type.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(ReceiptFileError::MediaType);
        }
        if !strict::is_compact(&file, bytes) {
            return Err(ReceiptFileError::NotCompact);
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests;
