//! Several documents with one command, against the real service and the real chain: files, a folder, a link, all together.

use anyhow::{Context as _, ensure};
use precis_tests::paths;
use precis_tests::story::Story;
use serde_json::Value;

use super::Scene;

const FERRY: &str = "The ferry was built in 1912. It crosses the sound twice a day. In winter it stays in the harbour.";
const BRIDGE: &str = "The bridge was opened in 1894. It carries a road over the river. Its towers are 65 metres high.";
const LOCK: &str =
    "The lock lifts boats by nine metres. It was rebuilt in 1962. A keeper opens it at six in the morning.";
/// Of any of them.
const PRICE: u64 = 1500;

/// A web server on this machine with one page; the link to it.
async fn site(page: String) -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let link = format!("http://{}/lock", listener.local_addr()?);
    let app = axum::Router::new().route("/lock", axum::routing::get(|| async { axum::response::Html(page) }));
    tokio::spawn(axum::serve(listener, app).into_future());
    Ok(link)
}

fn entries(said: &Value) -> anyhow::Result<Vec<(&str, &Value)>> {
    let all = said["documents"].as_array().context("documents")?;
    all.iter().map(|entry| Ok((entry["file"].as_str().context("file")?, entry))).collect()
}

#[tokio::test]
async fn several_documents_are_bought_once_each_or_together_and_within_the_bound_over_all() {
    let scene = Scene::set().await.unwrap();
    let cli = scene.stack.cli().unwrap();
    let mut story = Story::new();
    for (name, text) in [("ferry.txt", FERRY), ("bridge.md", BRIDGE), ("numbers.txt", "12 34 56"), ("ship.rs", FERRY)] {
        let path = scene.stack.file(&format!("shore/{name}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::copy(scene.stack.file("shore/ferry.txt"), scene.stack.file("copy.txt")).unwrap();
    story
        .tell(
            "the bound over all stops before the payment that would be over it, and says what was not bought",
            scene.moving(PRICE, async {
                let files = ["shore/ferry.txt", "shore/bridge.md", "shore/numbers.txt"];
                let arguments = [&["summarize"], &files[..], &["--max-total", "2999atomic"]].concat();
                let said = cli.run(&arguments).await?.expect(4)?;
                ensure!(said.stdout.starts_with("== shore/ferry.txt\n"), "{}", said.stdout);
                ensure!(said.stderr.contains("over 2999 atomic units in all"), "{}", said.stderr);
                ensure!(said.stderr.contains("not bought: shore/numbers.txt\n"), "{}", said.stderr);
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "of a folder with a document that cannot be summarized the others are bought, and what was bought before is not paid again",
            scene.moving(PRICE, async {
                let said = cli.run(&["summarize", "shore", "copy.txt", "--json"]).await?.expect(2)?;
                let value = said.json()?;
                let entries = entries(&value)?;
                let names: Vec<&str> = entries.iter().map(|(name, _)| *name).collect();
                ensure!(names == ["shore/bridge.md", "shore/ferry.txt", "shore/numbers.txt"], "{names:?}");
                ensure!(entries[0].1["alreadyPaid"] == false && entries[1].1["alreadyPaid"] == true, "{value}");
                ensure!(entries[1].1["sameDocument"][0] == "copy.txt", "{value}");
                let why = entries[2].1["error"]["message"].as_str().context("error")?;
                ensure!(why.contains("not_summarizable") || why.contains("no_letters"), "{why}");
                ensure!(value["skipped"][0]["file"] == "shore/ship.rs", "{value}");
                ensure!(value["spent"] == "1500", "{value}");
                Ok(())
            }),
        )
        .await;
    story
        .tell(
            "a page behind a link is fetched by the command, read alike on both sides, and its receipt is for the bytes as fetched",
            scene.moving(PRICE, async {
                let link = site(format!("<!doctype html><title>Lock</title><nav>Home</nav><p>{LOCK}</p>")).await?;
                let keep = ["--receipt", "lock.receipt.json", "--save-document", "lock.saved"];
                let said = cli.run(&[&["summarize", &link], &keep[..]].concat()).await?.expect(0)?;
                ensure!(said.stdout.starts_with("The lock lifts boats by nine metres."), "{}", said.stdout);
                let receipt = scene.stack.file("lock.receipt.json");
                cli.verify_receipt(&receipt, &["--document", "lock.saved"]).await?.expect(0).map(drop)
            }),
        )
        .await;
    story
        .tell(
            "together they are one purchase, and every sentence is found in the file that it is from",
            scene.moving(PRICE, async {
                let metre = paths::document("notice.txt");
                let files = ["shore/ferry.txt", "shore/bridge.md", metre.to_str().context("path")?, "copy.txt"];
                let keep = ["--together", "--json", "--save-document", "all.md", "--receipt", "all.receipt.json"];
                let said = cli.run(&[&["summarize"], &files[..], &keep].concat()).await?.expect(0)?.json()?;
                let sent = std::fs::read_to_string(scene.stack.file("all.md"))?;
                let at = |value: &Value| value.as_u64().and_then(|at| usize::try_from(at).ok()).context("offset");
                let parts = said["parts"].as_array().context("parts")?;
                ensure!(parts.len() == 3, "{}", said["parts"]);
                for (part, file) in parts.iter().zip(files) {
                    let text = std::fs::read_to_string(scene.stack.file("").join(file))?;
                    ensure!(part["file"] == file && sent[at(&part["start"])?..at(&part["end"])?] == text, "{part}");
                }
                for sentence in said["result"]["sentences"].as_array().context("sentences")? {
                    let (start, end) = (at(&sentence["start"])?, at(&sentence["end"])?);
                    let inside = |part: &Value| anyhow::Ok(at(&part["start"])? <= start && end <= at(&part["end"])?);
                    ensure!(parts.iter().any(|part| inside(part).unwrap_or(false)), "of no file: {sentence}");
                    ensure!(sent.get(start..end) == sentence["text"].as_str(), "not there: {sentence}");
                }
                let receipt = scene.stack.file("all.receipt.json");
                cli.verify_receipt(&receipt, &["--document", "all.md"]).await?.expect(0).map(drop)
            }),
        )
        .await;
    story.end().unwrap();
}
