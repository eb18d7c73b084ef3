//! Altered evidence: the client stops before it sends a document or a payment.

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use precis_protocol::headers::{ATTESTATION_PATH, OHTTP_GATEWAY_PATH};
use precis_tests::http;
use precis_tests::story::Story;
use serde_json::Value;

use super::{Scene, flip, nothing_left, noticed, positions};

/// Where a region of the attestation stands, and how its bytes are written there.
enum Region {
    /// Base64 of bytes.
    Base64(&'static str),
    /// Text as it is.
    Text(&'static str),
}

const REGIONS: [(Region, usize); 16] = [
    (Region::Base64("/keyset"), 12),
    (Region::Base64("/evidence/0/transaction"), 24),
    (Region::Text("/evidence/0/runtimeId"), 2),
    (Region::Text("/evidence/0/chainContext"), 2),
    (Region::Text("/evidence/0/collateral/pck_crl_issuer_chain"), 3),
    (Region::Text("/evidence/0/collateral/root_ca_crl"), 3),
    (Region::Text("/evidence/0/collateral/pck_crl"), 3),
    (Region::Text("/evidence/0/collateral/tcb_info_issuer_chain"), 3),
    (Region::Text("/evidence/0/collateral/tcb_info"), 4),
    (Region::Text("/evidence/0/collateral/tcb_info_signature"), 2),
    (Region::Text("/evidence/0/collateral/qe_identity_issuer_chain"), 3),
    (Region::Text("/evidence/0/collateral/qe_identity"), 3),
    (Region::Text("/evidence/0/collateral/qe_identity_signature"), 2),
    (Region::Text("/challenge/nonce"), 2),
    (Region::Text("/challenge/signature"), 4),
    (Region::Text("/challenge/block/hash"), 2),
];

impl Region {
    fn path(&self) -> &'static str {
        match self {
            Self::Base64(path) | Self::Text(path) => path,
        }
    }

    fn bytes(&self, document: &Value) -> anyhow::Result<Vec<u8>> {
        let text =
            document.pointer(self.path()).and_then(Value::as_str).with_context(|| format!("no {}", self.path()))?;
        Ok(match self {
            Self::Base64(_) => STANDARD.decode(text)?,
            Self::Text(_) => text.as_bytes().to_vec(),
        })
    }

    /// The document with one bit of the region changed, still well formed outside of it.
    fn altered(&self, body: &[u8], at: usize) -> anyhow::Result<Vec<u8>> {
        let mut document: Value = serde_json::from_slice(body)?;
        let mut bytes = self.bytes(&document)?;
        flip(&mut bytes, at);
        let text = match self {
            Self::Base64(_) => STANDARD.encode(bytes),
            Self::Text(_) => String::from_utf8(bytes)?,
        };
        // Edited in the text, so that every other byte stays as it was.
        let old = document.pointer_mut(self.path()).context("region")?.take();
        let (old, new) = (old.to_string(), Value::String(text).to_string());
        let body = std::str::from_utf8(body)?;
        ensure!(body.matches(&old).count() >= 1, "{} is written in another way", self.path());
        Ok(body.replacen(&old, &new, 1).into_bytes())
    }
}

/// Requires that an altered attestation is noticed and nothing leaves.
async fn stops(scene: &Scene, alter: impl Fn(&mut Vec<u8>) + Send + 'static) -> anyhow::Result<()> {
    scene.proxy.alter(move |request, body| {
        if request.path.starts_with(ATTESTATION_PATH) {
            alter(body);
        }
    });
    noticed(&scene.buy(&[]).await?)?;
    nothing_left(&scene.proxy.seen())
}

#[tokio::test]
async fn altered_evidence_stops_the_client_before_anything_leaves_it() {
    let scene = Scene::set().await;
    let client = http::client().unwrap();
    let url = format!("{}{ATTESTATION_PATH}?nonce={}", scene.stack.server.url, "ab".repeat(32));
    let sample = http::get(&client, &url).await.unwrap();
    let document: Value = serde_json::from_slice(&sample.body).unwrap();
    let mut story = Story::new();

    story
        .tell("unaltered, the same client buys through the same proxy", async {
            scene.proxy.alter(|_, _| {});
            scene.buy(&[]).await?.expect(0)?;
            ensure!(scene.proxy.seen().iter().any(|request| request.method == "POST"), "nothing was sent");
            Ok(())
        })
        .await;
    for (region, count) in REGIONS {
        story
            .tell(&format!("any bit of {} counts", region.path()), async {
                let length = region.bytes(&document)?.len();
                let region = std::sync::Arc::new(region);
                for at in positions(length, count) {
                    let region = std::sync::Arc::clone(&region);
                    let outcome = stops(&scene, move |body| {
                        if let Ok(altered) = region.altered(body, at) {
                            *body = altered;
                        }
                    });
                    outcome.await.with_context(|| format!("byte {at} of {length}"))?;
                }
                Ok(())
            })
            .await;
    }
    story
        .tell("any byte of the document counts, wherever it stands", async {
            for part in positions(sample.body.len(), 40) {
                // The length differs by a few bytes from one challenge to the next.
                let share = part as f64 / sample.body.len() as f64;
                let outcome = stops(&scene, move |body| {
                    let at = (share * body.len() as f64) as usize;
                    let last = body.len() - 1;
                    flip(body, at.min(last));
                });
                outcome.await.with_context(|| format!("byte {part} of {}", sample.body.len()))?;
            }
            Ok(())
        })
        .await;
    story
        .tell("an attestation for an earlier nonce is refused", async {
            let replayed = sample.body.clone();
            stops(&scene, move |body| body.clone_from(&replayed)).await
        })
        .await;
    story
        .tell("a truncated attestation and one with text behind it are refused", async {
            stops(&scene, |body| body.truncate(body.len() - 1)).await?;
            stops(&scene, |body| body.extend_from_slice(b" {}")).await
        })
        .await;
    story
        .tell("an altered channel key is noticed before anything is sealed to it", async {
            let keys = http::get(&http::client()?, &format!("{}{OHTTP_GATEWAY_PATH}", scene.proxy.url)).await?.body;
            for at in positions(keys.len(), 12) {
                scene.proxy.alter(move |request, body| {
                    if request.path == OHTTP_GATEWAY_PATH && request.method == "GET" {
                        flip(body, at);
                    }
                });
                let ended = scene.buy(&[]).await?;
                if scene
                    .proxy
                    .seen()
                    .iter()
                    .any(|request| request.method == "GET" && request.path == OHTTP_GATEWAY_PATH)
                {
                    noticed(&ended).with_context(|| format!("byte {at}"))?;
                    nothing_left(&scene.proxy.seen())?;
                } else {
                    // A client that takes the key from the attested keyset asks nobody else for it.
                    ended.expect(0)?;
                }
            }
            Ok(())
        })
        .await;
    story.end().unwrap();
}

#[tokio::test]
async fn a_service_with_other_keys_or_another_identity_is_refused() {
    let scene = Scene::set().await;
    let other = precis_tests::stack::Stack::start().await.unwrap();
    let client = http::client().unwrap();
    let fetch = async |origin: &str| {
        let nonce = "cd".repeat(32);
        http::get(&client, &format!("{origin}{ATTESTATION_PATH}?nonce={nonce}")).await?.json()
    };
    let theirs = fetch(&other.server.url).await.unwrap();
    let mut story = Story::new();
    for (what, path) in [("keyset", "/keyset"), ("evidence", "/evidence"), ("challenge", "/challenge")] {
        let foreign = theirs.pointer(path).unwrap().clone();
        story
            .tell(&format!("the {what} of another genuine service is refused"), async {
                stops(&scene, move |body| {
                    let mut document: Value = serde_json::from_slice(body).unwrap();
                    *document.pointer_mut(path).unwrap() = foreign.clone();
                    *body = document.to_string().into_bytes();
                })
                .await
            })
            .await;
    }
    for (what, member) in [("identity key", "identity"), ("receipt key", "receipt"), ("channel key", "channel")] {
        let keyset = STANDARD.decode(theirs["keyset"].as_str().unwrap()).unwrap();
        let keyset: Value = serde_json::from_slice(&keyset).unwrap();
        let foreign = keyset["keys"][member].as_str().unwrap().to_owned();
        story
            .tell(&format!("another {what} in the keyset is refused"), async {
                stops(&scene, move |body| {
                    let mut document: Value = serde_json::from_slice(body).unwrap();
                    let keyset =
                        String::from_utf8(STANDARD.decode(document["keyset"].as_str().unwrap()).unwrap()).unwrap();
                    let own: Value = serde_json::from_str(&keyset).unwrap();
                    let keyset = keyset.replace(own["keys"][member].as_str().unwrap(), &foreign);
                    document["keyset"] = STANDARD.encode(keyset).into();
                    *body = document.to_string().into_bytes();
                })
                .await
            })
            .await;
    }
    story
        .tell("a policy that allows another enclave identity refuses this one", async {
            let cli = scene.stack.cli()?;
            let policy = std::fs::read_to_string(&cli.policy)?;
            let identity = policy
                .split("enclave_identities")
                .nth(1)
                .and_then(|rest| rest.split('"').nth(1))
                .context("identity")?;
            let changed = policy.replace(identity, &"00".repeat(32));
            // Beside the original, since it names the root by a relative path.
            let path = cli.policy.with_file_name("other-policy.toml");
            std::fs::write(&path, changed)?;
            let path = path.to_str().context("path")?;
            let ended = cli.run(&["verify", "--policy", path]).await?;
            ensure!(ended.code == 1, "exit code {}: {}", ended.code, ended.stderr);
            scene.proxy.alter(|_, _| {});
            noticed(&scene.buy(&["--policy", path]).await?)?;
            nothing_left(&scene.proxy.seen())
        })
        .await;
    story
        .tell("without the mock root in the policy the devnet is refused", async {
            let cli = scene.stack.cli()?;
            let policy = std::fs::read_to_string(&cli.policy)?;
            let kept = |line: &&str| !line.starts_with("mock_root") && !line.starts_with("[root]");
            let path = cli.policy.with_file_name("intel-policy.toml");
            std::fs::write(&path, policy.lines().filter(kept).collect::<Vec<_>>().join("\n"))?;
            let path = path.to_str().context("path")?;
            scene.proxy.alter(|_, _| {});
            noticed(&scene.buy(&["--policy", path]).await?)?;
            nothing_left(&scene.proxy.seen())
        })
        .await;
    story.end().unwrap();
}
