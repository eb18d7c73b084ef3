//! `precis summarize FILE`.

use precis_client::{Request, Summary};
use precis_protocol::summary::SummaryResult;

use super::order::{self, Shown};
use crate::args::SummarizeArgs;
use crate::exit::{Exit, Failure};
use crate::output::{Output, summary_text};
use crate::{grounding, input};

pub(super) async fn run(args: &SummarizeArgs, output: Output) -> Result<Exit, Failure> {
    let request = || input::request(&args.request);
    order::run(&args.request.target, &args.purchase, request, &Plain { grounding: args.grounding }, output).await
}

/// The summary, and what stands behind it if that was asked for.
struct Plain {
    grounding: bool,
}

impl Shown<Summary> for Plain {
    fn remarks(&self, result: &SummaryResult) -> Vec<String> {
        let coverage = &result.coverage;
        let read = format!("read: {} of {} tokens", coverage.tokens_read, coverage.input_tokens);
        std::iter::once(read).chain(grounding::warning(result)).collect()
    }

    fn text(&self, request: &Request<Summary>, result: &SummaryResult) -> String {
        let mut text = summary_text(&result.summary);
        if self.grounding {
            text.push_str(&summary_text(&grounding::report(result, request.document())));
        }
        text
    }
}
