//! The things that the orders of one command share: the policy, the record of purchases, the verified service, and what was spent.

use std::cell::OnceCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use precis_client::{Amount, Budget, Index, MaxPrice, Progress, Session, Token};
use precis_verify::Policy;

use super::reach;
use crate::args::{PurchaseArgs, Target};
use crate::exit::Failure;
use crate::money::Next;
use crate::output::Output;
use crate::{input, policy};

/// Somebody who buys.
pub(super) struct Buyer<'a> {
    pub target: &'a Target,
    pub args: &'a PurchaseArgs,
    pub policy: Policy,
    pub index: Index,
    pub output: Output,
    /// The cost of all orders, with what an interrupted one signed.
    budget: Mutex<Budget>,
    /// There may be more than one order.
    several: bool,
    session: OnceCell<Session>,
}

impl<'a> Buyer<'a> {
    /// Somebody who buys one thing.
    ///
    /// # Errors
    /// A usage [`Failure`] without a policy or a place for the record.
    pub fn new(target: &'a Target, args: &'a PurchaseArgs, output: Output) -> Result<Self, Failure> {
        let (policy, _) = policy::load(target.accepted.policy.as_deref())?;
        let index = Index::at(&input::state_directory(args.state_dir.as_deref())?);
        let (budget, session) = (Mutex::default(), OnceCell::new());
        Ok(Self { target, args, policy, index, output, budget, several: false, session })
    }

    /// The same buyer, who spends at most `most` in all, on more than one thing if `several` says so.
    #[must_use]
    pub fn with_budget(self, most: Option<MaxPrice>, several: bool) -> Self {
        Self { budget: Mutex::new(Budget::of(most)), several, ..self }
    }

    /// The service, verified once for all orders.
    ///
    /// # Errors
    /// A [`Failure`]; nothing of the caller's was sent.
    pub async fn session(&self) -> Result<&Session, Failure> {
        if let Some(session) = self.session.get() {
            return Ok(session);
        }
        let session = reach::verified(self.target, &self.policy, self.output).await?;
        Ok(self.session.get_or_init(|| session))
    }

    /// The token that the service is paid in, once that is known.
    pub fn token(&self) -> Option<&Token> {
        self.session.get().and_then(Session::token)
    }

    /// The bound on the cost of all orders, and their cost so far.
    pub fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what happens in an order.
    pub fn seen(&self) -> impl Fn(&Progress) + Send + Sync + use<'_> {
        let budget = &self.budget;
        move |event| budget.lock().unwrap_or_else(PoisonError::into_inner).see(event)
    }

    /// The cost of all orders so far.
    pub fn spent(&self) -> Amount {
        Amount::new(self.budget().spent(), self.token())
    }

    /// The command that goes on with an order.
    pub fn next(&self) -> Next {
        Next::same(self.several)
    }
}
