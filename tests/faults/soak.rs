//! The long run of scripts/soak, short.

use precis_tests::testbed::soak::{Plan, soak};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_random_run_with_all_faults_finds_no_violation() {
    let figures = soak(Plan { seed: 402, payments: 300, payers: 8 }).await.unwrap();
    eprintln!("{figures}");
    // A run in which nothing happened would find nothing: each kind of fault must have happened, too.
    assert!(figures.wrong().is_empty(), "{figures}");
    assert!(figures.charged > 50 && figures.calls.len() > 4, "{figures}");
}
