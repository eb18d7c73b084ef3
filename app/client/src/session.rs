//! A verified service and the channel to it: the only thing that can send a document.
//!
//! A [`Session`] holds a `VerifiedService`, which only a passing appraisal makes. Sending to an unverified service does not compile.

use alloy_primitives::{Address, U256};
use precis_payment::wire::PaymentRequirements;
use precis_protocol::keyset::PaymentTarget;
use precis_protocol::task::TaskTerms;
use precis_protocol::{Task, limits, strict};
use precis_verify::policy::Policy;
use precis_verify::{Appraisal, Transcript, VerifiedService};
use serde::Deserialize;

use crate::amount::Amount;
use crate::channel::ChannelChoice;
use crate::error::ClientError;
use crate::exchange::Exchange;
use crate::online::Sources;
use crate::problem;
use crate::request::Request;
use crate::task;
use crate::terms::TermsError;
use crate::token::Token;
use crate::token_call;

/// A verified service.
pub struct Session {
    pub(crate) exchange: Exchange,
    pub(crate) channel: ChannelChoice,
    pub(crate) service: VerifiedService,
    pub(crate) policy: Policy,
    target: PaymentTarget,
    pub(crate) token: Option<Token>,
    appraisal: Appraisal,
}

/// The price of a request. Nothing is signed and nothing is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The task.
    pub task: Task,
    /// Input tokens, as the service counts them.
    pub tokens: u32,
    /// Atomic units; follows from the attested price list.
    pub amount: U256,
    /// CAIP-2 network.
    pub network: String,
    /// Token contract.
    pub asset: Address,
    /// Payee.
    pub pay_to: Address,
    /// Seconds the work should take; a guess of the service, attested by nothing.
    pub predicted_seconds: u64,
}

/// Body of a 200 of the quote route (SPEC 5.4).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QuoteBody {
    task: Task,
    tokens: u32,
    amount: precis_payment::AtomicUnits,
    predicted_seconds: u64,
    requirements: Vec<PaymentRequirements>,
}

/// The target that the policy names first; the keyset's first where it names none. A verified service has one.
fn preferred<'a>(policy: &Policy, targets: &'a [PaymentTarget]) -> Option<&'a PaymentTarget> {
    let named = policy.payments.iter().find_map(|pins| targets.iter().find(|target| pins.allow(target)));
    named.or_else(|| targets.first())
}

impl Session {
    pub(crate) fn new(
        exchange: Exchange,
        channel: ChannelChoice,
        service: VerifiedService,
        policy: &Policy,
        appraisal: &Appraisal,
    ) -> Option<Self> {
        let target = preferred(policy, service.payments())?.clone();
        let token = Token::known(&target.network, target.asset);
        Some(Self { exchange, channel, policy: policy.clone(), target, token, service, appraisal: appraisal.clone() })
    }

    /// Pays on `network` (CAIP-2) from here on. Without this call it is the first that the policy names and the service is paid on.
    ///
    /// # Errors
    /// [`ClientError::Input`] when the service cannot be paid there, or the policy does not allow it; it names those that are left.
    pub fn pay_on(&mut self, network: &str) -> Result<(), ClientError> {
        let targets = self.service.payments();
        let Some(target) = targets.iter().find(|target| target.network == network) else {
            let others: Vec<_> = targets.iter().map(|target| target.network.as_str()).collect();
            return Err(ClientError::Input(format!(
                "the service is not paid on {network}, or the policy does not allow it; use {}",
                others.join(" or ")
            )));
        };
        self.token = Token::known(&target.network, target.asset);
        self.target = target.clone();
        Ok(())
    }

    /// The network, token and payee that are used.
    pub fn target(&self) -> &PaymentTarget {
        &self.target
    }

    /// Asks the token that the service is paid in for its symbol and decimals, unless they are known, if `sources` name a node of the
    /// payment chain. Without an answer amounts stay in atomic units.
    pub async fn ask_token(&mut self, sources: &Sources) {
        let target = &self.target;
        for rpc in &sources.rpc {
            if self.token.is_some() {
                return;
            }
            self.token = token_call::ask(rpc, &sources.authorities, &target.network, target.asset).await;
        }
    }

    /// The token that the service is paid in, if that is known.
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// Atomic units of the token that the service is paid in, for people.
    #[must_use]
    pub fn amount(&self, units: U256) -> Amount {
        Amount::new(units, self.token.as_ref())
    }

    /// The checks that the service passed.
    pub fn transcript(&self) -> &Transcript {
        &self.appraisal.transcript
    }

    /// The verified service: keyset, identity, evidence.
    pub fn service(&self) -> &VerifiedService {
        &self.service
    }

    /// Terms of a task in the keyset.
    pub(crate) fn terms_of(&self, task: Task) -> Result<&TaskTerms, TermsError> {
        self.service.terms(task).ok_or(TermsError::NotSold(task))
    }

    /// Asks what `request` would cost. The document goes to the service, over the verified channel; no payment does.
    ///
    /// # Errors
    /// [`ClientError::Terms`] when the answer contradicts the attested price list or keyset; the others as the service answers.
    pub async fn quote<T: task::Task>(&self, request: &Request<T>) -> Result<Quote, ClientError> {
        let response = self.exchange.send(request.to_quotes()?).await?;
        if response.status() != http::StatusCode::OK {
            return Err(problem::refusal(&response));
        }
        let body: QuoteBody = strict::from_slice(response.body(), limits::MAX_RESPONSE_BYTES)
            .map_err(|_| ClientError::malformed("the quote is not what the protocol says"))?;
        let target = &self.target;
        let amount = body.amount.get();
        if body.task != request.task() || amount != U256::from(self.terms_of(request.task())?.price.amount(body.tokens))
        {
            return Err(TermsError::Price { amount: self.amount(amount) }.into());
        }
        let attested = |r: &PaymentRequirements| {
            r.network.to_string() == target.network
                && r.asset == target.asset
                && r.pay_to == target.pay_to
                && r.amount == body.amount
        };
        if !body.requirements.iter().any(attested) {
            return Err(TermsError::nothing_attested(target, &body.requirements).into());
        }
        Ok(Quote {
            task: body.task,
            tokens: body.tokens,
            amount,
            network: target.network.clone(),
            asset: target.asset,
            pay_to: target.pay_to,
            predicted_seconds: body.predicted_seconds,
        })
    }
}
