//! The x402 extensions that every quote declares: `payment-identifier` and `bazaar` (SPEC 6.7, 6.10). The third,
//! `offer-receipt`, is signed anew for each quote.

use serde_json::{Map, Value, json};

use crate::config::PaymentIdentifier;

/// Id of `extensions/payment_identifier.md`.
pub(crate) const PAYMENT_IDENTIFIER: &str = "payment-identifier";
/// Id of `extensions/bazaar.md`.
pub(crate) const BAZAAR: &str = "bazaar";

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Both declarations, each `{info, schema}`.
pub(crate) fn declared(identifier: PaymentIdentifier) -> Map<String, Value> {
    let mut extensions = Map::new();
    extensions.insert(PAYMENT_IDENTIFIER.into(), payment_identifier(identifier == PaymentIdentifier::Required));
    extensions.insert(BAZAAR.into(), bazaar());
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

/// How the paid route is called (SPEC 5.1), for those who catalogue it.
fn bazaar() -> Value {
    json!({
        "info": {
            "input": {
                "type": "http",
                "method": "POST",
                "bodyType": "json",
                "body": {
                    "document": "The canal is 82 kilometres long. A ship needs about ten hours to pass it.",
                    "options": { "mode": "extractive", "max_sentences": 1 }
                }
            },
            "output": {
                "type": "json",
                "example": { "result": { "mode": "extractive", "summary": "The canal is 82 kilometres long." }, "receipt": {} }
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
                        "body": body()
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

fn body() -> Value {
    json!({
        "type": "object",
        "properties": {
            "document": { "type": "string", "minLength": 1 },
            "media_type": { "type": "string" },
            "data": { "type": "string", "contentEncoding": "base64" },
            "options": {
                "type": "object",
                "properties": {
                    "mode": { "type": "string", "enum": ["extractive", "abstractive"] },
                    "max_words": { "type": "integer", "minimum": 1, "maximum": 2000 },
                    "max_sentences": { "type": "integer", "minimum": 1, "maximum": 100 },
                    "focus": { "type": "string", "minLength": 1, "maxLength": 512 }
                },
                "additionalProperties": false
            }
        },
        "oneOf": [{ "required": ["document"] }, { "required": ["media_type", "data"] }],
        "additionalProperties": false
    })
}
