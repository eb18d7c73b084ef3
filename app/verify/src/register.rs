//! The raw `rofl.Register` transaction as evidence (SPEC 3.1): strict parsing, and the signatures over it.
//!
//! Guarantee: a parsed [`Register`] has exactly one encoding, its own; after [`Register::verify`] the attested key and every
//! other signer it names have signed exactly these bytes for one chain. What stays unproven is that the chain accepted it.

use std::collections::BTreeMap;

use ed25519_dalek::{Signature as Ed25519Signature, VerifyingKey as Ed25519Key};
use k256::ecdsa::signature::hazmat::PrehashVerifier as _;
use k256::ecdsa::{Signature as EcdsaSignature, VerifyingKey as EcdsaKey};
use precis_protocol::limits::{MAX_QUOTE_BYTES, MAX_TRANSACTION_BYTES};
use sha2::{Digest as _, Sha512_256};

use crate::cbor::{self, CborError, Value};

/// Signers of one transaction, count: the RAK and the extra keys.
const MAX_SIGNERS: usize = 8;
/// Metadata pairs of one registration, count (the chain's own limit).
const MAX_METADATA_PAIRS: usize = 64;
/// `hardware` of a TEE capability: the value Oasis Core uses for both SGX and TDX.
const HARDWARE_INTEL: u64 = 1;

/// Why a transaction is no acceptable evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// Over the limit.
    #[error("the transaction has {0} bytes, the limit is {MAX_TRANSACTION_BYTES}")]
    TooLarge(usize),
    /// Not canonical CBOR.
    #[error("{part}: {error}")]
    Cbor {
        /// Which of the nested documents.
        part: &'static str,
        /// What is wrong.
        error: CborError,
    },
    /// Not the shape of a plain `rofl.Register` transaction.
    #[error("`{0}` is missing, unknown, or not of its kind")]
    Shape(&'static str),
    /// A signature does not verify.
    #[error("the signature of {0} does not verify under this chain's context")]
    Signature(&'static str),
    /// The attested key is not among the signers.
    #[error("the attested key (RAK) is not a signer of the transaction")]
    NotSignedByRak,
}

/// A key that signs the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Signer {
    Ed25519([u8; 32]),
    Secp256k1([u8; 33]),
}

/// What a `rofl.Register` transaction says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// The 21 bytes behind the bech32 app id.
    pub app: [u8; 21],
    /// Runtime attestation key (Ed25519), bound by the quote's REPORTDATA.
    pub rak: [u8; 32],
    /// Key of the node that endorsed the enclave.
    pub node_id: [u8; 32],
    /// Epoch after which the registration has expired.
    pub expiration: u64,
    /// Instance metadata, `net.oasis.app.…` and system keys.
    pub metadata: BTreeMap<String, String>,
    /// The raw quote.
    pub quote: Vec<u8>,
    /// Consensus height that the attestation names.
    pub height: u64,
    body: Vec<u8>,
    signers: Vec<(Signer, Vec<u8>)>,
}

/// `SHA-512/256("oasis-core/node: TEE RAK binding" ‖ RAK)`: the first half of REPORTDATA (Oasis Core, runtime attestation).
#[must_use]
pub fn rak_binding(rak: &[u8; 32]) -> [u8; 32] {
    Sha512_256::new().chain_update(b"oasis-core/node: TEE RAK binding").chain_update(rak).finalize().into()
}

/// Signature context of the transactions of one runtime on one consensus chain (Oasis runtime SDK, transaction v0). The
/// chain context enters as its 64 hex digits.
#[must_use]
pub fn signature_context(runtime_id: &[u8; 32], chain_context: &[u8; 32]) -> String {
    let chain = Sha512_256::new().chain_update(runtime_id).chain_update(hex::encode(chain_context)).finalize();
    format!("oasis-runtime-sdk/tx: v0 for chain {}", hex::encode(chain))
}

