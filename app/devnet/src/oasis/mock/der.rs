//! The little DER that Intel's certificate extension needs (ITU-T X.690).

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const BOOLEAN: u8 = 0x01;
const ENUMERATED: u8 = 0x0a;
const SEQUENCE: u8 = 0x30;

/// 1.2.840.113741.1.13.1, encoded; every object in the extension lies below it.
const SGX: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01];

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let digits = length.to_be_bytes();
            let used = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len());
            let digits = &digits[used..];
            out.push(0x80 | digits.len() as u8);
            out.extend_from_slice(digits);
        }
    }
    out.extend_from_slice(content);
    out
}

pub(super) fn sequence(items: &[Vec<u8>]) -> Vec<u8> {
    tlv(SEQUENCE, &items.concat())
}

pub(super) fn octets(content: &[u8]) -> Vec<u8> {
    tlv(OCTET_STRING, content)
}

pub(super) fn boolean(value: bool) -> Vec<u8> {
    tlv(BOOLEAN, &[if value { 0xff } else { 0 }])
}

pub(super) fn enumerated(value: u8) -> Vec<u8> {
    tlv(ENUMERATED, &[value])
}

pub(super) fn integer(value: u16) -> Vec<u8> {
    let [high, low] = value.to_be_bytes();
    match (high, low) {
        (0, low) if low < 0x80 => tlv(INTEGER, &[low]),
        (high, low) if high < 0x80 => tlv(INTEGER, &[high, low]),
        (high, low) => tlv(INTEGER, &[0, high, low]),
    }
}

/// `SEQUENCE { OBJECT IDENTIFIER <SGX>.below, value }`.
pub(super) fn entry(below: &[u8], value: Vec<u8>) -> Vec<u8> {
    sequence(&[tlv(OBJECT_IDENTIFIER, &[&SGX, below].concat()), value])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_integers_take_the_shortest_form() {
        assert_eq!(octets(&[7; 3]), [0x04, 0x03, 7, 7, 7]);
        assert_eq!(octets(&[0; 200])[..3], [0x04, 0x81, 200]);
        assert_eq!(octets(&[0; 300])[..4], [0x04, 0x82, 0x01, 0x2c]);
        assert_eq!(integer(0), [0x02, 0x01, 0x00]);
        assert_eq!(integer(127), [0x02, 0x01, 0x7f]);
        assert_eq!(integer(128), [0x02, 0x02, 0x00, 0x80]);
        assert_eq!(integer(0x1234), [0x02, 0x02, 0x12, 0x34]);
        assert_eq!(integer(0xff00), [0x02, 0x03, 0x00, 0xff, 0x00]);
    }
}
