//! The quote as it fits into a header. Proxies bound the header section of an answer (nginx: 4,096 bytes unless it is told
//! otherwise), and the clients of x402 version 2 read nothing but the header. The body has the whole quote.

use serde_json::{Map, Value};

use super::extension::drop_last;
use crate::wire::{PaymentRequired, ResourceInfo, encode};

/// `quote` without what a client does not need to pay it, so that its header has at most `most` bytes.
///
/// What is left out, always: the JSON Schemas of the extensions, and the extensions that say nothing else (`bazaar`). Where
/// that is not enough: first the prose about the resource, then signed offers, from the last one on. `accepts` stays whole,
/// whatever it takes.
pub fn brief(quote: &PaymentRequired, most: usize) -> PaymentRequired {
    let mut brief = quote.clone();
    brief.extensions = brief.extensions.map(without_schemas).filter(|extensions| !extensions.is_empty());
    if !fits(&brief, most) {
        brief.resource =
            ResourceInfo { url: brief.resource.url, mime_type: brief.resource.mime_type, ..ResourceInfo::default() };
    }
    while !fits(&brief, most) {
        let Some(extensions) = &mut brief.extensions else { break };
        if !drop_last(extensions) {
            break;
        }
    }
    brief
}

fn fits(quote: &PaymentRequired, most: usize) -> bool {
    encode(quote).is_ok_and(|header| header.len() <= most)
}

/// Id of `extensions/bazaar.md`.
const BAZAAR: &str = "bazaar";

/// Each extension with its `info` alone. `bazaar` is for catalogues, which read it with its schema or not at all.
fn without_schemas(extensions: Map<String, Value>) -> Map<String, Value> {
    let kept = extensions.into_iter().filter(|(id, _)| id != BAZAAR);
    kept.map(|(id, mut extension)| {
        if let Some(extension) = extension.as_object_mut() {
            extension.remove("schema");
        }
        (id, extension)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::exact::fixtures;
    use crate::offer::{Offer, Signed, offers_in, with_offers};
    use crate::wire::{PaymentRequirements, Version2, decode};
    use crate::{AtomicUnits, Network};

    /// Most bytes of the header, as the specification has it.
    const MOST: usize = 3_500;

    /// A quote of `accepts` entries, as long as they get: a host name of a rented machine, an amount of 12 digits.
    fn quote(accepts: Vec<PaymentRequirements>) -> PaymentRequired {
        let url = "https://p8080.m1234.opf-mainnet-rofl-12.rofl.app/v1/summaries";
        let schema = json!({"type": "object", "properties": {"x": {"description": "y".repeat(700)}}});
        let extension = |info: Value| json!({"info": info, "schema": schema});
        let extensions = json!({
            "payment-identifier": extension(json!({"required": false})),
            "bazaar": extension(json!({"input": {"type": "http"}})),
        });
        let offers = accepts.iter().zip(0..).map(|(required, index)| {
            let signed = Signed::sign(Offer::new(url, required, 1_790_000_120), &fixtures::key()).unwrap();
            Signed { accept_index: Some(index), ..signed }
        });
        let extensions = with_offers(extensions.as_object().cloned(), offers.collect());
        PaymentRequired {
            x402_version: Version2,
            error: Some("payment_required: send `PAYMENT-SIGNATURE`".into()),
            resource: ResourceInfo {
                url: url.into(),
                description: Some("One abstractive summary, made and signed inside a TEE".into()),
                mime_type: Some("application/json".into()),
                service_name: Some("Precis".into()),
                tags: Some(["summarization", "confidential", "tee"].map(str::to_owned).to_vec()),
                ..ResourceInfo::default()
            },
            accepts,
            extensions: Some(extensions),
        }
    }

    fn entry(network: Network, scheme: &str) -> PaymentRequirements {
        let entry = PaymentRequirements {
            scheme: scheme.into(),
            network,
            amount: AtomicUnits::from(123_456_789_012),
            max_timeout_seconds: 3600,
            ..fixtures::required()
        }
        .with_extra("assetTransferMethod", "eip3009")
        .with_extra("paymentFlow", "upfront");
        match scheme {
            "exact" => entry,
            _ => entry
                .with_extra("receiverAuthorizer", "0x209693Bc6afc0C5328bA36FaF03C514EF312287C")
                .with_extra("minDeposit", "1234567890120")
                .with_extra("withdrawDelay", "86400"),
        }
    }

    #[test]
    fn two_networks_with_two_schemes_fit_into_a_header_that_proxies_let_pass() {
        let networks = [Network::BASE, Network::BASE_SEPOLIA];
        let accepts = networks.map(|network| ["exact", "batch-settlement"].map(|scheme| entry(network, scheme)));
        let whole = quote(accepts.concat());
        let brief = brief(&whole, MOST);
        let header = encode(&brief).unwrap();
        assert!(header.len() <= MOST, "{} bytes", header.len());
        assert_eq!(brief.accepts, whole.accepts, "every way to pay is there");
        assert_eq!(brief.resource.url, whole.resource.url);
        let offers = offers_in(brief.extensions.as_ref()).unwrap().unwrap_or_default();
        let all = offers_in(whole.extensions.as_ref()).unwrap().unwrap();
        assert!(all.starts_with(&offers), "offers are left out from the end");
        assert_eq!(decode::<PaymentRequired>(header.as_bytes()).unwrap(), brief);
    }

    #[test]
    fn six_networks_fit_into_the_same_header() {
        let networks = crate::usdc::USDC.iter().take(6).map(|usdc| usdc.network);
        let accepts = networks.map(|network| entry(network, "exact").with_extra("requestDigest", &"f".repeat(64)));
        let whole = quote(accepts.collect());
        let brief = brief(&whole, MOST);
        assert!(encode(&brief).unwrap().len() <= MOST, "{} bytes", encode(&brief).unwrap().len());
        assert_eq!(brief.accepts, whole.accepts);
    }

    #[test]
    fn one_way_to_pay_keeps_its_offer_its_prose_and_what_clients_echo() {
        let whole = quote(vec![entry(Network::BASE, "exact")]);
        let brief = brief(&whole, MOST);
        assert!(encode(&whole).unwrap().len() > MOST, "the whole one would not pass");
        assert_eq!(brief.resource, whole.resource);
        assert_eq!(offers_in(brief.extensions.as_ref()).unwrap().unwrap().len(), 1);
        let extensions = brief.extensions.unwrap();
        assert_eq!(extensions["payment-identifier"], json!({"info": {"required": false}}));
        assert!(!extensions.contains_key("bazaar"));
    }

    #[test]
    fn a_limit_that_cannot_be_kept_costs_offers_and_never_a_way_to_pay() {
        let whole = quote(vec![entry(Network::BASE, "exact"); 3]);
        let brief = brief(&whole, 10);
        assert_eq!(brief.accepts, whole.accepts);
        assert_eq!(offers_in(brief.extensions.as_ref()).unwrap(), None);
    }
}
