//! The end-to-end encrypted channel (SPEC 4): chunked Oblivious HTTP (RFC 9458, draft-ietf-ohai-chunked-ohttp) around Binary HTTP
//! (RFC 9292), for the service ([`Gateway`]) and for its callers ([`ClientChannel`]).
//!
//! What it guarantees. One suite: X25519, HKDF-SHA256, AES-128-GCM. A message opens whole or not at all: truncated, reordered, altered
//! bytes and answers to another request are errors, never a shorter message. Every limit is checked before memory is taken for it. An
//! encapsulated key opens once in the life of a channel key. Both directions are padded to the sizes of SPEC 4.4. Towards the caller of the
//! service every failure is the same [`GatewayError`]; its [`Reason`] is for counters.
//!
//! What it does not: it hides neither that a message was sent, nor when, nor its padded size.
//!
//! Everything happens in memory, synchronously: no sockets, no tasks, no clock. The cryptography is the `ohttp` crate; the framing is checked
//! here before that crate sees it, because it accepts suites that the key configuration does not offer and takes an empty chunk for the end of
//! the message. The Binary HTTP codec is our own: it borrows, counts while it reads, and refuses what RFC 9292 calls invalid.

mod chunked;
mod client;
mod error;
mod gateway;
mod key;
pub mod message;
mod pipe;
mod replay;

pub use client::{ClientChannel, Opener};
pub use error::{ChannelError, GatewayError, Reason};
pub use gateway::{Encapsulated, Gateway, Responder};
pub use key::{CONFIG_BYTES, ChannelKey, config_public_key};
pub use message::{Limits, padded_len};
