//! Buying one summary: terms, one authorization, delivery, receipt (SPEC 5 to 7).
//!
//! Guarantees: nothing is signed before the terms are checked; at most one authorization is signed, it is on disk before it is sent,
//! and every further try sends that one; a summary is handed over only with a receipt that verifies.

use std::path::Path;

use alloy_primitives::U256;
use precis_payment::authorize::authorize;
use precis_payment::wire::{PaymentPayload, SettleResponse, Version2};
use precis_protocol::problem::Charged;
use precis_protocol::receipt::{self, ReceiptFile};
use precis_protocol::summary::SummaryResult;
use precis_verify::Transcript;

use crate::answer;
use crate::deliver::{End, Followed};
use crate::entropy;
use crate::error::ClientError;
use crate::failure;
use crate::judge::{Order, Payment};
use crate::offer;
use crate::options::{Progress, PurchaseOptions, Watcher};
use crate::pending::Pending;
use crate::request::SummaryRequest;
use crate::session::Session;
use crate::terms::{Expected, Terms, TermsError};
use crate::tries::Tries;
use crate::wallet::Wallet;

/// After this long past its end no clock difference makes an authorization valid again, in seconds.
const EXPIRY_MARGIN: u64 = 120;

/// A summary with everything that proves it.
pub struct Purchase {
    /// The summary and its metering, as signed over.
    pub result: SummaryResult,
    /// The payment as the receipt records it.
    pub payment: receipt::Payment,
    /// The settlement as the service reported it.
    pub settlement: Option<SettleResponse>,
    /// The receipt with all that it takes to verify it offline (SPEC 7.5).
    pub receipt: ReceiptFile,
    /// The checks that the receipt passed.
    pub transcript: Transcript,
    /// Whether an earlier payment was resumed.
    pub resumed: bool,
}

