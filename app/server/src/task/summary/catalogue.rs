//! Example and schema of a call, for those who catalogue the route.

use serde_json::{Value, json};

use crate::task::offering::Catalogued;

pub(super) fn entry() -> Catalogued {
    Catalogued {
        body: json!({
            "document": "The canal is 82 kilometres long. A ship needs about ten hours to pass it.",
            "options": { "mode": "extractive", "max_sentences": 1 }
        }),
        output: json!({
            "result": { "mode": "extractive", "summary": "The canal is 82 kilometres long." }, "receipt": {}
        }),
        schema: schema(),
    }
}

fn schema() -> Value {
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
                    "focus": { "type": "string", "minLength": 1, "maxLength": 512 },
                    "style": { "type": "string", "enum": ["paragraph", "bullets", "decisions", "tldr"] }
                },
                "additionalProperties": false
            }
        },
        "oneOf": [{ "required": ["document"] }, { "required": ["media_type", "data"] }],
        "additionalProperties": false
    })
}
