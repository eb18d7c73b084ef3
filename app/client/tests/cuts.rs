//! Whatever is cut, the same payment goes on: one authorization, and in the end the summary.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::buyer::{in_directory, options, plain, request, session_over, wallet};
use crate::support::{Door, FakeService, Step, Wrong};
use precis_client::{ClientError, Connection};

/// What is cut, and how.
type Case = (&'static str, Wrong);

fn door(at: usize, door: Door) -> Wrong {
    // The first request asks for the terms, the second pays.
    Wrong { door: vec![(at, door)], ..Wrong::default() }
}

fn before(steps: &[Step]) -> Wrong {
    Wrong { before: steps.to_vec(), ..Wrong::default() }
}

fn accepted(polls: &[Step]) -> Wrong {
    Wrong { before: vec![Step::Accept], polls: polls.to_vec(), ..Wrong::default() }
}

fn cases() -> Vec<Case> {
    use Step::{Accept, Code, Cut, CutInAnswer, Restart, Status};
    vec![
        ("before the request is sent", door(1, Door::Cut)),
        ("after it is sent and before the answer", before(&[Cut])),
        ("in the middle of the answer", before(&[CutInAnswer])),
        ("502 from a proxy", door(1, Door::Proxy(502))),
        ("503 from a proxy", door(1, Door::Proxy(503))),
        ("504 from a proxy", door(1, Door::Proxy(504))),
        ("503 from the service", before(&[Status(503)])),
        ("202, then the connection is lost", accepted(&[Cut, Accept, Cut])),
        ("202, then lost in the middle of the answer", accepted(&[Accept, CutInAnswer])),
        ("202, then before the question for it", Wrong { before: vec![Accept], ..door(2, Door::Cut) }),
        ("202, then 502 from a proxy", Wrong { before: vec![Accept], ..door(2, Door::Proxy(502)) }),
        ("202, then 503 from the service", accepted(&[Status(503), Accept])),
        ("202, then 409 job_interrupted", accepted(&[Accept, Code(409, "job_interrupted")])),
        ("202, then 404 unknown_job", accepted(&[Code(404, "unknown_job")])),
        ("202, then 410 job_expired", accepted(&[Code(410, "job_expired")])),
        ("202, interrupted twice", {
            let lost = Code(409, "job_interrupted");
            Wrong { before: vec![Accept, Accept], polls: vec![lost, lost], ..Wrong::default() }
        }),
        ("restart with other keys before the answer", before(&[Restart])),
        ("202, then restart with other keys", accepted(&[Accept, Restart])),
        ("202, restart with other keys, interrupted", accepted(&[Restart, Code(409, "job_interrupted")])),
    ]
}

#[tokio::test]
async fn one_authorization_is_signed_and_the_summary_arrives_whatever_is_cut() {
    // Keys that are gone are no reason for another run: the new ones are verified on the way.
    for (what, wrong) in cases() {
        assert_eq!(runs_until_bought(what, wrong, Connection::default()).await, 1, "{what}");
    }
}

#[tokio::test]
async fn plain_https_is_as_safe_to_retry() {
    for (what, wrong) in cases() {
        assert_eq!(runs_until_bought(what, wrong, plain()).await, 1, "{what}");
    }
}

async fn runs_until_bought(what: &str, wrong: Wrong, connection: Connection) -> usize {
    let service = FakeService::start(wrong).await;
    let directory = tempfile::tempdir().unwrap();
    let pending = in_directory(directory.path());
    let options = options(Some(pending.clone()));
    for run in 1..=3 {
        let session = session_over(&service, connection.clone()).await;
        match session.purchase(&request(), Some(&wallet()), &options, &mut |_| {}).await {
            Ok(purchase) => {
                assert_eq!(purchase.result.summary, "Hello", "{what}");
                assert_eq!(purchase.resumed, run > 1, "{what}");
                let seen = service.seen();
                assert_eq!(seen.authorizations(), 1, "{what}");
                assert!(seen.payments.iter().all(|p| p.payload == seen.payments[0].payload), "{what}");
                return run;
            }
            Err(ClientError::CannotVerify(why)) => {
                assert!(why.contains("verify it again"), "{what}: {why}");
                assert!(pending.path().exists(), "{what}");
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }
    panic!("{what}: never bought");
}
