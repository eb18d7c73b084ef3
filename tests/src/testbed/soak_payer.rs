//! What one payer of the long run does, payment after payment.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::Method;
use serde_json::Value;

use crate::http::{self, Answer};
use crate::process::{GLANCE, PATIENCE};
use crate::tasks::{ABSTRACT, TASKS};
use crate::testbed::account::Account;
use crate::testbed::bank::Purse;
use crate::testbed::books::open_ended;
use crate::testbed::contracts::{NO, YES};
use crate::testbed::orders::Order;
use crate::testbed::soak::{Chance, Run};

/// Money of a payer, atomic units; no payment costs as much as a thousandth of it.
const UNITS: u64 = 10_000_000_000;
/// Of how many documents one cannot be summarized.
const FAILING: u64 = 7;
/// Payments that a payer comes back with at once.
const AT_ONCE: usize = 3;
/// Of how many jobs one is paid first.
const UPFRONT: u64 = 3;
/// Of how many orders one goes over the encrypted channel.
const SEALED: u64 = 3;
/// Payments of one contract account before another takes its place.
const ACCOUNT_LIFE: u64 = 12;
/// How a contract account is told that it has cost the wallet a revert.
const REVERTED: &str = "an earlier payment of this account reverted";

impl Run {
    fn count(&self, deed: &'static str) {
        *self.figures.borrow_mut().deeds.entry(deed).or_default() += 1;
    }

    fn answered(&self, order: &Order, answer: anyhow::Result<Answer>) -> Option<Answer> {
        let status = answer.as_ref().map_or(0, |answer| answer.status.as_u16());
        let mut figures = self.figures.borrow_mut();
        *figures.answers.entry(status).or_default() += 1;
        if let Ok(answer) = &answer {
            let code = answer.json().unwrap_or_default()["code"].as_str().unwrap_or_default().to_owned();
            figures.crowded_out += u64::from(["overloaded", "body_timeout"].contains(&code.as_str()));
            figures.sealed += u64::from(status == 200 && order.sealed);
            figures.refused += u64::from(status == 402 && answer.text().contains(REVERTED));
        }
        answer.ok()
    }

    async fn send(&self, order: &Order) -> Option<Answer> {
        let answer = self.answered(order, self.town.send(order).await)?;
        if !open_ended(&answer) {
            self.answered.borrow_mut().insert(order.payload.payload.authorization.nonce);
        }
        Some(answer)
    }

    /// Comes back with the oldest payments that were not answered for good.
    async fn come_back(&self, own: &mut VecDeque<Order>) {
        own.retain(|order| !self.answered.borrow().contains(&order.payload.payload.authorization.nonce));
        for order in own.iter().take(AT_ONCE) {
            self.count("came back");
            self.send(order).await;
        }
        // Each has its turn.
        own.rotate_left(AT_ONCE.min(own.len()));
    }

    /// Pays until its part of the plan is done.
    pub(crate) async fn payer(&self, number: u64) -> anyhow::Result<()> {
        let mut chance = Chance::new(self.plan.seed, number);
        let kind = usize::try_from(number).ok().and_then(|number| Account::ALL.get(number).copied());
        let mut purse = self.purse(number, kind).await?;
        let mut own = VecDeque::new();
        let (each, more) = (self.plan.payments / self.plan.payers, self.plan.payments % self.plan.payers);
        let (mut count, mut changed_at, all) = (0, 0, each + u64::from(number < more));
        while count < all {
            if kind.is_some() && count >= changed_at + ACCOUNT_LIFE {
                purse = self.purse(number, kind).await?;
                changed_at = count;
            }
            let side_by_side = if kind == Some(Account::Fickle) { AT_ONCE as u64 } else { 1 };
            let mut orders = Vec::new();
            for count in count..(count + side_by_side).min(all) {
                let order = self.order(&mut chance, &purse, number, count).await?;
                self.orders.borrow_mut().push(order.clone());
                orders.push(order);
            }
            count += orders.len() as u64;
            match (kind, orders.as_slice()) {
                (Some(Account::Fickle), orders) => self.change_of_mind(&mut chance, &purse, orders).await?,
                (_, [order]) => self.deed(&mut chance, &purse, order).await,
                _ => {}
            }
            own.extend(orders);
            if chance.below(2) == 0 {
                self.come_back(&mut own).await;
            }
        }
        Ok(())
    }

    /// A new account with money.
    async fn purse(&self, number: u64, kind: Option<Account>) -> anyhow::Result<Purse> {
        // While gas is dear this waits.
        let purse = self.town.purse(number, UNITS).await?;
        let Some(kind) = kind else { return Ok(purse) };
        // The address of a key that nobody uses: here it has code.
        let _whole = self.whole.lock().await;
        self.town.set_code(purse.address(), YES).await?;
        self.accounts.borrow_mut().insert(purse.address(), kind);
        Ok(purse.of_contract(kind))
    }

