//! Messages of the channel, of payments, and of the paid route.

use alloy_primitives::{Address, B256};
use bytes::Bytes;
use http::{Request, Response};
use precis_channel::message::{Limits, encode_request, encode_response};
use precis_fuzz::honest::NOW;
use precis_payment::authorize::authorize;
use precis_payment::offer::{Offer, Receipt, Signed, with_offers, with_receipt};
use precis_payment::wire::{
    self, EXTRA_NAME, EXTRA_REQUEST_DIGEST, EXTRA_VERSION, PaymentRequired, PaymentRequirements, ResourceInfo,
    SCHEME_EXACT, SettleResponse, Version2,
};
use precis_payment::{AtomicUnits, Network};
use serde_json::{Map, to_vec};

use super::common::{BODY, Job};
use super::{Seed, seed};

pub fn seeds() -> Vec<Seed> {
    let mut seeds = channel();
    seeds.extend(messages());
    seeds.extend(payments());
    seeds.extend(documents());
    seeds.extend(summaries());
    seeds
}

/// Recipes: what the rest is, the size of the sealed message, the rest.
fn channel() -> Vec<Seed> {
    let chunk = [&[20][..], &[7; 20], &[0], &[7; 16]].concat();
    vec![
        seed("ohttp/garbage", [&[0, 0, 7, 0, 0x20, 0, 1, 0, 1][..], &[9; 32], &chunk].concat()),
        seed("ohttp/hostile-request", [&[1, 0][..], &chunk].concat()),
        seed("ohttp/honest-request", [2, 200]),
        seed("ohttp/request-without-its-end", [2, 200, 8 * 3 + 3, 0, 0, 0, 0]),
        seed("ohttp/request-of-swapped-chunks", [2, 250, 8 + 1, 0, 0, 0, 0]),
        seed("ohttp/hostile-answer", [&[3, 0][..], &[5; 16], &chunk].concat()),
        seed("ohttp/honest-answer", [4, 200]),
        seed("ohttp/answer-cut-in-a-chunk", [4, 200, 8 * 2 + 6, 4, 0, 100, 0]),
        seed("ohttp/answer-with-a-long-length", [4, 200, 8 + 5, 0, 0, 0, 0]),
    ]
}

fn messages() -> Vec<Seed> {
    let limits = Limits { request: 2048, response: 4096 };
    let post = Request::post("https://a.example/v1/summaries?mode=extractive")
        .header("content-type", "text/plain")
        .header("payment-signature", "e30=")
        .body(Bytes::from_static(b"a document"))
        .unwrap();
    let answer = Response::builder()
        .status(402)
        .header("content-type", "application/json")
        .body(Bytes::from_static(b"{}"))
        .unwrap();
    vec![
        seed("bhttp/request", encode_request(post, &limits).unwrap()),
        seed("bhttp/response", encode_response(answer, &limits).unwrap()),
        // RFC 9458 appendix A: every empty section left out.
        seed("bhttp/short-request", b"\x00\x03GET\x05https\x0bexample.com\x01/"),
        seed("bhttp/short-response", [0x01, 0x40, 0xc8]),
        seed(
            "bhttp/indeterminate-request",
            b"\x02\x04POST\x05https\x00\x02/a\x04host\x01b\x01c\x01d\x00\x03xyz\x02zz\x00\x00\x00",
        ),
        seed("bhttp/informational-response", b"\x01\x40\x67\x04\x01a\x01b\x40\xc8\x04\x01c\x01d\x02ok\x00\x00"),
        seed(
            "bhttp/hop-by-hop",
            b"\x00\x03GET\x05https\x00\x01/\x21\x0aconnection\x01a\x01a\x01b\x0econtent-length\x010",
        ),
    ]
}

