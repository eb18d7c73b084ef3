//! Canonical PEM chains: what decodes must encode back to the same bytes, so that no byte of a chain is free.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----\n";
const END: &str = "-----END CERTIFICATE-----";
/// Base64 characters per line (RFC 7468).
const LINE: usize = 64;
/// Certificates in one chain, count.
const MAX_CERTIFICATES: usize = 4;

/// Why text is not a canonical chain of certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// Not certificates in PEM.
    #[error("not a chain of PEM certificates")]
    Malformed,
    /// Certificates, but written another way than with LF and lines of 64 characters.
    #[error("PEM is not in its canonical form")]
    NotCanonical,
    /// Too many certificates.
    #[error("more than {MAX_CERTIFICATES} certificates")]
    TooMany,
}

/// Parses a chain as Intel's PCS serves it, with a newline after each certificate.
///
/// # Errors
/// [`PemError`] when the text is not the canonical encoding of one to four certificates.
pub fn parse_chain(text: &str) -> Result<Vec<Vec<u8>>, PemError> {
    let certificates = decode(text)?;
    if text == encode(&certificates) { Ok(certificates) } else { Err(PemError::NotCanonical) }
}

/// Parses the chain inside a quote: with its last newline, and with or without the terminating zero byte that Intel's
/// quoting library may add.
pub(crate) fn parse_quote_chain(bytes: &[u8]) -> Result<Vec<Vec<u8>>, PemError> {
    let text = std::str::from_utf8(bytes.strip_suffix(&[0]).unwrap_or(bytes)).map_err(|_| PemError::Malformed)?;
    let certificates = decode(text)?;
    if text == encode(&certificates) { Ok(certificates) } else { Err(PemError::NotCanonical) }
}

/// Encodes DER certificates canonically, each followed by a newline.
#[must_use]
pub fn encode(certificates: &[Vec<u8>]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str(BEGIN);
        for (index, character) in STANDARD.encode(certificate).chars().enumerate() {
            if index > 0 && index % LINE == 0 {
                text.push('\n');
            }
            text.push(character);
        }
        text.push('\n');
        text.push_str(END);
        text.push('\n');
    }
    text
}

fn decode(text: &str) -> Result<Vec<Vec<u8>>, PemError> {
    let mut certificates = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && rest != "\n" {
        if certificates.len() == MAX_CERTIFICATES {
            return Err(PemError::TooMany);
        }
        let body = rest.strip_prefix('\n').unwrap_or(rest).strip_prefix(BEGIN).ok_or(PemError::Malformed)?;
        let (base64, after) = body.split_once(END).ok_or(PemError::Malformed)?;
        let joined: String = base64.chars().filter(|character| *character != '\n').collect();
        certificates.push(STANDARD.decode(joined).map_err(|_| PemError::Malformed)?);
        rest = after;
    }
    if certificates.is_empty() { Err(PemError::Malformed) } else { Ok(certificates) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_chain_has_one_encoding() {
        let chain = vec![vec![1; 100], vec![2; 48], vec![3; 7]];
        let text = encode(&chain);
        assert_eq!(parse_chain(&text).unwrap(), chain);
        assert_eq!(parse_quote_chain(format!("{text}\0").as_bytes()).unwrap(), chain);
        for other in [
            format!("{text}\n"),
            format!("\n{text}"),
            text.replace('\n', "\r\n"),
            text.replacen("AQEB", "AQ\nEB", 1),
            text.replacen("Aw==", "Ax==", 1),
            format!("{text}\0"),
            format!("# comment\n{text}"),
        ] {
            assert!(parse_chain(&other).is_err() || other == text, "{other}");
        }
        assert_eq!(parse_chain(text.trim_end()), Err(PemError::NotCanonical), "the last newline is no choice");
        assert!(parse_quote_chain(format!("{text}\0\0").as_bytes()).is_err());
        assert!(parse_quote_chain(text.trim_end().as_bytes()).is_err());
    }

    #[test]
    fn chains_are_bounded() {
        assert_eq!(parse_chain(&encode(&vec![vec![0; 3]; 5])), Err(PemError::TooMany));
        assert_eq!(parse_chain(""), Err(PemError::Malformed));
    }

    #[test]
    fn no_single_bit_of_a_chain_is_free() {
        let text = encode(&[vec![7; 70], vec![8; 31]]);
        let certificates = parse_chain(&text).unwrap();
        for index in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[index / 8] ^= 1 << (index % 8);
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert_ne!(parse_chain(&changed), Ok(certificates.clone()), "bit {index}");
        }
    }
}
