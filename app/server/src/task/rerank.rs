//! Documents in the order of their nearness to a query, in the shape of the Cohere and Jina APIs (SPEC 5.11).

use std::sync::Arc;

use precis_protocol::embeddings::TokenUsage;
use precis_protocol::limits::MAX_TEXTS;
use precis_protocol::rerank::{Ranked, RerankDocument, RerankRequest, RerankResult, TextObject};
use precis_protocol::{Digest, Task, headers};
use precis_store::JobId;
use precis_summarize::{Control, Error, Models, cosine};
use serde_json::json;

use super::body;
use super::offering::{About, Catalogued, Counted, Counting, Facts, Input, Offering, Sent};
use super::texts::{self, Texts};
use crate::error::{Class, Failure};

/// The route.
pub(super) struct Rerank;

impl Offering for Rerank {
    fn path(&self) -> &'static str {
        headers::RERANK_PATH
    }

    fn quotes_path(&self) -> &'static str {
        headers::RERANK_QUOTES_PATH
    }

    fn tasks(&self) -> &'static [Task] {
        &[Task::Rerank]
    }

    fn about(&self, _: Task) -> About {
        About {
            description: "Documents in the order of their nearness to a query, made and signed inside a TEE".to_owned(),
            tags: &["rerank", "confidential", "tee"],
        }
    }

    fn catalogued(&self) -> Catalogued {
        Catalogued {
            body: json!({ "query": "How long is it?", "documents": ["The canal is 82 kilometres long.", "It rains."], "top_n": 1 }),
            output: json!({ "results": [{ "index": 0, "relevance_score": 0.5 }], "receipt": {} }),
            schema: json!({
                "type": "object",
                "properties": {
                    "model": { "type": "string" },
                    "query": { "type": "string", "minLength": 1 },
                    "documents": {
                        "type": "array",
                        "items": {
                            "oneOf": [
                                { "type": "string", "minLength": 1 },
                                { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"], "additionalProperties": false }
                            ]
                        },
                        "minItems": 1,
                        "maxItems": MAX_TEXTS
                    },
                    "top_n": { "type": "integer", "minimum": 1 },
                    "return_documents": { "type": "boolean" }
                },
                "required": ["query", "documents"],
                "additionalProperties": false
            }),
        }
    }

    fn facts(&self, task: Task, models: &Models) -> Facts {
        texts::facts(models, task.id())
    }

    fn asked_price(&self, sent: &Sent<'_>) -> Option<Task> {
        body::without(sent, &["query", "documents"]).then_some(Task::Rerank)
    }

    fn counted(&self, sent: &Sent<'_>) -> Result<Option<(Task, u32)>, Failure> {
        Ok(body::tokens_only(sent)?.map(|tokens| (Task::Rerank, tokens)))
    }

    fn read(&self, sent: &Sent<'_>) -> Result<Arc<dyn Input>, Failure> {
        let RerankRequest { model, query, documents, top_n, return_documents } = body::json(sent)?;
        if top_n == Some(0) {
            return Err(Failure::new(Class::BadRequest, "`top_n` is at least 1"));
        }
        let documents = documents.into_iter().map(RerankDocument::into_text).collect();
        let most = top_n.map_or(usize::MAX, |most| most as usize);
        Ok(Arc::new(Wanted {
            texts: Texts::with_query(query, documents)?,
            model,
            most,
            repeat: return_documents == Some(true),
        }))
    }
}

struct Wanted {
    texts: Texts,
    model: Option<String>,
    /// Results at most.
    most: usize,
    /// Set if each result repeats its document.
    repeat: bool,
}

impl Input for Wanted {
    fn task(&self) -> Task {
        Task::Rerank
    }

    fn text_digest(&self) -> Digest {
        self.texts.digest()
    }

    fn bytes(&self) -> usize {
        self.texts.bytes()
    }

    fn check(&self, models: &Models) -> Result<(), Failure> {
        texts::check_model(models, self.model.as_deref())
    }

    fn count(&self, models: &Models, from: Counting) -> Result<Counted, Error> {
        self.texts.count(models, from)
    }

    fn perform(&self, models: &Models, JobId(id): JobId, control: &Control) -> Result<Vec<u8>, Error> {
        let all = self.texts.all();
        let vectors = models.vectorizer.embed(&all, control)?;
        let mut rows = vectors.rows();
        let query = rows.next().ok_or(Error::Internal("a query without a vector"))?;
        let mut scores: Vec<(u32, f32)> = (0..).zip(rows.map(|row| cosine(query, row))).collect();
        // Stable: of equals the earlier comes first. No score is NaN, since vectors are finite.
        scores.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        let ranked = |(index, relevance_score): (u32, f32)| Ranked {
            index,
            relevance_score,
            document: all
                .get(index as usize + 1)
                .filter(|_| self.repeat)
                .map(|text| TextObject { text: (*text).to_owned() }),
        };
        let result = RerankResult {
            id,
            model: texts::model(models),
            results: scores.into_iter().take(self.most).map(ranked).collect(),
            usage: TokenUsage::of(vectors.total_tokens()),
        };
        serde_json::to_vec(&result).map_err(|_| Error::Internal("result"))
    }
}
