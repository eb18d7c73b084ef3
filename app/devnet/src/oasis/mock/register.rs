//! `rofl.Register` transactions, signed as an instance signs them: by the RAK that the quote binds
//! and by the instance's extra key (oasis-sdk runtime-sdk, oasis-core consensus/registry).

use std::collections::BTreeMap;

use ciborium::Value;
use ed25519_dalek::Signer;
use k256::ecdsa::signature::hazmat::PrehashSigner;
use sha2::{Digest, Sha512_256};
use tiny_keccak::{Hasher, TupleHash};

use super::{
    MockCollateral,
    cbor::{bytes, encode, map},
};

const RAK_BINDING: &[u8] = b"oasis-core/node: TEE RAK binding";
const ATTESTATION: &[u8] = b"oasis-core/node: TEE attestation signature";
const ENDORSEMENT: &[u8] = b"oasis-core/node: endorse TEE capability";
/// Gas that a registration is given.
pub const GAS: u64 = 150_000;
/// REPORTDATA in a version 4 quote.
const REPORT_DATA: std::ops::Range<usize> = 48 + 520..48 + 584;

/// The chain a transaction is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The runtime's id.
    pub runtime_id: [u8; 32],
    /// The consensus layer's chain context, lowercase hex.
    pub chain_context: String,
}

impl Chain {
    /// The context under which transactions of this chain are signed.
    #[must_use]
    pub fn signature_context(&self) -> String {
        let chain =
            Sha512_256::new().chain_update(self.runtime_id).chain_update(self.chain_context.as_bytes()).finalize();
        format!("oasis-runtime-sdk/tx: v0 for chain {}", hex::encode(chain))
    }
}

/// The keys of one instance, and of the node that endorses it.
#[derive(Clone)]
pub struct InstanceKeys {
    /// Runtime attestation key.
    pub rak: ed25519_dalek::SigningKey,
    /// Runtime encryption key, public (X25519).
    pub rek: [u8; 32],
    /// The key that signs the instance's own transactions.
    pub extra: k256::ecdsa::SigningKey,
    /// The host node's identity.
    pub node: ed25519_dalek::SigningKey,
}

impl InstanceKeys {
    /// Keys that follow from a seed.
    ///
    /// # Errors
    /// Never in practice: the seed would have to hash to no scalar of secp256k1.
    pub fn from_seed(seed: [u8; 32]) -> Result<Self, super::MockError> {
        let part =
            |role: &str| -> [u8; 32] { Sha512_256::new().chain_update(seed).chain_update(role).finalize().into() };
        Ok(Self {
            rak: ed25519_dalek::SigningKey::from_bytes(&part("rak")),
            rek: part("rek"),
            extra: k256::ecdsa::SigningKey::from_bytes(&part("extra").into())
                .map_err(|error| super::MockError::new("key", error))?,
            node: ed25519_dalek::SigningKey::from_bytes(&part("node")),
        })
    }

    /// The RAK's public key.
    #[must_use]
    pub fn rak_public(&self) -> [u8; 32] {
        self.rak.verifying_key().to_bytes()
    }

    /// The extra key's public key, compressed.
    #[must_use]
    pub fn extra_public(&self) -> Vec<u8> {
        self.extra.verifying_key().to_encoded_point(true).as_bytes().to_vec()
    }

    /// REPORTDATA that binds this instance's RAK: its digest, then `nonce`.
    #[must_use]
    pub fn report_data(&self, nonce: [u8; 32]) -> [u8; 64] {
        let mut out = [0; 64];
        out[..32].copy_from_slice(&rak_binding(&self.rak_public()));
        out[32..].copy_from_slice(&nonce);
        out
    }
}

/// SHA-512/256("oasis-core/node: TEE RAK binding" ‖ RAK).
#[must_use]
pub fn rak_binding(rak: &[u8; 32]) -> [u8; 32] {
    Sha512_256::new().chain_update(RAK_BINDING).chain_update(rak).finalize().into()
}

