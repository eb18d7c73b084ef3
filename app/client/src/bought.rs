//! A purchase that was finished before: its kept receipt, judged again, gives the summary without another payment.

use std::path::PathBuf;

use precis_protocol::receipt::ReceiptFile;
use precis_protocol::result::TaskResult;
use precis_verify::{Beside, Policy, verify_receipt_file};

use crate::error::ClientError;
use crate::index::Place;
use crate::receipts::{Delivery, Purchase};
use crate::request::Request;
use crate::task::Task;

impl Place {
    /// What `request` bought when it was last bought, and where its receipt is kept; none while a payment is under way. Nobody is
    /// asked and nothing is charged.
    ///
    /// # Errors
    /// [`ClientError::Kept`] with the transcript when the receipt is not sound under `policy` at `now` (Unix seconds),
    /// [`ClientError::Input`] when it cannot be read.
    pub fn bought<T: Task>(
        &self,
        request: &Request<T>,
        policy: &Policy,
        now: u64,
    ) -> Result<Option<(PathBuf, Purchase<T>)>, ClientError> {
        if self.pending().signed()?.is_some() {
            return Ok(None);
        }
        let Some(kept) = self.receipt()? else { return Ok(None) };
        let (document, text) = (request.comparable(), request.read_text());
        let beside = Beside { document, text, ..Beside::default() };
        let appraisal = verify_receipt_file(&kept.bytes, policy, now, &beside);
        if !appraisal.transcript.is_verified() {
            return Err(ClientError::Kept { path: kept.path, transcript: Box::new(appraisal.transcript) });
        }
        let unreadable = || {
            ClientError::Input(format!(
                "this was bought before, but {} cannot be read as its receipt; restore it, or use --again to buy another",
                kept.path.display()
            ))
        };
        let receipt = ReceiptFile::parse(&kept.bytes).map_err(|_| unreadable())?;
        let result = TaskResult::read(request.task(), &receipt.result).map_err(|_| unreadable())?;
        let payment = receipt.receipt.payment.clone().ok_or_else(unreadable)?;
        let transcript = appraisal.transcript;
        let delivery = Delivery { result, payment, settlement: None, receipt, transcript, resumed: false };
        Ok(Some((kept.path, Purchase::of(delivery)?)))
    }
}
