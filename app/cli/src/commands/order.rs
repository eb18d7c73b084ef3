//! An order: verify, pay, check the receipt, and only then print. What was bought before is printed without paying. Also what remains
//! when an order fails.

use std::path::{Path, PathBuf};

use precis_client::{
    ClientError, Index, JobFailure, Place, Purchase, PurchaseOptions, Request, Retry, Session, Task, Token, Wallet,
};
use precis_verify::Policy;
use serde_json::json;

use super::{reach, report};
use crate::args::{PurchaseArgs, Target};
use crate::clock::now;
use crate::exit::{Exit, Failure};
use crate::interrupt::Signals;
use crate::money::Money;
use crate::output::Output;
use crate::{input, policy};

/// Appended to the name of the receipt file for a job that failed: it is no receipt of a summary.
const FAILURE_SUFFIX: &str = ".failure.json";

/// A way to show the results of one task.
pub(super) trait Shown<T: Task> {
    /// Lines about the result, beside it.
    fn remarks(&self, result: &T::Output) -> Vec<String>;

    /// The result for people.
    fn text(&self, request: &Request<T>, result: &T::Output) -> String;
}

/// What the command works on.
pub(super) struct Order<'a, T: Task> {
    pub target: &'a Target,
    pub args: &'a PurchaseArgs,
    pub policy: &'a Policy,
    pub request: &'a Request<T>,
    pub place: &'a Place,
    pub output: Output,
}

/// Carries out an order of what `request` makes. `request` is called before anything is sent.
pub(super) async fn run<T: Task>(
    target: &Target,
    args: &PurchaseArgs,
    request: impl FnOnce() -> Result<Request<T>, Failure>,
    shown: &impl Shown<T>,
    output: Output,
) -> Result<Exit, Failure> {
    let untouched = |failure: Failure| failure.with_money(Money::Untouched);
    let (policy, _) = policy::load(target.common.policy.as_deref()).map_err(untouched)?;
    let request = request().map_err(untouched)?;
    let index = Index::at(&input::state_directory(args.state_dir.as_deref()).map_err(untouched)?);
    // A purchase that another process waits for can be called off; that process then keeps the proof.
    let opened = match index.open(&policy.app_id, request.commitment()) {
        Err(ClientError::Unavailable(_)) if args.cancel => Ok(index.look(&policy.app_id, request.commitment())),
        opened => opened,
    };
    let place = match opened {
        Ok(place) => place,
        Err(error) => {
            let look = index.look(&policy.app_id, request.commitment());
            return Err(Failure::from(error).with_money(Money::by_record(&look, None, now())));
        }
    };
    let order = Order { target, args, policy: &policy, request: &request, place: &place, output };
    order.run(shown).await
}

impl<T: Task> Order<'_, T> {
    /// Keeps the receipt of a job that ended without a summary, and only then forgets the payment, which is of no more use.
    pub(super) fn failed(&self, failure: Box<JobFailure>) -> Result<Failure, Failure> {
        self.keep_failure(&failure)?;
        let money = match (&failure.receipt, failure.refund()) {
            (None, _) => None,
            (Some(_), None) => Some(Money::NotCharged),
            (Some(_), Some(refund)) => Some(Money::PaidBack { refund: refund.to_owned() }),
        };
        let failure = Failure::from(ClientError::JobFailed(failure));
        Ok(match money {
            Some(money) => failure.with_money(money),
            None => failure,
        })
    }

    /// Keeps the receipt of a job that ended without a summary.
    pub(super) fn keep_failure(&self, failure: &JobFailure) -> Result<(), Failure> {
        let Self { args, output, .. } = self;
        if failure.receipt.is_none() {
            return Ok(());
        }
        if let Some(transcript) = &failure.transcript {
            output.verified("receipt", transcript);
        }
        if let Some(receipt) = &args.receipt {
            let mut path = receipt.clone().into_os_string();
            path.push(FAILURE_SUFFIX);
            let path = PathBuf::from(path);
            failure.save_receipt(&path)?;
            output.progress(&format!("receipt: saved to {}", path.display()));
        }
        if self.place.is_held()
            && let Some(path) = self.place.keep_failure(failure)?
        {
            output.progress(&format!("receipt: kept in {}", path.display()));
        }
        Ok(())
    }
}

