//! How requests travel to a verified service, by the caller's choice.

use precis_protocol::receipt::Channel;

/// How requests travel to a verified service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelChoice {
    /// Encrypted to the attested channel key.
    #[default]
    Encrypted,
    /// TLS only, by the caller's explicit choice: whoever ends the TLS connection reads the document.
    PlainHttps,
}

impl ChannelChoice {
    /// As a receipt names it (SPEC 7.2).
    pub(crate) fn recorded(self) -> Channel {
        match self {
            Self::Encrypted => Channel::Ohttp,
            Self::PlainHttps => Channel::Https,
        }
    }
}
