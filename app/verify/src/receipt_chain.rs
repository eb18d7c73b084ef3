//! The chain of receipts of one keyset (SPEC 7.4): every receipt names the one before it, so that none can be slipped in, swapped or
//! given twice without a trace.
//!
//! Only its links are judged here; each receipt is judged on its own by [`crate::verify_receipt_file`].

use std::collections::BTreeMap;

use alloy_primitives::B256;
use precis_protocol::Digest;
use precis_protocol::limits::MAX_CHAIN_RECEIPTS;
use precis_protocol::receipt::SignedReceipt;

use crate::check;
use crate::time::CLOCK_TOLERANCE_SECONDS;
use crate::transcript::{Recorder, Transcript};

/// Judges the links between receipts. Receipts of several keysets may be mixed; each has a chain of its own. A receipt given twice
/// counts once.
///
/// `receipt.chain` fails on two different receipts with one number (a fork), on a receipt that names another predecessor and on one
/// dated more than five minutes before its predecessor; it is not
/// evaluated, so that the verdict is INCOMPLETE, where receipts are missing in between. What came before the first receipt given and
/// after the last cannot be known from them.
#[must_use]
pub fn check_receipt_chain(receipts: &[SignedReceipt], insecure: bool) -> Transcript {
    let mut recorder = Recorder::new(insecure, &[check::RECEIPT_CHAIN]);
    match links(receipts) {
        Ok(detail) => recorder.pass(check::RECEIPT_CHAIN, detail),
        Err(Broken::Link(detail)) => recorder.fail(check::RECEIPT_CHAIN, detail),
        Err(Broken::Gap(detail)) => recorder.skip(check::RECEIPT_CHAIN, detail),
    }
    recorder.finish()
}

enum Broken {
    Link(String),
    Gap(String),
}

/// Receipts of one keyset by number, with digest and time.
type Boot<'a> = BTreeMap<u64, (&'a SignedReceipt, B256)>;

fn links(receipts: &[SignedReceipt]) -> Result<String, Broken> {
    if receipts.len() > MAX_CHAIN_RECEIPTS {
        return Err(Broken::Gap(format!(
            "{} receipts, at most {MAX_CHAIN_RECEIPTS} are judged together",
            receipts.len()
        )));
    }
    let mut boots: BTreeMap<Digest, Boot<'_>> = BTreeMap::new();
    for signed in receipts {
        let (keyset, sequence, digest) = (signed.receipt.keyset_digest, signed.receipt.sequence, signed.digest());
        let earlier = boots.entry(keyset).or_default().insert(sequence, (signed, digest));
        if earlier.is_some_and(|(_, other)| other != digest) {
            return Err(Broken::Link(format!("two different receipts have number {sequence} of keyset {keyset}")));
        }
    }
    let mut gap = None;
    for (keyset, boot) in &boots {
        for ((number, (_, digest)), (next, (after, _))) in boot.iter().zip(boot.iter().skip(1)) {
            let (earlier, later) = (&boot[number].0.receipt, &after.receipt);
            // Two honest readings of one clock can differ by what its host corrected in between.
            if later.issued_at.saturating_add(CLOCK_TOLERANCE_SECONDS) < earlier.issued_at {
                return Err(Broken::Link(format!(
                    "receipt {next} of keyset {keyset} was issued before receipt {number}"
                )));
            }
            if number.checked_add(1) != Some(*next) {
                gap = Some(format!("receipts between {number} and {next} of keyset {keyset} were not given"));
            } else if later.previous_receipt != *digest {
                return Err(Broken::Link(format!(
                    "receipt {next} of keyset {keyset} names {} as its predecessor, expected {digest}",
                    later.previous_receipt
                )));
            }
        }
    }
    match gap {
        Some(gap) => Err(Broken::Gap(gap)),
        None => {
            let count: usize = boots.values().map(BTreeMap::len).sum();
            Ok(format!("{count} receipts of {} boots, each names the one before", boots.len()))
        }
    }
}
