//! The database's errors, by who must act. Their texts stay here: they may name what is stored.

use std::error::Error as _;
use std::future::Future;
use std::io;

use deadpool_postgres::PoolError;
use tokio_postgres::Error;

use crate::error::LedgerError;
use crate::vitals::AsDamage;

/// How often a call is tried that the database gave up for another's sake.
const ATTEMPTS: usize = 8;

#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing was changed and the same call may well succeed now: a serialization failure, a deadlock, a race between two claims.
    Again,
    Final(LedgerError),
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::Final(error)
    }
}

impl AsDamage for Failure {
    fn is_damage(&self) -> bool {
        matches!(self, Self::Final(error) if error.is_damage())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.code() {
            Some(code) => by_code(code.code()),
            // Other errors have no code, and only the library's own text tells them apart.
            None => Self::Final(match error.to_string() {
                text if text.contains("TLS") && !broken(&error) => {
                    LedgerError::Unsuitable("it has no TLS, or its certificate is not trusted")
                }
                text if text.contains("authentication") || text.contains("configuration") => {
                    LedgerError::Unsuitable("its address or the login is incomplete")
                }
                text if text.contains("column") => NOT_OURS,
                _ => LedgerError::Unreachable("the connection failed"),
            }),
        }
    }
}

/// Whether it was the connection that failed, rather than what was said over it.
fn broken(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| !matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput))
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            _ => Self::Final(LedgerError::Unreachable("no connection in time")),
        }
    }
}

pub(super) const NOT_OURS: LedgerError = LedgerError::Corrupt("not the tables of a ledger");

/// By SQLSTATE, as appendix A of PostgreSQL's manual lists them.
fn by_code(code: &str) -> Failure {
    Failure::Final(match code {
        // serialization_failure, deadlock_detected
        "40001" | "40P01" => return Failure::Again,
        // disk_full
        "53100" => LedgerError::Full,
        // query_canceled (statement_timeout), lock_not_available (lock_timeout)
        "57014" | "55P03" => LedgerError::Unreachable("it took too long"),
        // insufficient_privilege
        "42501" => LedgerError::Unsuitable("a right is missing"),
        // data_corrupted, index_corrupted
        "XX001" | "XX002" => LedgerError::Corrupt("the database found damage"),
        // read_only_sql_transaction: it has become a standby.
        "25006" => LedgerError::Unreachable("it does not take changes"),
        // io_error, undefined_file
        "58030" | "58P01" => LedgerError::Storage(io::ErrorKind::Other),
        _ => match code.get(..2) {
            Some("08" | "25" | "57") => LedgerError::Unreachable("it is starting, stopping or overtaxed"),
            Some("53") => LedgerError::Unreachable("it has no connections or memory left"),
            Some("28" | "3D") => LedgerError::Unsuitable("the login failed, or there is no such database"),
            Some("42") => NOT_OURS,
            _ => LedgerError::Storage(io::ErrorKind::Other),
        },
    })
}

/// Makes a call, and again while that is promising.
pub(super) async fn retried<T, F>(call: impl Fn() -> F) -> Result<T, LedgerError>
where
    F: Future<Output = Result<T, Failure>>,
{
    for _ in 0..ATTEMPTS {
        match call().await {
            Ok(value) => return Ok(value),
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Again) => {}
        }
    }
    Err(LedgerError::Unreachable("other calls kept interfering"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_call_that_was_given_up_is_made_again_but_not_for_ever() {
        let calls = Cell::new(0);
        let third = retried(|| async {
            calls.set(calls.get() + 1);
            if calls.get() < 3 { Err(by_code("40001")) } else { Ok(calls.get()) }
        });
        assert_eq!(third.await.unwrap(), 3);
        calls.set(0);
        let never: Result<(), _> = retried(|| async {
            calls.set(calls.get() + 1);
            Err(by_code("40P01"))
        })
        .await;
        assert!(matches!(never, Err(LedgerError::Unreachable(_))));
        assert_eq!(calls.get(), ATTEMPTS);
    }

    #[tokio::test]
    async fn what_another_call_would_not_mend_is_reported_at_once() {
        for (code, expected) in
            [("53100", "Full"), ("57014", "Unreachable"), ("28P01", "Unsuitable"), ("42P01", "Corrupt")]
        {
            let calls = Cell::new(0);
            let result: Result<(), _> = retried(|| async {
                calls.set(calls.get() + 1);
                Err(by_code(code))
            })
            .await;
            assert!(format!("{:?}", result.unwrap_err()).starts_with(expected), "{code}");
            assert_eq!(calls.get(), 1);
        }
    }
}
