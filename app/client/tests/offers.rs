//! The standard's offers and receipts of a service that does one thing wrong (SPEC 6.6).

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use crate::support::buyer::options;
use crate::support::offers::{foreign_key, offer_by, receipt_by};
use crate::support::{Evidence, FakeService, Wrong, now};
use alloy_primitives::{Address, B256};
use precis_client::{
    ClientError, Connection, Document, MediaType, Purchase, PurchaseOptions, Retry, SummaryRequest, TermsError, Wallet,
    discover,
};
use precis_payment::offer::{self, Receipt};
use precis_payment::wire::{PaymentRequired, SettleResponse};
use precis_protocol::summary::Options;

/// What is wrong with something, and how it becomes so.
type Edit<T> = (&'static str, fn(&mut T, &Evidence));

async fn buy(wrong: Wrong) -> (FakeService, Result<Purchase, ClientError>) {
    precis_client::install_tls_provider();
    let service = FakeService::start(wrong).await;
    let found = discover(&service.url, Connection::default()).await.unwrap();
    let Ok(session) = found.verify(&service.evidence.policy, now()) else { panic!("not verified") };
    let document = Document::new("Hello there. ".repeat(30).into_bytes(), MediaType::Plain).unwrap();
    let request = SummaryRequest::new(&document, &Options::default()).unwrap();
    let retry = Retry { attempts: 1, pause: Duration::ZERO, ..Retry::default() };
    let options = PurchaseOptions { retry, ..options(None) };
    let wallet = Wallet::from_hex(&"42".repeat(32)).unwrap();
    let bought = session.purchase(&request, Some(&wallet), &options, &mut |_| {}).await;
    (service, bought)
}

/// The one offer in the quote, as JSON.
fn offered(quote: &mut PaymentRequired) -> &mut serde_json::Value {
    &mut quote.extensions.as_mut().unwrap()[offer::EXTENSION]["info"]["offers"][0]
}

/// The receipt in the settlement, signed again after `edit`.
fn again(settlement: &mut SettleResponse, evidence: &Evidence, edit: fn(&mut Receipt)) {
    let mut receipt = offer::receipt_in(settlement.extensions.as_ref()).unwrap().unwrap().payload;
    edit(&mut receipt);
    receipt_by(evidence.receipt_key(), settlement, receipt);
}

#[tokio::test]
async fn an_offer_and_a_receipt_by_the_attested_key_are_accepted_and_the_offer_is_echoed() {
    let (service, bought) = buy(Wrong::default()).await;
    let settlement = bought.unwrap_or_else(|e| panic!("{e}")).settlement.unwrap();
    assert!(offer::receipt_in(settlement.extensions.as_ref()).unwrap().is_some());
    assert!(offer::offers_in(service.seen().payments[0].extensions.as_ref()).unwrap().is_some());
}

#[tokio::test]
async fn a_service_without_the_extension_is_judged_by_its_terms_and_its_own_receipt() {
    let (_, bought) = buy(Wrong {
        quote: Some(|q, _| q.extensions = None),
        settlement: Some(|s, _| s.extensions = None),
        ..Wrong::default()
    })
    .await;
    assert!(bought.is_ok());
}

#[tokio::test]
async fn nothing_is_signed_for_a_quote_with_a_foreign_altered_or_ended_offer() {
    let edits: [Edit<PaymentRequired>; 9] = [
        ("another key's", |q, _| offer_by(&foreign_key(), q, now() + 90)),
        ("one foreign among ours", |q, _| {
            let mut foreign = q.clone();
            offer_by(&foreign_key(), &mut foreign, now() + 90);
            let foreign = offered(&mut foreign).clone();
            let offers = &mut q.extensions.as_mut().unwrap()[offer::EXTENSION]["info"]["offers"];
            offers.as_array_mut().unwrap().push(foreign);
        }),
        ("an altered amount", |q, _| offered(q)["payload"]["amount"] = "1".into()),
        ("an altered signature", |q, _| offered(q)["signature"] = format!("0x{}", "11".repeat(65)).into()),
        ("for another price", |q, evidence| {
            let mut other = q.clone();
            other.accepts[0].amount = 2000_u128.into();
            evidence.offer(&mut other);
            q.extensions = other.extensions;
        }),
        ("for another resource", |q, _| q.resource.url = "https://precis.example/other".into()),
        ("ended", |q, evidence| offer_by(evidence.receipt_key(), q, now() - 3600)),
        ("none in the extension", |q, _| {
            q.extensions.as_mut().unwrap()[offer::EXTENSION]["info"]["offers"] = serde_json::json!([]);
        }),
        ("unreadable", |q, _| offered(q)["format"] = "jws".into()),
    ];
    for (what, edit) in edits {
        let (service, bought) = buy(Wrong { quote: Some(edit), ..Wrong::default() }).await;
        let error = bought.err().unwrap_or_else(|| panic!("{what}: bought"));
        assert!(matches!(error, ClientError::Terms(TermsError::Offer(_))), "{what}: {error}");
        assert_eq!(service.seen().payments.len(), 0, "{what}");
    }
}

#[tokio::test]
async fn an_offer_that_names_no_end_is_taken() {
    let (_, bought) =
        buy(Wrong { quote: Some(|q, evidence| offer_by(evidence.receipt_key(), q, 0)), ..Wrong::default() }).await;
    assert!(bought.is_ok());
}

#[tokio::test]
async fn a_summary_whose_settlement_lacks_the_receipt_or_has_another_is_withheld() {
    let edits: [Edit<SettleResponse>; 9] = [
        ("missing", |s, _| s.extensions = None),
        ("another key's", |s, _| {
            let receipt = offer::receipt_in(s.extensions.as_ref()).unwrap().unwrap().payload;
            receipt_by(&foreign_key(), s, receipt);
        }),
        ("altered", |s, _| {
            s.extensions.as_mut().unwrap()[offer::EXTENSION]["info"]["receipt"]["payload"]["issuedAt"] = 1.into();
        }),
        ("unreadable", |s, _| s.extensions.as_mut().unwrap()[offer::EXTENSION]["info"] = 1.into()),
        ("another payer", |s, e| again(s, e, |r| r.payer = Address::ZERO.to_checksum(None))),
        ("another transaction", |s, e| again(s, e, |r| r.transaction = B256::ZERO.to_string())),
        ("another network", |s, e| again(s, e, |r| r.network = "eip155:1".into())),
        ("another resource", |s, e| again(s, e, |r| r.resource_url.push('x'))),
        ("another time", |s, e| again(s, e, |r| r.issued_at += 1)),
    ];
    for (what, edit) in edits {
        let (service, bought) = buy(Wrong { settlement: Some(edit), ..Wrong::default() }).await;
        let error = bought.err().unwrap_or_else(|| panic!("{what}: handed over"));
        assert!(matches!(error, ClientError::CannotVerify(_)), "{what}: {error}");
        assert_eq!(service.seen().payments.len(), 1, "{what}");
    }
}