/// SHA-512/256 of a raw transaction: its hash on chain.
#[must_use]
pub fn transaction_hash(raw: &[u8]) -> [u8; 32] {
    Sha512_256::digest(raw).into()
}

/// Digest that the RAK signs to vouch for node, height and REK.
fn attestation_hash(report_data: &[u8], node: &[u8; 32], height: u64, rek: &[u8; 32]) -> [u8; 32] {
    let mut hash = TupleHash::v256(ATTESTATION);
    for part in [report_data, node, &height.to_le_bytes(), rek] {
        hash.update(part);
    }
    let mut out = [0; 32];
    hash.finalize(&mut out);
    out
}

/// Oasis' core signature: Ed25519 over SHA-512/256(context ‖ message).
fn sign_core(key: &ed25519_dalek::SigningKey, context: &[u8], message: &[u8]) -> [u8; 64] {
    let digest = Sha512_256::new().chain_update(context).chain_update(message).finalize();
    key.sign(&digest).to_bytes()
}

/// A registration before signing. Any field may be set to what a negative case needs.
#[derive(Clone)]
pub struct Register<'a> {
    /// The chain it is for.
    pub chain: &'a Chain,
    /// The application's id, 21 bytes.
    pub app_id: [u8; 21],
    /// The instance.
    pub keys: &'a InstanceKeys,
    /// The raw quote.
    pub quote: &'a [u8],
    /// Collateral that travels with the quote (without revocation lists).
    pub collateral: &'a MockCollateral,
    /// Consensus height of the attestation.
    pub height: u64,
    /// Epoch in which the registration expires.
    pub expiration: u64,
    /// Account nonce of the RAK and of the extra key.
    pub nonce: u64,
    /// Metadata with on-chain keys.
    pub metadata: BTreeMap<String, String>,
}

