//! What the operator of the machine can see: logs and disk. No document, no payer's key.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use anyhow::ensure;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use precis_tests::http::Ask;
use precis_tests::payer::send_paid;
use precis_tests::stack::Stack;
use precis_tests::story::Story;
use serde_json::json;

/// Stands in every document of this test and nowhere else.
const CANARY: &str = "Quetzalcoatlus merger memorandum";

/// The forms in which `secret` could stand in a file: as it is, in other case, as UTF-16, hex, base64 at its three alignments.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let mut forms = vec![bytes.to_vec(), secret.to_lowercase().into_bytes(), secret.to_uppercase().into_bytes()];
    forms.push(secret.encode_utf16().flat_map(u16::to_le_bytes).collect());
    forms.push(hex::encode(bytes).into_bytes());
    forms.push(hex::encode_upper(bytes).into_bytes());
    for skip in 0..3 {
        let whole = &bytes[skip..bytes.len() - (bytes.len() - skip) % 3];
        forms.push(STANDARD_NO_PAD.encode(whole).into_bytes());
        forms.push(URL_SAFE_NO_PAD.encode(whole).into_bytes());
    }
    // As the array of numbers that a derived Debug writes.
    forms.push(bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ").into_bytes());
    forms
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Requires that no file of `paths` contains `secret` in any form.
fn absent(secret: &str, what: &str, paths: &[PathBuf]) -> anyhow::Result<()> {
    let forms = forms(secret);
    for path in paths {
        let bytes = std::fs::read(path)?;
        for form in &forms {
            let found = bytes.windows(form.len()).any(|window| window == form.as_slice());
            ensure!(!found, "{what} stands in {} as {}", path.display(), String::from_utf8_lossy(form));
        }
    }
    Ok(())
}

#[tokio::test]
async fn neither_documents_nor_keys_reach_logs_or_disk() {
    // The most talkative level that an operator could choose without changing the measured environment of others' crates.
    let stack = Stack::start_with(&[], &[("RUST_LOG", "warn,precis_server=trace".into())]).await.unwrap();
    let client = precis_tests::http::client().unwrap();
    let (origin, payer) = (&stack.server.url, stack.payer().unwrap());
    let document = format!("The {CANARY} was signed on Friday. It names three companies. The price is not known.");
    let mut story = Story::new();

    story
        .tell("a quote, a paid summary in both modes, and a replay are answered", async {
            for mode in ["extractive", "abstractive"] {
                let ask = Ask::json(&document, json!({ "mode": mode, "focus": CANARY }));
                let payment = payer.pay(&client, origin, &ask).await?;
                for _ in 0..2 {
                    let answer = send_paid(&client, origin, &ask, &payment).await?;
                    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
                }
            }
            Ok(())
        })
        .await;
    story
        .tell("the encrypted channel is used, too", async {
            let path = stack.file("canary.md");
            std::fs::write(&path, &document)?;
            stack.cli()?.summarize(&path, &[]).await?.expect(0)?;
            std::fs::remove_file(&path)?;
            Ok(())
        })
        .await;
    story
        .tell("every kind of refusal is provoked with the document in its place", async {
            let long = format!("{document} ").repeat(20_000);
            for (ask, payment) in [
                (Ask::raw("application/pdf", document.clone()), ""),
                (Ask::raw("text/plain", format!("{document}\0").into_bytes()), ""),
                (Ask::raw("text/plain", [document.as_bytes(), b"\xff"].concat()), ""),
                (Ask::raw("text/plain", long), ""),
                (Ask::raw("application/json", document.clone()), ""),
                (Ask::raw("application/json", json!({ "document": document, "options": document }).to_string()), ""),
                (Ask::raw("application/json", json!({ CANARY: document }).to_string()), ""),
                (
                    Ask {
                        path: format!("/v1/summaries?mode={}", CANARY.replace(' ', "%20")),
                        ..Ask::raw("text/plain", document.clone())
                    },
                    "",
                ),
                (Ask::json(&document, json!({})), CANARY),
                (Ask { path: format!("/v1/{}", CANARY.replace(' ', "%20")), ..Ask::json(&document, json!({})) }, ""),
                (Ask { media_type: CANARY.into(), ..Ask::raw("", document.clone()) }, ""),
            ] {
                let answer = if payment.is_empty() {
                    ask.send(&client, origin, &[]).await?
                } else {
                    send_paid(&client, origin, &ask, payment).await?
                };
                ensure!(answer.status.is_client_error(), "{}", answer.status);
                ensure!(!answer.text().contains(CANARY), "the refusal repeats the document: {}", answer.text());
            }
            Ok(())
        })
        .await;

    let mut paths = Vec::new();
    files(stack.dir.path(), &mut paths);
    let key_file = PathBuf::from(stack.devnet.get("PRECIS_PAYER_KEY_FILE").unwrap());
    // The payer's own record holds what it bought.
    let of_payer = stack.dir.path().join(".local/state/precis");
    paths.retain(|path| *path != key_file && !path.starts_with(&of_payer));
    paths.retain(|path| std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()));
    story
        .tell("logs and state were written and read", async {
            ensure!(paths.iter().any(|path| path.ends_with("server.log")), "no log among {paths:?}");
            ensure!(paths.iter().any(|path| path.to_string_lossy().contains("/state/")), "no state among {paths:?}");
            ensure!(stack.server.process.output().contains("result.released"), "the log does not tell of a result");
            Ok(())
        })
        .await;
    story
        .tell("the document stands in no log and in no file of the service", async {
            absent(CANARY, "the document", &paths)
        })
        .await;
    story
        .tell("the payer's key stands in no log and in no file of the service", async {
            let key = std::fs::read_to_string(&key_file)?;
            let digits = key.trim().trim_start_matches("0x");
            for path in &paths {
                let bytes = std::fs::read(path)?;
                let raw = hex::decode(digits)?;
                ensure!(!bytes.windows(raw.len()).any(|window| window == raw), "the key stands in {}", path.display());
            }
            absent(digits, "the payer's key", &paths)
        })
        .await;
    story.end().unwrap();
}
