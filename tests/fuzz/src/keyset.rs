use precis_channel::{ClientChannel, config_public_key};
use precis_protocol::Digest;
use precis_protocol::keyset::Keyset;
use precis_protocol::limits::MAX_KEYSET_BYTES;

/// `Keyset::parse`: what is accepted can be used as it stands, and is the same after encoding.
pub fn keyset(bytes: &[u8]) {
    let Ok(keyset) = Keyset::parse(bytes) else { return };
    assert!(bytes.len() <= MAX_KEYSET_BYTES);
    let encoded = serde_json::to_vec(&keyset).unwrap();
    assert_eq!(Keyset::parse(&encoded).unwrap(), keyset);
    assert_eq!(Keyset::digest(bytes), Digest::of(bytes));
    keyset.receipt_address().expect("a receipt key that recovers");
    assert_eq!(config_public_key(&keyset.ohttp_config), Ok(keyset.keys.channel), "another channel key");
    assert!(ClientChannel::new(&keyset.ohttp_config).is_ok());
    assert!(!keyset.tasks.is_empty() && (1..=8).contains(&keyset.payments.len()));
    assert!(keyset.not_before <= keyset.not_after);
}
