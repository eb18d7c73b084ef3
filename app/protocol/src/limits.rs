//! Every limit of the protocol, with its unit (SPEC 10). Shown to callers at `/v1/service`.

/// Extracted document text, bytes.
pub const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;
/// Body of a request after decapsulation, bytes (a base64 document plus JSON fits).
pub const MAX_REQUEST_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Encapsulated request as received, bytes: body, headers, padding and chunk overhead.
pub const MAX_ENCAPSULATED_BYTES: usize = MAX_REQUEST_BODY_BYTES + 256 * 1024;
/// A response body a client reads, bytes.
pub const MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;
/// Header section, bytes.
pub const MAX_HEADER_BYTES: usize = 32 * 1024;
/// Header fields, count.
pub const MAX_HEADER_FIELDS: usize = 64;
/// Plaintext of one OHTTP chunk, bytes (draft-ietf-ohai-chunked-ohttp).
pub const MAX_CHUNK_BYTES: usize = 16 * 1024;
/// Nesting of any JSON document, levels.
pub const MAX_JSON_DEPTH: usize = 16;
/// Members of one JSON object, count: no document here has a tenth of it, and a parser remembers them all.
pub const MAX_JSON_MEMBERS: usize = 256;
/// Keyset document, bytes.
pub const MAX_KEYSET_BYTES: usize = 16 * 1024;
/// Payment targets of a keyset, count.
pub const MAX_PAYMENT_TARGETS: usize = 8;
/// Attestation document, bytes.
pub const MAX_ATTESTATION_BYTES: usize = 4 * 1024 * 1024;
/// Raw Register transaction, bytes.
pub const MAX_TRANSACTION_BYTES: usize = 64 * 1024;
/// TDX quote, bytes.
pub const MAX_QUOTE_BYTES: usize = 16 * 1024;
/// One item of collateral (CRL, TCB info, chain), bytes.
pub const MAX_COLLATERAL_ITEM_BYTES: usize = 256 * 1024;
/// Evidence items in one attestation, count.
pub const MAX_EVIDENCE_ITEMS: usize = 4;
/// Payment header, bytes of base64.
pub const MAX_PAYMENT_HEADER_BYTES: usize = 16 * 1024;
/// Receipt JSON, bytes.
pub const MAX_RECEIPT_BYTES: usize = 16 * 1024;
/// Saved receipt file (embeds an attestation and the result), bytes.
pub const MAX_RECEIPT_FILE_BYTES: usize = 32 * 1024 * 1024;
/// Texts of one request, count.
pub const MAX_TEXTS: usize = 256;
/// `options.focus`, bytes.
pub const MAX_FOCUS_BYTES: usize = 512;
/// `options.max_words`, words.
pub const MAX_WORDS: u32 = 2_000;
/// `options.max_sentences`, sentences.
pub const MAX_SENTENCES: u32 = 100;
/// Saved bundle of evidence: an attestation in base64, bytes.
pub const MAX_EVIDENCE_FILE_BYTES: usize = 8 * 1024 * 1024;
/// Receipts judged together, count.
pub const MAX_CHAIN_RECEIPTS: usize = 10_000;
/// Release statement, bytes.
pub const MAX_RELEASE_BYTES: usize = 256 * 1024;
/// Policy file, bytes.
pub const MAX_POLICY_BYTES: usize = 256 * 1024;
