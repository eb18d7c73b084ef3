//! One authorization, one job.

use super::*;

pub async fn a_claim_is_fresh_once_and_then_existing(ledger: Shared) {
    let record = fresh(&ledger, 1).await;
    assert_eq!((record.version, &record.state, record.created_at), (1, &State::Claimed, NOW));
    let mut again = new_claim(1);
    again.job_id = JobId([9; 16]);
    again.fingerprint = [9; 32];
    let Claim::Existing(existing) = ledger.claim(again).await.unwrap() else { panic!() };
    assert_eq!(existing, record);
    assert!(ledger.by_job_id(&JobId([9; 16])).await.unwrap().is_none());
}

pub async fn network_asset_payer_and_nonce_make_the_claim_and_nothing_else_does(ledger: Shared) {
    let first = fresh(&ledger, 1).await;
    type Edit = fn(&mut Authorization);
    let changes: [(Edit, bool); 7] = [
        (|a| a.network = "eip155:84532".into(), true),
        (|a| a.asset = [1; 20], true),
        (|a| a.payer = [1; 20], true),
        (|a| a.nonce = [200; 32], true),
        (|a| a.pay_to = [1; 20], false),
        (|a| a.amount = 1, false),
        (|a| a.valid_before = 1, false),
    ];
    for (number, (change, other)) in (100..).zip(changes) {
        let mut new = new_claim(1);
        new.job_id = JobId([number; 16]);
        change(&mut new.authorization);
        match ledger.claim(new).await.unwrap() {
            Claim::Fresh(_) => assert!(other, "change {number}"),
            Claim::Existing(record) => assert!(!other && record == first, "change {number}"),
            other => panic!("{other:?}"),
        }
    }
}

