//! Where offers and receipts stand in x402 objects: `extensions["offer-receipt"]`, as `{info, schema}` (section 4.1 and 5.1).

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{Offer, Receipt, Signed};

/// The extension's id.
pub const EXTENSION: &str = "offer-receipt";

/// The extension is there, but holds nothing that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot be read as EIP-712 artifacts")]
pub struct Unreadable;

#[derive(Serialize, Deserialize)]
struct Offers {
    offers: Vec<Signed<Offer>>,
}

#[derive(Serialize, Deserialize)]
struct Paid {
    receipt: Signed<Receipt>,
}

/// `extensions` of a quote, with the offers of its `accepts`, in their order.
pub fn with_offers(extensions: Option<Map<String, Value>>, offers: Vec<Signed<Offer>>) -> Map<String, Value> {
    let offer = artifact(
        json!({
            "version": {"type": "integer"}, "resourceUrl": {"type": "string"}, "scheme": {"type": "string"},
            "network": {"type": "string"}, "asset": {"type": "string"}, "payTo": {"type": "string"},
            "amount": {"type": "string"}, "validUntil": {"type": "integer"},
        }),
        &["version", "resourceUrl", "scheme", "network", "asset", "payTo", "amount"],
    );
    placed(extensions, &Offers { offers }, "offers", &json!({"type": "array", "items": offer}))
}

/// `extensions` of a settlement, with its receipt.
pub fn with_receipt(extensions: Option<Map<String, Value>>, receipt: Signed<Receipt>) -> Map<String, Value> {
    let schema = artifact(
        json!({
            "version": {"type": "integer"}, "network": {"type": "string"}, "resourceUrl": {"type": "string"},
            "payer": {"type": "string"}, "issuedAt": {"type": "integer"}, "transaction": {"type": "string"},
        }),
        &["version", "network", "resourceUrl", "payer", "issuedAt"],
    );
    placed(extensions, &Paid { receipt }, "receipt", &schema)
}

/// The offers in the `extensions` of a quote; `None` without the extension.
///
/// # Errors
/// [`Unreadable`] when the extension is there and holds anything else.
pub fn offers_in(extensions: Option<&Map<String, Value>>) -> Result<Option<Vec<Signed<Offer>>>, Unreadable> {
    Ok(info::<Offers>(extensions)?.map(|info| info.offers))
}

/// The receipt in the `extensions` of a settlement; `None` without the extension.
///
/// # Errors
/// [`Unreadable`] when the extension is there and holds anything else.
pub fn receipt_in(extensions: Option<&Map<String, Value>>) -> Result<Option<Signed<Receipt>>, Unreadable> {
    Ok(info::<Paid>(extensions)?.map(|info| info.receipt))
}

/// Takes the last offer away; with the last one the extension goes, too. `false` if there is none.
pub(crate) fn drop_last(extensions: &mut Map<String, Value>) -> bool {
    let offers =
        extensions.get_mut(EXTENSION).and_then(|all| all.pointer_mut("/info/offers")).and_then(Value::as_array_mut);
    let dropped = offers.and_then(|offers| offers.pop().map(|_| offers.is_empty()));
    if dropped == Some(true) {
        extensions.remove(EXTENSION);
    }
    dropped.is_some()
}

fn info<T: DeserializeOwned>(extensions: Option<&Map<String, Value>>) -> Result<Option<T>, Unreadable> {
    let Some(extension) = extensions.and_then(|all| all.get(EXTENSION)) else { return Ok(None) };
    let info = extension.get("info").ok_or(Unreadable)?;
    T::deserialize(info).map(Some).map_err(|_| Unreadable)
}

fn placed<T: Serialize>(
    extensions: Option<Map<String, Value>>,
    info: &T,
    member: &str,
    schema: &Value,
) -> Map<String, Value> {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object", "properties": {member: schema}, "required": [member],
    });
    let mut extensions = extensions.unwrap_or_default();
    extensions.insert(EXTENSION.to_owned(), json!({"info": info, "schema": schema}));
    extensions
}

/// JSON schema of one artifact.
fn artifact(payload: Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": {
            "format": {"type": "string", "const": "eip712"},
            "acceptIndex": {"type": "integer"},
            "payload": {"type": "object", "properties": payload, "required": required},
            "signature": {"type": "string"},
        },
        "required": ["format", "payload", "signature"],
    })
}
