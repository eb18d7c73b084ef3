//! The payer's signature: what its bytes can be, and whose key made it.

use alloy_primitives::{Address, B256, Signature, U256, b256};

use super::Invalid;

/// Length of r ‖ s ‖ v.
pub const EOA_SIGNATURE_BYTES: usize = 65;
/// Longest signature of a contract account that is carried to the chain.
pub const MAX_SIGNATURE_BYTES: usize = 4096;
/// The last 32 bytes of a wrapped signature of an undeployed account (EIP-6492, "Signer side").
pub const EIP6492_SUFFIX: B256 = b256!("6492649264926492649264926492649264926492649264926492649264926492");

/// Half of the secp256k1 group order: the largest canonical s (EIP-2).
const HALF_ORDER: U256 =
    U256::from_limbs([0xdfe9_2f46_681b_20a0, 0x5d57_6e73_57a4_501d, 0xffff_ffff_ffff_ffff, 0x7fff_ffff_ffff_ffff]);

/// Who can tell whether a signature is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignatureKind {
    /// The key of the payer's address made it: checked.
    Key,
    /// Perhaps a contract account accepts it (EIP-1271): only the chain can tell.
    Contract,
}

/// Classifies `signature` and checks it as far as that is possible without a chain.
///
/// The token contract takes v 27 and 28 and low s only (as USDC does), so other spellings are refused here and one
/// authorization has one signature.
pub(super) fn check(signature: &[u8], hash: B256, payer: Address) -> Result<SignatureKind, Invalid> {
    if signature.ends_with(EIP6492_SUFFIX.as_slice()) {
        return Err(Invalid::UndeployedAccount);
    }
    let Ok(bytes) = <&[u8; EOA_SIGNATURE_BYTES]>::try_from(signature) else {
        let carried = signature.len() > EOA_SIGNATURE_BYTES && signature.len() <= MAX_SIGNATURE_BYTES;
        return if carried { Ok(SignatureKind::Contract) } else { Err(Invalid::Signature) };
    };
    let (r, s, v) = split(bytes);
    let odd_y = match v {
        27 => false,
        28 => true,
        _ => return Err(Invalid::Signature),
    };
    if s > HALF_ORDER {
        return Err(Invalid::Signature);
    }
    let recovered = Signature::new(r, s, odd_y).recover_address_from_prehash(&hash).map_err(|_| Invalid::Signature)?;
    if recovered == payer { Ok(SignatureKind::Key) } else { Err(Invalid::Signature) }
}

/// r, s and v of a 65-byte signature.
pub(crate) fn split(signature: &[u8; EOA_SIGNATURE_BYTES]) -> (U256, U256, u8) {
    let (r, rest) = signature.split_at(32);
    let (s, v) = rest.split_at(32);
    (U256::from_be_slice(r), U256::from_be_slice(s), v[0])
}
