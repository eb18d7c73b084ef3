use std::sync::LazyLock;

use precis_payment::authorize::payable;
use precis_payment::exact::{SignatureKind, verify_offline};
use precis_payment::offer::{Offer, Signed, offers_in, receipt_in, with_offers, with_receipt};
use precis_payment::wire::{
    self, FacilitatorRequest, HeaderError, PaymentPayload, PaymentRequired, SettleResponse, SupportedResponse,
    VerifyResponse,
};
use precis_payment::{AtomicUnits, Network};
use precis_protocol::limits::MAX_PAYMENT_HEADER_BYTES;
use serde::{Serialize, de::DeserializeOwned};

use crate::honest;

static HONEST: LazyLock<PaymentPayload> = LazyLock::new(|| wire::parse(honest::PAYMENT).unwrap());

static HONEST_OFFER: LazyLock<Signed<Offer>> = LazyLock::new(|| {
    let quote: PaymentRequired = wire::parse(honest::OFFERED).unwrap();
    offers_in(quote.extensions.as_ref()).unwrap().unwrap().remove(0)
});

/// The objects of x402 as JSON and as header values, amounts and networks: encoding changes nothing, and no payment is authorized by a
/// key that did not sign exactly it.
pub fn payment(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let amount = text.parse::<AtomicUnits>().map(|amount| amount.to_string());
        let network = text.parse::<Network>().map(|network| network.to_string());
        assert!(amount.is_err() || amount.as_deref() == Ok(text), "an amount with two spellings");
        assert!(network.is_err() || network.as_deref() == Ok(text), "a network with two spellings");
    }
    if let Ok(payload) = wire::decode::<PaymentPayload>(bytes) {
        assert!(bytes.len() <= MAX_PAYMENT_HEADER_BYTES);
        authorized(&payload);
    }
    if let Some(payload) = stable::<PaymentPayload>(bytes) {
        authorized(&payload);
    }
    if let Some(required) = stable::<PaymentRequired>(bytes) {
        for required in &required.accepts {
            let _ = payable(required);
        }
        offered(&required);
    }
    if let Some(settled) = stable::<SettleResponse>(bytes)
        && let Ok(Some(receipt)) = receipt_in(settled.extensions.as_ref())
    {
        let _ = receipt.signer();
        let again = with_receipt(settled.extensions, receipt.clone());
        assert_eq!(receipt_in(Some(&again)), Ok(Some(receipt)));
    }
    stable::<VerifyResponse>(bytes);
    stable::<SupportedResponse>(bytes);
    stable::<FacilitatorRequest>(bytes);
}

/// What the JSON `bytes` say as a `T`, which must say the same as a header.
fn stable<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> Option<T> {
    let parsed: T = wire::parse(bytes).ok()?;
    match wire::encode(&parsed) {
        Ok(header) => assert_eq!(wire::decode::<T>(header.as_bytes()).unwrap(), parsed),
        Err(error) => assert_eq!(error, HeaderError::TooLarge),
    }
    Some(parsed)
}

/// Nobody offers what the honest service did not sign.
fn offered(quote: &PaymentRequired) {
    let Ok(Some(offers)) = offers_in(quote.extensions.as_ref()) else { return };
    let again = with_offers(None, offers.clone());
    assert_eq!(offers_in(Some(&again)).as_ref(), Ok(&Some(offers.clone())));
    for offer in offers {
        if offer.signer() == HONEST_OFFER.signer() {
            assert_eq!((&offer.payload, offer.signature), (&HONEST_OFFER.payload, HONEST_OFFER.signature));
        }
    }
}

fn authorized(payload: &PaymentPayload) {
    let required = &HONEST.accepted;
    let Ok(authorized) = verify_offline(payload, required, honest::NOW, 1) else { return };
    assert_eq!(authorized.requirements(), required);
    assert_eq!(payload.payload.authorization.to, required.pay_to);
    assert_eq!(payload.payload.authorization.value, required.amount);
    // Only the chain can judge the signature of a contract account.
    if authorized.signature_kind() == SignatureKind::Key {
        assert_eq!(payload.payload, HONEST.payload, "nobody signed this payment");
    }
}
