//! Reading the fields of a quote, and why bytes are none.

use precis_protocol::limits::MAX_QUOTE_BYTES;

use super::pem;

/// Why bytes are not a quote we read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// Over the limit.
    #[error("the quote has {0} bytes, the limit is {MAX_QUOTE_BYTES}")]
    TooLarge(usize),
    /// A length inside points past the end.
    #[error("the quote ends inside its {0}")]
    Truncated(&'static str),
    /// Bytes follow the end.
    #[error("{extra} bytes follow the {part}")]
    Trailing {
        /// What ended.
        part: &'static str,
        /// How many bytes follow.
        extra: usize,
    },
    /// A field has a value other than the one we accept.
    #[error("{field} is {found}, expected {expected}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What it is.
        found: u64,
        /// What it may be.
        expected: &'static str,
    },
    /// The vendor is not Intel.
    #[error("the quoting enclave's vendor is not Intel")]
    Vendor,
    /// The certificate chain is not canonical PEM.
    #[error("PCK certificate chain: {0}")]
    Chain(#[from] pem::PemError),
}

/// Reads little-endian fields from the front of a slice, without panics.
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
    pub(super) part: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(rest: &'a [u8], part: &'static str) -> Self {
        Self { rest, part }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], QuoteError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(QuoteError::Truncated(self.part))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], QuoteError> {
        self.take(N)?.try_into().map_err(|_| QuoteError::Truncated(self.part))
    }

    pub(super) fn u16(&mut self) -> Result<u16, QuoteError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, QuoteError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn finish(&self) -> Result<(), QuoteError> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(QuoteError::Trailing { part: self.part, extra }),
        }
    }
}
