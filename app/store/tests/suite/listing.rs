//! Lists of jobs.

use super::*;

pub async fn pages_hold_every_job_once_while_others_are_claimed(ledger: Shared) {
    assert_eq!(ledger.page(None, 3).await.unwrap(), Listing::default());
    let mut there = vec![settled(&ledger, 1).await];
    for number in 2..=8 {
        there.push(fresh(&ledger, number).await);
    }
    let (mut seen, mut after, mut pages) = (Vec::new(), None, 0u8);
    loop {
        let Listing { records: page, next, .. } = ledger.page(after, 3).await.unwrap();
        assert!(page.len() <= 3);
        seen.extend(page);
        pages += 1;
        assert!(pages < 20, "the pages do not end");
        match next {
            Some(cursor) => after = Some(cursor),
            None => break,
        }
        if pages <= 2 {
            fresh(&ledger, 100 + pages).await;
        }
    }
    for record in there {
        assert_eq!(seen.iter().filter(|listed| **listed == record).count(), 1);
    }
    // Of those claimed meanwhile, each is listed once or not at all.
    for number in [101, 102] {
        assert!(seen.iter().filter(|listed| listed.job_id.0 == [number; 16]).count() <= 1);
    }
    assert!(seen.len() <= 10);
    let all = ledger.page(None, usize::MAX).await.unwrap();
    assert_eq!((all.records.len(), all.damaged.len(), all.next), (10, 0, None));
}

pub async fn a_page_is_never_empty_before_the_end(ledger: Shared) {
    for number in 1..=3 {
        fresh(&ledger, number).await;
    }
    for limit in [0, 1, 3] {
        let (mut count, mut after) = (0, None);
        loop {
            let Listing { records: page, next, .. } = ledger.page(after, limit).await.unwrap();
            count += page.len();
            assert!(count <= 3 && (!page.is_empty() || next.is_none()), "limit {limit}");
            let Some(cursor) = next else { break };
            after = Some(cursor);
        }
        assert_eq!(count, 3, "limit {limit}");
    }
}

pub async fn unfinished_jobs_come_with_their_results(ledger: Shared) {
    fresh(&ledger, 1).await;
    settling(&ledger, 2).await;
    settled(&ledger, 3).await;
    let mut unfinished = unfinished(&ledger).await;
    unfinished.sort_by_key(|record| record.job_id.0);
    assert_eq!(unfinished.len(), 2);
    assert_eq!(unfinished[0].state, State::Claimed);
    assert_eq!(unfinished[1].state, State::Settling { broadcast: broadcast(2) });
    assert!(unfinished[1].result == Some(result("summary")));
}
