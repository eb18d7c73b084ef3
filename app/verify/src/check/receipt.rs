//! The checks of a receipt (SPEC 7, 8.6, 8.7).

use super::{CheckId, check};

/// `receipt.parse`
pub const RECEIPT_PARSE: CheckId = check(
    "receipt.parse",
    "7.5",
    "receipt and result parse strictly",
    "Two readings of one receipt let two parties disagree about it.",
);
/// `receipt.signature`
pub const RECEIPT_SIGNATURE: CheckId = check(
    "receipt.signature",
    "7",
    "receipt is signed by the keyset's receipt key",
    "It is what makes the receipt the enclave's statement.",
);
/// `receipt.keyset`
pub const RECEIPT_KEYSET: CheckId = check(
    "receipt.keyset",
    "7.1",
    "receipt names the verified keyset",
    "It ties the receipt to this boot of this enclave.",
);
/// `receipt.app`
pub const RECEIPT_APP: CheckId = check(
    "receipt.app",
    "7.1",
    "receipt names the verified app",
    "A receipt of another app is not a receipt of this one.",
);
/// `receipt.identity`
pub const RECEIPT_IDENTITY: CheckId = check(
    "receipt.identity",
    "7.1",
    "receipt names the verified enclave identity",
    "It says which code made the result.",
);
/// `receipt.task`
pub const RECEIPT_TASK: CheckId = check(
    "receipt.task",
    "7.2",
    "task is one that is known, and the one of the result",
    "The same request could be answered by cheaper work of another kind.",
);
/// `receipt.model`
pub const RECEIPT_MODEL: CheckId =
    check("receipt.model", "7.3", "model is the keyset's for the mode", "It says which weights made the result.");
/// `receipt.parameters`
pub const RECEIPT_PARAMETERS: CheckId =
    check("receipt.parameters", "7.3", "parameters are the keyset's for the task", "It says how the model was run.");
/// `receipt.request`
pub const RECEIPT_REQUEST: CheckId = check(
    "receipt.request",
    "7.3",
    "request, as sent or as saved, is the one that the receipt commits to",
    "A receipt for another request proves nothing about this one.",
);
/// `receipt.response`
pub const RECEIPT_RESPONSE: CheckId = check(
    "receipt.response",
    "7.3",
    "result, as received or as saved, is the one that the receipt commits to",
    "Otherwise a proxy could replace the summary.",
);
/// `receipt.payment`
pub const RECEIPT_PAYMENT: CheckId = check(
    "receipt.payment",
    "7.1",
    "payment is what the keyset asks for, and what was authorized where that is known",
    "It ties the money to the work.",
);
/// `receipt.status`
pub const RECEIPT_STATUS: CheckId = check(
    "receipt.status",
    "7.2",
    "status and channel fit what happened",
    "A failed job must not look like a completed one, nor an uncharged one like a charged one.",
);
/// `receipt.coverage`
pub const RECEIPT_COVERAGE: CheckId = check(
    "receipt.coverage",
    "5.2",
    "every token of the document was read",
    "A summary of half a document is not a summary of the document.",
);
/// `receipt.time`
pub const RECEIPT_TIME: CheckId = check(
    "receipt.time",
    "7",
    "receipt was issued in the keyset's period",
    "Keys sign only while the enclave that holds them lives.",
);
/// `receipt.verbatim`
pub const RECEIPT_VERBATIM: CheckId = check(
    "receipt.verbatim",
    "5.2",
    "every sentence stands in the document",
    "An extractive summary is faithful by construction; anyone who has the document can see it.",
);

/// `receipt.document`
pub const RECEIPT_DOCUMENT: CheckId = check(
    "receipt.document",
    "8.6",
    "document given is the one that was sent",
    "A sentence stands in many documents; only the digest of the request says which one was summarized.",
);
/// `receipt.text`
pub const RECEIPT_TEXT: CheckId = check(
    "receipt.text",
    "8.6",
    "text that was worked on is that of the document given",
    "What was summarized is the text inside a document; offsets and sentences refer to it.",
);
/// `receipt.summary`
pub const RECEIPT_SUMMARY: CheckId = check(
    "receipt.summary",
    "8.6",
    "summary given is the one in the result",
    "A receipt beside another text would lend it the enclave's signature.",
);
/// `receipt.block`
pub const RECEIPT_BLOCK: CheckId = check(
    "receipt.block",
    "8.7",
    "payment chain has the block that the receipt names",
    "Online only: the enclave's clock is its host's; a block that exists bounds it from below.",
);
/// `receipt.settlement`
pub const RECEIPT_SETTLEMENT: CheckId = check(
    "receipt.settlement",
    "8.7",
    "payment chain has the settlement that the receipt names",
    "Online only: a receipt is the enclave's word that it was paid; the chain shows it, and when.",
);
/// `receipt.refund`
pub const RECEIPT_REFUND: CheckId = check(
    "receipt.refund",
    "8.7",
    "payment chain has the refund that the result names",
    "Online only: a receipt of a failed job is the enclave's word that the money went back; the chain shows it.",
);

/// `receipt.chain`
pub const RECEIPT_CHAIN: CheckId = check(
    "receipt.chain",
    "7.4",
    "each receipt names the one before it",
    "A gap or a fork is a receipt that was withheld, or given to two.",
);

/// The checks of a receipt, in the order of the transcript.
pub const RECEIPT_CHECKS: &[CheckId] = &[
    RECEIPT_PARSE,
    RECEIPT_SIGNATURE,
    RECEIPT_KEYSET,
    RECEIPT_APP,
    RECEIPT_IDENTITY,
    RECEIPT_TASK,
    RECEIPT_MODEL,
    RECEIPT_PARAMETERS,
    RECEIPT_REQUEST,
    RECEIPT_RESPONSE,
    RECEIPT_PAYMENT,
    RECEIPT_STATUS,
    RECEIPT_COVERAGE,
    RECEIPT_TIME,
    RECEIPT_VERBATIM,
    RECEIPT_DOCUMENT,
    RECEIPT_TEXT,
    RECEIPT_SUMMARY,
    RECEIPT_BLOCK,
    RECEIPT_SETTLEMENT,
    RECEIPT_REFUND,
];
