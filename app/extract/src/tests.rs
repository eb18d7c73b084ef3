#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use crate::text::BOM;
use crate::*;

const LIMITS: Limits = Limits { max_bytes: 1 << 20 };

fn text(media_type: &str, bytes: &[u8]) -> Result<String, ExtractError> {
    extract(media_type, bytes, &LIMITS)
}

#[test]
fn markdown_and_crlf_pass_verbatim() {
    let document = "# Title\r\n\r\n*One*\tline\r\n";
    assert_eq!(text("text/markdown; variant=GFM", document.as_bytes()).unwrap(), document);
    assert_eq!(text("text/plain;charset=\"UTF-8\"", document.as_bytes()).unwrap(), document);
}

#[test]
fn one_leading_byte_order_mark_is_stripped_and_a_second_is_text() {
    assert_eq!(text("text/plain", b"\xEF\xBB\xBFhello").unwrap(), "hello");
    assert_eq!(text("text/plain", b"\xEF\xBB\xBF\xEF\xBB\xBFhello").unwrap(), "\u{feff}hello");
}

#[test]
fn invalid_utf8_is_named_by_its_offset_in_the_document_as_received() {
    assert_eq!(text("text/plain", b"ab\xFFcd"), Err(ExtractError::InvalidText { offset: 2 }));
    assert_eq!(text("text/plain", b"\xEF\xBB\xBFab\xC3"), Err(ExtractError::InvalidText { offset: 5 }));
    // Overlong encodings and surrogates are not UTF-8 either.
    assert_eq!(text("text/plain", b"a\xC0\x80"), Err(ExtractError::InvalidText { offset: 1 }));
    assert_eq!(text("text/plain", b"a\xED\xA0\x80"), Err(ExtractError::InvalidText { offset: 1 }));
}

#[test]
fn us_ascii_means_ascii() {
    assert_eq!(text("text/plain; charset=us-ascii", b"plain").unwrap(), "plain");
    assert_eq!(
        text("text/plain; charset=US-ASCII", "caf\u{e9}".as_bytes()),
        Err(ExtractError::InvalidText { offset: 3 })
    );
}

#[test]
fn other_types_and_charsets_are_refused() {
    for refused in ["application/pdf", "text/html", "text/plainer", "text/plain2; charset=utf-8"] {
        assert_eq!(text(refused, b"hello"), Err(MediaTypeError::Unsupported.into()), "{refused}");
    }
    for refused in
        ["text/plain; charset=latin1", "text/plain; charset=utf-8; charset=utf-8", "text/plain; charset=utf-16"]
    {
        assert_eq!(text(refused, b"hello"), Err(MediaTypeError::Charset.into()), "{refused}");
    }
    for refused in [
        "",
        "text",
        "/plain",
        "text/",
        "text/plain; charset",
        "text/plain; charset=\"utf-8",
        "text/pl ain",
        "text/plain; =x",
    ] {
        assert_eq!(text(refused, b"hello"), Err(MediaTypeError::Malformed.into()), "{refused}");
    }
    assert_eq!(text(&format!("text/plain; a={}", "b".repeat(300)), b"hello"), Err(MediaTypeError::Malformed.into()));
}

#[test]
fn case_and_optional_white_space_of_the_media_type_do_not_matter() {
    for accepted in [
        "Text/Plain",
        "text/plain ; charset=utf-8",
        "text/plain;",
        "text/plain;;charset=UTF-8 ",
        "text/plain; note=\"a;b\"; charset=utf-8",
    ] {
        assert!(text(accepted, b"hello").is_ok(), "{accepted}");
    }
    assert_eq!(DocumentType::parse("TEXT/MARKDOWN").unwrap().essence(), "text/markdown");
}

#[test]
fn binary_is_refused() {
    assert_eq!(text("text/plain", b"hello\0world"), Err(ExtractError::Binary));
    assert_eq!(text("text/plain", b"\x01\x02\x03\x04hello"), Err(ExtractError::Binary));
    let log = format!("\u{1b}[1m{}", "a line of a log\n".repeat(20));
    assert!(text("text/plain", log.as_bytes()).is_ok());
}

#[test]
fn blank_documents_are_refused() {
    for blank in ["", " \r\n\t\u{a0}", "\u{200b}\u{feff}\u{2060}", "\u{feff}"] {
        assert_eq!(text("text/plain", blank.as_bytes()), Err(ExtractError::Empty));
    }
}

#[test]
fn the_limit_is_inclusive_and_comes_before_the_content() {
    let limits = Limits { max_bytes: 5 };
    assert_eq!(extract("text/plain", b"hello", &limits).unwrap(), "hello");
    assert_eq!(extract("text/plain", b"\0\0\0\0\0\0", &limits), Err(ExtractError::TooLarge { limit: 5, actual: 6 }));
}

#[test]
fn errors_never_quote_the_document() {
    let error = text("text/plain", b"secret\xFF").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"));
}

proptest! {
    #[test]
    fn what_is_extracted_is_the_document_itself(document in "\\PC{0,200}[a-z]\\PC{0,200}", bom in any::<bool>()) {
        prop_assume!(!document.starts_with('\u{feff}'));
        let mut bytes = if bom { BOM.to_vec() } else { Vec::new() };
        bytes.extend_from_slice(document.as_bytes());
        prop_assert_eq!(text("text/plain", &bytes).unwrap(), document);
    }

    #[test]
    fn arbitrary_bytes_and_types_never_panic(media_type in "\\PC{0,60}", bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(extracted) = text(&media_type, &bytes) {
            prop_assert!(bytes.ends_with(extracted.as_bytes()));
        }
        if let Ok(extracted) = text("text/plain", &bytes) {
            prop_assert!(bytes.ends_with(extracted.as_bytes()));
            prop_assert!(!extracted.contains('\0'));
        }
    }

    #[test]
    fn an_invalid_offset_points_at_the_first_bad_byte(prefix in "[a-z\u{e9}]{0,40}", bad in 0x80u8..=0xBF) {
        let mut bytes = prefix.clone().into_bytes();
        bytes.push(bad);
        prop_assert_eq!(text("text/plain", &bytes), Err(ExtractError::InvalidText { offset: prefix.len() }));
    }
}
