//! Rows as bytes: a format number, then fixed and length-prefixed parts in a fixed order (big-endian). What is read must be what would be written. Only
//! the present format is read; older rows are rewritten when their ledger is opened ([`crate::format`]).

use sha2::{Digest, Sha256};

use crate::claim::{Authorization, JobId};
use crate::error::LedgerError;
use crate::record::{JobResult, Record};
use crate::state::{Broadcast, Flow, State};

pub(crate) const RECORD_FORMAT: u8 = 1;
pub(crate) const RESULT_FORMAT: u8 = 1;

/// A record as its row holds it: the result is a row of its own, named here by the digest of its plaintext.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StoredRecord {
    pub(crate) record: Record,
    pub(crate) result_digest: Option<[u8; 32]>,
}

pub(crate) fn result_digest(encoded: &[u8]) -> [u8; 32] {
    Sha256::digest(encoded).into()
}

pub(crate) fn encode_record(record: &Record, result_digest: Option<&[u8; 32]>) -> Vec<u8> {
    let mut out = vec![RECORD_FORMAT];
    let authorization = &record.authorization;
    out.extend_from_slice(&record.version.to_be_bytes());
    out.extend_from_slice(&record.job_id.0);
    bytes(authorization.network.as_bytes(), &mut out);
    out.extend_from_slice(&authorization.asset);
    out.extend_from_slice(&authorization.pay_to);
    out.extend_from_slice(&authorization.amount.to_be_bytes());
    out.extend_from_slice(&authorization.payer);
    out.extend_from_slice(&authorization.nonce);
    out.extend_from_slice(&authorization.valid_before.to_be_bytes());
    out.extend_from_slice(&record.fingerprint);
    optional(record.identifier.as_ref().map(|digest| &digest[..]), &mut out);
    out.push(match record.flow {
        Flow::Authorization => 0,
        Flow::Upfront => 1,
    });
    bytes(&record.context, &mut out);
    encode_state(&record.state, &mut out);
    out.extend_from_slice(&record.created_at.to_be_bytes());
    out.extend_from_slice(&record.updated_at.to_be_bytes());
    optional(result_digest.map(|digest| &digest[..]), &mut out);
    out
}

/// # Errors
/// [`LedgerError::Newer`] for a row of a later format, [`LedgerError::Corrupt`] for anything else.
pub(crate) fn decode_record(bytes: &[u8]) -> Result<StoredRecord, LedgerError> {
    read_record(present(bytes, RECORD_FORMAT)?).ok_or(LedgerError::Corrupt("a record is malformed"))
}

/// # Errors
/// As [`decode_record`].
pub(crate) fn decode_result(bytes: &[u8]) -> Result<JobResult, LedgerError> {
    read_result(present(bytes, RESULT_FORMAT)?).ok_or(LedgerError::Corrupt("a result is malformed"))
}

/// What follows the number of the present format.
fn present(bytes: &[u8], known: u8) -> Result<Reader<'_>, LedgerError> {
    match bytes.split_first() {
        Some((found, rest)) if *found == known => Ok(Reader(rest)),
        Some((found, _)) if *found > known => {
            Err(LedgerError::Newer { found: u32::from(*found), known: u32::from(known) })
        }
        _ => Err(LedgerError::Corrupt("a row of another format")),
    }
}

fn read_record(mut reader: Reader<'_>) -> Option<StoredRecord> {
    let version = reader.u64()?;
    let job_id = JobId(reader.array()?);
    let authorization = Authorization {
        network: reader.text()?,
        asset: reader.array()?,
        pay_to: reader.array()?,
        amount: u128::from_be_bytes(reader.array()?),
        payer: reader.array()?,
        nonce: reader.array()?,
        valid_before: reader.u64()?,
    };
    let record = Record {
        version,
        job_id,
        authorization,
        fingerprint: reader.array()?,
        identifier: reader.optional_digest()?,
        flow: match reader.u8()? {
            0 => Flow::Authorization,
            1 => Flow::Upfront,
            _ => return None,
        },
        context: reader.bytes()?.to_vec(),
        state: decode_state(&mut reader)?,
        created_at: reader.u64()?,
        updated_at: reader.u64()?,
        result: None,
    };
    let result_digest = reader.optional_digest()?;
    reader.end(StoredRecord { record, result_digest })
}

