//! Public documents.

use super::*;

pub async fn a_document_is_kept_once_and_found_by_its_name(ledger: Shared) {
    assert_eq!(ledger.kept(&[1; 32]).await.unwrap(), None);
    ledger.keep(&[1; 32], b"first", NOW).await.unwrap();
    ledger.keep(&[1; 32], b"second", NOW + 1).await.unwrap();
    ledger.keep(&[2; 32], b"", NOW).await.unwrap();
    assert_eq!(ledger.kept(&[1; 32]).await.unwrap().unwrap(), b"first");
    assert_eq!(ledger.kept(&[2; 32]).await.unwrap().unwrap(), b"");
    assert_eq!(ledger.kept(&[3; 32]).await.unwrap(), None);
    let large = vec![0; limits::MAX_DOCUMENT_BYTES + 1];
    assert!(matches!(ledger.keep(&[3; 32], &large, NOW).await, Err(LedgerError::TooLarge { what: "document", .. })));
}

pub async fn only_so_many_documents_are_kept_and_the_oldest_go_first(ledger: Shared) {
    let name = |number: usize| {
        let mut name = [0; 32];
        name[..8].copy_from_slice(&(number as u64).to_be_bytes());
        name
    };
    for number in 0..MAX_DOCUMENTS + 2 {
        ledger.keep(&name(number), b"document", NOW + number as u64).await.unwrap();
    }
    for (number, there) in [(0, false), (1, false), (2, true), (MAX_DOCUMENTS + 1, true)] {
        assert_eq!(ledger.kept(&name(number)).await.unwrap().is_some(), there, "{number}");
    }
}
