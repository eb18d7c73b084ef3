//! Saved receipts (SPEC 7.5): judged with what the caller holds beside them, and with what a node or a collateral service says.

use precis_protocol::receipt::{ReceiptFile, SignedReceipt};
use precis_verify::{Beside, OnChain, Online, Policy, ReceiptAppraisal};

use crate::online::{self, Answer};
use crate::transport::Authorities;

/// What a saved receipt proves.
pub struct Saved {
    /// Every check, and what the evidence says.
    pub appraisal: ReceiptAppraisal,
    /// The receipt, unless the file does not parse.
    pub receipt: Option<SignedReceipt>,
}

/// Verifies a saved receipt under `policy` at `now` (Unix seconds).
#[must_use]
pub fn verify_saved(file: &[u8], policy: &Policy, now: u64, beside: &Beside<'_>) -> Saved {
    let appraisal = precis_verify::verify_receipt_file(file, policy, now, beside);
    Saved { appraisal, receipt: ReceiptFile::parse(file).ok().map(|file| file.receipt) }
}

/// What a node of the payment chain says about one receipt.
#[derive(Default)]
pub struct ReceiptOnChain(Answer<OnChain>);

impl ReceiptOnChain {
    /// Asks the first of the nodes at `urls` that is of the chain that was paid on for the block, the settlement and the refund
    /// that a saved receipt names. The receipt is not believed here: it only says where to look.
    pub async fn ask(file: &[u8], urls: &[String], authorities: &Authorities) -> Self {
        let answer = match ReceiptFile::parse(file) {
            Ok(file) => online::receipt(&file, urls, authorities).await,
            Err(_) => Err("the receipt cannot be read".to_owned()),
        };
        Self(Answer::of(answer))
    }

    /// As the verifier takes it.
    #[must_use]
    pub fn as_online(&self) -> Online<'_, &OnChain> {
        self.0.as_ref()
    }
}
