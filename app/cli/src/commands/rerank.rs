//! `precis rerank QUERY FILE…`: texts in the order of their nearness to a query.

use std::cell::RefCell;

use precis_client::{Request, RerankRequest, printable, task::Rerank};
use precis_protocol::rerank::RerankResult;

use super::order::{self, Shown};
use crate::args::RerankArgs;
use crate::exit::{Exit, Failure};
use crate::input;
use crate::output::Output;

pub(super) async fn run(args: &RerankArgs, output: Output) -> Result<Exit, Failure> {
    let names = Names::default();
    let request = || {
        let texts = input::texts(&args.texts)?;
        names.0.replace(texts.iter().map(|named| named.name.clone()).collect());
        let documents = texts.into_iter().map(|named| named.text).collect();
        input::keep_request(&args.texts, RerankRequest::new(args.query.clone(), documents, args.top)?, output)
    };
    order::run(&args.target, &args.purchase, request, &names, output).await
}

/// A line for each text: its score, and its name.
#[derive(Default)]
struct Names(RefCell<Vec<String>>);

impl Shown<Rerank> for Names {
    fn remarks(&self, result: &RerankResult) -> Vec<String> {
        vec![format!("read: {} tokens", result.usage.total_tokens)]
    }

    fn text(&self, _: &Request<Rerank>, result: &RerankResult) -> String {
        let names = self.0.borrow();
        let name = |index: u32| names.get(index as usize).map_or_else(|| index.to_string(), |name| printable(name));
        result.results.iter().map(|ranked| format!("{:.4}  {}\n", ranked.relevance_score, name(ranked.index))).collect()
    }
}
