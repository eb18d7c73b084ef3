//! Summaries of one document: sentences that stand in it, or sentences that a model writes (SPEC 5.1, 5.2).

mod catalogue;
mod read;
mod result;

use std::sync::Arc;

use precis_extract::DocumentType;
use precis_protocol::summary::{Options, SummaryRequest};
use precis_protocol::{Digest, Mode, Style, Task, headers};
use precis_store::JobId;
use precis_summarize::{Control, Error, Models, Options as ModelOptions, Style as ModelStyle, Summarizer};
use zeroize::Zeroizing;

use super::body;
use super::offering::{
    About, Catalogued, Counted, Counting, Facts, Input, Offering, PREDICTED_TOKENS, SHORT_TOKENS, Sent, limits,
};
use crate::error::Failure;

/// The route.
pub(super) struct Summaries;

impl Offering for Summaries {
    fn path(&self) -> &'static str {
        headers::SUMMARIES_PATH
    }

    fn quotes_path(&self) -> &'static str {
        headers::QUOTES_PATH
    }

    fn tasks(&self) -> &'static [Task] {
        &[Task::SummaryAbstractive, Task::SummaryExtractive]
    }

    fn about(&self, task: Task) -> About {
        let kind = mode(task).name();
        About {
            description: format!("One {kind} summary, made and signed inside a TEE"),
            tags: &["summarization", "confidential", "tee"],
        }
    }

    fn catalogued(&self) -> Catalogued {
        catalogue::entry()
    }

    fn facts(&self, task: Task, models: &Models) -> Facts {
        let summarizer = summarizer(mode(task), models);
        Facts {
            model_name: summarizer.manifest().name.clone(),
            model: Digest::from_bytes(summarizer.manifest().digest()),
            parameters: summarizer.parameters(),
            limits: limits(1, &summarizer.limits()),
            predicted: (summarizer.predict(SHORT_TOKENS), summarizer.predict(PREDICTED_TOKENS)),
            working_bytes: summarizer.working_bytes(),
        }
    }

    /// No body, or JSON with options alone. A body that is said to be a document is one, also when it is empty.
    fn asked_price(&self, sent: &Sent<'_>) -> Option<Task> {
        if sent.body.len() > body::MAX_PROBE_BYTES || DocumentType::parse(sent.media_type).is_ok() {
            return None;
        }
        if sent.body.trim_ascii().is_empty() {
            return Some(Mode::default().into());
        }
        match body::read(sent.body, body::MAX_PROBE_BYTES).ok()? {
            SummaryRequest { document: None, media_type: None, data: None, tokens: None, options } => {
                options.check().is_ok().then_some(options.mode.into())
            }
            _ => None,
        }
    }

    fn counted(&self, sent: &Sent<'_>) -> Result<Option<(Task, u32)>, Failure> {
        if !body::is_json(sent.media_type) {
            return Ok(None);
        }
        match body::of(sent)? {
            SummaryRequest { document: None, media_type: None, data: None, tokens: Some(tokens), options } => {
                read::check(&options)?;
                Ok(Some((options.mode.into(), tokens)))
            }
            _ => Ok(None),
        }
    }

    fn read(&self, sent: &Sent<'_>) -> Result<Arc<dyn Input>, Failure> {
        let (text, options) = read::document(sent)?;
        Ok(Arc::new(Document { text, options }))
    }
}

/// A document, and how to summarize it.
struct Document {
    text: Zeroizing<String>,
    options: Options,
}

impl Input for Document {
    fn task(&self) -> Task {
        self.options.mode.into()
    }

    fn text_digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    fn bytes(&self) -> usize {
        self.text.len()
    }

    fn count(&self, models: &Models, from: Counting) -> Result<Counted, Error> {
        let screened = summarizer(self.options.mode, models).screen(&self.text, from.within)?;
        Ok(from.after(screened, self.text.len(), 1))
    }

    fn perform(&self, models: &Models, id: JobId, control: &Control) -> Result<Vec<u8>, Error> {
        let Options { mode, max_words, max_sentences, focus, style } = self.options.clone();
        let summarizer = summarizer(mode, models);
        let options = ModelOptions { max_words, max_sentences, focus, style: model_style(style) };
        let summary = summarizer.summarize(&self.text, &options, control)?;
        let model = Digest::from_bytes(summarizer.manifest().digest());
        serde_json::to_vec(&result::of(model, (mode, style), id, summary)).map_err(|_| Error::Internal("result"))
    }
}

/// The mode of a task that is sold here.
const fn mode(task: Task) -> Mode {
    match task {
        Task::SummaryAbstractive => Mode::Abstractive,
        _ => Mode::Extractive,
    }
}

const fn model_style(style: Style) -> ModelStyle {
    match style {
        Style::Paragraph => ModelStyle::Paragraph,
        Style::Bullets => ModelStyle::Bullets,
        Style::Decisions => ModelStyle::Decisions,
        Style::Tldr => ModelStyle::Tldr,
    }
}

fn summarizer(mode: Mode, models: &Models) -> &dyn Summarizer {
    match mode {
        Mode::Extractive => models.extractive.as_ref(),
        Mode::Abstractive => models.abstractive.as_ref(),
    }
}