pub(crate) fn encode_result(result: &JobResult) -> Vec<u8> {
    let mut out = vec![RESULT_FORMAT];
    out.extend_from_slice(&result.status.to_be_bytes());
    optional(result.receipt.as_deref(), &mut out);
    bytes(&result.response, &mut out);
    out
}

fn read_result(mut reader: Reader<'_>) -> Option<JobResult> {
    let status = u16::from_be_bytes(reader.array()?);
    let receipt = reader.optional()?.map(<[u8]>::to_vec);
    let response = reader.bytes()?.to_vec();
    reader.end(JobResult { status, response, receipt })
}

fn encode_state(state: &State, out: &mut Vec<u8>) {
    match state {
        State::Claimed => out.push(0),
        State::Running => out.push(1),
        State::Done => out.push(2),
        State::Settling { broadcast } => encode_broadcast(3, broadcast.as_ref(), out),
        State::Settled { transaction } => {
            out.push(4);
            out.extend_from_slice(transaction);
        }
        State::Rejected { code } => {
            out.push(5);
            bytes(code.as_bytes(), out);
        }
        State::Unknown { broadcast } => encode_broadcast(6, broadcast.as_ref(), out),
        State::Failed { code } => {
            out.push(7);
            bytes(code.as_bytes(), out);
        }
        State::Paid { transaction } => {
            out.push(8);
            out.extend_from_slice(transaction);
        }
        State::Refunding { transaction, code, broadcast } => {
            encode_broadcast(9, broadcast.as_ref(), out);
            out.extend_from_slice(transaction);
            bytes(code.as_bytes(), out);
        }
        State::Refunded { transaction, code, refund } => {
            out.push(10);
            out.extend_from_slice(transaction);
            bytes(code.as_bytes(), out);
            out.extend_from_slice(refund);
        }
        State::Void { code } => {
            out.push(11);
            bytes(code.as_bytes(), out);
        }
    }
}

fn encode_broadcast(kind: u8, broadcast: Option<&Broadcast>, out: &mut Vec<u8>) {
    out.push(kind);
    optional(broadcast.map(|broadcast| &broadcast.transaction[..]), out);
    bytes(broadcast.map_or(&[], |broadcast| &broadcast.raw), out);
}

fn decode_state(reader: &mut Reader<'_>) -> Option<State> {
    Some(match reader.u8()? {
        0 => State::Claimed,
        1 => State::Running,
        2 => State::Done,
        3 => State::Settling { broadcast: reader.broadcast()? },
        4 => State::Settled { transaction: reader.array()? },
        5 => State::Rejected { code: reader.text()? },
        6 => State::Unknown { broadcast: reader.broadcast()? },
        7 => State::Failed { code: reader.text()? },
        8 => State::Paid { transaction: reader.array()? },
        9 => {
            let broadcast = reader.broadcast()?;
            State::Refunding { transaction: reader.array()?, code: reader.text()?, broadcast }
        }
        10 => State::Refunded { transaction: reader.array()?, code: reader.text()?, refund: reader.array()? },
        11 => State::Void { code: reader.text()? },
        _ => return None,
    })
}

/// Parts are bounded well below 4 GiB by `record::limits`.
fn bytes(part: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(part.len() as u32).to_be_bytes());
    out.extend_from_slice(part);
}