impl<T: Task> Order<'_, T> {
    async fn run(&self, shown: &impl Shown<T>) -> Result<Exit, Failure> {
        let token = &mut None;
        let ended = self.steps(shown, token).await;
        ended.map_err(|failure| {
            if failure.money.is_some() {
                return failure;
            }
            let money = Money::by_record(self.place, token.as_ref(), now());
            let interrupted = matches!(failure.exit, Exit::Interrupted | Exit::Terminated);
            let under_way = interrupted && matches!(money, Money::Signed { .. });
            let exit = if under_way { Exit::Underway } else { failure.exit };
            Failure { exit, ..failure }.with_money(money)
        })
    }

    async fn steps(&self, shown: &impl Shown<T>, token: &mut Option<Token>) -> Result<Exit, Failure> {
        let Self { args, .. } = self;
        if args.cancel {
            return Signals::hold()?.interrupt(self.call_off()).await;
        }
        if !args.again
            && let Some((path, purchase)) = self.place.bought(self.request, self.policy, now())?
        {
            return self.hand_over(shown, &purchase, &path, true, None);
        }
        let wallet = self.wallet()?;
        let (purchase, session) = Signals::hold()?.interrupt(self.buy(wallet.as_ref(), token)).await?;
        let Some(purchase) = purchase else { return Ok(Exit::Underway) };
        // First of all the receipt is kept: whatever fails from here on, the result is not paid for again.
        let path = self.place.keep_receipt(&purchase.receipt)?;
        self.hand_over(shown, &purchase, &path, false, Some(&session))
    }

    /// The key that pays. What was signed before needs none.
    fn wallet(&self) -> Result<Option<Wallet>, Failure> {
        let key_file = self.args.key_file.as_deref();
        let resumes = !self.args.new_payment && self.place.pending().signed()?.is_some();
        if resumes && !input::has_key(key_file) { Ok(None) } else { input::wallet(key_file).map(Some) }
    }

    /// The result; none if it is being made and not to be waited for.
    async fn buy(
        &self,
        wallet: Option<&Wallet>,
        token: &mut Option<Token>,
    ) -> Result<(Option<Purchase<T>>, Session), Failure> {
        let Self { target, args, output, .. } = *self;
        let session = reach::verified(target, self.policy, output).await?;
        *token = session.token().cloned();
        let options = PurchaseOptions {
            max_price: args.max_price.clone(),
            pending: Some(self.place.pending()),
            retry: Retry::default(),
            wait: !args.no_wait,
            new_payment: args.new_payment,
            clock: now,
        };
        let mut watch = |event| output.progress(&report::line(&event));
        match session.purchase(self.request, wallet, &options, &mut watch).await {
            Ok(purchase) => Ok((Some(purchase), session)),
            Err(ClientError::Underway(how)) => {
                let money = Money::by_record(self.place, token.as_ref(), now());
                output.progress(&how);
                money.lines().iter().for_each(|line| output.progress(line));
                output.result(String::new, || json!({"status": "accepted", "next": how, "money": money.to_json()}))?;
                Ok((None, session))
            }
            Err(ClientError::JobFailed(failure)) => Err(self.failed(failure)?),
            Err(error) => {
                let refused = matches!(error, ClientError::PaymentRefused { is_final: true, .. });
                let failure = Failure::from(error);
                // Refused for good, and no longer kept.
                let over = refused && self.place.pending().signed()?.is_none();
                Err(if over { failure.with_money(Money::NotCharged) } else { failure })
            }
        }
    }

    /// Calls off what the same command ordered.
    async fn call_off(&self) -> Result<Exit, Failure> {
        let Order { target, policy, request, place, output, .. } = self;
        let pending = place.pending();
        if pending.signed()?.is_none() {
            return Err(ClientError::nothing_to_call_off().into());
        }
        let session = reach::verified(target, policy, *output).await?;
        match session.cancel(request, &pending, now()).await {
            Ok(failure) => {
                self.keep_failure(&failure)?;
                let json = || json!({"status": "cancelled", "charged": false, "receiptFile": failure.receipt});
                output.result(|| "called off; nothing was charged\n".into(), json)?;
                Ok(Exit::Ok)
            }
            Err(ClientError::JobFailed(failure)) => Err(self.failed(failure)?),
            Err(error) => Err(error.into()),
        }
    }

    /// Prints what was bought and saves its receipt where that was asked for.
    fn hand_over(
        &self,
        shown: &impl Shown<T>,
        purchase: &Purchase<T>,
        path: &Path,
        already: bool,
        session: Option<&Session>,
    ) -> Result<Exit, Failure> {
        let Self { args, output, request, .. } = self;
        let precis_protocol::receipt::Payment { amount, network, asset, .. } = &purchase.payment;
        let token = session.and_then(Session::token).cloned().or_else(|| Token::known(network, *asset));
        let amount = precis_client::Amount::new(*amount, token.as_ref());
        report::bought(purchase, &amount, already, &shown.remarks(&purchase.result), *output);
        output.progress(&format!("receipt: kept in {}", path.display()));
        let paid = |failure: Failure| failure.with_money(Money::Paid { receipt: path.to_owned() });
        if let Some(copy) = &args.receipt {
            purchase.save_receipt(copy).map_err(|error| paid(error.into()))?;
            output.progress(&format!("receipt: saved to {}", copy.display()));
        }
        let text = || shown.text(request, &purchase.result);
        output.result(text, || report::to_json(purchase, already)).map_err(paid)?;
        Ok(Exit::Ok)
    }
}
