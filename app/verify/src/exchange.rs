//! An exchange and its payment as a client saw them: what a receipt is held against.

use alloy_primitives::{Address, B256, U256};
use precis_protocol::Digest;
use precis_protocol::receipt::Channel;

use crate::online::Online;
use crate::settlement::OnChain;

/// A request body, or the digest that a saved receipt keeps instead.
#[derive(Clone, Copy)]
pub enum Body<'a> {
    /// Exact bytes as sent.
    Bytes(&'a [u8]),
    /// `H(body)`.
    Digest(Digest),
}

/// The payment that the client authorized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedPayment {
    /// CAIP-2 network.
    pub network: String,
    /// EIP-3009 token.
    pub asset: Address,
    /// Payee.
    pub pay_to: Address,
    /// Atomic units.
    pub amount: U256,
    /// Payer.
    pub payer: Address,
    /// EIP-3009 nonce.
    pub nonce: B256,
    /// Salt of the nonce, if the client committed it to the request (SPEC 6.3).
    pub nonce_salt: Option<[u8; 32]>,
}

/// One exchange as the client saw it. Has no `Debug`: it holds document and summary.
#[derive(Clone)]
pub struct Exchange<'a> {
    /// HTTP method as sent.
    pub method: &'a str,
    /// Path with query as sent.
    pub path: &'a str,
    /// `Content-Type` as sent.
    pub media_type: &'a str,
    /// Body as sent.
    pub body: Body<'a>,
    /// HTTP status of the response.
    pub status_code: u16,
    /// Exact bytes of `result`, from its first to its last brace.
    pub result: &'a [u8],
    /// JSON of `receipt`.
    pub receipt: &'a [u8],
    /// The channel that the client used, if it knows.
    pub channel: Option<Channel>,
    /// The payment that the client authorized, if it knows.
    pub payment: Option<ExpectedPayment>,
    /// The document that the caller holds, exact bytes; for a JSON request also its whole body.
    pub document: Option<&'a [u8]>,
    /// The text of the document as the caller read it, if its type is none that is text itself.
    pub text: Option<&'a str>,
    /// The summary that the caller holds.
    pub summary: Option<&'a [u8]>,
    /// What the payment chain has of the receipt's block, settlement and refund.
    pub on_chain: Online<'a, &'a OnChain>,
}
