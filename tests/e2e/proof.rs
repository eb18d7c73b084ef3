//! What an auditor does: judge a service live and online, keep what it presented, and judge that again with the network cut.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use precis_tests::cli::Ended;
use precis_tests::paths;
use precis_tests::proxy::Proxy;
use precis_tests::story::Story;
use serde_json::Value;

use super::Scene;

/// Runs `precis` in a network namespace of its own, without even a loopback interface; `None` where the system forbids that.
fn without_network(policy: &Path, arguments: &[&str]) -> anyhow::Result<Option<Ended>> {
    let unshare = ["-r", "-n"];
    let allowed = Command::new("unshare").args(unshare).arg("true").output().is_ok_and(|o| o.status.success());
    if !allowed {
        eprintln!("  SKIPPED the network cannot be cut here (`unshare -r -n` is refused)");
        return Ok(None);
    }
    let output = Command::new("unshare")
        .args(unshare)
        .arg(paths::program("precis")?)
        .args(arguments)
        .env("PRECIS_POLICY", policy)
        .output()?;
    Ok(Some(Ended {
        code: output.status.code().context("killed")?,
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    }))
}

/// The output with everything that differs from boot to boot replaced by its kind.
fn stable(mut json: Value) -> anyhow::Result<String> {
    let kind = |value: &mut Value| match value {
        Value::String(_) => *value = "<text>".into(),
        Value::Number(_) => *value = "<number>".into(),
        _ => {}
    };
    kind(&mut json["service"]);
    kind(&mut json["at"]);
    json["facts"].as_object_mut().context("facts")?.values_mut().for_each(kind);
    for check in json["transcript"]["checks"].as_array_mut().context("checks")? {
        kind(&mut check["detail"]);
    }
    Ok(serde_json::to_string_pretty(&json)?)
}

/// Changes the last digit of the block's own hash.
fn alter_hash(answer: &mut [u8]) {
    const MEMBER: &[u8] = b"\"hash\":\"0x";
    let at = answer.windows(MEMBER.len()).position(|window| window == MEMBER).map(|at| at + MEMBER.len() + 63);
    if let Some(digit) = at.and_then(|at| answer.get_mut(at)) {
        *digit = if *digit == b'0' { b'1' } else { b'0' };
    }
}

