//! The verifier alone: time of a whole appraisal and of parsing, and the memory of a process that does nothing else.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use precis_protocol::attestation::{Attestation, Evidence};
use precis_protocol::evidence_file::EvidenceFile;
use precis_protocol::headers::{ATTESTATION_PATH, OHTTP_GATEWAY_PATH};
use precis_protocol::tags;
use precis_tests::http;
use precis_tests::payer::now;
use precis_tests::stack::Stack;
use precis_verify::policy::Policy;
use precis_verify::quote::Quote;
use precis_verify::register::Register;
use precis_verify::verify_evidence_file;

use super::{memory, print};

/// Runs whose median is taken.
const RUNS: usize = 101;

/// Fetches a bundle and prints what it costs to judge it.
pub async fn measure(stack: &Stack) -> anyhow::Result<()> {
    let client = http::client()?;
    let nonce = [0x5a; 32];
    let url = format!("{}{ATTESTATION_PATH}?nonce={}", stack.server.url, hex::encode(nonce));
    let file = EvidenceFile {
        version: tags::EVIDENCE_FILE.into(),
        service: stack.server.url.clone(),
        saved_at: now()?,
        nonce,
        ohttp_keys: http::get(&client, &format!("{}{OHTTP_GATEWAY_PATH}", stack.server.url)).await?.body,
        attestation: http::get(&client, &url).await?.body,
        own_collateral: None,
    };
    let bytes = serde_json::to_vec(&file)?;
    let policy = policy(stack)?;
    let whole = median(|| {
        let appraisal = verify_evidence_file(&bytes, &policy, file.saved_at);
        ensure!(appraisal.service.is_some(), "{}", appraisal.transcript.render(false));
        Ok(())
    })?;
    print(
        "evidence verification",
        &milliseconds(whole),
        "median of 101, whole bundle: JSON, registration, quote, collateral, keyset, challenge",
    );
    let attestation = Attestation::parse(&file.attestation)?;
    let Some(Evidence::RoflRegister { transaction, .. }) = attestation.evidence.first() else {
        anyhow::bail!("no registration")
    };
    let parsing = median(|| {
        let register = Register::parse(transaction)?;
        Quote::parse(&register.quote)?;
        Ok(())
    })?;
    print(
        "parsing registration and quote",
        &format!("{:.0} us", parsing.as_secs_f64() * 1e6),
        "median of 101: strict CBOR, exact quote, PEM chains",
    );
    let path = stack.file("bench.evidence.json");
    std::fs::write(&path, &bytes)?;
    let policy = stack.devnet.get("PRECIS_POLICY")?;
    let output =
        std::process::Command::new(std::env::current_exe()?).arg("verify-alone").arg(&path).arg(policy).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    print(
        "memory of one verification",
        &format!("{} MiB", String::from_utf8(output.stdout)?.trim()),
        "growth of the peak resident size of a process that judges one bundle",
    );
    Ok(())
}

/// Judges one bundle; prints by how much that raised the peak memory of the process.
pub fn alone(evidence: &str, policy_path: &str) -> anyhow::Result<()> {
    let policy = read_policy(&PathBuf::from(policy_path))?;
    let before = memory("self", "VmHWM")?;
    let bytes = std::fs::read(evidence)?;
    let appraisal = verify_evidence_file(&bytes, &policy, now()?);
    ensure!(appraisal.service.is_some(), "{}", appraisal.transcript.render(false));
    println!("{:.1}", memory("self", "VmHWM")? - before);
    Ok(())
}

fn policy(stack: &Stack) -> anyhow::Result<Policy> {
    read_policy(&PathBuf::from(stack.devnet.get("PRECIS_POLICY")?))
}

fn read_policy(path: &std::path::Path) -> anyhow::Result<Policy> {
    let beside = path.parent().context("policy")?.to_path_buf();
    let read = |name: &str| std::fs::read(beside.join(name)).map_err(|error| error.to_string());
    Policy::parse(&std::fs::read_to_string(path)?, read).context("policy")
}

fn median(mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let mut taken = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let started = Instant::now();
        work()?;
        taken.push(started.elapsed());
    }
    taken.sort();
    Ok(taken[RUNS / 2])
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}
