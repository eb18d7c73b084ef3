//! An order: verify, pay, check the receipt, and only then print. What was bought before is printed without paying. Also what remains
//! when an order fails.

use std::path::{Path, PathBuf};
use std::time::Duration;

use precis_client::{ClientError, JobFailure, Place, Purchase, PurchaseOptions, Request, Retry, Task, Token, Wallet};
use serde_json::{Value, json};

use super::buyer::Buyer;
use super::report;
use crate::args::{Format, PurchaseArgs, Target};
use crate::clock::now;
use crate::exit::{Exit, Failure};
use crate::input;
use crate::interrupt::Signals;
use crate::money::Money;
use crate::output::{Output, Shape};

/// Appended to the name of the receipt file for a job that failed: it is no receipt of a summary.
const FAILURE_SUFFIX: &str = ".failure.json";
/// Time until the service should say how far it is, where somebody watches.
const WORD_AFTER: Duration = Duration::from_secs(1);

/// A way to show the results of one task.
pub(super) trait Shown<T: Task> {
    /// Lines about the result, beside it.
    fn remarks(&self, result: &T::Output) -> Vec<String>;

    /// The result for people.
    fn text(&self, request: &Request<T>, result: &T::Output) -> String;

    /// The result as a Markdown page, with `notes` about the purchase.
    fn page(&self, request: &Request<T>, result: &T::Output, _notes: &[String]) -> String {
        self.text(request, result)
    }

    /// Adds to what programs get.
    fn complete(&self, _json: &mut Value) {}
}

/// An order that did not fail.
pub(super) struct Ended {
    pub exit: Exit,
    /// The text or object to be printed.
    pub shape: Shape,
    /// The end of the money, should printing fail.
    money: Money,
}

impl Ended {
    /// The same end, printed as `shape`.
    #[must_use]
    pub fn with_shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// Prints it.
    ///
    /// # Errors
    /// A [`Failure`] that says that it is paid and how to print it.
    pub fn print(self, output: Output) -> Result<Exit, Failure> {
        match output.write(&self.shape) {
            Ok(()) => Ok(self.exit),
            Err(failure) => Err(failure.with_money(self.money)),
        }
    }
}

/// One order of a buyer.
struct Order<'a, T: Task> {
    buyer: &'a Buyer<'a>,
    request: &'a Request<T>,
    place: Place,
}

/// Carries out the only order of a command, of what `request` makes, and prints what came of it. `request` is called before anything
/// is sent.
pub(super) async fn run<T: Task>(
    target: &Target,
    args: &PurchaseArgs,
    request: impl FnOnce() -> Result<Request<T>, Failure>,
    shown: &impl Shown<T>,
    output: Output,
) -> Result<Exit, Failure> {
    let untouched = |failure: Failure| failure.with_money(Money::Untouched);
    let buyer = Buyer::new(target, args, output).map_err(untouched)?;
    let request = request().map_err(untouched)?;
    let mut signals = Signals::hold().map_err(untouched)?;
    carry_out(&buyer, &request, shown, &mut signals).await?.print(output)
}

/// Carries out an order, up to what is to be printed.
///
/// # Errors
/// A [`Failure`] with what became of the money.
pub(super) async fn carry_out<T: Task>(
    buyer: &Buyer<'_>,
    request: &Request<T>,
    shown: &impl Shown<T>,
    signals: &mut Signals,
) -> Result<Ended, Failure> {
    let (app, commitment) = (&buyer.policy.app_id, request.commitment());
    // A purchase that another process waits for can be called off; that process then keeps the proof.
    let opened = match buyer.index.open(app, commitment) {
        Err(ClientError::Unavailable(_)) if buyer.args.cancel => Ok(buyer.index.look(app, commitment)),
        opened => opened,
    };
    match opened {
        Ok(place) => Order { buyer, request, place }.run(shown, signals).await,
        Err(error) => {
            let look = buyer.index.look(app, commitment);
            let of_one = matches!(error, ClientError::Unavailable(_));
            let money = Money::by_record(&look, None, buyer.next(), now());
            Err(Failure { of_one, ..Failure::from(error) }.with_money(money))
        }
    }
}