fn payments() -> Vec<Seed> {
    let required = PaymentRequirements {
        scheme: SCHEME_EXACT.to_owned(),
        network: Network::BASE,
        amount: AtomicUnits::from(10_000),
        asset: Address::repeat_byte(0xaa),
        pay_to: Address::repeat_byte(0xbb),
        max_timeout_seconds: 60,
        extra: Map::new(),
        other: Map::new(),
    }
    .with_extra(EXTRA_NAME, "USD Coin")
    .with_extra(EXTRA_VERSION, "2")
    .with_extra(EXTRA_REQUEST_DIGEST, &"ab".repeat(32));
    let key = k256::ecdsa::SigningKey::from_slice(&[6; 32]).unwrap();
    let resource = ResourceInfo { url: "https://a.example/v1/summaries".to_owned(), ..ResourceInfo::default() };
    let payload = authorize(&key, &required, Some(resource.clone()), NOW, [3; 32]).unwrap();
    let quote =
        PaymentRequired { x402_version: Version2, error: None, resource, accepts: vec![required], extensions: None };
    let payer = payload.payload.authorization.from;
    let settled = SettleResponse::settled(Network::BASE, payer, AtomicUnits::from(10_000), B256::repeat_byte(7));
    // Fractions of a foreign service, which it wants echoed.
    let mut foreign = quote.clone();
    let fractions = serde_json::json!([51.248178375505404, -93.31137037688033, 7.101215824554616e260, 1e2, -0.0]);
    foreign.accepts[0].extra.insert("rate".to_owned(), fractions);
    let service = k256::ecdsa::SigningKey::from_slice(&[9; 32]).unwrap();
    let offer = Offer::new(&quote.resource.url, &quote.accepts[0], NOW + 60);
    let mut offered = quote.clone();
    offered.extensions = Some(with_offers(None, vec![Signed::sign(offer, &service).unwrap()]));
    let receipt = Receipt::new(&quote.resource.url, Network::BASE, payer, B256::repeat_byte(7), NOW + 1);
    let mut receipted = settled.clone();
    receipted.extensions = Some(with_receipt(None, Signed::sign(receipt, &service).unwrap()));
    let failed = SettleResponse::failed(Network::BASE, None, "insufficient_funds", None);
    vec![
        seed("payment/payload.json", to_vec(&payload).unwrap()),
        seed("payment/payload.base64", wire::encode(&payload).unwrap()),
        seed("payment/required.json", to_vec(&quote).unwrap()),
        seed("payment/required-fractions.json", to_vec(&foreign).unwrap()),
        seed("payment/offered.json", to_vec(&offered).unwrap()),
        seed("payment/receipted.json", to_vec(&receipted).unwrap()),
        seed("payment/settled.json", to_vec(&settled).unwrap()),
        seed("payment/failed.json", to_vec(&failed).unwrap()),
        seed("payment/version-1.json", r#"{"x402Version":1}"#),
        seed("payment/amount", "115792089237316195423570985008687907853269984665640564039457584007913129639935"),
        seed("payment/network", "eip155:8453"),
    ]
}

fn documents() -> Vec<Seed> {
    vec![
        seed("extract/plain", "text/plain; charset=utf-8\nOak is hard.\r\nPine is soft.\n"),
        seed("extract/markdown", "text/markdown;variant=\"a;b\"\n\u{feff}# Oak\n"),
        seed("extract/ascii", "TEXT/plain;charset=us-ascii\ncaf\u{e9}"),
        seed("extract/binary", b"text/plain\na\x00b"),
        seed("extract/blank", "text/plain\n\u{200b} \u{feff}"),
        seed("extract/truncated", b"text/plain\nab\xc3"),
    ]
}

fn summaries() -> Vec<Seed> {
    let job = Job::new();
    let result = String::from_utf8(job.result.clone()).unwrap();
    let receipt = serde_json::to_string(&job.signed()).unwrap();
    vec![
        seed("summary_request/document.json", BODY),
        seed(
            "summary_request/data.json",
            r#"{"media_type":"text/plain","data":"T2FrIGlzIGhhcmQu","options":{"mode":"abstractive","max_words":120,"focus":"oak"}}"#,
        ),
        seed("summary_request/tokens.json", r#"{"tokens":900,"options":{"max_sentences":3}}"#),
        seed("summary_request/twice.json", r#"{"document":"a","options":{"mode":"extractive","mode":"abstractive"}}"#),
        seed("summary_request/deep.json", ["[".repeat(17), "]".repeat(17)].concat()),
        seed("summary_request/response.json", format!(r#"{{"result":{result},"receipt":{receipt}}}"#)),
        seed("summary_request/result.json", result),
    ]
}
