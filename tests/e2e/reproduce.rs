//! A disputed summary: made again from its receipt and its document by the same program, without the service.

use anyhow::{Context as _, ensure};
use precis_tests::cli::Ended;
use precis_tests::story::Story;
use precis_tests::{paths, process};
use serde_json::Value;

use super::Scene;

const DOCUMENT: &str = "The harbour was built in 1870. It silted up within thirty years. The town dredged it twice. \
                        In 1921 the council gave it up and built a railway instead. Today it is a nature reserve.";

pub(super) fn reproduce(scene: &Scene, arguments: &[&str]) -> anyhow::Result<Ended> {
    let mut command = process::command("precis-server")?;
    let output = command
        .arg("reproduce")
        .args(arguments)
        .env("PRECIS_MODEL__DIR", paths::models()?)
        .env("PRECIS_MODEL__NAME", "smollm2-135m-instruct")
        .current_dir(&scene.stack.dir)
        .output()?;
    Ok(Ended {
        code: output.status.code().context("killed")?,
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

#[tokio::test]
async fn a_disputed_summary_is_made_again_and_compared() {
    let scene = Scene::set().await.unwrap();
    let cli = scene.stack.cli().unwrap();
    let policy = cli.policy.to_str().unwrap().to_owned();
    let mut story = Story::new();
    let document = scene.stack.file("harbour.txt");
    std::fs::write(&document, DOCUMENT).unwrap();

    for (mode, options) in [("extractive", &["--focus", "the railway"][..]), ("abstractive", &["--max-words", "40"])] {
        story
            .tell(&format!("an {mode} summary comes out byte for byte, with the options of its request"), async {
                let receipt = format!("{mode}.receipt.json");
                let saved = scene.stack.file(&receipt);
                let saved = saved.to_str().context("path")?;
                cli.summarize(&document, &[&["--mode", mode, "--receipt", saved], options].concat())
                    .await?
                    .expect(0)?;
                let same = reproduce(&scene, &[&receipt, "harbour.txt"])?.expect(0)?;
                ensure!(same.stdout.ends_with("SAME\n") && same.stdout.contains("not judged"), "{}", same.stdout);
                let json =
                    reproduce(&scene, &[&receipt, "harbour.txt", "--json", "--policy", &policy])?.expect(0)?.json()?;
                ensure!(
                    json["outcome"] == "same"
                        && json["judged"]["verdict"] == "VERIFIED"
                        && json["judged"]["insecure"] == true,
                    "{json}"
                );
                ensure!(
                    json["compared"].as_array().is_some_and(|all| all.iter().all(|one| one["same"] == true)),
                    "{json}"
                );
                Ok(())
            })
            .await;
    }
    story
        .tell("another document, and a file that is no saved receipt, are the caller's to change", async {
            std::fs::write(scene.stack.file("other.txt"), format!("{DOCUMENT} "))?;
            let other = reproduce(&scene, &["extractive.receipt.json", "other.txt"])?.expect(2)?;
            ensure!(other.stderr.contains("not the one that the receipt is for"), "{}", other.stderr);
            reproduce(&scene, &["harbour.txt", "harbour.txt"])?.expect(2)?;
            reproduce(&scene, &["absent.json", "harbour.txt"])?.expect(2)?;
            Ok(())
        })
        .await;
    story
        .tell("a receipt with another result, and a model that is not its own, tell nothing", async {
            let mut saved: Value =
                serde_json::from_slice(&std::fs::read(scene.stack.file("extractive.receipt.json"))?)?;
            let abstractive: Value =
                serde_json::from_slice(&std::fs::read(scene.stack.file("abstractive.receipt.json"))?)?;
            saved["result"] = abstractive["result"].clone();
            std::fs::write(scene.stack.file("changed.receipt.json"), saved.to_string())?;
            let changed = reproduce(&scene, &["changed.receipt.json", "harbour.txt"])?.expect(5)?;
            ensure!(changed.stdout.contains("CANNOT TELL: the result in the file"), "{}", changed.stdout);
            let unfilled =
                reproduce(&scene, &["abstractive.receipt.json", "harbour.txt", "--model", "qwen3-0.6b"])?.expect(2)?;
            ensure!(unfilled.stderr.contains("model add FILE"), "{}", unfilled.stderr);
            Ok(())
        })
        .await;
    story.end().unwrap();
}
