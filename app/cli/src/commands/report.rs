//! Lines about a purchase: as it goes on, and once it is done.

use std::path::Path;

use precis_client::{Amount, Progress, Purchase, Task, date};
use serde_json::{Value, json};

use crate::bar;
use crate::output::{Output, verified};

/// An event in one line.
fn line(event: &Progress) -> String {
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
        Progress::Paying => "payment: signed, sent with the request over the verified channel".into(),
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

/// Shows what happens: as a bar where that is watched, or in a line of its own.
pub(super) fn show(event: &Progress, output: Output) {
    let bar = bar::line(event).filter(|_| output.is_watched());
    if bar.is_none() || !matches!(event, Progress::Working { .. }) {
        output.progress(&line(event));
    }
    if let Some(bar) = bar {
        output.bar(&bar);
    }
}

/// Lines on what was bought, for how much, with `remarks` about the result, and where its receipt is kept.
pub(super) fn bought<T: Task>(
    purchase: &Purchase<T>,
    amount: &Amount,
    already: bool,
    remarks: &[String],
    kept: &Path,
) -> Vec<String> {
    let transaction = purchase.payment.transaction;
    let paid = if already {
        let when = date::utc(purchase.receipt.receipt.receipt.issued_at);
        format!(
            "already paid, nothing was charged; --again buys another ({amount} on {when}, transaction {transaction})"
        )
    } else {
        format!("paid: {amount} in transaction {transaction}")
    };
    let mut lines = vec![paid];
    lines.extend(verified("receipt", &purchase.transcript));
    lines.extend_from_slice(remarks);
    lines.push(format!("receipt: kept in {}", kept.display()));
    lines
}

/// For programs: amounts in atomic units, times in Unix seconds.
pub(super) fn to_json<T: Task>(purchase: &Purchase<T>, already: bool) -> Value {
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
