//! A summary as it is shown.

use precis_client::{Request, Summary};
use precis_protocol::summary::SummaryResult;

use super::order::Shown;
use crate::grounding;
use crate::output::summary_text;
use crate::page::page;

/// The summary, and what stands behind it if that was asked for.
pub(super) struct Plain {
    /// Name of the document.
    pub name: String,
    pub grounding: bool,
}

impl Plain {
    fn behind(&self, request: &Request<Summary>, result: &SummaryResult) -> Option<String> {
        self.grounding.then(|| grounding::report(result, request.document()))
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
}
