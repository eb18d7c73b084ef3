//! Jobs that fail: what the payer is left with. The model of these tests fails on request.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use precis_tests::chain::Chain;
use precis_tests::cli::{Cli, Ended};
use precis_tests::http::{self, Ask};
use precis_tests::payer::{Payer, send_paid};
use precis_tests::process::PATIENCE;
use precis_tests::stack::Devnet;
use precis_tests::testbed::model::{FAIL, UNSOLD};
use precis_tests::testbed::{Started, Testbed};
use serde_json::Value;

/// A service whose model fails when the document says so, and a payer at the command line.
struct Desk {
    devnet: Devnet,
    _testbed: Testbed,
    cli: Cli,
    chain: Chain,
    payer: Payer,
    dir: tempfile::TempDir,
}

impl Desk {
    async fn open(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let devnet = Devnet::start(dir.path(), &[]).await?;
        let mut env: BTreeMap<String, String> = devnet.env.clone();
        env.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let Started::Ready(testbed) = Testbed::start(dir.path(), &env).await? else { anyhow::bail!("it ended") };
        let key_file = PathBuf::from(devnet.get("PRECIS_PAYER_KEY_FILE")?);
        let cli = Cli {
            url: testbed.url.clone(),
            policy: PathBuf::from(devnet.get("PRECIS_POLICY")?),
            key_file: key_file.clone(),
            dir: dir.path().to_path_buf(),
            patience: PATIENCE,
        };
        let chain = Chain::new(devnet.get("PRECIS_RPC_URL")?, devnet.get("PRECIS_DEVNET_ASSET")?)?;
        Ok(Self { devnet, _testbed: testbed, cli, chain, payer: Payer::from_file(&key_file)?, dir })
    }

    /// Orders a summary of `text`; how that ended, and the failure receipt if there is one.
    async fn order(&self, name: &str, text: &str) -> anyhow::Result<(Ended, Option<PathBuf>)> {
        let (document, receipt) = (self.dir.path().join(name), self.dir.path().join(format!("{name}.receipt.json")));
        std::fs::write(&document, text)?;
        let ended = self.cli.summarize(&document, &["--receipt", receipt.to_str().context("path")?]).await?;
        let failure = self.dir.path().join(format!("{name}.receipt.json.failure.json"));
        Ok((ended, failure.is_file().then_some(failure)))
    }

    async fn status_of(&self, receipt: &std::path::Path) -> anyhow::Result<String> {
        self.cli.verify_receipt(receipt, &[]).await?.expect(0)?;
        let file: Value = serde_json::from_slice(&std::fs::read(receipt)?)?;
        Ok(file["receipt"]["receipt"]["status"].as_str().context("status")?.to_owned())
    }
}

#[tokio::test]
async fn a_failed_job_is_not_charged_and_its_receipt_says_so() {
    let desk = Desk::open(&[]).await.unwrap();
    let before = desk.chain.tokens(desk.payer.address).await.unwrap();
    let (ended, receipt) = desk.order("report.txt", &format!("The report has a flaw. {FAIL} is in it.")).await.unwrap();
    assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{}", ended.stderr);
    assert_eq!(desk.status_of(&receipt.unwrap()).await.unwrap(), "failed-uncharged");
    assert_eq!(desk.chain.tokens(desk.payer.address).await.unwrap(), before);
}

#[tokio::test]
async fn a_payer_whose_documents_give_nothing_to_sell_waits_after_the_third_and_is_not_charged() {
    let desk = Desk::open(&[]).await.unwrap();
    let before = desk.chain.tokens(desk.payer.address).await.unwrap();
    for number in 1..=3 {
        let text = format!("Report {number} says little. {UNSOLD} is in it.");
        let (ended, receipt) = desk.order(&format!("{number}.txt"), &text).await.unwrap();
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert_eq!(desk.status_of(&receipt.unwrap()).await.unwrap(), "failed-uncharged");
    }
    let (client, url) = (http::client().unwrap(), &desk.cli.url);
    let ask = Ask::json("The next report is sound. It has no flaw.", serde_json::json!({}));
    let payment = desk.payer.pay(&client, url, &ask).await.unwrap();
    let answer = send_paid(&client, url, &ask, &payment).await.unwrap();
    answer.refused(429, "too_many_unsold").unwrap();
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    assert_eq!(desk.chain.tokens(desk.payer.address).await.unwrap(), before);
}

#[tokio::test]
async fn a_prepaid_job_that_fails_is_paid_back_and_its_receipt_says_so() {
    // Every job is predicted to take longer than no time at all.
    let desk = Desk::open(&[("PRECIS_PAYMENT__UPFRONT_ABOVE", "0s")]).await.unwrap();
    let before = desk.chain.tokens(desk.payer.address).await.unwrap();
    let (ended, receipt) = desk.order("report.txt", &format!("The report has a flaw. {FAIL} is in it.")).await.unwrap();
    assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{}", ended.stderr);
    assert!(ended.stderr.contains("before the work"), "the order of payment is not told: {}", ended.stderr);
    let receipt = receipt.unwrap();
    assert_eq!(desk.status_of(&receipt).await.unwrap(), "failed-refunded");
    assert_eq!(desk.chain.tokens(desk.payer.address).await.unwrap(), before);
    // The receipt names the transaction that charged, its result the one that paid back; both are on chain.
    let file: Value = serde_json::from_slice(&std::fs::read(&receipt).unwrap()).unwrap();
    let result = base64_decode(file["result"].as_str().unwrap()).unwrap();
    let outcome: Value = serde_json::from_slice(&result).unwrap();
    for transaction in [&file["receipt"]["payment"]["transaction"], &outcome["refund"]] {
        let mined = desk.chain.rpc("eth_getTransactionReceipt", serde_json::json!([transaction])).await.unwrap();
        assert_eq!(mined["status"], "0x1", "{transaction}");
    }
    let rpc = desk.devnet.get("PRECIS_RPC_URL").unwrap();
    let shown = desk.cli.verify_receipt(&receipt, &["--rpc", rpc]).await.unwrap().expect(0).unwrap();
    let line = shown.stdout.lines().find(|line| line.contains("receipt.refund")).unwrap();
    assert!(line.contains(". pass ") && line.contains("1500 from"), "{line}");

    // A job that does not fail is delivered, for one charge.
    let (ended, receipt) = desk.order("other.txt", "The other report is sound. It has no flaw.").await.unwrap();
    ended.expect(0).unwrap();
    assert!(receipt.is_none());
    let paid = before - desk.chain.tokens(desk.payer.address).await.unwrap();
    assert_eq!(paid, alloy_primitives::U256::from(1500));
}

fn base64_decode(text: &str) -> anyhow::Result<Vec<u8>> {
    let bytes = precis_protocol::encoding::base64_decode(text).context("base64")?;
    ensure!(!bytes.is_empty(), "empty");
    Ok(bytes)
}