    /// Signs for something; waits for a service that is away.
    async fn order(&self, chance: &mut Chance, purse: &Purse, number: u64, count: u64) -> anyhow::Result<Order> {
        let any = usize::try_from(chance.below(TASKS.len() as u64)).unwrap_or_default();
        let row = if chance.below(UPFRONT) == 0 { &ABSTRACT } else { TASKS[any] };
        let (good, sealed) = (chance.below(FAILING) > 0, chance.below(SEALED) == 0);
        let sentence = format!("Payer {number} orders summary {count} of seed {}.", self.plan.seed);
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.town.order_by(purse, &sentence, good, row, sealed).await {
                Ok(order) => return Ok(order),
                Err(error) if Instant::now() > deadline => return Err(error).context("no quote"),
                Err(_) => tokio::time::sleep(GLANCE).await,
            }
        }
    }

    /// Pays several times at once from an account that stands by its signatures now and not then, until all are answered.
    async fn change_of_mind(&self, chance: &mut Chance, purse: &Purse, orders: &[Order]) -> anyhow::Result<()> {
        self.count("change of mind");
        let mut sent = pin!(futures::future::join_all(orders.iter().map(|order| self.send(order))));
        for code in [NO, YES].into_iter().cycle() {
            let pause = Duration::from_millis(5 + chance.below(40));
            let over = tokio::time::timeout(pause, &mut sent).await.is_ok();
            if over && code == NO {
                return Ok(());
            }
            let _whole = self.whole.lock().await;
            self.town.set_code(purse.address(), code).await?;
            if over {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn deed(&self, chance: &mut Chance, purse: &Purse, order: &Order) {
        match chance.below(100) {
            0..45 => {
                self.count("plain");
                self.patient(order, chance.below(4)).await;
            }
            45..55 => {
                self.count("copies");
                tokio::join!(self.send(order), self.send(order), self.send(order));
            }
            55..64 => {
                self.count("another request");
                let other = chance.below(self.orders.borrow().len() as u64);
                let other = self.orders.borrow().get(usize::try_from(other).unwrap_or(0)).cloned();
                let Some(other) = other.filter(|other| other.sentence != order.sentence) else { return };
                let answers = tokio::join!(self.send(order), self.town.send_as(&other, order, &[]));
                self.answered(order, answers.1);
            }
            64..74 => {
                self.count("hang up");
                let within = Duration::from_millis(chance.below(30));
                // It is cut off wherever it is.
                drop(tokio::time::timeout(within, self.send(order)).await);
            }
            74..86 => {
                self.count("ticket");
                self.ticket(chance, order).await;
            }
            86..92 => {
                self.count("submitted by others");
                let (before, submit) = (chance.below(20), self.town.submit(order));
                let submit = async {
                    tokio::time::sleep(Duration::from_millis(before)).await;
                    // It may be too late, or the chain may be gone backwards meanwhile.
                    drop(submit.await);
                };
                tokio::join!(self.send(order), submit);
            }
            // What a contract account takes back is a revert of its own making.
            92..96 if purse.account().is_none() => {
                self.count("cancelled on chain");
                let nonce = order.payload.payload.authorization.nonce;
                let (before, cancel) = (chance.below(20), self.town.bank.cancel(purse, nonce));
                let cancel = async {
                    tokio::time::sleep(Duration::from_millis(before)).await;
                    drop(cancel.await);
                };
                tokio::join!(self.send(order), cancel);
            }
            _ => self.count("never sent"),
        }
    }

    /// Sends again what is to be sent again, a few times.
    async fn patient(&self, order: &Order, times: u64) {
        for _ in 0..=times {
            match self.send(order).await {
                Some(answer) if !open_ended(&answer) => return,
                _ => tokio::time::sleep(GLANCE).await,
            }
        }
    }

    /// Takes a ticket, then fetches the result or calls the job off.
    async fn ticket(&self, chance: &mut Chance, order: &Order) {
        let answer = self.town.send_as(order, order, &[("prefer", "respond-async")]).await;
        let Some(answer) = self.answered(order, answer).filter(|answer| answer.status == 202) else { return };
        let body = answer.json().unwrap_or_default();
        let told = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, token) = (told("id"), told("token"));
        let method = if chance.below(3) == 0 { Method::DELETE } else { Method::GET };
        for _ in 0..chance.below(6) {
            let url = format!("{}{}/{id}", self.town.url(), order.row.path);
            let asked = self.town.client.request(method.clone(), url).bearer_auth(&token);
            let Some(answer) = self.answered(order, http::answer(asked).await) else { return };
            if method == Method::GET {
                self.town.received(order, order, &answer);
            }
            if answer.status != 202 {
                return;
            }
            tokio::time::sleep(GLANCE).await;
        }
    }
}
