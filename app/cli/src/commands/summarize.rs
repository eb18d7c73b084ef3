//! `precis summarize FILE`: verify, pay, check the receipt, and only then print. What was bought before is printed without paying.

use std::path::Path;

use precis_client::{ClientError, Index, Purchase, PurchaseOptions, Retry, Session, Token, Wallet};
use serde_json::json;

use super::order::Order;
use super::{cancel, reach, report};
use crate::args::SummarizeArgs;
use crate::clock::now;
use crate::exit::{Exit, Failure};
use crate::interrupt::Signals;
use crate::money::Money;
use crate::output::Output;
use crate::{input, policy};

pub(super) async fn run(args: &SummarizeArgs, output: Output) -> Result<Exit, Failure> {
    let untouched = |failure: Failure| failure.with_money(Money::Untouched);
    let (policy, _) = policy::load(args.request.common.policy.as_deref()).map_err(untouched)?;
    let request = input::request(&args.request).map_err(untouched)?;
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
    let order = Order { args, policy: &policy, request: &request, place: &place, output };
    order.run().await
}

impl Order<'_> {
    async fn run(&self) -> Result<Exit, Failure> {
        let token = &mut None;
        let ended = self.steps(token).await;
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

    async fn steps(&self, token: &mut Option<Token>) -> Result<Exit, Failure> {
        let Self { args, .. } = self;
        if args.cancel {
            return Signals::hold()?.interrupt(cancel::run(self)).await;
        }
        if !args.again
            && let Some((path, purchase)) = self.place.bought(self.request, self.policy, now())?
        {
            return self.hand_over(&purchase, &path, true, None);
        }
        let wallet = self.wallet()?;
        let (purchase, session) = Signals::hold()?.interrupt(self.buy(wallet.as_ref(), token)).await?;
        let Some(purchase) = purchase else { return Ok(Exit::Underway) };
        // First of all the receipt is kept: whatever fails from here on, the summary is not paid for again.
        let path = self.place.keep_receipt(&purchase.receipt)?;
        self.hand_over(&purchase, &path, false, Some(&session))
    }

    /// The key that pays. What was signed before needs none.
    fn wallet(&self) -> Result<Option<Wallet>, Failure> {
        let key_file = self.args.key_file.as_deref();
        let resumes = !self.args.new_payment && self.place.pending().signed()?.is_some();
        if resumes && !input::has_key(key_file) { Ok(None) } else { input::wallet(key_file).map(Some) }
    }

    /// The summary; none if it is being made and not to be waited for.
    async fn buy(
        &self,
        wallet: Option<&Wallet>,
        token: &mut Option<Token>,
    ) -> Result<(Option<Purchase>, Session), Failure> {
        let Self { args, output, .. } = *self;
        let session = reach::verified(&args.request, self.policy, output).await?;
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

    /// Prints what was bought and saves its receipt where that was asked for.
    fn hand_over(
        &self,
        purchase: &Purchase,
        path: &Path,
        already: bool,
        session: Option<&Session>,
    ) -> Result<Exit, Failure> {
        let Self { args, output, request, .. } = self;
        let precis_protocol::receipt::Payment { amount, network, asset, .. } = &purchase.payment;
        let token = session.and_then(Session::token).cloned().or_else(|| Token::known(network, *asset));
        let amount = precis_client::Amount::new(*amount, token.as_ref());
        report::bought(purchase, &amount, already, *output);
        output.progress(&format!("receipt: kept in {}", path.display()));
        let paid = |failure: Failure| failure.with_money(Money::Paid { receipt: path.to_owned() });
        if let Some(copy) = &args.receipt {
            purchase.save_receipt(copy).map_err(|error| paid(error.into()))?;
            output.progress(&format!("receipt: saved to {}", copy.display()));
        }
        let text = || report::text(purchase, args, request.document());
        output.result(text, || report::to_json(purchase, already)).map_err(paid)?;
        Ok(Exit::Ok)
    }
}
