//! A facilitator elsewhere, over HTTP (x402 v2, section 7).
//!
//! It is asked to verify and to submit; it is not believed. A settlement counts only when this service's own view of the
//! chain shows the payment; an answer that is lost, ambiguous or contradicted by the chain is [`Settlement::Unknown`].

use std::time::Duration;

use alloy_primitives::{Address, B256};
use async_trait::async_trait;
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::Instant;

use crate::{
    chain::{ChainView, Diagnosis, FRONT_RUN_WINDOW_SECONDS, Outcome, Reconciled},
    conclude::Depth,
    exact::{Authorized, Invalid, Transfer},
    facilitator::{
        Facilitator, Prepared, SETTLEMENT_PENDING, Settlement, SignedTransaction, Standing, UNEXPECTED_SETTLE_ERROR,
        Unavailable, VerifyError,
    },
    http::{NoAnswer, exchange},
    wire::{FacilitatorRequest, SCHEME_EXACT, SupportedResponse, VerifyResponse, Version2, codec},
};

/// How long the chain is watched for a transaction that the facilitator names.
pub const CONFIRM_TIMEOUT: Duration = Duration::from_secs(10);
/// Wait between two looks.
const POLL: Duration = Duration::from_millis(250);

/// Settles through a facilitator at a URL.
pub struct HttpFacilitator {
    http: Client,
    base: Url,
    chain: ChainView,
    depth: Depth,
}

/// What is read of an answer to `/settle`. Implementations differ in the rest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SettleAnswer {
    success: bool,
    #[serde(default, alias = "error_reason")]
    error_reason: Option<String>,
    #[serde(default, with = "codec::optional_hash")]
    transaction: Option<B256>,
}

impl HttpFacilitator {
    /// A facilitator below `url`, whose word is checked on `chain`; `http` is a [`crate::http::facilitator_client`].
    ///
    /// # Errors
    /// [`Unavailable::Facilitator`] if the URL is not one.
    pub fn new(http: Client, url: &str, chain: ChainView) -> Result<Self, Unavailable> {
        let mut base: Url = url.parse().map_err(|_| Unavailable::Facilitator)?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(Unavailable::Facilitator);
        }
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        Ok(Self { http, base, chain, depth: Depth { confirmations: 1, timeout: CONFIRM_TIMEOUT } })
    }

    /// Watches the chain for another time than [`CONFIRM_TIMEOUT`].
    pub const fn with_confirm_timeout(mut self, timeout: Duration) -> Self {
        self.depth.timeout = timeout;
        self
    }

    /// Waits for so many blocks that show a settlement, its own included.
    pub const fn with_confirmations(mut self, confirmations: u64) -> Self {
        self.depth.confirmations = confirmations;
        self
    }

    fn url(&self, path: &str) -> Result<Url, NoAnswer> {
        self.base.join(path).map_err(|_| NoAnswer::NotSent)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, authorized: &Authorized) -> Result<T, Unasked> {
        let body = FacilitatorRequest {
            x402_version: Version2,
            payment_payload: authorized.payload().clone(),
            payment_requirements: authorized.requirements().clone(),
        };
        ask(self.http.post(self.url(path)?).json(&body)).await
    }

    /// Watches the chain for the transaction that the facilitator named.
    async fn confirm(&self, transfer: &Transfer, hash: B256) -> Settlement {
        let deadline = Instant::now() + self.depth.timeout;
        while Instant::now() < deadline {
            match self.chain.outcome(hash, transfer).await {
                Ok(Some(Outcome::Paid(paid))) => {
                    return self.chain.conclude(transfer, Reconciled::PaidUs(paid), None, self.depth).await;
                }
                // Mined, and not our payment: another transaction may be.
                Ok(Some(Outcome::Failed { .. })) => break,
                Ok(None) | Err(_) => tokio::time::sleep(POLL).await,
            }
        }
        Settlement::Unknown { transaction: Some(hash) }
    }
}

impl HttpFacilitator {
    async fn reconcile(&self, transfer: &Transfer, since: u64) -> Reconciled {
        self.chain.reconcile(transfer, since.saturating_sub(FRONT_RUN_WINDOW_SECONDS)).await
    }
}

/// Refusals come with any status, but always as JSON of the answer's shape; anything else is no answer. What a redirect or a
/// refused credential answers was not carried out.
async fn ask<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Unasked> {
    let (status, body) = exchange(request).await?;
    match serde_json::from_slice(&body) {
        Ok(answer) => Ok(answer),
        Err(_) if status.is_redirection() => Err(Unasked::Redirected),
        Err(_) if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Err(Unasked::Credential),
        Err(_) => Err(Unasked::NoAnswer(NoAnswer::Lost)),
    }
}

