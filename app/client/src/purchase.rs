//! Buying one result: terms, one authorization, delivery, receipt (SPEC 5 to 7).
//!
//! Guarantees: nothing is signed before the terms are checked; at most one authorization is signed, it is on disk before it is sent,
//! and every further try sends that one; a result is handed over only with a receipt that verifies.

use alloy_primitives::U256;
use precis_payment::authorize::authorize;
use precis_payment::wire::{PaymentPayload, Version2};
use precis_protocol::problem::Charged;

use crate::answer;
use crate::channel::ChannelChoice;
use crate::date;
use crate::deliver::{End, Followed};
use crate::entropy;
use crate::error::ClientError;
use crate::judge::{Order, Payment};
use crate::offer;
use crate::options::PurchaseOptions;
use crate::pending::{Pending, SignedPayment};
use crate::progress::{Progress, Watcher};
use crate::receipts::{Delivery, Purchase};
use crate::request::{Parts, Request};
use crate::session::Session;
use crate::task::Task;
use crate::terms::{Expected, Terms, TermsError};
use crate::tries::Tries;
use crate::wallet::Wallet;

/// After this long past its end no clock difference makes an authorization valid again, in seconds.
const EXPIRY_MARGIN: u64 = 120;
/// Name of the option that states the highest price, for messages.
const CAP: &str = "--max-price";

impl Payment {
    /// An authorization that was signed before. A restarted service quotes the same terms under another digest, so that the echo is
    /// that of `terms`; what was signed does not change.
    pub(crate) fn kept(earlier: Pending, terms: &Terms) -> Self {
        let quote = terms.quote();
        let payload = PaymentPayload {
            x402_version: Version2,
            resource: Some(quote.resource.clone()),
            accepted: terms.chosen().clone(),
            payload: earlier.payment,
            extensions: quote.extensions.clone(),
        };
        Self { payload, salt: earlier.salt }
    }
}

