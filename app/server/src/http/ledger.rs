//! The operator's view of the ledger, on the internal address: payments and what became of them, nothing of documents.

use alloy_primitives::hex::encode_prefixed as prefixed;
use axum::Json;
use axum::extract::{Path, Query};
use precis_protocol::encoding::lower_hex;
use precis_store::{Flow, JobId, Record, State};
use serde::{Deserialize, Serialize};

use super::Ready;
use crate::error::{Class, Failure};
use crate::jobs::ledger::ledger_failure;
use crate::pipeline;

/// Entries of one page.
const PAGE: usize = 200;

/// One job as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// 32 hex.
    pub id: String,
    /// Where it stands.
    pub state: String,
    /// `authorization` or `upfront`.
    pub flow: String,
    /// Why it ended without a result.
    pub code: Option<String>,
    /// CAIP-2 network.
    pub network: String,
    /// Token.
    pub asset: String,
    /// Payee.
    pub pay_to: String,
    /// Atomic units.
    pub amount: String,
    /// Payer.
    pub payer: String,
    /// EIP-3009 nonce.
    pub nonce: String,
    /// When the authorization becomes void, Unix seconds.
    pub valid_before: u64,
    /// The transaction that paid, or that is to.
    pub transaction: Option<String>,
    /// The transaction that paid back, or that is to.
    pub refund: Option<String>,
    /// Unix seconds.
    pub created_at: u64,
    /// Unix seconds.
    pub updated_at: u64,
}

impl Entry {
    fn of(record: &Record) -> Self {
        let authorization = &record.authorization;
        let (mut code, mut transaction, mut refund) = (None, None, None);
        match &record.state {
            State::Claimed | State::Running | State::Done => {}
            State::Settling { broadcast } | State::Unknown { broadcast } => {
                transaction = broadcast.as_ref().map(|b| prefixed(b.transaction));
            }
            State::Settled { transaction: paid } | State::Paid { transaction: paid } => {
                transaction = Some(prefixed(paid))
            }
            State::Rejected { code: why } | State::Failed { code: why } | State::Void { code: why } => {
                code = Some(why.clone());
            }
            State::Refunding { transaction: paid, code: why, broadcast } => {
                (code, transaction) = (Some(why.clone()), Some(prefixed(paid)));
                refund = broadcast.as_ref().map(|b| prefixed(b.transaction));
            }
            State::Refunded { transaction: paid, code: why, refund: back } => {
                (code, transaction, refund) = (Some(why.clone()), Some(prefixed(paid)), Some(prefixed(back)));
            }
        }
        Self {
            id: hex::encode(record.job_id.0),
            state: record.state.stage().name().into(),
            flow: match record.flow {
                Flow::Authorization => "authorization".into(),
                Flow::Upfront => "upfront".into(),
            },
            code,
            network: authorization.network.clone(),
            asset: prefixed(authorization.asset),
            pay_to: prefixed(authorization.pay_to),
            amount: authorization.amount.to_string(),
            payer: prefixed(authorization.payer),
            nonce: prefixed(authorization.nonce),
            valid_before: authorization.valid_before,
            transaction,
            refund,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

/// A part of the ledger.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    /// In an order that does not change while they exist.
    pub entries: Vec<Entry>,
    /// Rows that cannot be read, by their keys in the storage: nobody knows what is owed for them.
    #[serde(default)]
    pub damaged: Vec<String>,
    /// Where to go on, if there may be more.
    pub next: Option<String>,
}

/// Where to begin.
#[derive(Deserialize)]
pub struct From {
    after: Option<String>,
}

/// `GET /ledger?after=`: a page of all jobs.
pub async fn list(Ready(service): Ready, Query(from): Query<From>) -> Result<Json<Page>, Failure> {
    let after = from.after.map(|text| lower_hex(&text)).transpose();
    let after = after.map_err(|e| Failure::new(Class::BadRequest, format!("`after`: {e}")))?;
    let page = service.payments.ledger.page(after, PAGE).await.map_err(ledger_failure)?;
    Ok(Json(Page {
        entries: page.records.iter().map(Entry::of).collect(),
        damaged: page.damaged.iter().map(hex::encode).collect(),
        next: page.next.map(hex::encode),
    }))
}

/// `GET /ledger/{id}`: one job.
pub async fn show(Ready(service): Ready, Path(id): Path<String>) -> Result<Json<Entry>, Failure> {
    let id = lower_hex(&id).map_err(|e| Failure::new(Class::BadJobId, e.to_string()))?;
    let record = service.payments.ledger.by_job_id(&JobId(id)).await.map_err(ledger_failure)?;
    record.as_ref().map(Entry::of).map(Json).ok_or_else(|| Failure::new(Class::NoSuchJob, ""))
}

/// `POST /ledger/reconcile`: looks at every unfinished job now.
pub async fn reconcile(Ready(service): Ready) -> Result<&'static str, Failure> {
    pipeline::reconcile(&service).await?;
    Ok("done\n")
}
