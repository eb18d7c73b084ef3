//! The standard's signed offers and receipts, held against the attested receipt key (SPEC 6.6).
//!
//! They say less than the receipt of SPEC 7. But a verified service makes no other key's: one that is there and does not fit
//! means that somebody stands in between.

use alloy_primitives::Address;
use precis_payment::offer::{self, Payload, Receipt, Signed};
use precis_payment::wire::SettleResponse;
use precis_protocol::receipt::SignedReceipt;
use precis_verify::VerifiedService;

use crate::error::ClientError;
use crate::terms::{Terms, TermsError};

/// How long after its end an offer is still taken: clocks differ.
const CLOCK_TOLERANCE_SECONDS: u64 = 300;

/// Every offer in the quote is the service's own, and one is for the terms that would be signed. A quote without offers is
/// judged by its terms alone.
pub(crate) fn check_offers(terms: &Terms, signer: Address, now: u64) -> Result<(), TermsError> {
    let quote = terms.quote();
    let offers = offer::offers_in(quote.extensions.as_ref()).map_err(|_| TermsError::Offer("cannot be read"))?;
    let Some(offers) = offers else { return Ok(()) };
    if !offers.iter().all(|offer| is_by(offer, signer)) {
        return Err(TermsError::Offer("is not signed by the attested receipt key"));
    }
    let ours = offers.iter().find(|offer| offer.payload.is_for(&quote.resource.url, terms.chosen()));
    match ours.map(|offer| offer.payload.valid_until) {
        None => Err(TermsError::Offer("is for other terms than the quote")),
        Some(0) => Ok(()),
        Some(end) if end.saturating_add(CLOCK_TOLERANCE_SECONDS) < now => Err(TermsError::Offer("has ended")),
        Some(_) => Ok(()),
    }
}

/// Whether the quote carries offers by another key than `signer`.
pub(crate) fn are_by_another(terms: &Terms, signer: Address) -> bool {
    let offers = offer::offers_in(terms.quote().extensions.as_ref()).ok().flatten();
    offers.is_some_and(|offers| !offers.iter().all(|offer| is_by(offer, signer)))
}

/// The settlement's receipt is the service's own, for the payment that its other receipt records; it may be absent where no
/// offer was made.
pub(crate) fn check_receipt(
    settlement: Option<&SettleResponse>,
    terms: &Terms,
    service: &VerifiedService,
    own: &SignedReceipt,
    earlier_boot: bool,
) -> Result<(), ClientError> {
    let refuse = |why: &str| Err(ClientError::malformed(&format!("the x402 receipt of the settlement {why}")));
    let extensions = settlement.and_then(|settlement| settlement.extensions.as_ref());
    let receipt = match offer::receipt_in(extensions) {
        Ok(Some(receipt)) => receipt,
        Ok(None) if terms.quote().extensions.as_ref().is_some_and(|all| all.contains_key(offer::EXTENSION)) => {
            return refuse("is missing, although the quote carried offers");
        }
        Ok(None) => return Ok(()),
        Err(_) => return refuse("cannot be read"),
    };
    if !is_by(&receipt, receipt_signer(service)?) {
        return refuse("is not signed by the attested receipt key");
    }
    // An earlier boot may have been reached under another name; its receipt says which.
    let url = if earlier_boot { &receipt.payload.resource_url } else { &terms.quote().resource.url };
    let expected = own
        .payment
        .as_ref()
        .map(|paid| Receipt::new(url, terms.chosen().network, paid.payer, paid.transaction, own.receipt.issued_at));
    if expected.as_ref() != Some(&receipt.payload) {
        return refuse("is for another payment");
    }
    Ok(())
}

/// The account of the attested key that signs receipts and offers.
pub(crate) fn receipt_signer(service: &VerifiedService) -> Result<Address, ClientError> {
    service.keyset().receipt_address().map_err(|_| ClientError::malformed("the keyset's receipt key is no key"))
}

fn is_by<T: Payload>(signed: &Signed<T>, signer: Address) -> bool {
    signed.signer() == Ok(signer)
}
