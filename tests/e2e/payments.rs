//! One authorization, one job, one charge.

use anyhow::ensure;
use precis_payment::wire;
use precis_protocol::headers;
use precis_tests::http::Ask;
use precis_tests::payer::send_paid;
use precis_tests::story::Story;
use precis_tests::tasks::{Row, TASKS};
use serde_json::json;

use super::Scene;

const DOCUMENT: &str =
    "The canal is 82 kilometres long. A ship needs about ten hours to pass it. Locks lift it 26 metres above the sea.";

#[tokio::test]
async fn an_authorization_buys_exactly_one_summary() {
    let scene = Scene::set().await.unwrap();
    for row in TASKS {
        eprintln!("{}", row.task);
        buys_exactly_one(&scene, row).await;
    }
}

async fn buys_exactly_one(scene: &Scene, row: &Row) {
    let mut story = Story::new();
    let (client, origin, price) = (&scene.client, scene.origin(), row.price);
    let ask = row.ask(DOCUMENT);
    let other = row.ask("Another document. It has other facts. The price is the same.");

    let spent = scene.payer.pay(client, origin, &ask).await.unwrap();
    story
        .tell(
            "a replayed payment returns the same result and receipt, and is charged once",
            scene.moving(price, async {
                let first = send_paid(client, origin, &ask, &spent).await?;
                ensure!(first.status == 200, "{}: {}", first.status, first.text());
                for _ in 0..3 {
                    let again = send_paid(client, origin, &ask, &spent).await?;
                    ensure!(again.status == 200 && again.body == first.body, "{}: {}", again.status, again.text());
                }
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "a spent payment sent with another document is refused",
            scene.moving(0, async {
                send_paid(client, origin, &other, &spent).await?.refused_and_charged(
                    409,
                    "payment_reused",
                    &json!("unknown"),
                )
            }),
        )
        .await;
    story
        .tell(
            "a spent payment relabelled with the quote of another document is refused",
            scene.moving(0, async {
                let mut payload: wire::PaymentPayload = wire::decode(spent.as_bytes())?;
                let quote = other.send(client, origin, &[]).await?.quote()?;
                payload.accepted = quote.accepts.into_iter().next().unwrap();
                send_paid(client, origin, &other, &wire::encode(&payload)?).await?.refused_and_charged(
                    409,
                    "payment_reused",
                    &json!("unknown"),
                )
            }),
        )
        .await;
    story
        .tell(
            "a fresh payment quoted for another document is refused",
            scene.moving(0, async {
                let payment = scene.payer.pay(client, origin, &ask).await?;
                send_paid(client, origin, &other, &payment).await?.refused(402, "invalid_payment_requirements")
            }),
        )
        .await;
    story
        .tell(
            "a payment whose nonce is committed is good for those only who know its salt, whatever they guess",
            scene.moving(price, async {
                let quote = ask.send(client, origin, &[]).await?.quote()?;
                let (payload, salt) = scene.payer.commit(&quote.accepts[0], &ask)?;
                let payment = wire::encode(&payload)?;
                let send = async |ask: &Ask, salt: Option<&str>| {
                    let mut extra = vec![(headers::PAYMENT_SIGNATURE, payment.as_str())];
                    extra.extend(salt.map(|salt| (headers::NONCE_SALT, salt)));
                    ask.send(client, origin, &extra).await
                };
                let bought = send(&ask, Some(&salt)).await?;
                ensure!(bought.status == 200, "{}: {}", bought.status, bought.text());
                ensure!(send(&ask, Some(&salt)).await?.body == bought.body, "another answer");
                // Everything but the salt is on chain now. The right document and a wrong one get the same answer.
                let (right, wrong) = (send(&ask, None).await?, send(&other, None).await?);
                right.refused_and_charged(409, "payment_reused", &json!("unknown"))?;
                ensure!(right.body == wrong.body, "the right guess shows: {} {}", right.text(), wrong.text());
                send(&other, Some(&salt)).await?.refused(400, "nonce_commitment_mismatch")
            }),
        )
        .await;
    story
        .tell(
            "six concurrent copies of one payment get one result and are charged once",
            scene.moving(price, async {
                let payment = scene.payer.pay(client, origin, &ask).await?;
                let copies = std::array::from_fn::<_, 6, _>(|_| {
                    let (client, origin, ask, payment) =
                        (client.clone(), origin.to_owned(), ask.clone(), payment.clone());
                    tokio::spawn(async move { send_paid(&client, &origin, &ask, &payment).await })
                });
                let mut bodies = Vec::new();
                for copy in copies {
                    let answer = copy.await??;
                    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
                    bodies.push(answer.body);
                }
                ensure!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "the copies got different answers");
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "four payments at a time all settle",
            scene.moving(4 * price, async {
                let mut buyers = Vec::new();
                for number in 0..4 {
                    let ask = row.ask(&format!("{DOCUMENT} This is copy {number}."));
                    let payment = scene.payer.pay(client, origin, &ask).await?;
                    let (client, origin) = (client.clone(), origin.to_owned());
                    buyers.push(tokio::spawn(async move { send_paid(&client, &origin, &ask, &payment).await }));
                }
                for buyer in buyers {
                    let answer = buyer.await??;
                    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
                }
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "a client that hangs up finds its result when it comes back with the same payment",
            scene.moving(price, async {
                let payment = scene.payer.pay(client, origin, &ask).await?;
                let claimed = scene.stack.server.process.output().matches("payment.claimed").count();
                let hasty = tokio::spawn({
                    let (client, origin, ask, payment) =
                        (client.clone(), origin.to_owned(), ask.clone(), payment.clone());
                    async move { send_paid(&client, &origin, &ask, &payment).await }
                });
                precis_tests::process::eventually("claim", async || {
                    (scene.stack.server.process.output().matches("payment.claimed").count() > claimed).then_some(())
                })
                .await?;
                hasty.abort();
                let answer = send_paid(client, origin, &ask, &payment).await?;
                ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
                Ok(())
            }),
        )
        .await;
    story.end().unwrap();
}