impl Register<'_> {
    /// The raw transaction: CBOR `[body, proofs]`.
    #[must_use]
    pub fn sign(&self) -> Vec<u8> {
        self.sign_body(&encode(&self.body()))
    }

    /// Signs any body with this instance's keys, for bodies bent by hand.
    #[must_use]
    pub fn sign_body(&self, body: &[u8]) -> Vec<u8> {
        let context = self.chain.signature_context();
        let rak = sign_core(&self.keys.rak, context.as_bytes(), body);
        let digest = Sha512_256::new().chain_update(&context).chain_update(body).finalize();
        let extra: Result<k256::ecdsa::Signature, _> = self.keys.extra.sign_prehash(&digest);
        // Fails only for a digest shorter than half the field: never for 32 bytes.
        let extra = extra.map(|signature| signature.to_der().as_bytes().to_vec());
        let proof = |signature: &[u8]| map(vec![("signature", bytes(signature))]);
        let proofs = vec![proof(&rak), proof(&extra.unwrap_or_default())];
        encode(&Value::Array(vec![bytes(body), Value::Array(proofs)]))
    }

    /// The transaction, unsigned.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut register = vec![
            ("app", bytes(&self.app_id)),
            ("ect", self.endorsed_capability()),
            ("expiration", self.expiration.into()),
            ("extra_keys", Value::Array(vec![map(vec![("secp256k1", bytes(&self.keys.extra_public()))])])),
        ];
        if !self.metadata.is_empty() {
            let pairs = self.metadata.iter();
            let pairs = pairs.map(|(key, value)| (key.as_str(), Value::from(value.as_str())));
            register.push(("metadata", map(pairs.collect())));
        }
        let call = map(vec![("method", "rofl.Register".into()), ("body", map(register))]);
        map(vec![("v", 1.into()), ("call", call), ("ai", self.auth_info())])
    }

    fn auth_info(&self) -> Value {
        let signer = |kind, public: &[u8]| {
            let spec = map(vec![("signature", map(vec![(kind, bytes(public))]))]);
            map(vec![("address_spec", spec), ("nonce", self.nonce.into())])
        };
        let proxy = map(vec![("module", "rofl".into()), ("id", bytes(&self.app_id))]);
        let fee =
            map(vec![("amount", Value::Array(vec![bytes(&[]), bytes(&[])])), ("gas", GAS.into()), ("proxy", proxy)]);
        let signers =
            vec![signer("ed25519", &self.keys.rak_public()), signer("secp256k1eth", &self.keys.extra_public())];
        map(vec![("si", Value::Array(signers)), ("fee", fee)])
    }

    fn endorsed_capability(&self) -> Value {
        let capability = map(vec![
            ("hardware", 1.into()),
            ("rak", bytes(&self.keys.rak_public())),
            ("rek", bytes(&self.keys.rek)),
            ("attestation", bytes(&encode(&self.attestation()))),
        ]);
        let signature = sign_core(&self.keys.node, ENDORSEMENT, &encode(&capability));
        let endorsement = map(vec![
            ("public_key", bytes(self.keys.node.verifying_key().as_bytes())),
            ("signature", bytes(&signature)),
        ]);
        map(vec![("capability_tee", capability), ("node_endorsement", endorsement)])
    }

    fn attestation(&self) -> Value {
        let node = self.keys.node.verifying_key().to_bytes();
        let report_data = self.quote.get(REPORT_DATA).unwrap_or_default();
        let hash = attestation_hash(report_data, &node, self.height, &self.keys.rek);
        let signature = sign_core(&self.keys.rak, ATTESTATION, &hash);
        let tcb = &self.collateral;
        let tcb = map(vec![
            (
                "tcb_info",
                map(vec![
                    ("tcb_info", bytes(tcb.tcb_info.as_bytes())),
                    ("signature", hex::encode(tcb.tcb_info_signature).into()),
                ]),
            ),
            (
                "qe_id",
                map(vec![
                    ("enclave_identity", bytes(tcb.qe_identity.as_bytes())),
                    ("signature", hex::encode(tcb.qe_identity_signature).into()),
                ]),
            ),
            ("certs", bytes(tcb.signing_chain.as_bytes())),
        ]);
        let bundle = map(vec![("quote", bytes(self.quote)), ("tcb", tcb)]);
        map(vec![
            ("v", 1.into()),
            ("quote", map(vec![("pcs", bundle)])),
            ("height", self.height.into()),
            ("signature", bytes(&signature)),
        ])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    fn array<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    /// oasis-sdk runtime-sdk/src/crypto/signature/context.rs.
    #[test]
    fn the_signature_context_of_a_known_chain_is_reproduced() {
        let mut runtime_id = [0; 32];
        runtime_id[0] = 0x80;
        let chain = Chain {
            runtime_id,
            chain_context: "643fb06848be7e970af3b5b2d772eb8cfb30499c8162bc18ac03df2f5e22520e".into(),
        };
        assert_eq!(
            chain.signature_context(),
            "oasis-runtime-sdk/tx: v0 for chain \
             ca4842870b97a6d5c0d025adce0b6a0dec94d2ba192ede70f96349cfbe3628b9"
        );
    }

    /// A registration on Sapphire testnet, round 11567208.
    #[test]
    fn the_rak_binding_of_a_recorded_registration_is_reproduced() {
        let rak = BASE64_STANDARD.decode("2ykEN3K2N0hgC5EFkdNiqDX4TLi+Aul3PYHUJX041SE=").unwrap();
        assert_eq!(
            hex::encode(rak_binding(&rak.try_into().unwrap())),
            "f8e765c2e7424350e49a57a5af047f04fd158943388512ef5f977156bb476b43"
        );
    }

    /// oasis-core runtime/src/consensus/registry.rs.
    #[test]
    fn the_attestation_hash_of_the_published_vector_is_reproduced() {
        let hash = attestation_hash(
            b"foo bar",
            &array("47aadd91516ac548decdb436fde957992610facc09ba2f850da0fe1b2be96119"),
            42,
            &array("7992610facc09ba2f850da0fe1b2be9611947aadd91516ac548decdb436fde95"),
        );
        assert_eq!(hex::encode(hash), "9a288bd33ba7a4c2eefdee68e4c08c1a34c369302ef8176a3bfdb4fedcec333e");
    }
}