/// Why a facilitator said nothing of the payment.
enum Unasked {
    Redirected,
    Credential,
    NoAnswer(NoAnswer),
}

impl From<NoAnswer> for Unasked {
    fn from(error: NoAnswer) -> Self {
        Self::NoAnswer(error)
    }
}

impl From<Unasked> for Unavailable {
    fn from(unasked: Unasked) -> Self {
        match unasked {
            Unasked::Redirected => Self::Redirected,
            Unasked::Credential => Self::Credential,
            Unasked::NoAnswer(_) => Self::Facilitator,
        }
    }
}

#[async_trait]
impl Facilitator for HttpFacilitator {
    async fn verify(&self, authorized: &Authorized) -> Result<Standing, VerifyError> {
        self.chain.check_account(authorized).await?;
        let answer: Result<VerifyResponse, _> = self.post("verify", authorized).await;
        let answer = answer.map_err(Unavailable::from)?;
        // A payment that is past is no matter of opinion.
        if answer.is_valid && self.chain.is_payable(authorized, Address::ZERO).await? {
            return Ok(Standing::Payable);
        }
        // Somebody may have submitted it already, and it paid us; whatever the facilitator says, the chain knows.
        match self.chain.diagnose_unclaimed(authorized, Address::ZERO).await {
            Diagnosis::Payable | Diagnosis::Refused(Invalid::Transaction) => {
                Err(Invalid::from_code(answer.invalid_reason.as_deref().unwrap_or_default()).refusal().into())
            }
            known => self.chain.vouched(authorized, known.standing()?).await,
        }
    }

    async fn prepare(&self, _: &Authorized) -> Result<Prepared, Settlement> {
        Ok(Prepared { transaction: None, reserved: None })
    }

    async fn broadcast(&self, authorized: &Authorized, _: Prepared) -> Settlement {
        let transfer = authorized.transfer();
        let answer: SettleAnswer = match self.post("settle", authorized).await {
            Ok(answer) => answer,
            Err(Unasked::NoAnswer(NoAnswer::Lost)) => return Settlement::Unknown { transaction: None },
            Err(unasked) => return Settlement::Deferred(unasked.into()),
        };
        if let Some(hash) = answer.transaction
            && (answer.success || answer.error_reason.as_deref() == Some(SETTLEMENT_PENDING))
        {
            return self.confirm(transfer, hash).await;
        }
        let reason = answer.error_reason.as_deref().unwrap_or(UNEXPECTED_SETTLE_ERROR);
        let ambiguous = answer.success || matches!(reason, SETTLEMENT_PENDING | UNEXPECTED_SETTLE_ERROR);
        let unknown = Settlement::Unknown { transaction: answer.transaction };
        match self.chain.diagnose(authorized, Address::ZERO).await {
            Diagnosis::Ended(ended @ Reconciled::PaidUs(_)) => {
                self.chain.conclude(transfer, ended, answer.transaction, self.depth).await
            }
            Diagnosis::Ended(ended) if !ambiguous => {
                self.chain.conclude(transfer, ended, answer.transaction, self.depth).await
            }
            // What the chain would still carry out, the facilitator may yet submit, whatever it says.
            Diagnosis::Refused(reason) if !ambiguous && reason != Invalid::Transaction => {
                Settlement::Rejected { reason, transaction: answer.transaction }
            }
            _ => unknown,
        }
    }

    async fn resume(&self, transfer: &Transfer, _: Option<&SignedTransaction>, since: u64) -> Settlement {
        match self.reconcile(transfer, since).await {
            // Whether or not the facilitator still holds it: asked again with the same payment, it can settle it once.
            Reconciled::Unspent(_) => Settlement::Deferred(Unavailable::Displaced),
            ended => self.chain.conclude(transfer, ended, None, self.depth).await,
        }
    }

    async fn ended(&self, transfer: &Transfer, _: Option<&SignedTransaction>, since: u64) -> Settlement {
        let found = self.reconcile(transfer, since).await;
        self.chain.conclude(transfer, found, None, self.depth).await
    }

    async fn ready(&self) -> Result<(), Unavailable> {
        let url = self.url("supported").map_err(|_| Unavailable::Facilitator)?;
        let supported: SupportedResponse = ask(self.http.get(url)).await.map_err(Unavailable::from)?;
        let network = self.chain.asset().network.to_string();
        let ours = supported.kinds.iter().any(|kind| {
            let network = kind.network == network || kind.network == "eip155:*";
            kind.x402_version == 2 && kind.scheme == SCHEME_EXACT && network
        });
        if !ours {
            return Err(Unavailable::Unsupported);
        }
        self.chain.recent_block().await?;
        Ok(())
    }
}
