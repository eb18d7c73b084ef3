//! The standard's offers and receipts of the service, by its attested key or by another's.

use k256::ecdsa::SigningKey;
use precis_payment::offer::{self, Offer, Receipt, Signed};
use precis_payment::wire::{PaymentRequired, SettleResponse};
use precis_protocol::receipt::SignedReceipt;

use super::{Evidence, now};

/// A key that nobody attested.
pub fn foreign_key() -> SigningKey {
    SigningKey::from_slice(&[6; 32]).unwrap()
}

impl Evidence {
    pub fn receipt_key(&self) -> &SigningKey {
        &self.receipt_key
    }

    pub fn offer(&self, quote: &mut PaymentRequired) {
        offer_by(&self.receipt_key, quote, now() + 90);
    }

    pub fn settle(&self, settlement: &mut SettleResponse, url: &str, own: &SignedReceipt) {
        let paid = own.payment.as_ref().unwrap();
        let receipt = Receipt::new(url, settlement.network, paid.payer, paid.transaction, own.receipt.issued_at);
        receipt_by(&self.receipt_key, settlement, receipt);
    }
}

/// Replaces the offers by offers of `key` for what the quote asks.
pub fn offer_by(key: &SigningKey, quote: &mut PaymentRequired, valid_until: u64) {
    let url = &quote.resource.url;
    let offers = quote.accepts.iter().map(|r| Signed::sign(Offer::new(url, r, valid_until), key).unwrap()).collect();
    quote.extensions = Some(offer::with_offers(None, offers));
}

/// Replaces the receipt by one of `key`.
pub fn receipt_by(key: &SigningKey, settlement: &mut SettleResponse, receipt: Receipt) {
    settlement.extensions = Some(offer::with_receipt(None, Signed::sign(receipt, key).unwrap()));
}
