//! `precis quote FILE`: what a summary would cost, from a service that passed verification.

use precis_client::{Quote, price};
use serde_json::{Value, json};

use crate::args::QuoteArgs;
use crate::exit::{Exit, Failure};
use crate::input;
use crate::output::Output;

pub(super) async fn run(args: &QuoteArgs, output: Output) -> Result<Exit, Failure> {
    let request = input::request(&args.request)?;
    let session = super::verified(&args.request, output).await?;
    let quote = session.quote(&request).await?;
    output.result(|| text(&quote), || to_json(&quote, session.transcript().insecure()))?;
    Ok(Exit::Ok)
}

fn text(quote: &Quote) -> String {
    format!(
        "mode       {}\ntokens     {}\nprice      {}\nnetwork    {}\nasset      {}\npay to     {}\npredicted  {} s\n",
        quote.mode.name(),
        quote.tokens,
        price::display(quote.amount, &quote.network, quote.asset),
        quote.network,
        quote.asset,
        quote.pay_to,
        quote.predicted_seconds
    )
}

fn to_json(quote: &Quote, insecure: bool) -> Value {
    json!({
        "mode": quote.mode,
        "tokens": quote.tokens,
        "amount": quote.amount.to_string(),
        "network": quote.network,
        "asset": quote.asset,
        "payTo": quote.pay_to,
        "predictedSeconds": quote.predicted_seconds,
        "insecure": insecure,
    })
}
