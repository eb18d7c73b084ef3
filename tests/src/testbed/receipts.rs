//! The receipts of everything that was bought, each judged by the attestation that the service keeps of its keyset.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::PoisonError;

use alloy_primitives::B256;
use anyhow::{Context as _, ensure};
use precis_protocol::receipt::SignedReceipt;
use precis_protocol::{answer, headers};
use precis_verify::policy::Policy;
use precis_verify::{Body, Exchange, ExpectedPayment};
use precis_verify::{Online, check_receipt, check_receipt_chain, verify_archived};

use crate::http;
use crate::testbed::orders::Order;
use crate::testbed::town::Town;

/// Receipts that are judged as one chain at a time.
const CHAINED: usize = 1_000;

/// What receipts came to.
#[derive(Debug, Default)]
pub struct Receipts {
    /// That verified.
    pub verified: usize,
    /// Keysets that signed them.
    pub keysets: usize,
    /// What was wrong with others.
    pub failures: Vec<String>,
}

/// The devnet's policy with its mock root.
pub(crate) fn policy(path: &Path) -> anyhow::Result<Policy> {
    let read = |root: &str| std::fs::read(root).map_err(|error| error.to_string());
    Policy::parse(&std::fs::read_to_string(path)?, read).context("policy")
}

impl Town {
    /// Judges the receipt of every summary that a payer was given.
    ///
    /// # Errors
    /// If the policy cannot be read.
    pub async fn judge_receipts(&self, orders: &[Order]) -> anyhow::Result<Receipts> {
        let policy = policy(Path::new(self.devnet.get("PRECIS_POLICY")?))?;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (mut attestations, mut receipts, mut judged) = (BTreeMap::new(), Vec::new(), Receipts::default());
        for order in orders {
            let authorization = &order.payload.payload.authorization;
            let served = seen.get(&(authorization.from, authorization.nonce)).map(|seen| &seen.served);
            for body in served.into_iter().flatten().flat_map(|(_, bodies)| bodies) {
                match self.receipt(order, body, &policy, &mut attestations).await {
                    Ok(receipt) => receipts.push(receipt),
                    Err(error) => judged.failures.push(format!("{}: {error:#}", order.sentence)),
                }
            }
        }
        (judged.verified, judged.keysets) = (receipts.len(), attestations.len());
        // None is made twice. Some are missing: a process may be killed after it has signed one.
        receipts.sort_by_key(|signed| (signed.receipt.keyset_digest, signed.receipt.sequence));
        for part in receipts.chunks(CHAINED) {
            let chain = check_receipt_chain(part, true);
            if chain.failures().next().is_some() {
                judged.failures.push(chain.to_string());
            }
        }
        Ok(judged)
    }

    async fn receipt(
        &self,
        order: &Order,
        body: &[u8],
        policy: &Policy,
        attestations: &mut BTreeMap<B256, Vec<u8>>,
    ) -> anyhow::Result<SignedReceipt> {
        let (result, receipt) = answer::split(order.row.task, body)?;
        let signed = SignedReceipt::parse(&receipt)?;
        let digest = signed.receipt.keyset_digest;
        let named = B256::from(*digest.as_bytes());
        let attestation = match attestations.entry(named) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let kept = format!("{}{}?keyset={digest}", self.url(), headers::ATTESTATION_PATH);
                let kept = http::get(&self.client, &kept).await?;
                ensure!(kept.status == 200, "no attestation of the keyset: {}", kept.text());
                place.insert(kept.body)
            }
        };
        let service = verify_archived(attestation, policy, signed.receipt.issued_at);
        let service = service.service.with_context(|| service.transcript.to_string())?;
        let authorization = &order.payload.payload.authorization;
        let exchange = Exchange {
            method: "POST",
            path: &order.ask.path,
            media_type: &order.ask.media_type,
            body: Body::Bytes(&order.ask.body),
            status_code: 200,
            result: &result,
            receipt: &receipt,
            channel: None,
            payment: Some(ExpectedPayment {
                network: self.devnet.get("PRECIS_DEVNET_NETWORK")?.to_owned(),
                asset: order.required.asset,
                pay_to: order.required.pay_to,
                amount: order.required.amount.get(),
                payer: authorization.from,
                nonce: authorization.nonce,
                nonce_salt: None,
            }),
            document: Some(&order.ask.body),
            text: None,
            summary: None,
            on_chain: Online::NotAsked,
        };
        let transcript = check_receipt(&service, &exchange, Some(self.now()?));
        ensure!(transcript.is_verified(), "{transcript}");
        Ok(signed)
    }
}
