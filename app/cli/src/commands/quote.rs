//! `precis quote FILE`: what a summary would cost, from a service that passed verification.

use precis_client::{Amount, Quote};
use serde_json::{Value, json};

use super::reach;
use crate::args::QuoteArgs;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::{input, policy};

pub(super) async fn run(args: &QuoteArgs, output: Output) -> Result<Exit, Failure> {
    let request = input::request(&args.request)?;
    let (policy, _) = policy::load(args.request.target.common.policy.as_deref())?;
    let session = reach::verified(&args.request.target, &policy, output).await?;
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
