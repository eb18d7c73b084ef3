//! The x402 extensions that every quote declares: `payment-identifier` and `bazaar` (SPEC 6.7, 6.10). The third,
//! `offer-receipt`, is signed anew for each quote.

use serde_json::{Map, Value, json};

use crate::config::PaymentIdentifier;
use crate::task::Catalogued;

/// Id of `extensions/payment_identifier.md`.
pub(crate) const PAYMENT_IDENTIFIER: &str = "payment-identifier";
/// Id of `extensions/bazaar.md`.
pub(crate) const BAZAAR: &str = "bazaar";

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Both declarations of a route, each `{info, schema}`.
pub(crate) fn declared(identifier: PaymentIdentifier, route: Catalogued) -> Map<String, Value> {
    let mut extensions = Map::new();
    extensions.insert(PAYMENT_IDENTIFIER.into(), payment_identifier(identifier == PaymentIdentifier::Required));
    extensions.insert(BAZAAR.into(), bazaar(route));
    extensions
}

fn payment_identifier(required: bool) -> Value {
    json!({
        "info": { "required": required },
        "schema": {
            "$schema": DRAFT,
            "type": "object",
            "properties": {
                "required": { "type": "boolean" },
                "id": { "type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[a-zA-Z0-9_-]+$" }
            },
            "required": ["required"]
        }
    })
}

/// Declaration of how a paid route is called (SPEC 5.1, 5.10, 5.11), for those who catalogue it.
fn bazaar(Catalogued { body, output, schema }: Catalogued) -> Value {
    json!({
        "info": {
            "input": {
                "type": "http",
                "method": "POST",
                "bodyType": "json",
                "body": body
            },
            "output": {
                "type": "json",
                "example": output
            }
        },
        "schema": {
            "$schema": DRAFT,
            "type": "object",
            "properties": {
                "input": {
                    "type": "object",
                    "properties": {
                        "type": { "type": "string", "const": "http" },
                        "method": { "type": "string", "enum": ["POST"] },
                        "bodyType": { "type": "string", "enum": ["json"] },
                        "body": schema
                    },
                    "required": ["type", "method", "bodyType", "body"],
                    "additionalProperties": false
                },
                "output": {
                    "type": "object",
                    "properties": { "type": { "type": "string" }, "example": { "type": "object" } },
                    "required": ["type"]
                }
            },
            "required": ["input"]
        }
    })
}