impl Purchase {
    /// Writes the receipt file as a whole or not at all, readable by its owner only.
    ///
    /// # Errors
    /// [`ClientError::Input`] with the I/O error.
    pub fn save_receipt(&self, path: &Path) -> Result<(), ClientError> {
        failure::save(&self.receipt, path)
    }
}

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
    /// Buys the summary of `request`, paying from `wallet` at most what `options` allow.
    ///
    /// The unfinished payment, if `options` name a file for it, is still there when this returns: the caller removes it once
    /// it has kept what it wants of the [`Purchase`], or of a [`crate::JobFailure`] with a receipt, so that being killed in between
    /// loses nothing.
    ///
    /// # Errors
    /// [`ClientError`], which says whether anything was signed and what to do next.
    pub async fn purchase(
        &self,
        request: &SummaryRequest,
        wallet: &Wallet,
        options: &PurchaseOptions,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Purchase, ClientError> {
        if !options.wait && options.pending.is_none() {
            return Err(ClientError::Input(
                "a payment that is not waited for must be kept, and there is no place for it; name one with --receipt"
                    .into(),
            ));
        }
        let earlier = options.pending.as_ref().map(|file| file.load(request.commitment())).transpose()?.flatten();
        if let Some(earlier) = earlier.clone().filter(|_| !options.new_payment) {
            progress(Progress::Resuming);
            let lapsed = earlier.payment.authorization.valid_before.saturating_add(U256::from(EXPIRY_MARGIN))
                < U256::from((options.clock)());
            match self.resume(request, earlier, options, progress).await {
                // The service did not take it and can no longer: another authorization cannot be a second charge.
                Err(error) if lapsed && is_refusal(&error) => {}
                outcome => return outcome,
            }
        }
        let terms = self.terms(request, options, progress).await?;
        if let (Some(file), Some(earlier)) = (&options.pending, earlier) {
            if options.new_payment {
                let signed = &earlier.payment.authorization;
                progress(Progress::Discarding { amount: signed.value.get(), valid_before: signed.valid_before });
            }
            file.remove()?;
        }
        let payment = self.sign(request, &terms, wallet, options)?;
        progress(Progress::Paying);
        let end = self.deliver(request, &payment, options, &mut Tries::new(options.retry), progress).await?;
        self.close(&Order { request, terms: &terms, payment: &payment }, end, false, options).await
    }

    /// The terms of the service for `request`: an unpaid request, answered by 402.
    async fn terms(
        &self,
        request: &SummaryRequest,
        options: &PurchaseOptions,
        progress: &mut Watcher<'_>,
    ) -> Result<Terms, ClientError> {
        self.check_pins()?;
        let target = &self.service.keyset().payment;
        let cap = options.max_price.resolve(&target.network, target.asset)?;
        let mut terms = self.offered(request, cap).await?;
        if offer::are_by_another(&terms, offer::receipt_signer(&self.exchange.latest())?) {
            // The keys may have been replaced since the service was verified; nothing is signed yet.
            self.exchange.renew().await?;
            terms = self.offered(request, cap).await?;
        }
        offer::check_offers(&terms, offer::receipt_signer(&self.exchange.latest())?, (options.clock)())?;
        progress(Progress::Terms {
            amount: terms.amount(),
            network: terms.network(),
            asset: terms.asset(),
            pay_to: terms.pay_to(),
            upfront: terms.upfront(),
        });
        Ok(terms)
    }

    async fn offered(&self, request: &SummaryRequest, cap: U256) -> Result<Terms, ClientError> {
        let response = self.exchange.send(request.to_summaries(&[])?).await?;
        Ok(Terms::check(answer::quote(&response)?, &self.expected(request, cap))?)
    }

    /// The terms of a payment that was signed before, if the service's keyset still gives them. What is spent is spent: no cap.
    pub(crate) fn kept_terms(&self, request: &SummaryRequest, earlier: &Pending) -> Option<Terms> {
        self.check_pins().ok()?;
        let terms = Terms::check(earlier.quote()?, &self.expected(request, U256::MAX)).ok()?;
        is_for(earlier, &terms).then_some(terms)
    }

    fn expected(&self, request: &SummaryRequest, cap: U256) -> Expected<'_> {
        let keyset = self.service.keyset();
        Expected {
            target: &keyset.payment,
            price: keyset.price_list.modes.get(request.mode()),
            document_bytes: request.body().len(),
            cap,
        }
    }

    fn sign(
        &self,
        request: &SummaryRequest,
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
        request: &SummaryRequest,
        earlier: Pending,
        options: &PurchaseOptions,
        progress: &mut Watcher<'_>,
    ) -> Result<Purchase, ClientError> {
        let mut tries = Tries::new(options.retry);
        if let (Some(job), Some(terms)) = (&earlier.job, self.kept_terms(request, &earlier))
            && let Followed::End(end) = self.follow(job, options, &mut tries, progress).await?
        {
            let payment = Payment::kept(earlier, &terms);
            return self.close(&Order { request, terms: &terms, payment: &payment }, end, true, options).await;
        }
        let terms = self.terms(request, options, progress).await?;
        if !is_for(&earlier, &terms) {
            let signed = &earlier.payment.authorization;
            return Err(ClientError::PaymentRefused(format!(
                "an unfinished payment of {} to {} exists, but the service now asks for {} to {}; nothing was sent, try again after {} (Unix seconds) or ask the operator",
                signed.value,
                signed.to,
                terms.amount(),
                terms.pay_to(),
                signed.valid_before
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
    ) -> Result<Purchase, ClientError> {
        let now = (options.clock)();
        match end {
            End::Summary(delivered) => self.accept(order, *delivered, resumed, now).await,
            End::Failure(ended) => Err(ClientError::JobFailed(Box::new(self.conclude(order, *ended, now).await?))),
        }
    }
}

/// Whether what was signed pays these terms.
fn is_for(earlier: &Pending, terms: &Terms) -> bool {
    let signed = &earlier.payment.authorization;
    signed.to == terms.pay_to() && signed.value.get() == terms.amount()
}

/// Whether the service says that it did not take a payment. A failure with a receipt is the caller's to keep first.
fn is_refusal(error: &ClientError) -> bool {
    match error {
        ClientError::PaymentRefused(_) => true,
        // Without a receipt: one that does not verify is a reason for doubt.
        ClientError::JobFailed(failure) => {
            let problem = &failure.problem;
            problem.receipt.is_none() && problem.refund.is_none() && problem.charged == Charged::No
        }
        _ => false,
    }
}
