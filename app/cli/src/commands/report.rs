//! Lines about a purchase: as it goes on, and once it is done.

use precis_client::{Amount, Document, Progress, Purchase, date};
use serde_json::{Value, json};

use crate::args::SummarizeArgs;
use crate::grounding;
use crate::output::Output;

/// What happens, for whoever watches.
pub(super) fn line(event: &Progress) -> String {
    match event {
        Progress::Terms { amount, network, pay_to, upfront, .. } => {
            let price = format!("price: {amount} to {pay_to} on {network}");
            if *upfront { format!("{price}; taken before the work, and paid back if that fails") } else { price }
        }
        Progress::Resuming { payment, amount } => format!(
            "payment: an unfinished one of {amount} by {} is used again, good until {}; nothing new is signed",
            payment.payer,
            date::utc(payment.valid_before)
        ),
        Progress::GivenWay { why } => {
            format!("payment: the unfinished one is over ({why}); another is signed in its place")
        }
        Progress::Discarding { payment, amount } => format!(
            "payment: the unfinished one of {amount} is given up as you asked, and may still be taken until {}. You may be charged twice",
            date::utc(payment.valid_before)
        ),
        Progress::Paying => "payment: signed, sent with the document over the verified channel".into(),
        Progress::Working { status, tokens: 0, .. } => format!("job: {status}"),
        Progress::Working { status, tokens_read, tokens } => {
            format!("job: {status}, {tokens_read} of {tokens} tokens read")
        }
        Progress::Refunding { pause } => {
            format!("job: failed, the payment is being paid back; asking again in {} s", pause.as_secs())
        }
        Progress::Retrying { attempt, why, pause } => {
            format!("try {attempt}: {why}; the same payment again in {} s", pause.as_secs())
        }
        _ => "working".into(),
    }
}

/// Says what was bought, for how much, and how much of the document it rests on.
pub(super) fn bought(purchase: &Purchase, amount: &Amount, already: bool, output: Output) {
    let transaction = purchase.payment.transaction;
    output.progress(&if already {
        let when = date::utc(purchase.receipt.receipt.receipt.issued_at);
        format!(
            "already paid, nothing was charged; --again buys another ({amount} on {when}, transaction {transaction})"
        )
    } else {
        format!("paid: {amount} in transaction {transaction}")
    });
    output.verified("receipt", &purchase.transcript);
    let coverage = &purchase.result.coverage;
    output.progress(&format!("read: {} of {} tokens", coverage.tokens_read, coverage.input_tokens));
    if let Some(warning) = grounding::warning(&purchase.result) {
        output.progress(&warning);
    }
}

/// The summary, and what stands behind it if that was asked for.
pub(super) fn text(purchase: &Purchase, args: &SummarizeArgs, document: &Document) -> String {
    let mut text = crate::output::summary_text(&purchase.result.summary);
    if args.grounding {
        text.push_str(&crate::output::summary_text(&grounding::report(&purchase.result, document)));
    }
    text
}

/// For programs: amounts in atomic units, times in Unix seconds.
pub(super) fn to_json(purchase: &Purchase, already: bool) -> Value {
    json!({
        "result": purchase.result,
        "payment": purchase.payment,
        "settlement": purchase.settlement,
        "receiptFile": purchase.receipt,
        "transcript": purchase.transcript,
        "resumed": purchase.resumed,
        "alreadyPaid": already,
        "insecure": purchase.transcript.insecure(),
    })
}
