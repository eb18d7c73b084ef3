//! Buying one summary: terms, one authorization, delivery, receipt (SPEC 5 to 7).
//!
//! Guarantees: nothing is signed before the terms are checked; at most one authorization is signed, it is on disk before it is sent,
//! and every further try sends that one; a summary is handed over only with a receipt that verifies.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use alloy_primitives::{Address, U256};
use precis_payment::authorize::authorize;
use precis_payment::wire::{self, PaymentPayload, SettleResponse, Version2};
use precis_protocol::digest::Digest;
use precis_protocol::problem::Charged;
use precis_protocol::receipt::{self, ReceiptFile, SavedRequest, SignedReceipt};
use precis_protocol::summary::SummaryResult;
use precis_protocol::{headers, limits, strict, tags};
use precis_verify::Transcript;
use precis_verify::receipt::{Body, Exchange, ExpectedPayment};

use crate::answer::{self, Delivered, Next};
use crate::entropy;
use crate::error::ClientError;
use crate::files;
use crate::offer;
use crate::pending::{Pending, PendingFile};
use crate::price::MaxPrice;
use crate::request::SummaryRequest;
use crate::session::Session;
use crate::terms::{Expected, Terms};
use crate::wallet::Wallet;

/// After this long past its end no clock difference makes an authorization valid again, in seconds.
const EXPIRY_MARGIN: u64 = 120;

/// How often the same payment is sent, and how long to wait in between.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Tries in all, at least one.
    pub attempts: u32,
    /// Pause before the next try when the service names none.
    pub pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 8, pause: Duration::from_secs(2) }
    }
}

/// How to buy.
#[derive(Clone)]
pub struct PurchaseOptions {
    /// The most that may be authorized.
    pub max_price: MaxPrice,
    /// Where the unfinished payment stands. Without it, a client that is killed cannot resume.
    pub pending: Option<PendingFile>,
    /// Bounds on trying again.
    pub retry: Retry,
    /// The clock, in Unix seconds.
    pub clock: fn() -> u64,
}

/// What happens during a purchase, for whoever watches.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress {
    /// The terms are those of the attested keyset, and within the cap.
    Terms {
        /// Atomic units.
        amount: U256,
        /// CAIP-2 network.
        network: String,
        /// Token contract.
        asset: Address,
        /// Payee.
        pay_to: Address,
    },
    /// An earlier, unfinished payment for the same request is used again.
    Resuming,
    /// The payment is signed and about to be sent.
    Paying,
    /// The same payment is sent again after a pause.
    Retrying {
        /// Try that failed, from 1.
        attempt: u32,
        /// Why.
        why: String,
        /// Pause before the next.
        pause: Duration,
    },
}

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
    /// The receipt file, as JSON.
    ///
    /// # Errors
    /// [`ClientError::CannotVerify`] if it cannot be written as JSON, which no verified receipt does.
    pub fn receipt_json(&self) -> Result<Vec<u8>, ClientError> {
        serde_json::to_vec(&self.receipt).map_err(|_| ClientError::malformed("the receipt cannot be written as JSON"))
    }

    /// Writes the receipt file as a whole or not at all, readable by its owner only.
    ///
    /// # Errors
    /// [`ClientError::Input`] with the I/O error.
    pub fn save_receipt(&self, path: &Path) -> Result<(), ClientError> {
        let json = self.receipt_json()?;
        files::replace(path, &json).map_err(|e| {
            ClientError::Input(format!(
                "cannot write the receipt to {} ({e}); run again with another --receipt, the same payment is used",
                path.display()
            ))
        })
    }
}

/// A signed payment and the salt of its nonce.
struct Payment {
    payload: PaymentPayload,
    salt: [u8; 32],
}