#[tokio::test]
async fn an_auditor_can_check_everything_live_and_later() {
    let scene = Scene::set().await.unwrap();
    let cli = scene.stack.cli().unwrap();
    let mut story = Story::new();
    let evidence = scene.stack.file("evidence.json");
    let evidence = evidence.to_str().unwrap();
    let (grpc, rpc) = (
        scene.stack.devnet.get("PRECIS_OASIS_GRPC_URL").unwrap().to_owned(),
        scene.stack.devnet.get("PRECIS_RPC_URL").unwrap().to_owned(),
    );

    story
        .tell("asked online, epoch and block are evaluated, and the transcript is what was reviewed", async {
            let ended = cli
                .run(&["verify", "--json", "--oasis-grpc", &grpc, "--rpc", &rpc, "--save-evidence", evidence])
                .await?
                .expect(0)?;
            let json = ended.json()?;
            for check in json["transcript"]["checks"].as_array().context("checks")? {
                // The policy pins no admin, and no plain connection is in use.
                let moot = ["app.admin", "channel.tls"].iter().any(|id| check["id"] == *id);
                ensure!(check["status"] == "pass" || moot, "{check}");
            }
            insta::assert_snapshot!("verify_json", stable(json)?);
            Ok(())
        })
        .await;
    story
        .tell("a node that does not answer leaves the verdict incomplete, and exits with 5", async {
            for (flag, url) in [("--rpc", "http://127.0.0.1:9/"), ("--oasis-grpc", "http://127.0.0.1:9")] {
                let ended = cli.run(&["verify", flag, url]).await?.expect(5)?;
                ensure!(ended.stdout.contains("INCOMPLETE"), "{}", ended.stdout);
                let document = paths::document("notice.txt");
                let sent = cli.summarize(&document, &[flag, url]).await?.expect(5)?;
                ensure!(sent.stderr.contains("nothing was sent"), "{}", sent.stderr);
            }
            Ok(())
        })
        .await;
    story
        .tell(
            "a node that has another block at that height rejects, one of another chain or kind settles nothing",
            async {
                let node = Proxy::start(&rpc).await?;
                let answers = |method: &'static str, from: &'static str, to: &'static str| {
                    node.alter(move |request, body| {
                        if String::from_utf8_lossy(&request.body).contains(method) {
                            *body = String::from_utf8_lossy(body).replacen(from, to, 1).into_bytes();
                        }
                    });
                };
                // Another chain id; a hash that is none; another hash.
                answers("eth_chainId", "\"0x7a69\"", "\"0x1\"");
                let other = cli.run(&["verify", "--rpc", &node.url]).await?.expect(5)?;
                ensure!(other.stdout.contains("is of chain 1, not of eip155:31337"), "{}", other.stdout);
                answers("eth_getBlockByNumber", "\"hash\":\"0x", "\"hash\":\"0x00\",\"was\":\"0x");
                cli.run(&["verify", "--rpc", &node.url]).await?.expect(5)?;
                node.alter(|request, body| {
                    if String::from_utf8_lossy(&request.body).contains("eth_getBlockByNumber") {
                        alter_hash(body);
                    }
                });
                let forked = cli.run(&["verify", "--rpc", &node.url]).await?.expect(1)?;
                ensure!(forked.stdout.contains("the challenge names"), "{}", forked.stdout);
                node.alter(|_, _| {});
                cli.run(&["verify", "--rpc", &node.url]).await?.expect(0)?;
                // The gRPC endpoint is no JSON-RPC node.
                cli.run(&["verify", "--rpc", &grpc]).await?.expect(5)?;
                Ok(())
            },
        )
        .await;
    story
        .tell("what was saved verifies with the network cut, at its time and at no other", async {
            let saved: Value = serde_json::from_slice(&std::fs::read(evidence)?)?;
            let at = saved["savedAt"].as_u64().context("savedAt")?;
            let judge = |at: u64| {
                let at = at.to_string();
                let ear = scene.stack.file("ear.json");
                let arguments = [
                    "verify",
                    "--evidence",
                    evidence,
                    "--at",
                    &at,
                    "--ear",
                    ear.to_str().context("path")?,
                    "--explain",
                ];
                without_network(&cli.policy, &arguments)
            };
            if let Some(ended) = judge(at)? {
                let ended = ended.expect(0)?;
                ensure!(ended.stdout.contains("\nINSECURE: "), "{}", ended.stdout);
                ensure!(ended.stdout.contains("no node was asked"), "what was not evaluated is not said");
                let ear: Value = serde_json::from_slice(&std::fs::read(scene.stack.file("ear.json"))?)?;
                ensure!(ear["submods"]["precis"]["precis_verdict"] == "VERIFIED", "{ear}");
                judge(at + 3600)?.context("unshare")?.expect(1)?;
            }
            Ok(())
        })
        .await;
    story
        .tell("under the default root the same evidence is refused, with the reason", async {
            let text = std::fs::read_to_string(&cli.policy)?;
            let intel: Vec<&str> = text.lines().take_while(|line| *line != "[root]").collect();
            let path = scene.stack.file("intel.toml");
            std::fs::write(&path, intel.join("\n"))?;
            let saved: Value = serde_json::from_slice(&std::fs::read(evidence)?)?;
            let at = saved["savedAt"].to_string();
            let path = path.to_str().context("path")?;
            let ended = cli.run(&["verify", "--evidence", evidence, "--at", &at, "--policy", path]).await?.expect(1)?;
            let root = ended.stdout.lines().find(|line| line.contains("quote.root")).context("quote.root")?;
            ensure!(root.contains("fail") && root.contains("expected Intel SGX Root CA"), "{root}");
            Ok(())
        })
        .await;
    story
        .tell("the receipts of one boot form a chain, in which a gap is noticed", async {
            let mut files = Vec::new();
            for number in 0..3 {
                let (document, receipt) =
                    (scene.stack.file(&format!("{number}.txt")), scene.stack.file(&format!("{number}.receipt.json")));
                std::fs::write(
                    &document,
                    format!("Notice {number}. The library is closed. It opens again on Monday."),
                )?;
                let receipt = receipt.to_str().context("path")?.to_owned();
                let bought = cli.summarize(&document, &["--receipt", &receipt]).await?.expect(0)?;
                std::fs::write(scene.stack.file(&format!("{number}.summary.txt")), bought.stdout)?;
                files.push(receipt);
            }
            let whole = cli.run(&["receipt", "verify", &files[0], &files[1], &files[2]]).await?.expect(0)?;
            ensure!(whole.stdout.contains("3 receipts of 1 boots"), "{}", whole.stdout);
            let gap = cli.run(&["receipt", "verify", &files[0], &files[2]]).await?.expect(5)?;
            ensure!(gap.stdout.contains("were not given"), "{}", gap.stdout);
            let named = |number: usize| scene.stack.file(&format!("{number}.summary.txt"));
            let summary = |number| named(number).to_str().map(str::to_owned).context("path");
            cli.run(&["receipt", "verify", &files[1], "--summary", &summary(1)?]).await?.expect(0)?;
            std::fs::write(named(2), "Another summary.")?;
            cli.run(&["receipt", "verify", &files[1], "--summary", &summary(2)?]).await?.expect(1)?;
            // Evidence of the same boot that was saved apart does as well.
            cli.run(&["receipt", "verify", &files[1], "--evidence", evidence]).await?.expect(0)?;
            Ok(())
        })
        .await;
    story
        .tell(
            "a node shows block and settlement of a receipt, and what it does not show is not taken for shown",
            async {
                let (document, receipt) = (paths::document("notice.txt"), scene.stack.file("settled.receipt.json"));
                let receipt = receipt.to_str().context("path")?;
                cli.summarize(&document, &["--receipt", receipt]).await?.expect(0)?;
                let document = document.to_str().context("path")?;
                let shown =
                    cli.run(&["receipt", "verify", receipt, "--document", document, "--rpc", &rpc]).await?.expect(0)?;
                for check in ["receipt.document", "receipt.block", "receipt.settlement"] {
                    let line = shown.stdout.lines().find(|line| line.contains(check)).context(check)?;
                    ensure!(line.contains(". pass "), "{line}");
                }
                ensure!(shown.stdout.contains("by the settlement in block"), "{}", shown.stdout);
                let node = Proxy::start(&rpc).await?;
                let answers = |from: &'static str, to: &'static str| {
                    node.alter(move |request, body| {
                        if String::from_utf8_lossy(&request.body).contains("eth_getTransactionReceipt") {
                            *body = String::from_utf8_lossy(body).replace(from, to).into_bytes();
                        }
                    });
                };
                answers("\"status\":\"0x1\"", "\"status\":\"0x0\"");
                let reverted = cli.run(&["receipt", "verify", receipt, "--rpc", &node.url]).await?.expect(1)?;
                ensure!(reverted.stdout.contains("was reverted"), "{}", reverted.stdout);
                answers("\"result\":{", "\"result\":null,\"was\":{");
                let unknown = cli.run(&["receipt", "verify", receipt, "--rpc", &node.url]).await?.expect(5)?;
                ensure!(unknown.stdout.starts_with("INCOMPLETE"), "{}", unknown.stdout);
                cli.run(&["receipt", "verify", receipt, "--rpc", "http://127.0.0.1:9/"]).await?.expect(5)?;
                Ok(())
            },
        )
        .await;
    story
        .tell(
            "collateral of the verifier's own is judged in the place of the service's, and saved with the evidence",
            async {
                let pcs = scene.stack.devnet.get("PRECIS_DEVNET_PCS_URL")?.to_owned();
                let own = scene.stack.file("own.evidence.json");
                let own = own.to_str().context("path")?;
                let ended = cli.run(&["verify", "--pcs", &pcs, "--save-evidence", own]).await?.expect(0)?;
                ensure!(ended.stdout.contains("collateral is the caller's own"), "{}", ended.stdout);
                let saved: Value = serde_json::from_slice(&std::fs::read(own)?)?;
                ensure!(saved["ownCollateral"]["source"] == pcs.as_str(), "{}", saved["ownCollateral"]["source"]);
                let again = cli.run(&["verify", "--evidence", own]).await?.expect(0)?;
                ensure!(again.stdout.contains("collateral is the caller's own"), "{}", again.stdout);
                let file = scene.stack.file("collateral.json");
                std::fs::write(&file, saved["ownCollateral"]["collateral"].to_string())?;
                let file = file.to_str().context("path")?;
                cli.run(&["verify", "--collateral", file]).await?.expect(0)?;
                cli.run(&[
                    "receipt",
                    "verify",
                    "--pcs",
                    &pcs,
                    scene.stack.file("settled.receipt.json").to_str().context("path")?,
                ])
                .await?
                .expect(0)?;
                cli.run(&["verify", "--pcs", "http://127.0.0.1:9"]).await?.expect(3)?;
                Ok(())
            },
        )
        .await;
    story.end().unwrap();
}