fn optional(part: Option<&[u8]>, out: &mut Vec<u8>) {
    out.push(u8::from(part.is_some()));
    if let Some(part) = part {
        bytes(part, out);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(u32::from_be_bytes(self.array()?)).ok()?;
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    fn optional(&mut self) -> Option<Option<&'a [u8]>> {
        match self.u8()? {
            0 => Some(None),
            1 => self.bytes().map(Some),
            _ => None,
        }
    }

    fn optional_digest(&mut self) -> Option<Option<[u8; 32]>> {
        match self.optional()? {
            None => Some(None),
            Some(bytes) => bytes.try_into().ok().map(Some),
        }
    }

    fn broadcast(&mut self) -> Option<Option<Broadcast>> {
        let transaction = self.optional_digest()?;
        let raw = self.bytes()?.to_vec();
        match transaction {
            Some(transaction) => Some(Some(Broadcast { transaction, raw })),
            None if raw.is_empty() => Some(None),
            None => None,
        }
    }

    fn end<T>(self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn broadcasts() -> impl Strategy<Value = Option<Broadcast>> {
        option::of(
            (any::<[u8; 32]>(), vec(any::<u8>(), 0..40)).prop_map(|(transaction, raw)| Broadcast { transaction, raw }),
        )
    }

    fn states() -> impl Strategy<Value = State> {
        prop_oneof![
            Just(State::Claimed),
            Just(State::Running),
            Just(State::Done),
            broadcasts().prop_map(|broadcast| State::Settling { broadcast }),
            any::<[u8; 32]>().prop_map(|transaction| State::Settled { transaction }),
            "[a-z_]{0,20}".prop_map(|code| State::Rejected { code }),
            broadcasts().prop_map(|broadcast| State::Unknown { broadcast }),
            "[a-z_]{0,20}".prop_map(|code| State::Failed { code }),
            any::<[u8; 32]>().prop_map(|transaction| State::Paid { transaction }),
            (any::<[u8; 32]>(), "[a-z_]{0,20}", broadcasts())
                .prop_map(|(transaction, code, broadcast)| State::Refunding { transaction, code, broadcast }),
            (any::<[u8; 32]>(), "[a-z_]{0,20}", any::<[u8; 32]>())
                .prop_map(|(transaction, code, refund)| State::Refunded { transaction, code, refund }),
            "[a-z_]{0,20}".prop_map(|code| State::Void { code }),
        ]
    }

    fn records() -> impl Strategy<Value = Record> {
        let authorization = (
            "[a-z0-9:]{0,20}",
            any::<[u8; 20]>(),
            any::<[u8; 20]>(),
            any::<u128>(),
            any::<[u8; 20]>(),
            any::<[u8; 32]>(),
            any::<u64>(),
        )
            .prop_map(|(network, asset, pay_to, amount, payer, nonce, valid_before)| Authorization {
                network,
                asset,
                pay_to,
                amount,
                payer,
                nonce,
                valid_before,
            });
        (
            any::<u64>(),
            any::<[u8; 16]>(),
            authorization,
            any::<[u8; 32]>(),
            option::of(any::<[u8; 32]>()),
            (prop_oneof![Just(Flow::Authorization), Just(Flow::Upfront)], vec(any::<u8>(), 0..40)),
            states(),
            any::<u64>(),
            any::<u64>(),
        )
            .prop_map(
                |(
                    version,
                    job_id,
                    authorization,
                    fingerprint,
                    identifier,
                    (flow, context),
                    state,
                    created_at,
                    updated_at,
                )| Record {
                    version,
                    job_id: JobId(job_id),
                    authorization,
                    fingerprint,
                    identifier,
                    flow,
                    context,
                    state,
                    created_at,
                    updated_at,
                    result: None,
                },
            )
    }

    proptest! {
        #[test]
        fn records_survive_the_round_trip_and_no_truncation_reads(record in records(), result_digest in option::of(any::<[u8; 32]>())) {
            let encoded = encode_record(&record, result_digest.as_ref());
            let expected = StoredRecord { record, result_digest };
            prop_assert_eq!(decode_record(&encoded), Ok(expected));
            for length in 0..encoded.len() {
                prop_assert!(decode_record(&encoded[..length]).is_err());
            }
            prop_assert!(decode_record(&[&encoded[..], &[0]].concat()).is_err());
            let newer = [&[RECORD_FORMAT + 1], &encoded[1..]].concat();
            prop_assert!(decode_record(&newer).is_err_and(|error| error.is_outage()));
        }

        #[test]
        fn results_survive_the_round_trip(status in any::<u16>(), response in vec(any::<u8>(), 0..200), receipt in option::of(vec(any::<u8>(), 0..50))) {
            let result = JobResult { status, response, receipt };
            prop_assert!(decode_result(&encode_result(&result)) == Ok(result));
        }

        #[test]
        fn what_is_read_is_what_would_be_written(bytes in vec(any::<u8>(), 0..300)) {
            let bytes = [&[RECORD_FORMAT], &bytes[..]].concat();
            if let Ok(stored) = decode_record(&bytes) {
                prop_assert_eq!(encode_record(&stored.record, stored.result_digest.as_ref()), bytes.clone());
            }
            if let Ok(result) = decode_result(&bytes) {
                prop_assert_eq!(encode_result(&result), bytes);
            }
        }
    }
}
