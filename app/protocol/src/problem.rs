//! Problem documents (RFC 9457; SPEC 5.6): a stable code, whose fault it is, whether money moved, what to do next.

use serde::{Deserialize, Serialize};

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// The request is wrong.
    Client,
    /// The payment is wrong.
    Payer,
    /// The service failed.
    Service,
    /// Something the service depends on failed.
    Upstream,
}

/// Whether money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "serde_json::Value", try_from = "serde_json::Value")]
pub enum Charged {
    /// Nothing was charged.
    No,
    /// The payment was taken.
    Yes,
    /// Not known yet: retry the same payment.
    Unknown,
}

impl From<Charged> for serde_json::Value {
    fn from(charged: Charged) -> Self {
        match charged {
            Charged::No => Self::Bool(false),
            Charged::Yes => Self::Bool(true),
            Charged::Unknown => Self::String("unknown".into()),
        }
    }
}

impl TryFrom<serde_json::Value> for Charged {
    type Error = &'static str;

    fn try_from(value: serde_json::Value) -> Result<Self, Self::Error> {
        match value {
            serde_json::Value::Bool(false) => Ok(Self::No),
            serde_json::Value::Bool(true) => Ok(Self::Yes),
            serde_json::Value::String(text) if text == "unknown" => Ok(Self::Unknown),
            _ => Err("`charged` is true, false or \"unknown\""),
        }
    }
}

/// A problem document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// URI of the problem class.
    #[serde(rename = "type")]
    pub kind: String,
    /// One sentence for every problem of this code.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// One sentence on this occurrence; never document text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Stable machine code.
    pub code: String,
    /// Who must act.
    pub fault: Fault,
    /// Whether money moved.
    pub charged: Charged,
    /// What to do next.
    pub next: String,
    /// The transaction that paid back what was charged for nothing, `0x` and 64 hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<String>,
    /// The signed receipt of a job that ended without a result (SPEC 7.6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<serde_json::Value>,
}

/// What the receipt of a job without a result covers in place of one (SPEC 7.6): compact JSON of the code and, once it was
/// paid back, of the transaction that did.
pub fn outcome(code: &str, refund: Option<&str>) -> Vec<u8> {
    // Codes are `a-z_`, transactions hex: nothing needs escaping.
    match refund {
        None => format!(r#"{{"code":"{code}"}}"#),
        Some(refund) => format!(r#"{{"code":"{code}","refund":"{refund}"}}"#),
    }
    .into_bytes()
}