impl Register {
    /// Parses a raw transaction: CBOR `[body, proofs]`.
    ///
    /// # Errors
    /// [`RegisterError`] when the bytes are over the limit, are not canonical CBOR, or are no plain `rofl.Register`
    /// transaction with one proof for each signer.
    pub fn parse(transaction: &[u8]) -> Result<Self, RegisterError> {
        if transaction.len() > MAX_TRANSACTION_BYTES {
            return Err(RegisterError::TooLarge(transaction.len()));
        }
        let Value::Array(envelope) = document(transaction, "transaction")? else {
            return Err(RegisterError::Shape("transaction"));
        };
        let [Value::Bytes(body), Value::Array(proofs)] = envelope.as_slice() else {
            return Err(RegisterError::Shape("transaction"));
        };

        let mut fields = Fields::of(document(body, "body")?, "body")?;
        if fields.unsigned("v")? != 1 {
            return Err(RegisterError::Shape("v"));
        }
        let signers = signers(fields.take("ai")?, proofs)?;
        let call = fields.take("call")?;
        fields.finish("body")?;

        let mut call = Fields::of(call, "call")?;
        if call.text("method")? != "rofl.Register" {
            return Err(RegisterError::Shape("method"));
        }
        // Absent or plain: an encrypted call has its body under another key.
        if !matches!(call.optional("format"), None | Some(Value::Unsigned(0)))
            || !matches!(call.optional("ro"), None | Some(Value::Bool(false)))
        {
            return Err(RegisterError::Shape("format"));
        }
        let register = call.take("body")?;
        call.finish("call")?;
        Self::from_call(register, body, signers)
    }

    fn from_call(register: Value<'_>, body: &[u8], signers: Vec<(Signer, Vec<u8>)>) -> Result<Self, RegisterError> {
        let mut fields = Fields::of(register, "register")?;
        let app = fields.bytes("app")?;
        let expiration = fields.unsigned("expiration")?;
        let Value::Array(_) = fields.take("extra_keys")? else { return Err(RegisterError::Shape("extra_keys")) };
        let metadata = metadata(fields.optional("metadata"))?;
        let mut endorsed = Fields::of(fields.take("ect")?, "ect")?;
        fields.finish("register")?;

        let mut endorsement = Fields::of(endorsed.take("node_endorsement")?, "node_endorsement")?;
        let mut capability = Fields::of(endorsed.take("capability_tee")?, "capability_tee")?;
        endorsed.finish("ect")?;
        let node_id = endorsement.bytes("public_key")?;
        endorsement.bytes::<64>("signature")?;
        endorsement.finish("node_endorsement")?;

        let rak = capability.bytes("rak")?;
        match capability.optional("rek") {
            None | Some(Value::Null) => {}
            Some(Value::Bytes(rek)) if rek.len() == 32 => {}
            Some(_) => return Err(RegisterError::Shape("rek")),
        }
        if capability.unsigned("hardware")? != HARDWARE_INTEL {
            return Err(RegisterError::Shape("hardware"));
        }
        let Value::Bytes(attestation) = capability.take("attestation")? else {
            return Err(RegisterError::Shape("attestation"));
        };
        capability.finish("capability_tee")?;
        let (quote, height) = attested_quote(attestation)?;

        Ok(Self { app, rak, node_id, expiration, metadata, quote, height, body: body.to_vec(), signers })
    }

    /// Verifies the signature of every signer under `context`, and that the RAK is one of them.
    ///
    /// # Errors
    /// [`RegisterError::Signature`] or [`RegisterError::NotSignedByRak`].
    pub fn verify(&self, context: &str) -> Result<(), RegisterError> {
        let digest: [u8; 32] = Sha512_256::new().chain_update(context).chain_update(&self.body).finalize().into();
        for (signer, proof) in &self.signers {
            match signer {
                Signer::Ed25519(key) => {
                    verify_ed25519(key, &digest, proof).ok_or(RegisterError::Signature("an Ed25519 signer"))?
                }
                Signer::Secp256k1(key) => {
                    verify_secp256k1(key, &digest, proof).ok_or(RegisterError::Signature("a secp256k1 signer"))?
                }
            }
        }
        if !self.signers.iter().any(|(signer, _)| *signer == Signer::Ed25519(self.rak)) {
            return Err(RegisterError::NotSignedByRak);
        }
        Ok(())
    }
}

