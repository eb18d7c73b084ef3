//! Several documents, each an order of its own, one after the other.

use precis_client::{MaxPrice, SummaryRequest};
use serde_json::{Value, json};

use super::buyer::Buyer;
use super::order::{Ended, carry_out};
use super::summary::Plain;
use crate::args::Format;
use crate::exit::{Exit, Failure};
use crate::interrupt::Signals;
use crate::money::Money;
use crate::output::{Output, Shape};

/// Documents to summarize, in order.
pub(super) struct Batch {
    items: Vec<Item>,
    /// Names of what is no document, with the reason.
    pub skipped: Vec<(String, String)>,
}

/// One document.
struct Item {
    name: String,
    /// Names of the same bytes.
    others: Vec<String>,
    /// The request for it, unless it cannot be read.
    request: Result<SummaryRequest, Failure>,
}

impl Batch {
    /// No document yet, and what is none by its name.
    pub fn new(skipped: Vec<(String, String)>) -> Self {
        Self { items: Vec::new(), skipped }
    }

    /// Adds a document. The same request is made once, whatever it is called.
    pub fn add(&mut self, name: String, request: SummaryRequest) {
        let same = |item: &&mut Item| {
            item.request.as_ref().is_ok_and(|known| known.commitment().as_bytes() == request.commitment().as_bytes())
        };
        match self.items.iter_mut().find(same) {
            Some(item) => item.others.push(name),
            None => self.items.push(Item { name, others: Vec::new(), request: Ok(request) }),
        }
    }

    /// Adds a document that cannot be read.
    pub fn add_unread(&mut self, name: String, failure: Failure) {
        self.items.push(Item { name, others: Vec::new(), request: Err(failure) });
    }
}

/// Buys a summary of each document of `batch` and prints them. A document that fails does not keep the others from being bought, unless
/// they would fail as well.
pub(super) async fn run(buyer: &Buyer<'_>, batch: Batch, grounding: bool) -> Result<Exit, Failure> {
    let untouched = |failure: Failure| failure.with_money(Money::Untouched);
    let Batch { items, skipped } = batch;
    let output = buyer.output;
    say_skipped(&skipped, output);
    if items.is_empty() {
        return Err(untouched(nothing()));
    }
    let count = items.len();
    output.progress(&announcement(count, buyer));
    let mut signals = Signals::hold().map_err(untouched)?;
    let mut sheet = Sheet { buyer, entries: Vec::new(), printed: false, done: 0, first: None };
    let mut left = Vec::new();
    let mut stopped = false;
    for (number, item) in items.into_iter().enumerate() {
        let Item { name, others, request } = item;
        if stopped {
            sheet.enter(&name, &others, json!({"status": "not-bought"}));
            left.push(name);
            continue;
        }
        output.progress(&format!("document {} of {count}: {name}", number + 1));
        others.iter().for_each(|other| output.progress(&format!("same document: {other}; bought once")));
        let ended = match request {
            Ok(request) => {
                let shown = Plain { name: name.clone(), grounding, joined: None };
                carry_out(buyer, &request, &shown, &mut signals).await
            }
            Err(failure) => Err(failure.with_money(Money::Untouched)),
        };
        if let Err(failure) = ended.and_then(|ended| sheet.take(&name, &others, ended)) {
            stopped = !failure.of_one;
            sheet.fail(&name, &others, &failure.among_others());
        }
    }
    left.iter().for_each(|name| output.progress(&format!("not bought: {name}")));
    output.progress(&format!("documents: {} of {count} done, {} spent", sheet.done, buyer.spent()));
    sheet.end(&skipped)
}

/// Names what is no document.
pub(super) fn say_skipped(skipped: &[(String, String)], output: Output) {
    skipped.iter().for_each(|(name, why)| output.progress(&format!("skipped: {name}: {why}")));
}

/// The refusal of folders without a document.
pub(super) fn nothing() -> Failure {
    Failure::usage("no document is in what was named; name documents, or folders that hold some")
}

fn announcement(count: usize, buyer: &Buyer<'_>) -> String {
    let each = buyer.args.max_price.clone().unwrap_or_default();
    let total = |most: &MaxPrice| format!(", at most {most} in all");
    let total = buyer.budget().most().map(total).unwrap_or_default();
    format!("documents: {count}, each paid for itself, at most {each} each{total}")
}

/// The results of several orders.
struct Sheet<'a> {
    buyer: &'a Buyer<'a>,
    /// For programs.
    entries: Vec<Value>,
    /// Something was printed.
    printed: bool,
    done: usize,
    /// The end of the first that was not summarized.
    first: Option<Exit>,
}

impl Sheet<'_> {
    /// Takes what an order came to. People get it at once, programs at the end.
    fn take(&mut self, name: &str, others: &[String], ended: Ended) -> Result<(), Failure> {
        let exit = ended.exit;
        match &ended.shape {
            Shape::Json(value) => self.enter(name, others, value.clone()),
            Shape::Text(text) if !text.is_empty() => {
                let heading = match self.buyer.output.format() {
                    Format::Markdown => String::new(),
                    _ => format!("== {name}\n"),
                };
                let gap = if self.printed { "\n" } else { "" };
                self.printed = true;
                let shape = Shape::Text(format!("{gap}{heading}{text}"));
                ended.with_shape(shape).print(self.buyer.output)?;
            }
            Shape::Text(_) => {}
        }
        if exit == Exit::Ok {
            self.done += 1;
        } else {
            self.first.get_or_insert(exit);
        }
        Ok(())
    }

    fn fail(&mut self, name: &str, others: &[String], failure: &Failure) {
        self.buyer.output.complain(Some(name), failure);
        self.first.get_or_insert(failure.exit);
        self.enter(name, others, failure.to_json());
    }

    fn enter(&mut self, name: &str, others: &[String], mut entry: Value) {
        if let Some(members) = entry.as_object_mut() {
            members.insert("file".into(), name.into());
            if !others.is_empty() {
                members.insert("sameDocument".into(), others.into());
            }
        }
        self.entries.push(entry);
    }

    fn end(self, skipped: &[(String, String)]) -> Result<Exit, Failure> {
        let exit = self.first.unwrap_or(Exit::Ok);
        if self.buyer.output.format() == Format::Json {
            let skipped: Vec<Value> = skipped.iter().map(|(file, why)| json!({"file": file, "why": why})).collect();
            let spent = self.buyer.spent().units.to_string();
            self.buyer.output.write(&Shape::Json(
                json!({"documents": self.entries, "skipped": skipped, "spent": spent, "exitCode": exit.code()}),
            ))?;
        }
        Ok(exit)
    }
}
