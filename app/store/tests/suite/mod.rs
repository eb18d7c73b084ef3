//! What every ledger must do, whatever it stands on. `for_each_sentence!(one_test_each factory)` makes one test of each sentence: `factory` is an
//! async function that gives a value owning an empty ledger, and `ledger()` of that value is an `Arc<dyn Ledger>`. `for_each_sentence!(listed)` is a list of
//! names and functions.
#![allow(dead_code, unused_macros, unused_imports, clippy::unwrap_used, clippy::panic)]

pub mod changes;
pub mod claims;
pub mod documents;
pub mod holds;
pub mod listing;
pub mod names;
pub mod states;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use precis_store::*;

/// A moment in the year 2026, Unix seconds.
pub const NOW: u64 = 1_790_000_000;

pub type Shared = Arc<dyn Ledger>;

pub fn authorization(number: u8) -> Authorization {
    Authorization {
        network: "eip155:8453".into(),
        asset: [0xaa; 20],
        pay_to: [0xbb; 20],
        amount: 1_500,
        payer: [0x11; 20],
        nonce: [number; 32],
        valid_before: NOW + 600,
    }
}

pub fn new_claim(number: u8) -> NewClaim {
    NewClaim {
        job_id: JobId([number; 16]),
        authorization: authorization(number),
        fingerprint: [number; 32],
        identifier: None,
        flow: Flow::Authorization,
        context: vec![number; 8],
        at: NOW,
        max_unsettled: None,
        funds: None,
    }
}

/// By a payer of its own.
pub fn new_claim_of_another(number: u8) -> NewClaim {
    let mut new = new_claim(number);
    new.authorization.payer = [number; 20];
    new
}

pub fn result(text: &str) -> JobResult {
    JobResult { status: 200, response: text.as_bytes().to_vec(), receipt: None }
}

pub fn with_receipt(text: &str) -> JobResult {
    JobResult { receipt: Some(b"receipt".to_vec()), ..result(text) }
}

pub fn broadcast(number: u8) -> Option<Broadcast> {
    Some(Broadcast { transaction: [number; 32], raw: vec![number; 100] })
}

pub async fn claim(ledger: &Shared, new: NewClaim) -> Record {
    match ledger.claim(new).await.unwrap() {
        Claim::Fresh(record) => record,
        other => panic!("{other:?}"),
    }
}

pub async fn fresh(ledger: &Shared, number: u8) -> Record {
    claim(ledger, new_claim(number)).await
}

/// Moves a job along, from the version it is at.
pub async fn step(ledger: &Shared, record: &Record, change: Change) -> Record {
    ledger.advance(&record.claim_key(), record.version, change).await.unwrap()
}

/// A job with its payment under way.
pub async fn settling(ledger: &Shared, number: u8) -> Record {
    let record = fresh(ledger, number).await;
    let record = step(ledger, &record, Change::to(State::Running, NOW + 1)).await;
    let record = step(ledger, &record, Change::to(State::Done, NOW + 2).with_result(result("summary"))).await;
    step(ledger, &record, Change::to(State::Settling { broadcast: broadcast(number) }, NOW + 3)).await
}

pub async fn settled(ledger: &Shared, number: u8) -> Record {
    let record = settling(ledger, number).await;
    ledger
        .finish_settled(&record.claim_key(), record.version, [number; 32], with_receipt("summary"), NOW + 4)
        .await
        .unwrap()
}

/// Every job that is not final; none of them damaged.
pub async fn unfinished(ledger: &Shared) -> Vec<Record> {
    let listing = ledger.unfinished().await.unwrap();
    assert_eq!((listing.damaged.len(), listing.next), (0, None));
    listing.records
}

/// What calls give that are made at once.
pub async fn at_once<T, F>(calls: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let calls: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::new();
    for call in calls {
        results.push(call.await.unwrap());
    }
    results
}

pub type Sentence = fn(Shared) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Hands the sentences to a macro.
macro_rules! for_each_sentence {
    ($then:ident $($argument:tt)*) => {
        suite::$then! { ($($argument)*)
            claims::a_claim_is_fresh_once_and_then_existing,
            claims::network_asset_payer_and_nonce_make_the_claim_and_nothing_else_does,
            claims::of_concurrent_claims_one_is_fresh,
            claims::a_payer_has_no_more_unsettled_jobs_than_allowed_even_at_once,
            claims::what_a_payer_claims_and_has_not_settled_is_reserved_even_at_once,
            claims::jobs_that_end_without_a_charge_over_and_over_count_against_their_payer,
            claims::oversized_parts_are_refused_and_change_nothing,
            names::a_job_id_names_one_job,
            names::an_identifier_names_one_claim,
            names::an_identifier_is_free_again_once_its_job_is_forgotten,
            names::of_concurrent_claims_with_one_identifier_one_is_fresh,
            names::of_concurrent_claims_with_one_job_id_one_is_fresh,
            states::exactly_the_listed_transitions_are_made,
            states::a_job_counts_against_its_payer_while_its_stage_is_unsettled,
            states::a_job_is_unfinished_and_remembered_until_its_stage_is_final,
            states::every_state_is_read_back,
            changes::what_was_stored_is_read_back,
            changes::of_concurrent_changes_from_one_version_one_is_made,
            changes::a_job_is_done_or_settled_only_with_its_result,
            changes::a_result_stays_until_another_replaces_it,
            changes::unknown_jobs_are_not_found,
            changes::final_jobs_are_forgotten_after_they_and_their_authorizations_ended,
            holds::a_job_has_one_holder_at_a_time,
            holds::of_concurrent_holders_one_holds,
            holds::a_hold_that_is_not_renewed_ends,
            documents::a_document_is_kept_once_and_found_by_its_name,
            documents::only_so_many_documents_are_kept_and_the_oldest_go_first,
            listing::pages_hold_every_job_once_while_others_are_claimed,
            listing::a_page_is_never_empty_before_the_end,
            listing::unfinished_jobs_come_with_their_results,
        }
    };
}
pub(crate) use for_each_sentence;

macro_rules! one_test_each {
    (($factory:ident) $($module:ident::$sentence:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sentence() {
                let fixture = $factory().await;
                suite::$module::$sentence(fixture.ledger()).await;
            }
        )*
    };
}
pub(crate) use one_test_each;

macro_rules! listed {
    (() $($module:ident::$sentence:ident,)*) => {
        [$((stringify!($sentence), (|ledger| Box::pin(suite::$module::$sentence(ledger))) as suite::Sentence),)*]
    };
}
pub(crate) use listed;
