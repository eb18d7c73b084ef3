use precis_extract::{Hints, Kind, Limits, documents};

/// Small, so that a fuzzer reaches the limit.
const LIMITS: Limits = Limits { max_bytes: 64 * 1024 };

/// `documents::read` of a file name, up to the first line feed, and a document after it: what is read is text that the parts lie in.
pub fn documents(bytes: &[u8]) {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (name, document) = bytes.split_at(at);
    let document = document.get(1..).unwrap_or_default();
    let Ok(name) = std::str::from_utf8(name) else { return };
    let hints = Hints { media_type: None, name: Some(name) };
    let first = documents::read(document, hints, &LIMITS);
    assert_eq!(first, documents::read(document, hints, &LIMITS), "the same document gives the same text");
    let Ok(read) = first else { return };
    assert!(read.text.len() <= LIMITS.max_bytes && !read.text.contains('\0') && !read.text.trim().is_empty());
    let mut before = 0;
    for part in &read.parts {
        assert!(before <= part.start && part.start <= part.end && part.end <= read.text.len());
        assert!(read.text.get(part.start..part.end).is_some(), "a part ends within a character");
        assert_eq!(read.part_at(part.start).map(|found| found.number).is_some(), part.start < part.end);
        before = part.end;
    }
    if matches!(read.kind, Kind::Plain | Kind::Markdown) && std::str::from_utf8(document).is_ok() {
        assert!(document.ends_with(read.text.as_bytes()), "the text is not the document's");
    }
}
