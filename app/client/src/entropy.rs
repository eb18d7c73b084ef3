//! Randomness of the operating system, for nonces and salts.

use crate::error::ClientError;

/// 32 fresh random bytes.
///
/// # Errors
/// [`ClientError::Unavailable`] when the operating system gives none; nothing may be sent or signed then.
pub fn random32() -> Result<[u8; 32], ClientError> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|_| ClientError::Unavailable("the operating system gives no randomness; nothing was sent".into()))?;
    Ok(bytes)
}