pub async fn of_concurrent_claims_one_is_fresh(ledger: Shared) {
    let claims = at_once((0..24u8).map(|number| {
        let ledger = Arc::clone(&ledger);
        let new = NewClaim { job_id: JobId([number; 16]), ..new_claim(1) };
        async move { ledger.claim(new).await.unwrap() }
    }));
    let mut fresh = Vec::new();
    let mut existing = Vec::new();
    for claim in claims.await {
        match claim {
            Claim::Fresh(record) => fresh.push(record),
            Claim::Existing(record) => existing.push(record),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((fresh.len(), existing.len()), (1, 23));
    assert!(existing.iter().all(|record| record == &fresh[0]));
}

pub async fn a_payer_has_no_more_unsettled_jobs_than_allowed_even_at_once(ledger: Shared) {
    let claims = at_once((0..12u8).map(|number| {
        let ledger = Arc::clone(&ledger);
        let new = NewClaim { max_unsettled: Some(3), ..new_claim(number) };
        async move { ledger.claim(new).await.unwrap() }
    }));
    let mut fresh = Vec::new();
    for claim in claims.await {
        match claim {
            Claim::Fresh(record) => fresh.push(record),
            other => assert_eq!(other, Claim::TooManyUnsettled { unsettled: 3 }),
        }
    }
    assert_eq!(fresh.len(), 3);
    // A claim that exists is returned whatever the limit, another payer is not concerned, and an ended job makes room.
    let again = NewClaim { max_unsettled: Some(0), authorization: fresh[0].authorization.clone(), ..new_claim(50) };
    assert!(matches!(ledger.claim(again).await.unwrap(), Claim::Existing(_)));
    claim(&ledger, NewClaim { max_unsettled: Some(3), ..new_claim_of_another(51) }).await;
    step(&ledger, &fresh[0], Change::to(State::Failed { code: "model".into() }, NOW)).await;
    claim(&ledger, NewClaim { max_unsettled: Some(3), ..new_claim(52) }).await;
    assert_eq!(ledger.unsettled_of(&[0x11; 20]).await.unwrap(), 3);
    assert_eq!(ledger.unsettled_of(&[51; 20]).await.unwrap(), 1);
    assert_eq!(ledger.unsettled_of(&[99; 20]).await.unwrap(), 0);
}

pub async fn oversized_parts_are_refused_and_change_nothing(ledger: Shared) {
    let mut new = new_claim(1);
    new.authorization.network = "n".repeat(limits::MAX_NETWORK_BYTES + 1);
    assert!(matches!(ledger.claim(new).await, Err(LedgerError::TooLarge { what: "network", .. })));
    let large = NewClaim { context: vec![0; limits::MAX_CONTEXT_BYTES + 1], ..new_claim(1) };
    assert!(matches!(ledger.claim(large).await, Err(LedgerError::TooLarge { what: "context", .. })));
    assert!(ledger.get(&authorization(1).claim_key()).await.unwrap().is_none());
    let largest = NewClaim { context: vec![0; limits::MAX_CONTEXT_BYTES], ..new_claim(2) };
    let record = claim(&ledger, largest).await;
    let key = record.claim_key();
    let code = "c".repeat(limits::MAX_CODE_BYTES + 1);
    let failed = ledger.advance(&key, 1, Change::to(State::Failed { code }, NOW)).await;
    assert!(matches!(failed, Err(LedgerError::TooLarge { what: "code", .. })));
    let record = step(&ledger, &record, Change::to(State::Running, NOW)).await;
    let large = JobResult { status: 200, response: vec![0; limits::MAX_RESPONSE_BYTES + 1], receipt: None };
    let done = ledger.advance(&key, 2, Change::to(State::Done, NOW).with_result(large)).await;
    assert!(matches!(done, Err(LedgerError::TooLarge { what: "response", .. })));
    assert_eq!(ledger.get(&key).await.unwrap().unwrap(), record);
    // The largest that is allowed fits.
    let largest = JobResult { status: 200, response: vec![7; limits::MAX_RESPONSE_BYTES], receipt: None };
    let record = step(&ledger, &record, Change::to(State::Done, NOW).with_result(largest)).await;
    assert!(ledger.get(&key).await.unwrap().unwrap() == record);
}

pub async fn jobs_that_end_without_a_charge_over_and_over_count_against_their_payer(ledger: Shared) {
    let limited = |number: u8| NewClaim { max_unsettled: Some(1), ..new_claim(number) };
    for number in 0..WATCHED_PER_UNSETTLED as u8 {
        let Claim::Fresh(record) = ledger.claim(limited(number)).await.unwrap() else { panic!("{number}") };
        step(&ledger, &record, Change::to(State::Failed { code: "cancelled".into() }, NOW)).await;
    }
    let next = ledger.claim(limited(200)).await.unwrap();
    assert_eq!(next, Claim::TooManyUnsettled { unsettled: 0 });
    // Once one of them is void, there is room again.
    let record = ledger.get(&authorization(0).claim_key()).await.unwrap().unwrap();
    step(&ledger, &record, Change::to(State::Void { code: "cancelled".into() }, NOW)).await;
    assert!(matches!(ledger.claim(limited(200)).await.unwrap(), Claim::Fresh(_)));
}

pub async fn what_a_payer_claims_and_has_not_settled_is_reserved_even_at_once(ledger: Shared) {
    // Each claim is over 1,500: the funds cover three.
    let funds = Some(3 * 1_500 + 1_499);
    let claims = at_once((0..12u8).map(|number| {
        let ledger = Arc::clone(&ledger);
        let new = NewClaim { funds, ..new_claim(number) };
        async move { ledger.claim(new).await.unwrap() }
    }));
    let mut fresh = Vec::new();
    for claim in claims.await {
        match claim {
            Claim::Fresh(record) => fresh.push(record),
            other => assert_eq!(other, Claim::FundsReserved { reserved: 4_500 }),
        }
    }
    assert_eq!(fresh.len(), 3);
    // A claim that exists is returned whatever the funds; another payer, token and network have their own.
    let again = NewClaim { funds: Some(0), authorization: fresh[0].authorization.clone(), ..new_claim(50) };
    assert!(matches!(ledger.claim(again).await.unwrap(), Claim::Existing(_)));
    claim(&ledger, NewClaim { funds: Some(1_500), ..new_claim_of_another(51) }).await;
    let mut elsewhere = NewClaim { funds: Some(1_500), ..new_claim(52) };
    elsewhere.authorization.network = "eip155:1".into();
    claim(&ledger, elsewhere).await;
    let mut token = NewClaim { funds: Some(1_500), ..new_claim(53) };
    token.authorization.asset = [0x77; 20];
    claim(&ledger, token).await;
    // A job that failed gives its reserve back; one that is paid has taken it from the balance already.
    step(&ledger, &fresh[0], Change::to(State::Failed { code: "model".into() }, NOW)).await;
    let upfront = NewClaim { flow: Flow::Upfront, funds, ..new_claim(54) };
    let record = claim(&ledger, upfront).await;
    let refused = ledger.claim(NewClaim { funds, ..new_claim(55) }).await.unwrap();
    assert_eq!(refused, Claim::FundsReserved { reserved: 4_500 });
    let record = step(&ledger, &record, Change::to(State::Settling { broadcast: None }, NOW)).await;
    step(&ledger, &record, Change::to(State::Paid { transaction: [1; 32] }, NOW)).await;
    claim(&ledger, NewClaim { funds, ..new_claim(55) }).await;
}
