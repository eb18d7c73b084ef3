//! What the ledger keeps (sealed) of a claimed request, so that the job can end without its caller: settle, be signed, be
//! paid back. The document is not part of it.

use precis_payment::chain::Asset;
use precis_payment::exact::{self, Transfer, verify_claimed};
use precis_payment::wire::PaymentPayload;
use precis_protocol::encoding::hex_array;
use precis_protocol::problem::Charged;
use precis_protocol::receipt::Channel;
use precis_protocol::{Digest, Task};
use precis_store::{Authorization, Record};
use serde::{Deserialize, Serialize};

use super::stored::{self, Stored, Version};
use crate::error::{Class, Failure};
use crate::service::{Rail, Service};

/// A claimed request without its document. A member that is added has a default, a line in [`Stored::MEMBERS`] and a new minor number.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Context {
    /// The payment as it was sent, without what the quote only wanted echoed.
    pub(crate) payment: PaymentPayload,
    /// What the request commits to (SPEC 6.1).
    #[serde(with = "hex_array")]
    pub(crate) commitment: [u8; 32],
    /// Channel of the request that claimed.
    pub(crate) channel: Channel,
    /// Whether the nonce commits to the request (SPEC 6.3).
    pub(crate) nonce_committed: bool,
    /// Time of a block that was there when the claim was made, or of the one that paid before it, Unix seconds: by the chain's
    /// clock, since ours is the host's.
    pub(crate) seen_at: u64,
    /// The task that was bought.
    pub(crate) task: Task,
    /// Input tokens.
    pub(crate) tokens: u32,
    /// Digest of the text that is worked on.
    pub(crate) text: Digest,
}

impl Stored for Context {
    const VERSION: Version = Version { major: 2, minor: 0 };
    const MEMBERS: &'static [&'static str] =
        &["payment", "commitment", "channel", "nonce_committed", "seen_at", "task", "tokens", "text"];
}

impl Context {
    /// As the ledger keeps it.
    pub(crate) fn store(&self) -> Result<Vec<u8>, Failure> {
        stored::write(self).map_err(|e| Failure::internal("context", e))
    }

    /// Of a record. What may have been charged for it cannot be told without.
    pub(crate) fn of(record: &Record) -> Result<Self, Failure> {
        stored::read(&record.context).map_err(|e| Failure::internal("stored context", e).charged(Charged::Unknown))
    }

    /// The payment, as it was checked when it was claimed, and the network that it was made on.
    pub(crate) fn payment<'a>(&self, service: &'a Service) -> Result<(exact::Authorized, &'a Rail), Failure> {
        let network = self.payment.accepted.network;
        let rail = service.payments.on(network);
        let rail = rail.ok_or_else(|| Failure::internal("stored payment", "its network is not configured"))?;
        if !rail.is_checked() {
            // Its node may be of another chain: what it says of a payment counts for nothing.
            return Err(Failure::new(Class::ChainUnavailable, "").charged(Charged::Unknown));
        }
        let Asset { address, domain, .. } = rail.chain.asset();
        let payment = verify_claimed(&self.payment, network, *address, domain, self.seen_at);
        Ok((payment.map_err(|e| Failure::internal("stored payment", e))?, rail))
    }
}

#[cfg(test)]
impl Context {
    /// As this version writes it.
    pub(crate) const SAMPLE: &'static str = r#"{"version":"2.0","payment":{"x402Version":2,"accepted":{"scheme":"exact","network":"eip155:8453","amount":"10000",
        "asset":"0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913","payTo":"0x209693Bc6afc0C5328bA36FaF03C514EF312287C","maxTimeoutSeconds":60,
        "extra":{"name":"USD Coin","version":"2"}},"payload":{"signature":"0x01","authorization":{"from":"0x202C98BaCB45a16aFAcb16EE960C4702F35F9f80",
        "to":"0x209693Bc6afc0C5328bA36FaF03C514EF312287C","value":"10000","validAfter":"0","validBefore":"1790000060",
        "nonce":"0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480"}}},
        "commitment":"abababababababababababababababababababababababababababababababab","channel":"https","nonce_committed":true,
        "seen_at":1790000000,"task":"summary.extractive","tokens":17,
        "text":"sha256:abababababababababababababababababababababababababababababababab"}"#;
}

/// The authorization as the ledger remembers it; none if an amount or a time is out of range, which no real one is.
pub(crate) fn remembered(transfer: &Transfer) -> Option<Authorization> {
    Some(Authorization {
        network: transfer.network.to_string(),
        asset: transfer.asset.into(),
        pay_to: transfer.to.into(),
        amount: u128::try_from(transfer.value.get()).ok()?,
        payer: transfer.from.into(),
        nonce: transfer.nonce.into(),
        valid_before: u64::try_from(transfer.valid_before).unwrap_or(u64::MAX),
    })
}