impl<T: Task> Order<'_, T> {
    /// Keeps the receipt of a job that ended without a summary, and only then forgets the payment, which is of no more use.
    fn failed(&self, failure: Box<JobFailure>) -> Result<Failure, Failure> {
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
    fn keep_failure(&self, failure: &JobFailure) -> Result<(), Failure> {
        let Buyer { args, output, .. } = self.buyer;
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

    /// The state of the money by the record.
    fn money(&self) -> Money {
        Money::by_record(&self.place, self.buyer.token(), self.buyer.next(), now())
    }
}

impl<T: Task> Order<'_, T> {
    async fn run(&self, shown: &impl Shown<T>, signals: &mut Signals) -> Result<Ended, Failure> {
        let ended = self.steps(shown, signals).await;
        self.buyer.output.clear();
        let ended = ended.map_err(|failure| {
            if failure.money.is_some() {
                return failure;
            }
            let money = self.money();
            let interrupted = matches!(failure.exit, Exit::Interrupted | Exit::Terminated);
            let under_way = interrupted && matches!(money, Money::Signed { .. });
            let exit = if under_way { Exit::Underway } else { failure.exit };
            Failure { exit, ..failure }.with_money(money)
        });
        let money = ended.as_ref().err().and_then(|failure| failure.money.as_deref());
        let uncharged = matches!(money, Some(Money::NotCharged | Money::PaidBack { .. }));
        self.buyer.budget().close(uncharged);
        ended
    }

    async fn steps(&self, shown: &impl Shown<T>, signals: &mut Signals) -> Result<Ended, Failure> {
        let Buyer { args, policy, .. } = self.buyer;
        if args.cancel {
            return signals.interrupt(self.call_off()).await;
        }
        if !args.again
            && let Some((path, purchase)) = self.place.bought(self.request, policy, now())?
        {
            return self.hand_over(shown, &purchase, &path, true);
        }
        let wallet = self.wallet()?;
        match signals.interrupt(self.buy(wallet.as_ref())).await? {
            Outcome::Ordered(how) => Ok(self.ordered(&how)),
            Outcome::Bought(purchase) => {
                // First of all the receipt is kept: whatever fails from here on, the result is not paid for again.
                let path = self.place.keep_receipt(&purchase.receipt)?;
                self.hand_over(shown, &purchase, &path, false)
            }
        }
    }

    /// The key that pays. What was signed before needs none.
    fn wallet(&self) -> Result<Option<Wallet>, Failure> {
        let args = self.buyer.args;
        let key_file = args.key_file.as_deref();
        let resumes = !args.new_payment && self.place.pending().signed()?.is_some();
        if resumes && !input::has_key(key_file) { Ok(None) } else { input::wallet(key_file).map(Some) }
    }

    async fn buy(&self, wallet: Option<&Wallet>) -> Result<Outcome<T>, Failure> {
        let Buyer { args, output, .. } = self.buyer;
        let session = self.buyer.session().await?;
        let budget = self.buyer.budget().clone();
        let seen = self.buyer.seen();
        let options = PurchaseOptions {
            max_price: args.max_price.clone(),
            budget,
            pending: Some(self.place.pending()),
            retry: Retry::default(),
            wait: !args.no_wait,
            word_after: output.is_watched().then_some(WORD_AFTER),
            new_payment: args.new_payment,
            clock: now,
        };
        let mut watch = |event| {
            seen(&event);
            report::show(&event, *output);
        };
        match session.purchase(self.request, wallet, &options, &mut watch).await {
            Ok(purchase) => Ok(Outcome::Bought(Box::new(purchase))),
            Err(ClientError::Underway(how)) => Ok(Outcome::Ordered(how)),
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

    /// Says that it is ordered; it is not waited for.
    fn ordered(&self, how: &str) -> Ended {
        let (output, money) = (self.buyer.output, self.money());
        output.progress(how);
        money.lines().iter().for_each(|line| output.progress(line));
        let shape = output.shape(String::new, || json!({"status": "accepted", "next": how, "money": money.to_json()}));
        Ended { exit: Exit::Underway, shape, money }
    }

    /// Calls off what the same command ordered.
    async fn call_off(&self) -> Result<Ended, Failure> {
        let pending = self.place.pending();
        if pending.signed()?.is_none() {
            return Err(Failure::from(ClientError::nothing_to_call_off()).of_one());
        }
        let session = self.buyer.session().await?;
        match session.cancel(self.request, &pending, now()).await {
            Ok(failure) => {
                self.keep_failure(&failure)?;
                let json = || json!({"status": "cancelled", "charged": false, "receiptFile": failure.receipt});
                let shape = self.buyer.output.shape(|| "called off; nothing was charged\n".into(), json);
                Ok(Ended { exit: Exit::Ok, shape, money: Money::NotCharged })
            }
            Err(ClientError::JobFailed(failure)) => Err(self.failed(failure)?),
            Err(error) => Err(error.into()),
        }
    }

    /// The purchase, ready to be printed, its receipt saved where that was asked for.
    fn hand_over(
        &self,
        shown: &impl Shown<T>,
        purchase: &Purchase<T>,
        path: &Path,
        already: bool,
    ) -> Result<Ended, Failure> {
        let Buyer { args, output, .. } = self.buyer;
        let precis_protocol::receipt::Payment { amount, network, asset, .. } = &purchase.payment;
        let token = self.buyer.token().cloned().or_else(|| Token::known(network, *asset));
        let amount = precis_client::Amount::new(*amount, token.as_ref());
        let notes = report::bought(purchase, &amount, already, &shown.remarks(&purchase.result), path);
        notes.iter().for_each(|note| output.progress(note));
        let money = Money::Paid { receipt: path.to_owned(), next: self.buyer.next() };
        if let Some(copy) = &args.receipt {
            if let Err(error) = purchase.save_receipt(copy) {
                return Err(Failure::from(error).with_money(money));
            }
            output.progress(&format!("receipt: saved to {}", copy.display()));
        }
        let text = || match output.format() {
            Format::Markdown => shown.page(self.request, &purchase.result, &notes),
            _ => shown.text(self.request, &purchase.result),
        };
        let json = || {
            let mut json = report::to_json(purchase, already);
            shown.complete(&mut json);
            json
        };
        let shape = output.shape(text, json);
        Ok(Ended { exit: Exit::Ok, shape, money })
    }
}

/// The end of a purchase that did not fail.
enum Outcome<T: Task> {
    Bought(Box<Purchase<T>>),
    /// It is being made, and the sentence says how to fetch it.
    Ordered(String),
}
