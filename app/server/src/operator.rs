//! `precis-server ledger …`: the operator's view, asked of the running server on its internal address. Payments and what
//! became of them; no document, summary or receipt.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use precis_protocol::encoding::lower_hex;
use precis_protocol::problem::Problem;
use precis_store::Stage;
use reqwest::{Client, Method, Response};

use crate::http::ledger::{Entry, Page};

/// Longest wait for an answer; a reconciliation waits for blocks.
const PATIENCE: Duration = Duration::from_secs(300);

/// What to do with the ledger of the running server.
#[derive(Subcommand)]
pub enum Operation {
    /// One line for every job.
    List {
        /// Only jobs in this state.
        #[arg(long, value_parser = PossibleValuesParser::new(Stage::ALL.map(Stage::name)))]
        state: Option<String>,
    },
    /// One job, as JSON.
    Show {
        /// Its id, 32 hex.
        id: String,
    },
    /// Looks at every unfinished job now, then lists what is still open.
    Reconcile,
    /// Every job as CSV, for the books.
    Export,
}

/// Carries out `operation` on the server whose internal address is `origin`.
///
/// # Errors
/// When the server does not answer, or refuses.
pub async fn run(operation: Operation, origin: &str) -> anyhow::Result<()> {
    let client = Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let ask = async |method: Method, path: &str| {
        let asked = client.request(method, format!("{origin}{path}")).send().await;
        answered(asked.with_context(|| format!("no server answers at {origin}; see --internal"))?).await
    };
    let mut out = std::io::stdout().lock();
    match operation {
        Operation::Show { id } => {
            lower_hex::<16>(&id).map_err(|_| {
                anyhow::anyhow!("`{id}` is not the id of a job: 32 lowercase hex digits; `ledger list` shows them")
            })?;
            let entry: Entry = ask(Method::GET, &format!("/ledger/{id}")).await?.json().await?;
            writeln!(out, "{}", serde_json::to_string_pretty(&entry)?)?;
        }
        Operation::Reconcile => {
            ask(Method::POST, "/ledger/reconcile").await?;
            let open = |entry: &Entry| !matches!(entry.state.as_str(), "settled" | "refunded" | "void");
            let all = every(&ask).await?;
            for entry in all.entries.iter().filter(|entry| open(entry)) {
                writeln!(out, "{}", line(entry))?;
            }
            write!(out, "{}", damage(&all.damaged))?;
        }
        Operation::List { state } => {
            let wanted = |entry: &&Entry| state.as_ref().is_none_or(|state| *state == entry.state);
            let all = every(&ask).await?;
            for entry in all.entries.iter().filter(wanted) {
                writeln!(out, "{}", line(entry))?;
            }
            write!(out, "{}", damage(&all.damaged))?;
        }
        Operation::Export => {
            let all = every(&ask).await?;
            writeln!(out, "{}", COLUMNS.join(","))?;
            for entry in &all.entries {
                writeln!(out, "{}", row(entry))?;
            }
            // Not into the books, which have a form.
            eprint!("{}", damage(&all.damaged));
        }
    }
    Ok(())
}

async fn answered(response: Response) -> anyhow::Result<Response> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    match response.json::<Problem>().await {
        Ok(problem) => anyhow::bail!("{} ({}); {}", problem.title, problem.code, problem.next),
        Err(_) => anyhow::bail!("the server answers {status}"),
    }
}

/// Every job, oldest first, and every row that cannot be read, as one page.
async fn every(ask: &impl AsyncFn(Method, &str) -> anyhow::Result<Response>) -> anyhow::Result<Page> {
    let (mut all, mut path) = (Page { entries: Vec::new(), damaged: Vec::new(), next: None }, "/ledger".to_owned());
    loop {
        let page: Page = ask(Method::GET, &path).await?.json().await?;
        all.entries.extend(page.entries);
        all.damaged.extend(page.damaged);
        match page.next {
            Some(next) => path = format!("/ledger?after={next}"),
            None => break,
        }
    }
    all.entries.sort_by_key(|entry| entry.created_at);
    Ok(all)
}

/// One line for every row that cannot be read, and what that means.
fn damage(rows: &[String]) -> String {
    let mut text = String::new();
    for row in rows {
        // Writing to a String cannot fail.
        _ = writeln!(text, "DAMAGED row {row}: its payment and state cannot be read");
    }
    if !rows.is_empty() {
        _ = writeln!(text, "{} damaged; nothing is swept while there are any", rows.len());
    }
    text
}

fn line(entry: &Entry) -> String {
    let mut line =
        format!("{}  {:<9}  {:>12}  {}  {}", entry.id, entry.state, entry.amount, entry.payer, entry.created_at);
    for (name, value) in [("code", &entry.code), ("transaction", &entry.transaction), ("refund", &entry.refund)] {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            _ = write!(line, "  {name} {value}");
        }
    }
    line
}

const COLUMNS: [&str; 15] = [
    "id",
    "state",
    "flow",
    "code",
    "network",
    "asset",
    "payTo",
    "amount",
    "payer",
    "nonce",
    "validBefore",
    "transaction",
    "refund",
    "createdAt",
    "updatedAt",
];

/// RFC 4180. No field needs quotes: hex, decimals, CAIP-2 names and codes.
fn row(entry: &Entry) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    [
        entry.id.clone(),
        entry.state.clone(),
        entry.flow.clone(),
        text(&entry.code),
        entry.network.clone(),
        entry.asset.clone(),
        entry.pay_to.clone(),
        entry.amount.clone(),
        entry.payer.clone(),
        entry.nonce.clone(),
        entry.valid_before.to_string(),
        text(&entry.transaction),
        text(&entry.refund),
        entry.created_at.to_string(),
        entry.updated_at.to_string(),
    ]
    .join(",")
}