fn verify_ed25519(key: &[u8; 32], digest: &[u8; 32], proof: &[u8]) -> Option<()> {
    let key = Ed25519Key::from_bytes(key).ok()?;
    key.verify_strict(digest, &Ed25519Signature::from_slice(proof).ok()?).ok()
}

fn verify_secp256k1(key: &[u8; 33], digest: &[u8; 32], proof: &[u8]) -> Option<()> {
    let key = EcdsaKey::from_sec1_bytes(key).ok()?;
    key.verify_prehash(digest, &EcdsaSignature::from_der(proof).ok()?).ok()
}

/// The signers of `ai.si`, each with its proof.
fn signers(info: Value<'_>, proofs: &[Value<'_>]) -> Result<Vec<(Signer, Vec<u8>)>, RegisterError> {
    let mut info = Fields::of(info, "ai")?;
    let Value::Array(signers) = info.take("si")? else { return Err(RegisterError::Shape("si")) };
    info.take("fee")?;
    info.optional("not_before");
    info.optional("not_after");
    info.finish("ai")?;
    if signers.is_empty() || signers.len() > MAX_SIGNERS || signers.len() != proofs.len() {
        return Err(RegisterError::Shape("si"));
    }
    signers
        .into_iter()
        .zip(proofs)
        .map(|(signer, proof)| Ok((signer_key(signer)?, signature(proof)?.to_vec())))
        .collect()
}

fn signer_key(signer: Value<'_>) -> Result<Signer, RegisterError> {
    let mut signer = Fields::of(signer, "si")?;
    signer.unsigned("nonce")?;
    let mut address = Fields::of(signer.take("address_spec")?, "address_spec")?;
    signer.finish("si")?;
    let mut keys = Fields::of(address.take("signature")?, "signature")?;
    address.finish("address_spec")?;
    let key = match keys.0.first().map(|(name, _)| *name) {
        Some("ed25519") => Signer::Ed25519(keys.bytes("ed25519")?),
        Some("secp256k1eth") => Signer::Secp256k1(keys.bytes("secp256k1eth")?),
        _ => return Err(RegisterError::Shape("signature")),
    };
    keys.finish("signature")?;
    Ok(key)
}

fn signature<'a>(proof: &Value<'a>) -> Result<&'a [u8], RegisterError> {
    match proof {
        Value::Map(entries) => match entries.as_slice() {
            [("signature", Value::Bytes(signature))] => Ok(signature),
            _ => Err(RegisterError::Shape("proof")),
        },
        _ => Err(RegisterError::Shape("proof")),
    }
}

fn metadata(value: Option<Value<'_>>) -> Result<BTreeMap<String, String>, RegisterError> {
    let entries = match value {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Map(entries)) if entries.len() <= MAX_METADATA_PAIRS => entries,
        Some(_) => return Err(RegisterError::Shape("metadata")),
    };
    let pair = |(key, value): (&str, Value<'_>)| match value {
        Value::Text(value) => Ok((key.to_owned(), value.to_owned())),
        _ => Err(RegisterError::Shape("metadata")),
    };
    entries.into_iter().map(pair).collect()
}

/// The quote and height of an `SGXAttestation` of version 1 with PCS evidence.
fn attested_quote(attestation: &[u8]) -> Result<(Vec<u8>, u64), RegisterError> {
    let mut fields = Fields::of(document(attestation, "attestation")?, "attestation")?;
    if fields.unsigned("v")? != 1 {
        return Err(RegisterError::Shape("attestation"));
    }
    let height = fields.unsigned("height")?;
    fields.bytes::<64>("signature")?;
    let mut evidence = Fields::of(fields.take("quote")?, "quote")?;
    fields.finish("attestation")?;
    let mut bundle = Fields::of(evidence.take("pcs")?, "pcs")?;
    evidence.finish("quote")?;
    let Value::Bytes(quote) = bundle.take("quote")? else { return Err(RegisterError::Shape("quote")) };
    // Intel's TCB as the node saw it: superseded by the collateral beside the transaction, which has CRLs.
    bundle.take("tcb")?;
    bundle.finish("pcs")?;
    if quote.len() > MAX_QUOTE_BYTES {
        return Err(RegisterError::Shape("quote"));
    }
    Ok((quote.to_vec(), height))
}

