//! Randomness from the guest kernel, for keys, ids and salts.

/// `N` random bytes.
///
/// # Errors
/// When the kernel's generator fails; nothing may be signed or salted then.
pub fn bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut out = [0; N];
    getrandom::fill(&mut out)?;
    Ok(out)
}
