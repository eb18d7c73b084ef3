//! A verified service and the channel to it: the only thing that can send a document.
//!
//! A [`Session`] holds a `VerifiedService`, which only a passing appraisal makes. Sending to an unverified service does not compile.

use alloy_primitives::{Address, U256};
use precis_payment::wire::PaymentRequirements;
use precis_protocol::{Mode, limits, strict};
use precis_verify::policy::{PaymentPins, Policy};
use precis_verify::{Appraisal, Transcript, VerifiedService};
use serde::Deserialize;

use crate::amount::Amount;
use crate::channel::ChannelChoice;
use crate::error::ClientError;
use crate::exchange::Exchange;
use crate::online::Sources;
use crate::problem;
use crate::request::SummaryRequest;
use crate::terms::TermsError;
use crate::token::Token;
use crate::token_call;

/// A verified service.
pub struct Session {
    pub(crate) exchange: Exchange,
    pub(crate) channel: ChannelChoice,
    pub(crate) service: VerifiedService,
    pub(crate) policy: Policy,
    pub(crate) token: Option<Token>,
    appraisal: Appraisal,
}

/// What a summary would cost. Nothing is signed and nothing is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Which summarizer.
    pub mode: Mode,
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
    mode: Mode,
    tokens: u32,
    amount: precis_payment::AtomicUnits,
    predicted_seconds: u64,
    requirements: Vec<PaymentRequirements>,
}

impl Session {
    pub(crate) fn new(
        exchange: Exchange,
        channel: ChannelChoice,
        service: VerifiedService,
        policy: &Policy,
        appraisal: Appraisal,
    ) -> Self {
        let target = &service.keyset().payment;
        let token = Token::known(&target.network, target.asset);
        Self { exchange, channel, policy: policy.clone(), token, service, appraisal }
    }

    /// Asks the token that the service is paid in for its symbol and decimals, unless they are known, if `sources` name a node of the
    /// payment chain. Without an answer amounts stay in atomic units.
    pub async fn ask_token(&mut self, sources: &Sources) {
        if let (None, Some(rpc)) = (&self.token, &sources.rpc) {
            let target = &self.service.keyset().payment;
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

    /// Asks what `request` would cost. The document goes to the service, over the verified channel; no payment does.
    ///
    /// # Errors
    /// [`ClientError::Terms`] when the answer contradicts the attested price list or keyset; the others as the service answers.
    pub async fn quote(&self, request: &SummaryRequest) -> Result<Quote, ClientError> {
        self.check_pins()?;
        let response = self.exchange.send(request.to_quotes()?).await?;
        if response.status() != http::StatusCode::OK {
            return Err(problem::refusal(&response));
        }
        let body: QuoteBody = strict::from_slice(response.body(), limits::MAX_RESPONSE_BYTES)
            .map_err(|_| ClientError::malformed("the quote is not what the protocol says"))?;
        let keyset = self.service.keyset();
        let target = &keyset.payment;
        let amount = body.amount.get();
        if body.mode != request.mode()
            || amount != U256::from(keyset.price_list.modes.get(body.mode).amount(body.tokens))
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
            return Err(TermsError::NothingAttested { network: target.network.clone(), asset: target.asset }.into());
        }
        Ok(Quote {
            mode: body.mode,
            tokens: body.tokens,
            amount,
            network: target.network.clone(),
            asset: target.asset,
            pay_to: target.pay_to,
            predicted_seconds: body.predicted_seconds,
        })
    }

    /// The policy may pin the network and token that payments use; nothing is sent when they are others.
    pub(crate) fn check_pins(&self) -> Result<(), TermsError> {
        let found = &self.service.keyset().payment;
        let refuse = |pinned: String, found: String| Err(TermsError::Pinned { pinned, found });
        match &self.policy.payment {
            PaymentPins { network: Some(network), .. } if *network != found.network => {
                refuse(network.clone(), found.network.clone())
            }
            PaymentPins { asset: Some(asset), .. } if *asset != found.asset => {
                refuse(asset.to_string(), found.asset.to_string())
            }
            PaymentPins { pay_to: Some(pay_to), .. } if *pay_to != found.pay_to => {
                refuse(pay_to.to_string(), found.pay_to.to_string())
            }
            _ => Ok(()),
        }
    }
}
