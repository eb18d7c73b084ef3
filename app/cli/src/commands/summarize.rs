//! `precis summarize FILE`: verify, pay, check the receipt, and only then print.

use std::path::PathBuf;

use precis_client::{
    ClientError, JobFailure, PendingFile, Progress, Purchase, PurchaseOptions, Retry, SummaryRequest, price,
};
use serde_json::{Value, json};

use super::cancel;
use crate::args::SummarizeArgs;
use crate::exit::{Exit, Failure};
use crate::output::{Output, summary_text};
use crate::{grounding, input, now};

/// Appended to the name of the receipt file for a job that failed: it is no receipt of a summary.
const FAILURE_SUFFIX: &str = ".failure.json";

pub(super) async fn run(args: &SummarizeArgs, output: Output) -> Result<Exit, Failure> {
    let request = input::request(&args.request)?;
    let pending = pending_file(args, &request);
    if args.cancel {
        return cancel::run(args, &request, pending, output).await;
    }
    let wallet = input::wallet(args.key_file.as_deref())?;
    let session = super::verified(&args.request, output).await?;
    let options = PurchaseOptions {
        max_price: args.max_price.clone(),
        pending: pending.clone(),
        retry: Retry::default(),
        wait: !args.no_wait,
        new_payment: args.new_payment,
        clock: now,
    };
    let bought = session.purchase(&request, &wallet, &options, &mut |event| output.progress(&line(&event))).await;
    let purchase = match bought {
        Ok(purchase) => purchase,
        Err(ClientError::Underway(how)) => {
            output.progress(&how);
            output.result(String::new, || json!({"status": "accepted", "next": how}))?;
            return Ok(Exit::Underway);
        }
        Err(ClientError::JobFailed(failure)) => {
            keep_failure(&failure, args, pending.as_ref(), output)?;
            return Err(ClientError::JobFailed(failure).into());
        }
        Err(error) => return Err(error.into()),
    };
    report(&purchase, args, output);
    if let Some(path) = &args.receipt {
        purchase.save_receipt(path)?;
        output.progress(&format!("receipt: saved to {}", path.display()));
    }
    let text = || {
        let mut text = summary_text(&purchase.result.summary);
        if args.grounding {
            text.push_str(&summary_text(&grounding::report(&purchase.result, request.document().text())));
        }
        text
    };
    output.result(text, || to_json(&purchase, session.transcript().insecure()))?;
    if let Some(file) = pending {
        file.remove()?;
    }
    Ok(Exit::Ok)
}

/// Keeps the receipt of a job that ended without a summary, and only then forgets the payment, which is of no more use.
pub(super) fn keep_failure(
    failure: &JobFailure,
    args: &SummarizeArgs,
    pending: Option<&PendingFile>,
    output: Output,
) -> Result<(), Failure> {
    if failure.receipt.is_none() {
        return Ok(());
    }
    if let Some(transcript) = &failure.transcript {
        output.verified("receipt", transcript);
    }
    match &args.receipt {
        Some(receipt) => {
            let mut path = receipt.clone().into_os_string();
            path.push(FAILURE_SUFFIX);
            let path = PathBuf::from(path);
            failure.save_receipt(&path)?;
            output.progress(&format!("receipt: saved to {}", path.display()));
        }
        None => output.progress("receipt: not saved (use --receipt FILE)"),
    }
    output.progress(&match failure.refund() {
        Some(refund) => format!("charged and paid back by transaction {refund}"),
        None => "not charged".into(),
    });
    pending.map_or(Ok(()), |file| Ok(file.remove()?))
}

/// Beside the receipt; without one, in the user's state directory; without that, nowhere.
fn pending_file(args: &SummarizeArgs, request: &SummaryRequest) -> Option<PendingFile> {
    if let Some(receipt) = &args.receipt {
        return Some(PendingFile::beside(receipt));
    }
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    Some(PendingFile::in_directory(&state.join("precis"), request.commitment()))
}

fn line(event: &Progress) -> String {
    match event {
        Progress::Terms { amount, network, asset, pay_to, upfront } => {
            let price = format!("price: {} to {pay_to} on {network}", price::display(*amount, network, *asset));
            if *upfront { format!("{price}; taken before the work, and paid back if that fails") } else { price }
        }
        Progress::Resuming => {
            "payment: an unfinished one for this request is sent again, or its job is asked for".into()
        }
        Progress::Discarding { amount, valid_before } => format!(
            "payment: the unfinished one of {amount} atomic units is given up as you asked; if it was taken, or is taken before it lapses at {valid_before} (Unix seconds), you pay twice"
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

fn report(purchase: &Purchase, args: &SummarizeArgs, output: Output) {
    let payment = &purchase.payment;
    output.progress(&format!(
        "paid: {} in transaction {}",
        price::display(payment.amount, &payment.network, payment.asset),
        payment.transaction
    ));
    output.verified("receipt", &purchase.transcript);
    let coverage = &purchase.result.coverage;
    output.progress(&format!("read: {} of {} tokens", coverage.tokens_read, coverage.input_tokens));
    if let Some(warning) = grounding::warning(&purchase.result) {
        output.progress(&warning);
    }
    if args.receipt.is_none() {
        output.progress("receipt: not saved (use --receipt FILE)");
    }
}

fn to_json(purchase: &Purchase, insecure: bool) -> Value {
    json!({
        "result": purchase.result,
        "payment": purchase.payment,
        "settlement": purchase.settlement,
        "receiptFile": purchase.receipt,
        "transcript": purchase.transcript,
        "resumed": purchase.resumed,
        "insecure": insecure,
    })
}
