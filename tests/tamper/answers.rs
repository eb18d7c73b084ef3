//! Altered answers: the client prints no summary, and pays at most once.

use alloy_primitives::U256;
use anyhow::{Context as _, ensure};
use precis_protocol::headers::{OHTTP_GATEWAY_PATH, QUOTES_PATH, SUMMARIES_PATH};
use precis_tests::story::Story;

use super::{Scene, flip, noticed, positions};

/// Base, and one thousand tokens or part of it.
const PRICE: u64 = 1500;

#[tokio::test]
async fn altered_answers_are_noticed_and_never_shown() {
    let scene = Scene::set().await;
    let mut story = Story::new();
    let (chain, payer) = (scene.stack.chain().unwrap(), scene.stack.payer().unwrap());
    let held = async || chain.tokens(payer.address).await;

    story
        .tell("any altered byte of the first encrypted answer: nothing is paid", async {
            let before = held().await?;
            for at in positions(1000, 10) {
                scene.proxy.alter(move |request, body| {
                    if request.path == OHTTP_GATEWAY_PATH && request.method == "POST" {
                        flip(body, at);
                    }
                });
                noticed(&scene.buy(&[]).await?).with_context(|| format!("byte {at}"))?;
            }
            ensure!(held().await? == before, "something was paid");
            Ok(())
        })
        .await;
    story
        .tell(
            "any altered byte of the answer to the payment: no summary, and the same payment is charged once",
            async {
                for at in [0, 31, 32, 33, 700, 2047] {
                    let before = held().await?;
                    let mut posts = 0;
                    scene.proxy.alter(move |request, body| {
                        if request.path == OHTTP_GATEWAY_PATH && request.method == "POST" {
                            posts += 1;
                            if posts > 1 {
                                flip(body, at);
                            }
                        }
                    });
                    noticed(&scene.buy(&[]).await?).with_context(|| format!("byte {at}"))?;
                    ensure!(before - held().await? <= U256::from(PRICE), "charged more than once");
                    // What was paid for is not lost: the next run of the same command resumes the same payment.
                    scene.proxy.alter(|_, _| {});
                    let resumed = scene.buy(&["--format", "json"]).await?.expect(0)?.json()?;
                    ensure!(resumed["resumed"] == true, "a second payment was signed");
                    ensure!(before - held().await? == U256::from(PRICE), "charged other than once");
                }
                Ok(())
            },
        )
        .await;
    story
        .tell("a truncated answer is no answer", async {
            for keep in [0, 1, 32, 100, 1000] {
                scene.proxy.alter(move |request, body| {
                    if request.path == OHTTP_GATEWAY_PATH && request.method == "POST" {
                        body.truncate(keep);
                    }
                });
                noticed(&scene.buy(&[]).await?).with_context(|| format!("{keep} bytes"))?;
            }
            Ok(())
        })
        .await;
    story
        .tell("the answer to another request is refused", async {
            let mut first = None;
            scene.proxy.alter(move |request, body| {
                if request.path == OHTTP_GATEWAY_PATH && request.method == "POST" {
                    let kept = first.get_or_insert_with(|| body.clone());
                    body.clone_from(kept);
                }
            });
            noticed(&scene.buy(&[]).await?)
        })
        .await;
    story.end().unwrap();
}

#[tokio::test]
async fn over_plain_https_any_altered_byte_of_result_or_receipt_is_noticed() {
    let scene = Scene::set().await;
    let mut story = Story::new();
    let sample = {
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let keep = std::sync::Arc::clone(&seen);
        scene.proxy.alter(move |request, body| {
            if request.path.starts_with(SUMMARIES_PATH) {
                keep.lock().unwrap().clone_from(body);
            }
        });
        scene.buy(&["--plain-https"]).await.unwrap().expect(0).unwrap();
        seen.lock().unwrap().clone()
    };
    story
        .tell("every sampled byte of the paid answer counts", async {
            // A quarter of the samples in the result, the rest in the receipt behind it.
            let split =
                sample.windows(11).position(|window| window == b",\"receipt\":").context("no receipt in the answer")?;
            let result = positions(split, 8);
            let receipt = positions(sample.len() - split, 24).into_iter().map(|at| split + at);
            for at in result.into_iter().chain(receipt) {
                scene.proxy.alter(move |request, body| {
                    // The answer with a receipt, not the quote before it.
                    if request.path.starts_with(SUMMARIES_PATH)
                        && body.windows(11).any(|window| window == b",\"receipt\":")
                    {
                        let at = at.min(body.len() - 1);
                        flip(body, at);
                    }
                });
                let near =
                    String::from_utf8_lossy(&sample[at.saturating_sub(20)..(at + 20).min(sample.len())]).into_owned();
                noticed(&scene.buy(&["--plain-https"]).await?).with_context(|| format!("byte {at}, in {near:?}"))?;
            }
            Ok(())
        })
        .await;
    story
        .tell("a quote for another payee, amount, asset or network is not signed", async {
            let before = scene.stack.chain()?.tokens(scene.stack.payer()?.address).await?;
            for (from, to) in [
                ("\"amount\":\"1500\"", "\"amount\":\"15000\""),
                ("\"payTo\":\"0x", "\"payTo\":\"0x00"),
                ("eip155:31337", "eip155:8453"),
            ] {
                scene.proxy.alter(move |request, body| {
                    if request.path.starts_with(SUMMARIES_PATH) || request.path.starts_with(QUOTES_PATH) {
                        let text = String::from_utf8_lossy(body).replace(from, to);
                        *body = text.into_bytes();
                    }
                });
                let ended = scene.buy(&["--plain-https"]).await?;
                // The header carries the quote as well; a client that reads only that one is not deceived by the body.
                if ended.code != 0 {
                    ensure!(matches!(ended.code, 1 | 4 | 5), "exit code {}: {}", ended.code, ended.stderr);
                }
            }
            let paid = before - scene.stack.chain()?.tokens(scene.stack.payer()?.address).await?;
            ensure!(paid <= U256::from(3 * PRICE), "paid {paid}");
            Ok(())
        })
        .await;
    story.end().unwrap();
}
