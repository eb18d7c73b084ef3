//! The documents that people have, out of the folder that `PRECIS_CASES` names: what each gives, or why it is refused.
#![cfg(feature = "documents")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use precis_extract::documents::{Extracted, read};
use precis_extract::{Bound, ExtractError, Foreign, Hints, Kind, Limits};

const LIMITS: Limits = Limits { max_bytes: 8 * 1024 * 1024 };

/// The folder; none if it is not offered, which is said.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("PRECIS_CASES").map(|folder| Path::new(&folder).join("documents"));
    if folder.is_none() {
        eprintln!("SKIPPED: PRECIS_CASES names no folder with documents");
    }
    folder
}

fn case(folder: &Path, name: &str, media_type: Option<&str>) -> Result<Extracted, ExtractError> {
    let bytes = std::fs::read(folder.join(name)).unwrap();
    let first = read(&bytes, Hints { media_type, name: Some(name) }, &LIMITS);
    assert_eq!(first, read(&bytes, Hints { media_type, name: Some(name) }, &LIMITS), "{name} is read alike each time");
    first
}

fn text(folder: &Path, name: &str) -> Extracted {
    case(folder, name, None).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The paragraphs of the report that most of the documents hold.
fn report(folder: &Path) -> Vec<String> {
    let plain = String::from_utf8(
        std::fs::read(folder.join("utf16.txt")).unwrap().chunks(2).skip(1).map(|unit| unit[0]).collect(),
    );
    let plain = plain.unwrap_or_default();
    plain.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" ")).take(6).collect()
}

#[test]
fn every_format_gives_the_same_report_and_nothing_around_it() {
    let Some(folder) = folder() else { return };
    let paragraphs = report(&folder);
    assert_eq!(paragraphs.len(), 6);
    for name in [
        "report.pdf",
        "report.docx",
        "report.pptx",
        "report.odt",
        "report.epub",
        "report.rtf",
        "page.html",
        "mail.eml",
        "noxref.pdf",
        "enc_owner_aes256.pdf",
    ] {
        let read = text(&folder, name);
        let mut at = 0;
        for paragraph in &paragraphs {
            let found = read.text.get(at..).and_then(|rest| rest.find(paragraph.as_str()));
            at += found.unwrap_or_else(|| panic!("{name} lacks {paragraph:?}:\n{}", read.text));
        }
        let whole: usize = paragraphs.iter().map(String::len).sum();
        assert!(
            read.text.len() < whole + 900,
            "{name} has {} bytes around the report:\n{}",
            read.text.len() - whole,
            read.text
        );
        for around in [
            "cookie",
            "Section 1",
            "newsletter",
            "CONFIDENTIAL",
            "Page 1",
            "Kind regards",
            "Could you send",
            "Speaker note",
            "base64",
            "<p>",
            "\\par",
        ] {
            assert!(!read.text.contains(around), "{name} has {around}");
        }
    }
}

#[test]
fn columns_are_read_one_after_the_other() {
    let Some(folder) = folder() else { return };
    for paragraph in report(&folder) {
        assert!(text(&folder, "twocol.pdf").text.contains(&paragraph), "{paragraph}");
    }
    let sparse = text(&folder, "sparse2col.pdf").text;
    assert!(!sparse.contains(" | "), "{sparse}");
}

#[test]
fn words_are_whole_whatever_draws_them() {
    let Some(folder) = folder() else { return };
    let hyphens = text(&folder, "hyphen.pdf").text;
    assert!(hyphens.contains("administrative") && hyphens.contains("well-known"), "{hyphens}");
    assert!(text(&folder, "glyphs.pdf").text.contains("published its annual report on Tuesday. Freight volume"));
    let ligatures = text(&folder, "lig_tounicode_nul.pdf").text;
    assert_eq!(ligatures, "The official classifies traffic and affects profiling.");
    assert!(text(&folder, "cjk_ja.pdf").text.contains('\u{6e2f}'));
}

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    let Some(folder) = folder() else { return };
    for (name, reason) in [
        ("no_tounicode.pdf", ExtractError::Undecodable),
        ("enc_user_aes256.pdf", ExtractError::Encrypted(Kind::Pdf)),
        ("scan.pdf", ExtractError::NoTextLayer { pages: 1 }),
        ("truncated.pdf", ExtractError::Damaged(Kind::Pdf)),
        ("deep30000.pdf", ExtractError::Damaged(Kind::Pdf)),
        ("bomb.docx", ExtractError::Exceeds(Kind::Docx, Bound::Unpacked)),
        ("table.xlsx", ExtractError::NoSentences(Kind::Xlsx)),
        ("table.csv", ExtractError::NoSentences(Kind::Csv)),
        ("nul.txt", ExtractError::Binary),
    ] {
        assert_eq!(case(&folder, name, None), Err(reason), "{name}");
    }
    assert!(matches!(
        case(&folder, "binary.bin", None),
        Err(ExtractError::InvalidText { .. } | ExtractError::Foreign(Foreign::Program) | ExtractError::Binary)
    ));
}

#[test]
fn hidden_and_deleted_text_is_left_out_and_counted() {
    let Some(folder) = folder() else { return };
    let hidden = text(&folder, "hidden.pdf");
    assert!(!hidden.text.contains("insolvent") && hidden.notes.hidden_characters > 20, "{hidden:?}");
    let hard = text(&folder, "hard.docx");
    for there in [
        "TEXTBOX sentence about the pilots.",
        "ProjectX2024 is late.",
        "SDT content control",
        "NESTED cell",
        "decisive number 42",
    ] {
        assert_eq!(hard.text.matches(there).count(), 1, "{there}: {}", hard.text);
    }
    assert!(!hard.text.contains("HIDDEN") && !hard.text.contains("MOVED-FROM") && hard.notes.hidden_characters > 0);
    let tracked = text(&folder, "tracked.docx").text;
    assert!(tracked.contains("The price is 250 euros"), "{tracked}");
}

#[test]
fn a_signature_counts_before_name_and_type_and_a_charset_as_declared() {
    let Some(folder) = folder() else { return };
    let bytes = std::fs::read(folder.join("ascii.pdf")).unwrap();
    for hints in [
        Hints { media_type: Some("text/plain"), name: Some("notes.txt") },
        Hints { media_type: Some("text/html"), name: None },
    ] {
        assert_eq!(read(&bytes, hints, &LIMITS).unwrap().kind, Kind::Pdf);
    }
    assert!(matches!(case(&folder, "latin1.txt", None), Err(ExtractError::InvalidText { .. })));
    let declared = case(&folder, "latin1.txt", Some("text/plain; charset=iso-8859-1")).unwrap();
    assert!(declared.text.contains("\u{a3} 5"));
    assert!(text(&folder, "utf16.txt").text.contains("harbour authority"));
}
