//! A stock nginx in front, with the buffers it has when nobody says otherwise.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use precis_protocol::headers;
use precis_tests::http::{self, Answer, Ask};
use precis_tests::payer::send_paid;
use precis_tests::process::Process;
use precis_tests::{paths, stack::Stack};
use serde_json::{Value, json};

/// Largest header section that nginx takes from a server by default, bytes: one page.
const NGINX_HEADER_BYTES: usize = 4_096;
/// Longest quote in a header, bytes.
const QUOTE_BYTES: usize = 3_500;
/// A public URL as long as they get: the host of a rented machine.
const PUBLIC_URL: &str = "https://p8080.m1234.opf-mainnet-rofl-12.rofl.app";

/// An nginx between its clients and `upstream`; none if there is none on this machine, which is said.
async fn nginx(dir: &Path, upstream: &str) -> anyhow::Result<Option<(Process, String)>> {
    let program = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"]
        .into_iter()
        .find(|path| Path::new(path).is_file());
    let Some(program) = program else {
        ensure!(std::env::var_os("PRECIS_REQUIRE_CONFORMANCE").is_none(), "nginx is missing; run scripts/setup");
        eprintln!("SKIPPED: nginx is missing; run scripts/setup");
        return Ok(None);
    };
    // Free now; nobody else on this machine is told of it.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let own = dir.display();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: String = kinds.iter().map(|kind| format!("{kind}_temp_path {own}/nginx-{kind};\n")).collect();
    // Places and ports are ours; everything that bounds a request or an answer is nginx's default.
    let text = format!(
        "daemon off; master_process off; pid {own}/nginx.pid; error_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}\
         server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {upstream}; }} }}\n}}\n"
    );
    let path = dir.join("nginx.conf");
    std::fs::write(&path, text)?;
    let mut command = Command::new(program);
    command.arg("-e").arg("stderr").arg("-c").arg(&path).arg("-p").arg(dir);
    let mut process = Process::start("nginx", command, dir)?;
    let (client, origin) = (http::client()?, format!("http://127.0.0.1:{port}"));
    let url = format!("{origin}{}", headers::SERVICE_PATH);
    process.until("answer", async |_| client.get(&url).send().await.ok().map(drop)).await?;
    Ok(Some((process, origin)))
}

/// The header section as it came, bytes.
fn section(answer: &Answer) -> usize {
    let lines = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
    "HTTP/1.1 402 Payment Required\r\n\r\n".len() + lines
}

async fn is_bought_through_nginx() -> anyhow::Result<()> {
    let stack = Stack::start_with(&[], &[("PRECIS_SERVER__PUBLIC_URL", PUBLIC_URL.into())]).await?;
    let Some((_nginx, origin)) = nginx(stack.dir.path(), &stack.server.url).await? else { return Ok(()) };
    let (client, payer) = (http::client()?, stack.payer()?);
    let document = paths::document("notice.txt");
    let ask = Ask::raw("text/plain", std::fs::read(&document)?);

    let unpaid = ask.send(&client, &origin, &[]).await?;
    let quote = unpaid.quote().with_context(|| unpaid.text())?;
    ensure!(quote.extensions.as_ref().is_some_and(|all| all.contains_key("offer-receipt")), "no offer: {quote:?}");
    ensure!(unpaid.header(headers::PAYMENT_REQUIRED).len() <= QUOTE_BYTES, "{:?}", unpaid.headers);
    // The longest answer there is: a quote, a refused payment, everything that browsers want.
    let mut payload = serde_json::to_value(payer.authorize(&quote.accepts[0])?)?;
    payload["payload"]["authorization"]["validBefore"] = json!("1");
    let refused = send_paid(&client, &origin, &ask, &precis_payment::wire::encode(&payload)?).await?;
    refused.refused(402, "valid_before")?;
    ensure!(!refused.header(headers::PAYMENT_RESPONSE).is_empty(), "{:?}", refused.headers);
    for answer in [&unpaid, &refused] {
        let direct = section(answer);
        ensure!(direct <= NGINX_HEADER_BYTES, "{direct} bytes: {:?}", answer.headers);
    }
    let probe = http::answer(client.post(format!("{origin}{}", headers::SUMMARIES_PATH))).await?;
    probe.refused(402, "document_required")?;
    let bought = send_paid(&client, &origin, &ask, &payer.pay(&client, &origin, &ask).await?).await?;
    ensure!(bought.status == 200, "{}: {}", bought.status, bought.text());
    ensure!(section(&bought) <= NGINX_HEADER_BYTES, "{:?}", bought.headers);

    let Some(program) = super::interpreter(false) else { return Ok(()) };
    let env = [
        ("PRECIS_URL", origin.as_str()),
        ("PRECIS_KEY_FILE", stack.devnet.get("PRECIS_PAYER_KEY_FILE")?),
        ("PRECIS_RPC_URL", stack.devnet.get("PRECIS_RPC_URL")?),
    ];
    let said = super::run(program, "x402_fetch.mjs", &[document.to_str().context("path")?], &env).await?;
    let said: Value = serde_json::from_str(said.lines().last().context("no output")?).with_context(|| said.clone())?;
    ensure!(said["status"] == 200 && said["settlement"]["success"] == true, "{said}");
    Ok(())
}

#[tokio::test]
async fn a_summary_is_quoted_refused_and_bought_through_a_stock_nginx() {
    is_bought_through_nginx().await.unwrap();
}
