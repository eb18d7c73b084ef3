//! The payer's signature: what its bytes can be, and whose key made it.

use alloy_primitives::{Address, B256, Bytes, Signature, U256, b256};
use alloy_sol_types::{SolType as _, sol_data};

use super::Invalid;

/// Length of r ‖ s ‖ v.
pub const EOA_SIGNATURE_BYTES: usize = 65;
/// Longest signature of a contract account that is carried to the chain.
pub const MAX_SIGNATURE_BYTES: usize = 4096;
/// Longest EIP-6492 wrapper that is opened: a signature and the call that would deploy the account.
pub const MAX_WRAPPED_BYTES: usize = 8192;
/// The last 32 bytes of a wrapped signature (EIP-6492, "Signer side").
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
/// Whatever is not the payer's own canonical signature may be a contract account's: some of them sign with 65 bytes too
/// (a Safe with one owner does). An account without code has no other signature than its key's, so there the chain
/// refuses it. The token takes v 27 and 28 and low s only (as USDC does).
pub(super) fn check(signature: &[u8], hash: B256, payer: Address) -> Result<SignatureKind, Invalid> {
    if signature.is_empty() || signature.len() > MAX_SIGNATURE_BYTES || is_wrapped(signature) {
        return Err(Invalid::Signature);
    }
    let key = <&[u8; EOA_SIGNATURE_BYTES]>::try_from(signature).ok().and_then(|bytes| signer(bytes, hash));
    Ok(if key == Some(payer) { SignatureKind::Key } else { SignatureKind::Contract })
}

/// Whether `signature` is an EIP-6492 wrapper.
pub fn is_wrapped(signature: &[u8]) -> bool {
    signature.ends_with(EIP6492_SUFFIX.as_slice())
}

/// The signature inside an EIP-6492 wrapper, `abi.encode(factory, factoryCalldata, signature)` and the suffix; any other
/// signature as it is. Wallets wrap what an account signs before they know that it is deployed. The factory is never called:
/// an account without code has no signature that its token accepts.
pub(super) fn unwrapped(signature: &Bytes) -> Result<Bytes, Invalid> {
    let Some(wrapper) = signature.strip_suffix(EIP6492_SUFFIX.as_slice()) else { return Ok(signature.clone()) };
    if signature.len() > MAX_WRAPPED_BYTES {
        return Err(Invalid::Signature);
    }
    let (_, _, inner) = <(sol_data::Address, sol_data::Bytes, sol_data::Bytes)>::abi_decode_params(wrapper)
        .map_err(|_| Invalid::Signature)?;
    Ok(inner)
}

/// The account whose key made this signature, if the signature is canonical.
fn signer(signature: &[u8; EOA_SIGNATURE_BYTES], hash: B256) -> Option<Address> {
    let (r, s, v) = split(signature);
    let odd_y = match v {
        27 => false,
        28 => true,
        _ => return None,
    };
    if s > HALF_ORDER {
        return None;
    }
    Signature::new(r, s, odd_y).recover_address_from_prehash(&hash).ok()
}

/// r, s and v of a 65-byte signature.
pub(crate) fn split(signature: &[u8; EOA_SIGNATURE_BYTES]) -> (U256, U256, u8) {
    let (r, rest) = signature.split_at(32);
    let (s, v) = rest.split_at(32);
    (U256::from_be_slice(r), U256::from_be_slice(s), v[0])
}