impl Session {
    /// Buys what `request` asks for, paying from `wallet` at most what `options` allow. Without a wallet only a payment that was
    /// signed before is used.
    ///
    /// The unfinished payment, if `options` name a file for it, is still there when this returns: the caller removes it once
    /// it has kept what it wants of the [`Purchase`], or of a [`crate::JobFailure`] with a receipt, so that being killed in between
    /// loses nothing. A payment that the service refused for good is removed here.
    ///
    /// # Errors
    /// [`ClientError`], which says what to do next. The file of the unfinished payment says whether anything is signed.
    pub async fn purchase<T: Task>(
        &self,
        request: &Request<T>,
        wallet: Option<&Wallet>,
        options: &PurchaseOptions,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Purchase<T>, ClientError> {
        Purchase::of(self.buy(request, wallet, options, progress).await?)
    }

    async fn buy(
        &self,
        request: &Parts,
        wallet: Option<&Wallet>,
        options: &PurchaseOptions,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Delivery, ClientError> {
        if !options.wait && options.pending.is_none() {
            return Err(ClientError::Input(
                "a payment that is not waited for must be kept, and there is no place for it; name a file for it"
                    .into(),
            ));
        }
        let mut earlier = options.pending.as_ref().map(|file| file.load(request.commitment())).transpose()?.flatten();
        if let (Some(kept), Some(file), false) = (&earlier, &options.pending, options.new_payment) {
            self.check_kept(kept, options)?;
            progress(Progress::Resuming { payment: kept.into(), amount: self.amount(kept.amount()) });
            match self.resume(request, kept.clone(), options, progress).await {
                Err(error) if self.gives_way(&error, kept, (options.clock)()) => {
                    file.remove()?;
                    earlier = None;
                    progress(Progress::GivenWay { why: error.to_string() });
                }
                outcome => return outcome,
            }
        }
        let wallet =
            wallet.ok_or_else(|| ClientError::Input("there is no key to pay with; give one with --key-file".into()))?;
        let target = self.target();
        let max_price = options.max_price.clone().unwrap_or_default();
        let cap = max_price.resolve(CAP, &target.network, target.asset, self.token.as_ref())?;
        let terms = self.terms(request, cap, options, progress).await?;
        options.budget.check(terms.amount(), self)?;
        if let (Some(file), Some(earlier)) = (&options.pending, earlier) {
            progress(Progress::Discarding {
                payment: SignedPayment::from(&earlier),
                amount: self.amount(earlier.amount()),
            });
            file.abandon(&earlier)?;
        }
        let payment = self.sign(request, &terms, wallet, options)?;
        progress(Progress::Paying);
        match self.deliver(request, &payment, options, &mut Tries::new(options.retry), progress).await {
            Err(error) if self.is_final(&error) => {
                options.pending.as_ref().map_or(Ok(()), |file| file.remove())?;
                Err(error)
            }
            end => self.close(&Order { request, terms: &terms, payment: &payment }, end?, false, options).await,
        }
    }

    /// The terms of the service for `request`, of at most `cap`: an unpaid request, answered by 402.
    async fn terms(
        &self,
        request: &Parts,
        cap: U256,
        options: &PurchaseOptions,
        progress: &mut Watcher<'_>,
    ) -> Result<Terms, ClientError> {
        let mut terms = self.offered(request, cap).await?;
        if offer::are_by_another(&terms, offer::receipt_signer(&self.exchange.latest())?) {
            // The keys may have been replaced since the service was verified; nothing is signed yet.
            self.exchange.renew().await?;
            terms = self.offered(request, cap).await?;
        }
        offer::check_offers(&terms, offer::receipt_signer(&self.exchange.latest())?, (options.clock)())?;
        progress(Progress::Terms {
            amount: self.amount(terms.amount()),
            network: terms.network(),
            asset: terms.asset(),
            pay_to: terms.pay_to(),
            upfront: terms.upfront(),
        });
        Ok(terms)
    }

    async fn offered(&self, request: &Parts, cap: U256) -> Result<Terms, ClientError> {
        let response = self.exchange.send(request.to_order(&[])?).await?;
        Ok(Terms::check(answer::quote(&response)?, &self.expected(request, cap)?)?)
    }

    /// A payment that is kept goes on where it was signed for: held against the terms of another network it would look refused, and
    /// a second one would be signed. A cap that the caller names bounds it as well: nothing more is done with it.
    fn check_kept(&self, kept: &Pending, options: &PurchaseOptions) -> Result<(), ClientError> {
        let here = self.target();
        if let Some((network, asset)) = SignedPayment::from(kept).target
            && (network != here.network || asset != here.asset)
        {
            return Err(ClientError::Input(format!(
                "an unfinished payment on {network} is kept for this request; go on with it by --network {network}, or give it up by --new-payment, which may charge twice"
            )));
        }
        options.budget.check(kept.amount(), self)?;
        let Some(max_price) = &options.max_price else { return Ok(()) };
        let target = self.target();
        let cap = max_price.resolve(CAP, &target.network, target.asset, self.token.as_ref())?;
        if kept.amount() > cap {
            let (amount, cap) = (self.amount(kept.amount()), self.amount(cap));
            return Err(TermsError::KeptOverCap { amount, cap }.into());
        }
        Ok(())
    }

    /// The terms of a payment that was signed before, if the service's keyset still gives them. What is spent is spent: no cap.
    pub(crate) fn kept_terms(&self, request: &Parts, earlier: &Pending) -> Option<Terms> {
        let terms = Terms::check(earlier.quote()?, &self.expected(request, U256::MAX).ok()?).ok()?;
        is_for(earlier, &terms).then_some(terms)
    }

    fn expected(&self, request: &Parts, cap: U256) -> Result<Expected<'_>, TermsError> {
        Ok(Expected {
            target: self.target(),
            price: &self.terms_of(request.task())?.price,
            document_bytes: request.body().len(),
            cap,
            token: self.token.as_ref(),
        })
    }

    fn sign(
        &self,
        request: &Parts,
        terms: &Terms,
        wallet: &Wallet,
        options: &PurchaseOptions,
    ) -> Result<Payment, ClientError> {
        let salt = entropy::random32()?;
        let nonce = request.commitment().payment_nonce(&salt);
        let quote = terms.quote();
        let mut payload =
            authorize(wallet.key(), terms.chosen(), Some(quote.resource.clone()), (options.clock)(), nonce)
                .map_err(TermsError::from)?;
        payload.extensions.clone_from(&quote.extensions);
        if let Some(file) = &options.pending {
            file.save(&Pending::new(request.commitment(), salt, &payload))?;
        }
        Ok(Payment { payload, salt })
    }

    /// Goes on with an authorization that was signed before: asks for its job, and sends it again if there is none.
    async fn resume(
        &self,
        request: &Parts,
        earlier: Pending,
        options: &PurchaseOptions,
        progress: &mut Watcher<'_>,
    ) -> Result<Delivery, ClientError> {
        let mut tries = Tries::new(options.retry);
        if let (Some(job), Some(terms)) = (&earlier.job, self.kept_terms(request, &earlier))
            && let Followed::End(end) = self.follow(job, options, &mut tries, progress).await?
        {
            let payment = Payment::kept(earlier, &terms);
            return self.close(&Order { request, terms: &terms, payment: &payment }, end, true, options).await;
        }
        // What is signed is signed: no cap. A network that takes no new payments is not quoted, and still delivers what was bought on it.
        let terms = match self.terms(request, U256::MAX, options, progress).await {
            Err(ClientError::Terms(why @ TermsError::NothingAttested { .. })) => {
                self.kept_terms(request, &earlier).ok_or(why)?
            }
            terms => terms?,
        };
        if !is_for(&earlier, &terms) {
            let signed = SignedPayment::from(&earlier);
            return Err(ClientError::refused(format!(
                "an unfinished payment of {} to {} is kept, but the service now asks for {} to {}; it was not sent again: ask the operator whether it was taken; if it was not, --new-payment gives it up, best after it lapses at {}",
                self.amount(signed.amount),
                signed.pay_to,
                self.amount(terms.amount()),
                terms.pay_to(),
                date::utc(signed.valid_before)
            )));
        }
        let payment = Payment::kept(earlier, &terms);
        let end = self.deliver(request, &payment, options, &mut tries, progress).await?;
        self.close(&Order { request, terms: &terms, payment: &payment }, end, true, options).await
    }

    /// The receipt decides what an end is worth.
    async fn close(
        &self,
        order: &Order<'_>,
        end: End,
        resumed: bool,
        options: &PurchaseOptions,
    ) -> Result<Delivery, ClientError> {
        let now = (options.clock)();
        match end {
            End::Summary(delivered) => self.accept(order, *delivered, resumed, now).await,
            End::Failure(ended) => Err(ClientError::JobFailed(Box::new(self.conclude(order, *ended, now).await?))),
        }
    }
}

impl Session {
    /// Whether the service refused the payment for good. Only the attested channel shows that it was the service.
    fn is_final(&self, error: &ClientError) -> bool {
        self.channel == ChannelChoice::Encrypted && matches!(error, ClientError::PaymentRefused { is_final: true, .. })
    }

    /// Whether another authorization cannot be a second charge: the service refused this one for good, or says that it did not take
    /// it and no longer can.
    fn gives_way(&self, error: &ClientError, kept: &Pending, now: u64) -> bool {
        let end = kept.payment.authorization.valid_before.saturating_add(U256::from(EXPIRY_MARGIN));
        let did_not_take = match error {
            // A service that named the job may have taken its payment and forgotten both; one that does not say may have, too.
            ClientError::PaymentRefused { uncharged, .. } => {
                *uncharged && kept.job.is_none() && self.channel == ChannelChoice::Encrypted
            }
            // Without a receipt: one that does not verify is a reason for doubt.
            ClientError::JobFailed(failure) => {
                let problem = &failure.problem;
                problem.receipt.is_none() && problem.refund.is_none() && problem.charged == Charged::No
            }
            _ => false,
        };
        self.is_final(error) || (did_not_take && end < U256::from(now))
    }
}

/// Whether what was signed pays these terms.
fn is_for(earlier: &Pending, terms: &Terms) -> bool {
    earlier.payment.authorization.to == terms.pay_to() && earlier.amount() == terms.amount()
}
