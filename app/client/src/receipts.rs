//! What a payment bought, with its proof, and the files in which receipts are kept.

use std::path::Path;

use precis_payment::wire::SettleResponse;
use precis_protocol::receipt::{self, ReceiptFile};
use precis_protocol::result::TaskResult;
use precis_verify::Transcript;

use crate::error::ClientError;
use crate::failure::JobFailure;
use crate::files;
use crate::task::{Summary, Task};

/// A result with everything that proves it.
pub struct Purchase<T: Task = Summary> {
    /// The result, as signed over.
    pub result: T::Output,
    /// The payment as the receipt records it.
    pub payment: receipt::Payment,
    /// The settlement as the service reported it.
    pub settlement: Option<SettleResponse>,
    /// The receipt with all that it takes to verify it offline (SPEC 7.5).
    pub receipt: ReceiptFile,
    /// The checks that the receipt passed.
    pub transcript: Transcript,
    /// Whether an earlier payment was resumed.
    pub resumed: bool,
}

/// The same before its task is known.
pub(crate) struct Delivery {
    pub(crate) result: TaskResult,
    pub(crate) payment: receipt::Payment,
    pub(crate) settlement: Option<SettleResponse>,
    pub(crate) receipt: ReceiptFile,
    pub(crate) transcript: Transcript,
    pub(crate) resumed: bool,
}

impl<T: Task> Purchase<T> {
    /// A delivery as one of `T`.
    ///
    /// # Errors
    /// [`ClientError::CannotVerify`] when it is one of another task, which no receipt that verifies allows.
    pub(crate) fn of(delivery: Delivery) -> Result<Self, ClientError> {
        let Delivery { result, payment, settlement, receipt, transcript, resumed } = delivery;
        let result =
            T::output(result.content).ok_or_else(|| ClientError::malformed("the result is of another task"))?;
        Ok(Self { result, payment, settlement, receipt, transcript, resumed })
    }

    /// Writes the receipt file as a whole or not at all, readable by its owner only.
    ///
    /// # Errors
    /// [`ClientError::Input`] with the I/O error.
    pub fn save_receipt(&self, path: &Path) -> Result<(), ClientError> {
        save(&self.receipt, path)
    }
}

impl JobFailure {
    /// Writes the receipt file, if there is one, as a whole or not at all, readable by its owner only.
    ///
    /// # Errors
    /// [`ClientError::Input`] with the I/O error.
    pub fn save_receipt(&self, path: &Path) -> Result<(), ClientError> {
        self.receipt.as_ref().map_or(Ok(()), |receipt| save(receipt, path))
    }
}

/// Writes a receipt file.
fn save(receipt: &ReceiptFile, path: &Path) -> Result<(), ClientError> {
    let json =
        serde_json::to_vec(receipt).map_err(|_| ClientError::malformed("the receipt cannot be written as JSON"))?;
    files::replace(path, &json).map_err(|e| {
        ClientError::Input(format!(
            "cannot write the receipt to {}: {}; run again with another --receipt, which costs nothing",
            path.display(),
            files::reason(&e)
        ))
    })
}