fn document<'a>(bytes: &'a [u8], part: &'static str) -> Result<Value<'a>, RegisterError> {
    cbor::parse(bytes).map_err(|error| RegisterError::Cbor { part, error })
}

/// The members of a map, taken one by one so that unknown ones remain and are refused.
struct Fields<'a>(Vec<(&'a str, Value<'a>)>);

impl<'a> Fields<'a> {
    fn of(value: Value<'a>, name: &'static str) -> Result<Self, RegisterError> {
        match value {
            Value::Map(entries) => Ok(Self(entries)),
            _ => Err(RegisterError::Shape(name)),
        }
    }

    fn optional(&mut self, name: &str) -> Option<Value<'a>> {
        let index = self.0.iter().position(|(key, _)| *key == name)?;
        Some(self.0.remove(index).1)
    }

    fn take(&mut self, name: &'static str) -> Result<Value<'a>, RegisterError> {
        self.optional(name).ok_or(RegisterError::Shape(name))
    }

    fn unsigned(&mut self, name: &'static str) -> Result<u64, RegisterError> {
        match self.take(name)? {
            Value::Unsigned(value) => Ok(value),
            _ => Err(RegisterError::Shape(name)),
        }
    }

    fn text(&mut self, name: &'static str) -> Result<&'a str, RegisterError> {
        match self.take(name)? {
            Value::Text(value) => Ok(value),
            _ => Err(RegisterError::Shape(name)),
        }
    }

    fn bytes<const N: usize>(&mut self, name: &'static str) -> Result<[u8; N], RegisterError> {
        match self.take(name)? {
            Value::Bytes(value) => value.try_into().map_err(|_| RegisterError::Shape(name)),
            _ => Err(RegisterError::Shape(name)),
        }
    }

    fn finish(&self, name: &'static str) -> Result<(), RegisterError> {
        if self.0.is_empty() { Ok(()) } else { Err(RegisterError::Shape(name)) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use precis_protocol::encoding::{base64_decode, lower_hex};

    use super::*;

    #[test]
    fn rak_binding_matches_a_registration_on_sapphire_testnet() {
        let rak = base64_decode("2ykEN3K2N0hgC5EFkdNiqDX4TLi+Aul3PYHUJX041SE=").unwrap();
        let report_data =
            base64_decode("+OdlwudCQ1DkmlelrwR/BP0ViUM4hRLvX5dxVrtHa0N/UQkJDuNSPlQTrUQpJff2Bdt4DIBvvNAYV+kOyjbP9w==")
                .unwrap();
        assert_eq!(rak_binding(&rak.try_into().unwrap()), report_data[..32]);
    }

    #[test]
    fn signature_context_matches_the_runtime_sdk_vector() {
        let mut runtime_id = [0; 32];
        runtime_id[0] = 0x80;
        let chain_context = lower_hex("643fb06848be7e970af3b5b2d772eb8cfb30499c8162bc18ac03df2f5e22520e").unwrap();
        assert_eq!(
            signature_context(&runtime_id, &chain_context),
            "oasis-runtime-sdk/tx: v0 for chain ca4842870b97a6d5c0d025adce0b6a0dec94d2ba192ede70f96349cfbe3628b9"
        );
    }

    #[test]
    fn hostile_bytes_are_refused() {
        assert!(matches!(Register::parse(&vec![0; MAX_TRANSACTION_BYTES + 1]), Err(RegisterError::TooLarge(_))));
        assert!(matches!(Register::parse(&[]), Err(RegisterError::Cbor { .. })));
        assert_eq!(
            Register::parse(&[0x82, 0x40, 0x80]),
            Err(RegisterError::Cbor { part: "body", error: CborError::Truncated(0) })
        );
        assert_eq!(Register::parse(&[0x80]), Err(RegisterError::Shape("transaction")));
    }
}
