//! Vectors of texts, in the shape of the OpenAI API (SPEC 5.10).

use std::sync::Arc;

use precis_protocol::embeddings::{
    Embedding, EmbeddingTag, EmbeddingsRequest, EmbeddingsResult, EncodingFormat, ListTag, TokenUsage, Vector,
};
use precis_protocol::limits::MAX_TEXTS;
use precis_protocol::{Digest, Task, headers};
use precis_store::JobId;
use precis_summarize::{Control, Error, Models};
use serde_json::json;

use super::body;
use super::offering::{About, Catalogued, Counted, Counting, Facts, Input, Offering, Sent};
use super::texts::{self, Texts};
use crate::error::{Class, Failure};

/// The route.
pub(super) struct Embeddings;

impl Offering for Embeddings {
    fn path(&self) -> &'static str {
        headers::EMBEDDINGS_PATH
    }

    fn quotes_path(&self) -> &'static str {
        headers::EMBEDDINGS_QUOTES_PATH
    }

    fn tasks(&self) -> &'static [Task] {
        &[Task::Embeddings]
    }

    fn about(&self, _: Task) -> About {
        About {
            description: "Vectors of texts, made and signed inside a TEE".to_owned(),
            tags: &["embeddings", "confidential", "tee"],
        }
    }

    fn catalogued(&self) -> Catalogued {
        Catalogued {
            body: json!({ "input": ["The canal is 82 kilometres long."], "encoding_format": "base64" }),
            output: json!({ "object": "list", "data": [{ "object": "embedding", "index": 0, "embedding": "…" }], "receipt": {} }),
            schema: json!({
                "type": "object",
                "properties": {
                    "input": {
                        "oneOf": [
                            { "type": "string", "minLength": 1 },
                            { "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1, "maxItems": MAX_TEXTS }
                        ]
                    },
                    "model": { "type": "string" },
                    "encoding_format": { "type": "string", "enum": ["float", "base64", "int8"] },
                    "dimensions": { "type": "integer" },
                    "user": { "type": "string" }
                },
                "required": ["input"],
                "additionalProperties": false
            }),
        }
    }

    fn facts(&self, task: Task, models: &Models) -> Facts {
        texts::facts(models, task.id())
    }

    fn asked_price(&self, sent: &Sent<'_>) -> Option<Task> {
        body::without(sent, &["input"]).then_some(Task::Embeddings)
    }

    fn counted(&self, sent: &Sent<'_>) -> Result<Option<(Task, u32)>, Failure> {
        Ok(body::tokens_only(sent)?.map(|tokens| (Task::Embeddings, tokens)))
    }

    fn read(&self, sent: &Sent<'_>) -> Result<Arc<dyn Input>, Failure> {
        let EmbeddingsRequest { input, model, encoding_format, dimensions, user: _ } = body::json(sent)?;
        Ok(Arc::new(Wanted { texts: Texts::new(input.into_vec())?, model, encoding_format, dimensions }))
    }
}

struct Wanted {
    texts: Texts,
    model: Option<String>,
    encoding_format: EncodingFormat,
    dimensions: Option<u32>,
}

impl Input for Wanted {
    fn task(&self) -> Task {
        Task::Embeddings
    }

    fn text_digest(&self) -> Digest {
        self.texts.digest()
    }

    fn bytes(&self) -> usize {
        self.texts.bytes()
    }

    fn check(&self, models: &Models) -> Result<(), Failure> {
        texts::check_model(models, self.model.as_deref())?;
        let width = models.vectorizer.width();
        match self.dimensions {
            Some(wanted) if wanted as usize != width => {
                Err(Failure::new(Class::BadOptions, format!("`dimensions` can only be {width}")))
            }
            _ => Ok(()),
        }
    }

    fn count(&self, models: &Models, from: Counting) -> Result<Counted, Error> {
        self.texts.count(models, from)
    }

    fn perform(&self, models: &Models, JobId(id): JobId, control: &Control) -> Result<Vec<u8>, Error> {
        let vectors = models.vectorizer.embed(&self.texts.all(), control)?;
        let entry = |(index, row): (u32, &[f32])| Embedding {
            object: EmbeddingTag::Embedding,
            index,
            embedding: Vector::encode(row, self.encoding_format),
        };
        let result = EmbeddingsResult {
            object: ListTag::List,
            id,
            model: texts::model(models),
            data: (0..).zip(vectors.rows()).map(entry).collect(),
            usage: TokenUsage::of(vectors.total_tokens()),
        };
        serde_json::to_vec(&result).map_err(|_| Error::Internal("result"))
    }
}
