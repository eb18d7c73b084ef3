//! `precis quote FILE`: what a summary would cost, from a service that passed verification.

use precis_client::{Amount, Quote, SummaryRequest};
use serde_json::{Value, json};

use super::reach;
use crate::args::QuoteArgs;
use crate::documents::Reader;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::policy;
use crate::sources::Source;

pub(super) async fn run(args: &QuoteArgs, output: Output) -> Result<Exit, Failure> {
    let document = Reader::new(&args.wish, &args.target)?.read_named(&Source::of(&args.file)).await?;
    let request = SummaryRequest::new(&document, &args.wish.options())?;
    let (policy, _) = policy::load(args.target.accepted.policy.as_deref())?;
    let session = reach::verified(&args.target, &policy, output).await?;
    let quote = session.quote(&request).await?;
    output
        .result(|| text(&quote, &session.amount(quote.amount)), || to_json(&quote, session.transcript().insecure()))?;
    Ok(Exit::Ok)
}

fn text(quote: &Quote, price: &Amount) -> String {
    format!(
        "task       {}\ntokens     {}\nprice      {}\nnetwork    {}\nasset      {}\npay to     {}\npredicted  {} s\n",
        quote.task, quote.tokens, price, quote.network, quote.asset, quote.pay_to, quote.predicted_seconds
    )
}

fn to_json(quote: &Quote, insecure: bool) -> Value {
    json!({
        "task": quote.task,
        "tokens": quote.tokens,
        "amount": quote.amount.to_string(),
        "network": quote.network,
        "asset": quote.asset,
        "payTo": quote.pay_to,
        "predictedSeconds": quote.predicted_seconds,
        "insecure": insecure,
    })
}
