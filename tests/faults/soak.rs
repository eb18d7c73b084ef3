//! The long run of scripts/soak, short.

use precis_tests::testbed::soak::{Plan, soak};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_random_run_with_all_faults_finds_no_violation() {
    let figures = soak(Plan { seed: 402, payments: 400, payers: 8 }).await.unwrap();
    eprintln!("{figures}");
    assert!(figures.violations.is_empty(), "{figures}");
    // A run in which nothing happened would find nothing.
    assert!(figures.kills > 0 && figures.charged > 50 && figures.refunded > 0 && figures.calls.len() > 4, "{figures}");
}
