//! A summary as it is shown.

use precis_client::{Request, Summary};
use precis_protocol::summary::SummaryResult;
use serde_json::Value;

use super::order::Shown;
use crate::grounding;
use crate::joined::Joined;
use crate::output::summary_text;
use crate::page::page;

/// The summary, and what stands behind it if that was asked for.
pub(super) struct Plain {
    /// Name of the document.
    pub name: String,
    /// Show what stands behind it.
    pub grounding: bool,
    /// The documents that it is of, where they are several.
    pub joined: Option<Joined>,
}

impl Plain {
    fn behind(&self, request: &Request<Summary>, result: &SummaryResult) -> Option<String> {
        let document = request.document();
        let place = |offset| match &self.joined {
            Some(joined) => joined.place(offset),
            None => document.place(offset),
        };
        self.grounding.then(|| grounding::report(result, document.text(), &place))
    }
}

impl Shown<Summary> for Plain {
    fn remarks(&self, result: &SummaryResult) -> Vec<String> {
        let coverage = &result.coverage;
        let read = format!("read: {} of {} tokens", coverage.tokens_read, coverage.input_tokens);
        std::iter::once(read).chain(grounding::warning(result)).collect()
    }

    fn text(&self, request: &Request<Summary>, result: &SummaryResult) -> String {
        let behind = self.behind(request, result).map(|report| summary_text(&report)).unwrap_or_default();
        summary_text(&result.summary) + &behind
    }

    fn page(&self, request: &Request<Summary>, result: &SummaryResult, notes: &[String]) -> String {
        page(&self.name, &result.summary, self.behind(request, result).as_deref(), notes)
    }

    fn complete(&self, json: &mut Value) {
        if let (Some(joined), Some(members)) = (&self.joined, json.as_object_mut()) {
            members.insert("parts".into(), joined.to_json());
        }
    }
}
