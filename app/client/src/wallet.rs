//! The key that authorizes payments. It is read once, never shown, and wiped when dropped.

use alloy_primitives::Address;
use k256::ecdsa::SigningKey;
use zeroize::Zeroizing;

use crate::error::ClientError;

/// A secp256k1 key of the payer. No `Debug`, `Display` or `Clone`; `SigningKey` wipes itself on drop.
pub struct Wallet {
    key: SigningKey,
    address: Address,
}

impl Wallet {
    /// Reads a key written as 64 hex digits, with or without `0x`, surrounding white space ignored.
    ///
    /// # Errors
    /// [`ClientError::Input`] when it is not a secp256k1 secret key. The message never quotes it.
    pub fn from_hex(text: &str) -> Result<Self, ClientError> {
        let refuse = || {
            ClientError::Input(
                "the wallet key is not 32 bytes of hex that make a secp256k1 key; check the key file or PRECIS_KEY"
                    .into(),
            )
        };
        let digits = text.trim();
        let digits = digits.strip_prefix("0x").unwrap_or(digits);
        let mut bytes = Zeroizing::new([0u8; 32]);
        hex::decode_to_slice(digits, bytes.as_mut()).map_err(|_| refuse())?;
        let key = SigningKey::from_slice(bytes.as_ref()).map_err(|_| refuse())?;
        let address = Address::from_private_key(&key);
        Ok(Self { key, address })
    }

    /// The address that pays.
    #[must_use]
    pub fn address(&self) -> Address {
        self.address
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Wallet;

    #[test]
    fn the_address_is_that_of_the_key() {
        // The well-known first development account.
        let text = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\n";
        let wallet = Wallet::from_hex(text).unwrap();
        assert_eq!(wallet.address().to_string(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    }

    #[test]
    fn a_key_that_is_not_one_is_refused_without_being_quoted() {
        for bad in ["", "0x12", &"00".repeat(32), &"zz".repeat(32), &"ff".repeat(32), &"11".repeat(33)] {
            let error = Wallet::from_hex(bad).err().unwrap().to_string();
            assert!(bad.is_empty() || !error.contains(bad), "{error}");
        }
    }
}
