//! No room for the ledger: nothing is charged that cannot be written down, and with room again everything goes on.

use precis_tests::http::Answer;
use precis_tests::process::{GLANCE, eventually};
use precis_tests::testbed::town::Town;

use super::steps::Document::{self, Failing, Good};
use super::steps::Play;
use super::steps::Step::{Ask, Boot, Order};
use super::{FLOWS, none, town};

/// The ledger, from a testbed's directory.
const FILE: &str = "state/ledger.redb";
/// What a payer is told whose payment cannot be written down.
const UNAVAILABLE: &str = "\"code\":\"ledger_unavailable\"";
/// Payments until which the room must have run out.
const MOST: usize = 400;
/// Payments that must be refused then.
const ENOUGH: usize = 5;
/// Room beyond what the ledger has already, bytes.
const ROOM: u64 = 64 * 1024;

#[tokio::test]
async fn a_full_disk_charges_nobody_for_nothing() {
    let town = town(&[]).await.unwrap();
    for (flow, upfront) in FLOWS {
        town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", upfront);
        let mut play = Play::begin(&town, None).await.unwrap();
        play.play(&[Boot, Order(Good), Ask]).await.unwrap();
        town.stop().await.unwrap();
        let file = town.home().join(FILE);
        // Files may not grow beyond this; without the trap the first write too many would end the process.
        let blocks = (std::fs::metadata(&file).unwrap().len() + ROOM) / 512;
        town.boot_with(None, &[], Some(&format!("trap '' XFSZ; ulimit -f {blocks}"))).await.unwrap();
        let mut refused = 0;
        for count in 0..MOST {
            let quoted = quoted(&mut play, if count % 4 == 3 { Failing } else { Good }).await;
            // A process that gave up is as good as one that refuses, and so is one that asks for no payment.
            let stored = quoted
                && match town.send(play.orders.last().unwrap()).await {
                    Ok(answer) => !answer.text().contains(UNAVAILABLE),
                    Err(_) => false,
                };
            refused += usize::from(!stored);
            if refused == ENOUGH {
                break;
            }
        }
        assert_eq!(refused, ENOUGH, "{flow}: the disk did not run full");
        let found = town.conclude(&play.orders).await.unwrap();
        none(&found).unwrap_or_else(|error| panic!("{flow}: {error}\n{}", town.log()));
    }
}

/// Orders; false if the service says that it is not ready.
async fn quoted(play: &mut Play<'_>, document: Document) -> bool {
    match play.play(&[Order(document)]).await {
        Ok(()) => true,
        Err(error) if format!("{error:#}").contains("not_ready") => false,
        Err(error) => panic!("{error:#}"),
    }
}

/// Orders until the ledger has no room left; what the last one was told.
async fn until_full(town: &Town, play: &mut Play<'_>) -> Answer {
    play.play(&[Boot, Order(Good), Ask]).await.unwrap();
    town.stop().await.unwrap();
    let blocks = (std::fs::metadata(town.home().join(FILE)).unwrap().len() + ROOM) / 512;
    town.boot_with(None, &[], Some(&format!("trap '' XFSZ; ulimit -S -f {blocks}"))).await.unwrap();
    for _ in 0..MOST {
        if !quoted(play, Good).await {
            tokio::time::sleep(GLANCE).await;
            continue;
        }
        let answer = town.send(play.orders.last().unwrap()).await.unwrap();
        if answer.text().contains(UNAVAILABLE) {
            return answer;
        }
    }
    panic!("the disk did not run full");
}

#[tokio::test]
async fn a_service_whose_disk_was_full_takes_payments_again_without_a_restart() {
    let town = town(&[]).await.unwrap();
    for (flow, upfront) in FLOWS {
        town.set("PRECIS_PAYMENT__UPFRONT_ABOVE", upfront);
        let mut play = Play::begin(&town, None).await.unwrap();
        let refused = until_full(&town, &mut play).await;
        // It was taken, or nobody can tell; the same payment is the one to send again.
        assert_eq!(refused.status, 503, "{flow}");
        assert!(!refused.text().contains("\"charged\":false"), "{flow}: {}", refused.text());
        town.make_room().await.unwrap();
        // Everybody who was refused is served by the same process, and so is whoever comes next.
        for order in &play.orders {
            let answer = town.insist(order).await.unwrap();
            assert_eq!(answer.status, 200, "{flow}: {}\n{}", answer.text(), town.log());
        }
        eventually("quote", async || quoted(&mut play, Good).await.then_some(())).await.unwrap();
        play.play(&[Ask]).await.unwrap();
        let found = town.conclude(&play.orders).await.unwrap();
        none(&found).unwrap_or_else(|error| panic!("{flow}: {error}\n{}", town.log()));
    }
}

#[tokio::test]
async fn a_process_that_can_use_its_ledger_no_longer_ends_with_a_code_of_its_own() {
    let town = town(&[]).await.unwrap();
    let mut play = Play::begin(&town, None).await.unwrap();
    until_full(&town, &mut play).await;
    // What is there when it opens the file again is not the ledger.
    std::fs::write(town.home().join(FILE), vec![0xa5; 64 * 1024]).unwrap();
    town.make_room().await.unwrap();
    let how = town.ending().await.unwrap();
    assert!(how.contains(&format!("exit status: {}", precis_server::exit::LEDGER)), "{how}");
}
