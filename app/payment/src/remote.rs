//! A facilitator elsewhere, over HTTP (x402 v2, section 7).
//!
//! It is asked to verify and to submit; it is not believed. A settlement counts only when this service's own view of the
//! chain shows the payment; an answer that is lost, ambiguous or contradicted by the chain is [`Settlement::Unknown`].

use std::time::Duration;

use alloy_primitives::{B256, U256};
use async_trait::async_trait;
use reqwest::{Client, RequestBuilder, Url};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::Instant;

use crate::{
    chain::{ChainView, FRONT_RUN_WINDOW_SECONDS, Outcome, Reconciled},
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
    confirm_timeout: Duration,
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
    /// A facilitator below `url`, whose word is checked on `chain`.
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
        Ok(Self { http, base, chain, confirm_timeout: CONFIRM_TIMEOUT })
    }

    /// Watches the chain for another time than [`CONFIRM_TIMEOUT`].
    pub const fn with_confirm_timeout(mut self, timeout: Duration) -> Self {
        self.confirm_timeout = timeout;
        self
    }

    fn url(&self, path: &str) -> Result<Url, NoAnswer> {
        self.base.join(path).map_err(|_| NoAnswer::NotSent)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, authorized: &Authorized) -> Result<T, NoAnswer> {
        let body = FacilitatorRequest {
            x402_version: Version2,
            payment_payload: authorized.payload().clone(),
            payment_requirements: authorized.requirements().clone(),
        };
        ask(self.http.post(self.url(path)?).json(&body)).await
    }

    /// Watches the chain for the transaction that the facilitator named.
    async fn confirm(&self, transfer: &Transfer, hash: B256) -> Settlement {
        let deadline = Instant::now() + self.confirm_timeout;
        while Instant::now() < deadline {
            match self.chain.outcome(hash, transfer).await {
                Ok(Some(Outcome::Paid(paid))) => return Settlement::Settled(paid),
                // Mined, and not our payment: another transaction may be.
                Ok(Some(Outcome::Failed { .. })) => break,
                Ok(None) | Err(_) => tokio::time::sleep(POLL).await,
            }
        }
        Settlement::Unknown { transaction: Some(hash) }
    }
}

/// Refusals come with any status, but always as JSON of the answer's shape; anything else is no answer.
async fn ask<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, NoAnswer> {
    let (_, body) = exchange(request).await?;
    serde_json::from_slice(&body).map_err(|_| NoAnswer::Lost)
}

#[async_trait]
impl Facilitator for HttpFacilitator {
    async fn verify(&self, authorized: &Authorized) -> Result<Standing, VerifyError> {
        self.chain.check_account(authorized).await?;
        let answer: Result<VerifyResponse, _> = self.post("verify", authorized).await;
        let answer = answer.map_err(|_| Unavailable::Facilitator)?;
        if answer.is_valid {
            return Ok(Standing::Payable);
        }
        match Invalid::from_code(answer.invalid_reason.as_deref().unwrap_or_default()) {
            // Perhaps somebody submitted it already and it paid us.
            Invalid::NonceUsed | Invalid::Transaction | Invalid::Refused | Invalid::ExpiresTooSoon => {
                match self.chain.diagnose(authorized).await {
                    Err(VerifyError::Invalid(Invalid::Transaction)) => Err(Invalid::Refused.into()),
                    Ok(standing) => self.chain.vouched(authorized, standing).await,
                    Err(other) => Err(other),
                }
            }
            invalid => Err(invalid.into()),
        }
    }

    async fn prepare(&self, _: &Authorized) -> Result<Prepared, Settlement> {
        Ok(Prepared { transaction: None, reserved: None })
    }

    async fn broadcast(&self, authorized: &Authorized, _: Prepared) -> Settlement {
        let transfer = authorized.transfer();
        let answer: SettleAnswer = match self.post("settle", authorized).await {
            Ok(answer) => answer,
            Err(NoAnswer::NotSent) => return Settlement::Deferred(Unavailable::Facilitator),
            Err(NoAnswer::Lost) => return Settlement::Unknown { transaction: None },
        };
        if let Some(hash) = answer.transaction
            && (answer.success || answer.error_reason.as_deref() == Some(SETTLEMENT_PENDING))
        {
            return self.confirm(transfer, hash).await;
        }
        let reason = answer.error_reason.as_deref().unwrap_or(UNEXPECTED_SETTLE_ERROR);
        let ambiguous = answer.success || matches!(reason, SETTLEMENT_PENDING | UNEXPECTED_SETTLE_ERROR);
        match self.chain.diagnose(authorized).await {
            Ok(Standing::Paid(paid)) => Settlement::Settled(paid),
            // What the chain would still carry out, the facilitator may yet submit, whatever it says.
            Err(VerifyError::Invalid(found)) if !ambiguous && found != Invalid::Transaction => {
                Settlement::Rejected { reason: found, transaction: answer.transaction }
            }
            _ => Settlement::Unknown { transaction: answer.transaction },
        }
    }

    async fn resume(&self, transfer: &Transfer, _: Option<&SignedTransaction>, since: u64) -> Settlement {
        let unknown = Settlement::Unknown { transaction: None };
        // The time first: a use in a block after it would otherwise look like none until too late.
        let Ok(block) = self.chain.recent_block().await else { return unknown };
        match self.chain.reconcile(transfer, since.saturating_sub(FRONT_RUN_WINDOW_SECONDS)).await {
            Ok(Reconciled::Unspent) if U256::from(block.timestamp) >= transfer.valid_before => {
                Settlement::Rejected { reason: Invalid::ExpiresTooSoon, transaction: None }
            }
            // Whether or not the facilitator still holds it: asked again with the same payment, it can settle it once.
            Ok(Reconciled::Unspent) => Settlement::Deferred(Unavailable::Displaced),
            Ok(ended) => ended.settlement(None),
            Err(_) => unknown,
        }
    }

    async fn ready(&self) -> Result<(), Unavailable> {
        let url = self.url("supported").map_err(|_| Unavailable::Facilitator)?;
        let supported: SupportedResponse = ask(self.http.get(url)).await.map_err(|_| Unavailable::Facilitator)?;
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
