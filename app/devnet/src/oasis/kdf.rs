//! rofl-appd's key derivation over its built-in mock root (oasis-sdk rofl-appd/src/services/kms.rs).
//!
//! The root is public: whoever can read can compute every key made here.

use tiny_keccak::{Hasher, Kmac};

/// The mock root that rofl-appd itself has for tests.
const MOCK_ROOT: &[u8] = b"oasis-runtime-sdk/rofl-appd: mock root key";
const CUSTOM_KDK: &[u8] = b"oasis-runtime-sdk/rofl-appd: derive key derivation key";
const CUSTOM_SUBKEY: &str = "oasis-runtime-sdk/rofl-appd: derive subkey ";

/// Kinds of key that rofl-appd derives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum KeyKind {
    /// 32 bytes.
    #[serde(rename = "raw-256")]
    Raw256,
    /// 48 bytes.
    #[serde(rename = "raw-384")]
    Raw384,
    /// 32-byte Ed25519 seed.
    #[serde(rename = "ed25519")]
    Ed25519,
    /// 32-byte secp256k1 scalar.
    #[serde(rename = "secp256k1")]
    Secp256k1,
}

impl KeyKind {
    fn stable(self) -> (u8, &'static str, usize) {
        match self {
            Self::Raw256 => (1, "raw-256", 32),
            Self::Raw384 => (2, "raw-384", 48),
            Self::Ed25519 => (3, "ed25519", 32),
            Self::Secp256k1 => (4, "secp256k1", 32),
        }
    }
}

/// The key that the devnet's rofl-appd answers for this kind and id. The same in every devnet.
#[must_use]
pub fn kms_key(kind: KeyKind, key_id: &str) -> Vec<u8> {
    derive(MOCK_ROOT, kind, key_id)
}

fn derive(root: &[u8], kind: KeyKind, key_id: &str) -> Vec<u8> {
    let (number, name, length) = kind.stable();
    let id = [&[number], key_id.as_bytes()].concat();
    let kdk = kmac256(&id, root, CUSTOM_KDK, 32);
    kmac256(&kdk, &id, format!("{CUSTOM_SUBKEY}{name}").as_bytes(), length)
}

fn kmac256(key: &[u8], data: &[u8], customization: &[u8], length: usize) -> Vec<u8> {
    let mut mac = Kmac::v256(key, customization);
    mac.update(data);
    let mut out = vec![0; length];
    mac.finalize(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::{KeyKind::*, *};

    /// oasis-sdk rofl-appd/src/services/kms.rs.
    #[test]
    fn the_published_vectors_are_reproduced() {
        let cases = [
            (Raw256, "1cba05338c243901f5784a57746ad972e4aa609ab632b3431d85cb8c2f1d72b3"),
            (
                Raw384,
                "89b9c608809516f749489e2c78d98e4cddda04c7a5695dbf212036aeb80ed2c193f6dccd74745dc2\
                 fc0e1799073ce9cf",
            ),
            (Ed25519, "f5d58be0f6df3b91e8c1e918d71c0cf717a4efc35790c9534b58f8c3b2b6163f"),
            (Secp256k1, "97d87b946892a8cfbc2773f13f89a98ef1db9fa15ef799ee9e9841a6f7f28842"),
        ];
        for (kind, expected) in cases {
            assert_eq!(hex::encode(derive(b"key", kind, "key id")), expected, "{kind:?}");
        }
    }

    #[test]
    fn kinds_and_ids_are_separate() {
        let keys = [Raw256, Ed25519, Secp256k1].map(|kind| kms_key(kind, "a"));
        assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
        assert_ne!(kms_key(Raw256, "a"), kms_key(Raw256, "b"));
        assert_ne!(kms_key(Raw256, "a"), kms_key(Raw384, "a")[..32]);
    }
}
