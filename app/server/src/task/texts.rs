//! Several texts: what is counted and checked alike wherever a model reads a list of them.

use precis_protocol::embeddings::{check_texts, digest_of_texts};
use precis_protocol::task::TaskLimits;
use precis_protocol::{Digest, limits};
use precis_summarize::{Error, Models, Reason};
use zeroize::Zeroizing;

use super::offering::{Counted, Counting, Facts, PREDICTED_TOKENS, SHORT_TOKENS};
use crate::error::{Class, Failure};

/// Texts in their order, wiped when they are dropped.
pub(super) struct Texts(Vec<Zeroizing<String>>);

impl Texts {
    /// Takes over the texts of a request.
    ///
    /// # Errors
    /// `bad_request` when there are none or too many, or one of them is empty.
    pub(super) fn new(texts: Vec<String>) -> Result<Self, Failure> {
        let texts = Self(texts.into_iter().map(Zeroizing::new).collect());
        check_texts(&texts.all()).map_err(|error| Failure::new(Class::BadRequest, error.to_string()))?;
        Ok(texts)
    }

    /// Takes over a query, which becomes the first of the texts, and documents.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(super) fn with_query(query: String, documents: Vec<String>) -> Result<Self, Failure> {
        let mut texts = Self::new(documents)?;
        texts.0.splice(0..0, Self::new(vec![query])?.0);
        Ok(texts)
    }

    pub(super) fn all(&self) -> Vec<&str> {
        self.0.iter().map(|text| text.as_str()).collect()
    }

    pub(super) fn digest(&self) -> Digest {
        digest_of_texts(self.all())
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|text| text.len()).sum()
    }

    /// The next step of counting. The limits hold for all texts together.
    pub(super) fn count(&self, models: &Models, from: Counting) -> Result<Counted, Error> {
        let limits = models.vectorizer.limits();
        if from.read() == 0 && self.bytes() > limits.max_document_bytes {
            let (found, limit) = (self.bytes() as u64, limits.max_document_bytes as u64);
            return Err(Error::TooLong { unit: "bytes", found, limit });
        }
        let Some(text) = self.0.get(from.texts) else { return Ok(Counted::Tokens(from.tokens)) };
        let counted = from.after(models.vectorizer.screen(text, from.within)?, text.len(), self.0.len());
        let tokens = match &counted {
            Counted::Tokens(tokens) => *tokens,
            Counted::GoOn(counting) => counting.tokens,
        };
        // Nothing but characters that no tokenizer sees: no vector comes of it.
        if matches!(counted, Counted::Tokens(0)) {
            return Err(Error::NotSummarizable(Reason::Empty));
        }
        if tokens > limits.max_document_tokens {
            let (found, limit) = (tokens.into(), limits.max_document_tokens.into());
            return Err(Error::TooLong { unit: "tokens", found, limit });
        }
        Ok(counted)
    }
}

/// Facts of a task that the embedding model does, with a number of its own for what it computes out of the vectors.
pub(super) fn facts(models: &Models, task: &str) -> Facts {
    let vectorizer = &models.vectorizer;
    let accepted = vectorizer.limits();
    let mut parameters = vectorizer.parameters();
    if let Some(members) = parameters.as_object_mut() {
        members.insert("mode".to_owned(), task.into());
    }
    Facts {
        model_name: vectorizer.manifest().name.clone(),
        model: model(models),
        parameters,
        limits: TaskLimits {
            max_texts: limits::MAX_TEXTS as u32,
            max_bytes: accepted.max_document_bytes as u64,
            max_tokens: accepted.max_document_tokens,
        },
        predicted: (vectorizer.predict(SHORT_TOKENS), vectorizer.predict(PREDICTED_TOKENS)),
        working_bytes: 0,
    }
}

/// Refuses a request for another model than the one that there is. Clients of these APIs name one always.
pub(super) fn check_model(models: &Models, wanted: Option<&str>) -> Result<(), Failure> {
    let (name, digest) = (&models.vectorizer.manifest().name, model(models).to_string());
    match wanted {
        Some(wanted) if wanted != name && wanted != digest => {
            Err(Failure::new(Class::BadOptions, format!("`model` can only be `{name}`, or `{digest}`")))
        }
        _ => Ok(()),
    }
}

/// Digest of the model that reads the texts.
pub(super) fn model(models: &Models) -> Digest {
    Digest::from_bytes(models.vectorizer.manifest().digest())
}