impl Session {
    /// Buys the summary of `request`, paying from `wallet` at most what `options` allow.
    ///
    /// The unfinished payment, if `options` name a file for it, is still there when this returns: the caller removes it once
    /// it has kept what it wants of the [`Purchase`], so that being killed in between loses nothing.
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
        let terms = self.terms(request, options).await?;
        progress(Progress::Terms {
            amount: terms.amount(),
            network: terms.network(),
            asset: terms.asset(),
            pay_to: terms.pay_to(),
        });
        if let Some(earlier) = options.pending.as_ref().map(|p| p.load(request.commitment())).transpose()?.flatten() {
            progress(Progress::Resuming);
            let expired = earlier.payment.authorization.valid_before.saturating_add(U256::from(EXPIRY_MARGIN))
                < U256::from((options.clock)());
            match self.resume(request, &terms, earlier, options, progress).await {
                // The service did not take it and can no longer: another authorization cannot be a second charge.
                Err(ClientError::PaymentRefused(_)) if expired => {
                    if let Some(file) = &options.pending {
                        file.remove()?;
                    }
                }
                outcome => return outcome,
            }
        }
        let payment = self.sign(request, &terms, wallet, options)?;
        progress(Progress::Paying);
        let delivered = self.deliver(request, &payment, options, progress).await?;
        self.accept(request, &terms, &payment, delivered, false, (options.clock)()).await
    }

    /// The terms of the service for `request`: an unpaid request, answered by 402.
    async fn terms(&self, request: &SummaryRequest, options: &PurchaseOptions) -> Result<Terms, ClientError> {
        self.check_pins()?;
        let keyset = self.service.keyset();
        let expected = Expected {
            target: &keyset.payment,
            price: keyset.price_list.modes.get(request.mode()),
            document_bytes: request.body().len(),
            cap: options.max_price.resolve(&keyset.payment.network, keyset.payment.asset)?,
        };
        let response = self.exchange.send(request.to_summaries(&[])?).await?;
        let terms = Terms::check(answer::quote(&response)?, &expected)?;
        offer::check_offers(&terms, offer::receipt_signer(&self.service)?, (options.clock)())?;
        Ok(terms)
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
                .map_err(crate::terms::TermsError::from)?;
        payload.extensions.clone_from(&quote.extensions);
        if let Some(file) = &options.pending {
            file.save(&Pending::new(request.commitment(), salt, &payload))?;
        }
        Ok(Payment { payload, salt })
    }

    /// Sends an authorization that was signed before. A restarted service quotes the same terms under another digest, so that the echo
    /// is the new quote's; what was signed does not change.
    async fn resume(
        &self,
        request: &SummaryRequest,
        terms: &Terms,
        earlier: Pending,
        options: &PurchaseOptions,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Purchase, ClientError> {
        let signed = &earlier.payment.authorization;
        if signed.to != terms.pay_to() || signed.value.get() != terms.amount() {
            return Err(ClientError::PaymentRefused(format!(
                "an unfinished payment of {} to {} exists, but the service now asks for {} to {}; nothing was sent, try again after {} (Unix seconds) or ask the operator",
                signed.value,
                signed.to,
                terms.amount(),
                terms.pay_to(),
                signed.valid_before
            )));
        }
        let quote = terms.quote();
        let payload = PaymentPayload {
            x402_version: Version2,
            resource: Some(quote.resource.clone()),
            accepted: terms.chosen().clone(),
            payload: earlier.payment,
            extensions: quote.extensions.clone(),
        };
        let payment = Payment { payload, salt: earlier.salt };
        let delivered = self.deliver(request, &payment, options, progress).await?;
        self.accept(request, terms, &payment, delivered, true, (options.clock)()).await
    }

    /// Sends one payment, the same every time, until it is answered for good or the tries are used up.
    async fn deliver(
        &self,
        request: &SummaryRequest,
        payment: &Payment,
        options: &PurchaseOptions,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Delivered, ClientError> {
        let header =
            wire::encode(&payment.payload).map_err(|_| ClientError::malformed("the quote is too large to be paid"))?;
        let paid = request
            .to_summaries(&[(headers::PAYMENT_SIGNATURE, header), (headers::NONCE_SALT, hex::encode(payment.salt))])?;
        let attempts = options.retry.attempts.max(1);
        let mut attempt = 1;
        loop {
            let (pause, why, charged) = match self.exchange.send(paid.clone()).await {
                Ok(response) => match answer::paid(&response) {
                    Next::Done(delivered) => return Ok(*delivered),
                    Next::Stop(error) => return Err(error),
                    Next::Again { pause, why, charged } => (pause, why, charged),
                },
                Err(ClientError::Unavailable(why)) => (None, why, Charged::Unknown),
                Err(error) => return Err(error),
            };
            if attempt >= attempts {
                return Err(unfinished(&why, charged, options));
            }
            let pause = pause.unwrap_or(options.retry.pause);
            progress(Progress::Retrying { attempt, why, pause });
            tokio::time::sleep(pause).await;
            attempt = attempt.saturating_add(1);
        }
    }

    /// The receipt decides whether the summary is handed over.
    async fn accept(
        &self,
        request: &SummaryRequest,
        terms: &Terms,
        payment: &Payment,
        delivered: Delivered,
        resumed: bool,
        now: u64,
    ) -> Result<Purchase, ClientError> {
        let signed = &payment.payload.payload.authorization;
        let result_bytes = delivered.response.result.get().as_bytes();
        let receipt_bytes = delivered.response.receipt.get().as_bytes();
        let exchange = Exchange {
            method: request.method(),
            path: &request.path(),
            media_type: request.media_type(),
            body: Body::Bytes(request.body()),
            status_code: delivered.status,
            result: result_bytes,
            receipt: receipt_bytes,
            channel: Some(self.channel.recorded()),
            payment: Some(ExpectedPayment {
                network: terms.network(),
                asset: terms.asset(),
                pay_to: terms.pay_to(),
                amount: terms.amount(),
                payer: signed.from,
                nonce: signed.nonce,
                nonce_salt: Some(payment.salt),
            }),
            document: Some(request.document().text()),
        };
        let service = self.signed_by(&delivered).await?;
        let transcript = precis_verify::check_receipt(&service, &exchange, Some(now));
        if !transcript.is_verified() {
            return Err(ClientError::Receipt(Box::new(transcript)));
        }
        let receipt =
            SignedReceipt::parse(receipt_bytes).map_err(|_| ClientError::malformed("the receipt cannot be read"))?;
        let result: SummaryResult = strict::from_slice(result_bytes, limits::MAX_RESPONSE_BYTES)
            .map_err(|_| ClientError::malformed("the result cannot be read"))?;
        let recorded =
            receipt.payment.clone().ok_or_else(|| ClientError::malformed("the receipt records no payment"))?;
        check_settlement(delivered.settlement.as_ref(), &recorded)?;
        let earlier_boot = matches!(service, Cow::Owned(_));
        offer::check_receipt(delivered.settlement.as_ref(), terms, &service, &receipt, earlier_boot)?;
        let file = ReceiptFile {
            version: tags::RECEIPT_FILE.into(),
            request: SavedRequest {
                method: request.method().into(),
                path: request.path(),
                media_type: request.media_type().into(),
                body_digest: Digest::of(request.body()),
            },
            status_code: delivered.status,
            result: result_bytes.to_vec(),
            receipt,
            attestation: service.attestation_bytes().to_vec(),
        };
        Ok(Purchase { result, payment: recorded, settlement: delivered.settlement, receipt: file, transcript, resumed })
    }
}

/// The settlement header is a report; the receipt is what counts, so that they must agree.
fn check_settlement(settlement: Option<&SettleResponse>, recorded: &receipt::Payment) -> Result<(), ClientError> {
    match settlement {
        Some(s) if !s.success || s.transaction != Some(recorded.transaction) => {
            Err(ClientError::malformed("the settlement reported is not the one in the receipt"))
        }
        _ => Ok(()),
    }
}

fn unfinished(why: &str, charged: Charged, options: &PurchaseOptions) -> ClientError {
    let next = match &options.pending {
        Some(file) => {
            format!("run the same command again to retry the same payment (kept in {})", file.path().display())
        }
        None => "the payment was not kept, so check the wallet before paying again".into(),
    };
    match charged {
        Charged::No => ClientError::Unavailable(format!("{why}; nothing was charged so far, {next}")),
        Charged::Yes | Charged::Unknown => {
            ClientError::SettlementUnknown(format!("the outcome of the payment is not known ({why}); {next}"))
        }
    }
}
