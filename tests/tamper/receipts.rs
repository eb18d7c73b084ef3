//! A saved receipt: any altered byte is noticed, offline.

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use precis_tests::paths;
use precis_tests::stack::Stack;
use precis_tests::story::Story;
use serde_json::Value;

use super::{flip, positions};

#[tokio::test]
async fn any_altered_byte_of_a_saved_receipt_is_noticed() {
    let stack = Stack::start().await.unwrap();
    let cli = stack.cli().unwrap();
    let (document, saved) = (paths::document("notice.txt"), stack.file("receipt.json"));
    cli.summarize(&document, &["--receipt", saved.to_str().unwrap()]).await.unwrap().expect(0).unwrap();
    let good = std::fs::read(&saved).unwrap();
    let file: Value = serde_json::from_slice(&good).unwrap();
    let altered_path = stack.file("altered.json");
    let mut story = Story::new();
    let refused = async |bytes: &[u8]| {
        std::fs::write(&altered_path, bytes)?;
        let ended = cli.verify_receipt(&altered_path, &[]).await?;
        ensure!(matches!(ended.code, 1 | 5), "exit code {}\n{}", ended.code, ended.stdout);
        ensure!(!ended.stdout.contains("VERIFIED\n"), "{}", ended.stdout);
        anyhow::Ok(())
    };

    story
        .tell("the receipt verifies as it is, without network, with and without the document", async {
            cli.verify_receipt(&saved, &[]).await?.expect(0)?;
            cli.verify_receipt(&saved, &["--document", document.to_str().context("path")?]).await?.expect(0)?;
            Ok(())
        })
        .await;
    story
        .tell("any byte of the file counts, wherever it stands", async {
            for at in positions(good.len(), 120) {
                let mut bytes = good.clone();
                flip(&mut bytes, at);
                let near =
                    String::from_utf8_lossy(&good[at.saturating_sub(20)..(at + 20).min(good.len())]).into_owned();
                refused(&bytes).await.with_context(|| format!("byte {at}, in {near:?}"))?;
            }
            Ok(())
        })
        .await;
    let fields: Vec<String> = {
        let members = |at: &str| {
            file.pointer(at)
                .and_then(Value::as_object)
                .unwrap()
                .keys()
                .map(|key| format!("{at}/{key}"))
                .collect::<Vec<_>>()
        };
        ["/receipt/receipt", "/receipt/payment", "/receipt/salts", "/request"]
            .into_iter()
            .flat_map(members)
            .chain(["/receipt/signature".into(), "/statusCode".into()])
            .collect()
    };
    ensure_all(&fields);
    for field in fields {
        story
            .tell(&format!("{field} counts"), async {
                let mut changed = file.clone();
                let value = changed.pointer_mut(&field).context("field")?;
                *value = another(value)?;
                refused(changed.to_string().as_bytes()).await
            })
            .await;
    }
    story
        .tell("any byte of the result counts", async {
            let result = STANDARD.decode(file["result"].as_str().context("result")?)?;
            for at in positions(result.len(), 24) {
                let mut bytes = result.clone();
                flip(&mut bytes, at);
                let mut changed = file.clone();
                changed["result"] = STANDARD.encode(bytes).into();
                refused(changed.to_string().as_bytes()).await.with_context(|| format!("byte {at}"))?;
            }
            Ok(())
        })
        .await;
    story
        .tell("a receipt without its evidence is not verified", async {
            let mut changed = file.clone();
            changed["attestation"] = "".into();
            refused(changed.to_string().as_bytes()).await
        })
        .await;
    story
        .tell("another document than the one that was summarized is noticed", async {
            let other = paths::document("metre.txt");
            let ended = cli.verify_receipt(&saved, &["--document", other.to_str().context("path")?]).await?;
            ensure!(matches!(ended.code, 1 | 5), "exit code {}\n{}", ended.code, ended.stdout);
            Ok(())
        })
        .await;
    story.end().unwrap();
}

fn ensure_all(fields: &[String]) {
    assert!(fields.len() > 30, "the receipt has other members than the specification: {fields:?}");
}

/// A value of the same form that is not the same.
fn another(value: &Value) -> anyhow::Result<Value> {
    Ok(match value {
        Value::Bool(flag) => (!flag).into(),
        Value::Number(number) => (number.as_u64().context("integer")? ^ 1).into(),
        Value::String(text) => match text.as_str() {
            "ohttp" => "https".into(),
            "completed" => "failed-uncharged".into(),
            _ => {
                let last = text.chars().last().context("empty")?;
                let other = if last == '0' {
                    '1'
                } else if last.is_ascii_hexdigit() {
                    '0'
                } else {
                    'x'
                };
                format!("{}{other}", &text[..text.len() - last.len_utf8()]).into()
            }
        },
        other => anyhow::bail!("{other}"),
    })
}
