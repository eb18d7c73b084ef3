use precis_extract::{BOM_BYTES, DocumentType, Kind, Limits};

/// Small, so that a fuzzer reaches the limit.
const LIMITS: Limits = Limits { max_bytes: 2048 };

/// `extract` of a media type, up to the first line feed, and a document after it: the text is the document, or there is none.
pub fn extract(bytes: &[u8]) {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (media_type, document) = bytes.split_at(at);
    let document = document.get(1..).unwrap_or_default();
    let Ok(media_type) = std::str::from_utf8(media_type) else { return };
    let kind = DocumentType::parse(media_type);
    if let Ok(kind) = kind {
        assert!(media_type.len() <= DocumentType::MAX_BYTES);
        assert!(Kind::of_essence(kind.essence()) == Some(kind.kind()));
        assert_eq!(DocumentType::parse(kind.essence()).unwrap().essence(), kind.essence());
    }
    let Ok(text) = precis_extract::extract(media_type, document, &LIMITS) else { return };
    assert!(kind.is_ok_and(|kind| kind.kind().is_text()) && document.len() <= LIMITS.max_bytes);
    assert!(document.ends_with(text.as_bytes()), "the text is not the document's");
    assert!(
        [0, BOM_BYTES].contains(&(document.len() - text.len())),
        "something other than a byte order mark is missing"
    );
    assert!(!text.contains('\0') && !text.trim().is_empty());
    if !document.starts_with(text.as_bytes()) {
        assert!(document.starts_with("\u{feff}".as_bytes()));
    }
}
