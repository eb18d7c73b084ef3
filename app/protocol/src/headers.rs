//! Header and media type names.

/// x402 v2: the quote of a 402 answer, base64 JSON.
pub const PAYMENT_REQUIRED: &str = "payment-required";
/// x402 v2: the payment of a request, base64 JSON.
pub const PAYMENT_SIGNATURE: &str = "payment-signature";
/// x402 v2: the settlement, on success and on failure, base64 JSON.
pub const PAYMENT_RESPONSE: &str = "payment-response";
/// Salt of a committed EIP-3009 nonce, 64 hex (SPEC 6.3).
pub const NONCE_SALT: &str = "precis-nonce-salt";

/// RFC 7240: `respond-async`, `wait=SECONDS`.
pub const PREFER: &str = "prefer";

/// `application/problem+json` (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";
/// `type` of the problem of a request that was sealed to another key (RFC 9458, section 8).
pub const OHTTP_KEY_PROBLEM: &str = "https://iana.org/assignments/http-problem-types#ohttp-key";
/// OHTTP key configurations (RFC 9458).
pub const OHTTP_KEYS: &str = "application/ohttp-keys";
/// OHTTP encapsulated request (RFC 9458).
pub const OHTTP_REQ: &str = "message/ohttp-req";
/// OHTTP encapsulated response (RFC 9458).
pub const OHTTP_RES: &str = "message/ohttp-res";
/// Chunked OHTTP encapsulated request (draft-ietf-ohai-chunked-ohttp).
pub const OHTTP_CHUNKED_REQ: &str = "message/ohttp-chunked-req";
/// Chunked OHTTP encapsulated response (draft-ietf-ohai-chunked-ohttp).
pub const OHTTP_CHUNKED_RES: &str = "message/ohttp-chunked-res";

/// Path of the OHTTP gateway (RFC 9540).
pub const OHTTP_GATEWAY_PATH: &str = "/.well-known/ohttp-gateway";
/// Path of vectors of texts.
pub const EMBEDDINGS_PATH: &str = "/v1/embeddings";
/// Path of documents in the order of their nearness to a query.
pub const RERANK_PATH: &str = "/v1/rerank";
/// Path of summaries.
pub const SUMMARIES_PATH: &str = "/v1/summaries";
/// Path of the receipts of jobs.
pub const RECEIPTS_PATH: &str = "/v1/receipts";
/// Path of free quotes of summaries.
pub const QUOTES_PATH: &str = "/v1/quotes";
/// Path of free quotes of vectors.
pub const EMBEDDINGS_QUOTES_PATH: &str = "/v1/quotes/embeddings";
/// Path of free quotes of reranking.
pub const RERANK_QUOTES_PATH: &str = "/v1/quotes/rerank";
/// Path of the attestation document.
pub const ATTESTATION_PATH: &str = "/v1/attestation";
/// Path of the service description.
pub const SERVICE_PATH: &str = "/v1/service";
