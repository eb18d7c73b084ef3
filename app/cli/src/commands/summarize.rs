//! `precis summarize FILE`: verify, pay, check the receipt, and only then print.

use std::path::PathBuf;

use precis_client::{PendingFile, Progress, Purchase, PurchaseOptions, Retry, SummaryRequest, price};
use serde_json::{Value, json};

use crate::args::SummarizeArgs;
use crate::exit::{Exit, Failure};
use crate::output::{Output, summary_text};
use crate::{input, now};

pub(super) async fn run(args: &SummarizeArgs, output: Output) -> Result<Exit, Failure> {
    let request = input::request(&args.request)?;
    let wallet = input::wallet(args.key_file.as_deref())?;
    let session = super::verified(&args.request, output).await?;
    let pending = pending_file(args, &request);
    let options = PurchaseOptions {
        max_price: args.max_price.clone(),
        pending: pending.clone(),
        retry: Retry::default(),
        clock: now,
    };
    let purchase = session.purchase(&request, &wallet, &options, &mut |event| output.progress(&line(&event))).await?;
    report(&purchase, args, output);
    if let Some(path) = &args.receipt {
        purchase.save_receipt(path)?;
        output.progress(&format!("receipt: saved to {}", path.display()));
    }
    output.result(|| summary_text(&purchase.result.summary), || to_json(&purchase, session.transcript().insecure()))?;
    if let Some(file) = pending {
        file.remove()?;
    }
    Ok(Exit::Ok)
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
        Progress::Terms { amount, network, asset, pay_to } => {
            format!("price: {} to {pay_to} on {network}", price::display(*amount, network, *asset))
        }
        Progress::Resuming => "payment: an unfinished one for this request is sent again".into(),
        Progress::Paying => "payment: signed, sent with the document over the verified channel".into(),
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
