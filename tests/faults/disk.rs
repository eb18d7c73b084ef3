//! No room for the ledger: nothing is charged that cannot be written down, and with room again everything goes on.

use super::steps::Document::{Failing, Good};
use super::steps::Play;
use super::steps::Step::{Ask, Boot, Order};
use super::{FLOWS, none, town};

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
        town.set("PRECIS_UPFRONT_SECONDS", upfront);
        let mut play = Play::begin(&town, None).await.unwrap();
        play.play(&[Boot, Order(Good), Ask]).await.unwrap();
        town.stop().await.unwrap();
        let file = town.home().join("state/ledger.redb");
        // Files may not grow beyond this; without the trap the first write too many would end the process.
        let blocks = (std::fs::metadata(&file).unwrap().len() + ROOM) / 512;
        town.boot_with(None, &[], Some(&format!("trap '' XFSZ; ulimit -f {blocks}"))).await.unwrap();
        let mut refused = 0;
        for count in 0..MOST {
            play.play(&[Order(if count % 4 == 3 { Failing } else { Good })]).await.unwrap();
            // A process that gave up is as good as one that refuses.
            let stored = match town.send(play.orders.last().unwrap()).await {
                Ok(answer) => !answer.text().contains("\"code\":\"internal\""),
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
