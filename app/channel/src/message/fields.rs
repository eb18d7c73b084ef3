//! Field sections: which names may cross the channel, and what bounds them.

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use precis_protocol::limits::{MAX_HEADER_BYTES, MAX_HEADER_FIELDS};

use super::MessageError;

/// Fields of one hop (RFC 9110 section 7.6.1): they mean nothing inside the channel.
const HOP_BY_HOP: [HeaderName; 8] =
    [CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, EXPECT, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION];
/// The same, for names the `http` crate has no constant for.
const HOP_BY_HOP_NAMES: [&str; 2] = ["keep-alive", "proxy-connection"];

/// Fields by which a proxy or this service itself would speak of a request. From inside the channel they are always somebody's pretence.
const OURS: [&str; 3] = ["forwarded", "x-real-ip", "x-request-id"];
const OUR_PREFIXES: [&str; 2] = ["x-forwarded-", "precis-internal-"];

/// Collects the fields of one section, counting as it goes.
#[derive(Default)]
pub(super) struct Section {
    pub(super) fields: HeaderMap,
    bytes: usize,
    count: usize,
}

impl Section {
    pub(super) fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), MessageError> {
        self.bytes += name.len() + value.len();
        self.count += 1;
        if self.bytes > MAX_HEADER_BYTES || self.count > MAX_HEADER_FIELDS {
            return Err(MessageError::TooLarge);
        }
        // Names are lowercase and no pseudo-fields (RFC 9292 section 3.6); a value has no white space around it.
        let name = HeaderName::from_lowercase(name).map_err(|_| MessageError::Malformed)?;
        if value.first().is_some_and(is_blank) || value.last().is_some_and(is_blank) {
            return Err(MessageError::Malformed);
        }
        let value = HeaderValue::from_bytes(value).map_err(|_| MessageError::Malformed)?;
        self.fields.append(name, value);
        Ok(())
    }
}

/// Removes the fields of one hop, including those that `Connection` names.
pub(super) fn drop_hop_by_hop(fields: &mut HeaderMap) {
    let named: Vec<HeaderName> = fields
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    for name in named {
        fields.remove(name);
    }
    for name in HOP_BY_HOP {
        fields.remove(name);
    }
    for name in HOP_BY_HOP_NAMES {
        fields.remove(name);
    }
}

/// Removes what only a proxy or the service itself may say about a request.
pub(super) fn drop_ours(fields: &mut HeaderMap) {
    let pretended: Vec<HeaderName> = fields
        .keys()
        .filter(|name| {
            OURS.contains(&name.as_str()) || OUR_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
        })
        .cloned()
        .collect();
    for name in pretended {
        fields.remove(name);
    }
}

/// Removes `Content-Length` after checking that it says the truth; the content speaks for itself.
pub(super) fn take_content_length(fields: &mut HeaderMap, length: usize) -> Result<(), MessageError> {
    let truthful = fields.get_all(CONTENT_LENGTH).iter().all(|value| {
        value.as_bytes().iter().all(u8::is_ascii_digit)
            && value.to_str().ok().and_then(|digits| digits.parse().ok()) == Some(length)
    });
    fields.remove(CONTENT_LENGTH);
    if truthful { Ok(()) } else { Err(MessageError::Malformed) }
}

/// Removes `Host` and returns it, if there is exactly one.
pub(super) fn take_host(fields: &mut HeaderMap) -> Result<Option<String>, MessageError> {
    let mut values = fields.get_all(HOST).iter();
    let host = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(host), None) => Some(host.to_str().map_err(|_| MessageError::Malformed)?.to_owned()),
        (Some(_), Some(_)) => return Err(MessageError::Malformed),
    };
    fields.remove(HOST);
    Ok(host)
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
