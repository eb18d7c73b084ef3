//! Orders of the testbed's payers, and a record of what they were given.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use alloy_primitives::{Address, U256};
use anyhow::Context as _;
use precis_payment::wire::{self, PaymentPayload, PaymentRequirements};
use precis_protocol::headers::PAYMENT_SIGNATURE;

use crate::audit::Seen;
use crate::http::{Answer, Ask};
use crate::tasks::Row;
use crate::testbed::bank::Purse;
use crate::testbed::model::FAIL;
use crate::testbed::town::Town;

/// What the service says while the outcome is open.
const SAME: &str = "do not sign another payment";

/// Ends of a job that are told with whether it was charged.
const ENDS: [&str; 4] = ["work_failed", "cancelled", "authorization_lapsed", "abandoned"];

/// Whether an answer to a payment with its own request says that nothing was charged and nothing will be.
fn says_uncharged(answer: &Answer) -> bool {
    if answer.status == 402 {
        return true;
    }
    let problem = answer.json().unwrap_or_default();
    // What was paid back was charged.
    let ended = problem["code"].as_str().is_some_and(|code| ENDS.contains(&code)) && problem["refund"].is_null();
    ended && problem["charged"] == false
}

/// A request with a payment that was signed for it.
#[derive(Clone)]
pub struct Order {
    /// The task that it buys.
    pub row: &'static Row,
    /// The request.
    pub ask: Ask,
    /// The first sentence of its text, which a summary quotes.
    pub sentence: String,
    /// Value of `PAYMENT-SIGNATURE`.
    pub header: String,
    /// The same, decoded.
    pub payload: PaymentPayload,
    /// What it was signed for.
    pub required: PaymentRequirements,
    /// Sent over the encrypted channel, quote and all.
    pub sealed: bool,
}

impl Town {
    /// A new payer with money.
    ///
    /// # Errors
    /// If the chain refuses.
    pub async fn purse(&self, seed: u64, units: u64) -> anyhow::Result<Purse> {
        let purse = Purse::new(seed)?;
        self.bank.mint(purse.address(), units).await?;
        Ok(purse)
    }

    /// Asks for a price and signs for it. `sentence` has one full stop, at its end, and is unlike every other.
    ///
    /// # Errors
    /// If there is no quote.
    pub async fn order(&self, purse: &Purse, sentence: &str, good: bool, row: &'static Row) -> anyhow::Result<Order> {
        self.order_by(purse, sentence, good, row, false).await
    }

    /// The same; `sealed` over the encrypted channel.
    ///
    /// # Errors
    /// If there is no quote.
    pub async fn order_by(
        &self,
        purse: &Purse,
        sentence: &str,
        good: bool,
        row: &'static Row,
        sealed: bool,
    ) -> anyhow::Result<Order> {
        let marker = if good { "" } else { FAIL };
        let document = format!("{sentence} The rest is not quoted {marker}.");
        let ask = row.ask(&document);
        let asked =
            if sealed { self.send_sealed(&ask, &[]).await } else { ask.send(&self.client, &self.url(), &[]).await };
        let quote = asked?.quote()?;
        let required = quote.accepts.first().context("no requirements")?.clone();
        self.note(required.pay_to).await?;
        let payload = purse.authorize_at(&required, self.now()?)?;
        let header = wire::encode(&payload)?;
        self.witness(&payload, |seen| {
            sentence.clone_into(&mut seen.request);
            seen.unquoted = !row.quotes;
        });
        Ok(Order { row, ask, sentence: sentence.to_owned(), header, payload, required, sealed })
    }

    /// Remembers the payee and what it holds before the first payment.
    async fn note(&self, pay_to: Address) -> anyhow::Result<()> {
        if self.noted.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let held = self.chain.tokens(pay_to).await?;
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        (books.pay_to, books.held) = (Some(pay_to), held);
        Ok(())
    }

    fn witness(&self, payment: &PaymentPayload, change: impl FnOnce(&mut Seen)) {
        let authorization = &payment.payload.authorization;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        change(seen.entry((authorization.from, authorization.nonce)).or_default());
    }

    /// Sends an order, and remembers what it was given.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn send(&self, order: &Order) -> anyhow::Result<Answer> {
        self.send_as(order, order, &[]).await
    }

    /// Sends the request of one order with the payment of another, and further headers.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn send_as(
        &self,
        request: &Order,
        payment: &Order,
        extra: &[(&'static str, &str)],
    ) -> anyhow::Result<Answer> {
        let height = self.height().await?;
        let paid = [extra, &[(PAYMENT_SIGNATURE, payment.header.as_str())]].concat();
        let answer = if request.sealed {
            self.send_sealed(&request.ask, &paid).await?
        } else {
            request.ask.send(&self.client, &self.url(), &paid).await?
        };
        self.received(request, payment, &answer);
        let body = answer.json().unwrap_or_default();
        let told = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
        let code = [told("code"), told("error")].concat();
        let other = if request.sentence == payment.sentence { "" } else { " for another request" };
        let said = format!("{height}: {} {code}{other}", answer.status.as_u16());
        self.witness(&payment.payload, |seen| seen.said.push(said));
        if request.sentence == payment.sentence && says_uncharged(&answer) {
            self.witness(&payment.payload, |seen| _ = seen.told_uncharged.get_or_insert(height));
        }
        Ok(answer)
    }

    /// Remembers an answer that came another way, such as with the token of a job.
    pub fn received(&self, request: &Order, payment: &Order, answer: &Answer) {
        let good = self.now().is_ok_and(|now| U256::from(now) < payment.payload.payload.authorization.valid_before);
        if good && answer.text().contains(SAME) {
            self.witness(&payment.payload, |seen| seen.bound = true);
        }
        if answer.status == 200 {
            self.witness(&payment.payload, |seen| {
                seen.served.entry(request.sentence.clone()).or_default().insert(answer.body.clone());
            });
        }
    }

    /// Somebody else submits the authorization of an order.
    ///
    /// # Errors
    /// If the token refuses.
    pub async fn submit(&self, order: &Order) -> anyhow::Result<()> {
        self.witness(&order.payload, |seen| seen.submitted = true);
        self.bank.submit(&order.payload).await.map(drop)
    }

    /// Remembers that a settled order could be fetched again.
    pub(crate) fn fetched(&self, order: &Order) {
        self.witness(&order.payload, |seen| seen.refetched = true);
    }
}
