//! One index of purchases: for each app and each request, the payment that is under way and every receipt.
//!
//! A purchase is named by what is bought, the app and the commitment of the request (SPEC 6.1), and not by the address at which the
//! service is reached: replicas and relays of one app sell the same. One process at a time works on a purchase; whatever it is killed
//! at, the next one finds the payment that was signed, or the receipt of what was bought.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use precis_protocol::limits::MAX_RECEIPT_FILE_BYTES;
use precis_protocol::receipt::ReceiptFile;
use precis_protocol::request::Commitment;
use precis_verify::AppId;

use crate::error::ClientError;
use crate::failure::JobFailure;
use crate::files;
use crate::pending::PendingFile;

/// Below the state directory.
const PURCHASES: &str = "purchases";
/// Held while a process works on a purchase.
const LOCK: &str = "lock";
/// The payment that is under way.
const PENDING: &str = "pending.json";
/// Name of a kept receipt before its number.
const RECEIPT: &str = "receipt-";
/// Name of the kept receipt of a failure before its number.
const FAILURE: &str = "failure-";

/// A directory with a place for each purchase.
#[derive(Debug, Clone)]
pub struct Index {
    directory: PathBuf,
}

impl Index {
    /// In the state directory of one person.
    #[must_use]
    pub fn at(state: &Path) -> Self {
        Self { directory: state.join(PURCHASES) }
    }

    /// The place of one purchase, for this process alone.
    ///
    /// # Errors
    /// [`ClientError::Unavailable`] while another process works on the same purchase, [`ClientError::Input`] with the I/O error.
    pub fn open(&self, app: &AppId, request: &Commitment) -> Result<Place, ClientError> {
        let mut place = self.look(app, request);
        let cannot = |e: &io::Error| cannot("keep the purchase in", &place.directory, e);
        files::private_directory(&place.directory).map_err(|e| cannot(&e))?;
        let mut lock = files::open_lock(&place.directory.join(LOCK)).map_err(|e| cannot(&e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy(&mut lock)),
            Err(TryLockError::Error(e)) => return Err(cannot(&e)),
        }
        // For whoever finds it locked; nothing rests on it.
        let _ = lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id()));
        files::sweep(&place.directory).map_err(|e| cannot(&e))?;
        place.lock = Some(lock);
        place.forget_what_ended()?;
        Ok(place)
    }

    /// The place of one purchase, to look at.
    #[must_use]
    pub fn look(&self, app: &AppId, request: &Commitment) -> Place {
        let directory = self.directory.join(app.to_string()).join(hex::encode(request.as_bytes()));
        Place { directory, lock: None }
    }
}

/// Where one purchase is kept.
#[derive(Debug)]
pub struct Place {
    directory: PathBuf,
    lock: Option<File>,
}

/// A receipt that is kept.
pub struct KeptReceipt {
    /// Where.
    pub path: PathBuf,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
}

impl Place {
    /// The payment that is under way.
    #[must_use]
    pub fn pending(&self) -> PendingFile {
        PendingFile::at(self.directory.join(PENDING))
    }

    /// Whether this process alone works on the purchase.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.lock.is_some()
    }

    /// The receipt of the latest purchase that was finished.
    ///
    /// # Errors
    /// [`ClientError::Input`] with the I/O error.
    pub fn receipt(&self) -> Result<Option<KeptReceipt>, ClientError> {
        self.latest(RECEIPT)
    }

    /// Keeps the receipt of a summary, and with it the summary. Then the payment is no longer under way.
    ///
    /// # Errors
    /// [`ClientError::Input`] with the I/O error; the payment is then still kept.
    pub fn keep_receipt(&self, receipt: &ReceiptFile) -> Result<PathBuf, ClientError> {
        self.keep(RECEIPT, receipt)
    }

    /// Keeps the receipt of a job that ended without a summary, if it has one. Then the payment is no longer under way.
    ///
    /// # Errors
    /// [`ClientError::Input`] with the I/O error; the payment is then still kept.
    pub fn keep_failure(&self, failure: &JobFailure) -> Result<Option<PathBuf>, ClientError> {
        failure.receipt.as_ref().map(|receipt| self.keep(FAILURE, receipt)).transpose()
    }

    fn keep(&self, kind: &str, receipt: &ReceiptFile) -> Result<PathBuf, ClientError> {
        let json =
            serde_json::to_vec(receipt).map_err(|_| ClientError::malformed("the receipt cannot be written as JSON"))?;
        let number = self.numbers(kind)?.into_iter().max().unwrap_or(0).saturating_add(1);
        let path = self.directory.join(format!("{kind}{number}.json"));
        files::replace(&path, &json).map_err(|e| cannot("write", &path, &e))?;
        self.pending().remove()?;
        Ok(path)
    }

    /// A process that was killed after it kept a receipt and before it removed the payment left both.
    fn forget_what_ended(&self) -> Result<(), ClientError> {
        let Some(signed) = self.pending().signed()? else { return Ok(()) };
        for kind in [RECEIPT, FAILURE] {
            let kept = self.latest(kind)?;
            if kept.as_ref().and_then(nonce_of) == Some(signed.nonce) {
                self.pending().remove()?;
            }
        }
        Ok(())
    }

    fn latest(&self, kind: &str) -> Result<Option<KeptReceipt>, ClientError> {
        let Some(number) = self.numbers(kind)?.into_iter().max() else { return Ok(None) };
        let path = self.directory.join(format!("{kind}{number}.json"));
        let most = u64::try_from(MAX_RECEIPT_FILE_BYTES).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(most).read_to_end(&mut bytes))
            .map_err(|e| cannot("read", &path, &e))?;
        Ok(Some(KeptReceipt { path, bytes }))
    }

    fn numbers(&self, kind: &str) -> Result<Vec<u64>, ClientError> {
        let failed = |e: io::Error| cannot("read", &self.directory, &e);
        let entries = match std::fs::read_dir(&self.directory) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let number =
                name.to_str().and_then(|name| name.strip_prefix(kind)?.strip_suffix(".json")?.parse::<u64>().ok());
            numbers.extend(number);
        }
        Ok(numbers)
    }
}

fn nonce_of(kept: &KeptReceipt) -> Option<B256> {
    Some(ReceiptFile::parse(&kept.bytes).ok()?.receipt.payment?.nonce)
}

fn busy(lock: &mut File) -> ClientError {
    let mut process = String::new();
    // Nothing rests on it.
    let _ = lock.take(20).read_to_string(&mut process);
    let process = process.parse::<u32>().map_or_else(|_| String::new(), |id| format!(" (process {id})"));
    ClientError::Unavailable(format!(
        "another precis{process} is buying this very summary; wait until it ends and run the same command again, which then costs nothing"
    ))
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> ClientError {
    ClientError::Input(format!(
        "cannot {what} {}: {}; without its record a summary could be paid twice, so make that place writable or choose another with PRECIS_STATE_HOME",
        path.display(),
        files::reason(error)
    ))
}
