//! Small documents of every kind, written here.
#![allow(clippy::unwrap_used)]

use std::io::Write as _;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use super::*;
use crate::error::Bound;
use crate::kind::Foreign;

const LIMITS: Limits = Limits { max_bytes: 1 << 20 };

fn named(name: &str, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    read(bytes, Hints { media_type: None, name: Some(name) }, &LIMITS)
}

fn text_of(name: &str, bytes: &[u8]) -> String {
    named(name, bytes).unwrap().text
}

fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        let method =
            if *name == "mimetype" { zip::CompressionMethod::Stored } else { zip::CompressionMethod::Deflated };
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn docx(body: &str) -> Vec<u8> {
    packed(&[
        ("[Content_Types].xml", "<Types/>"),
        ("word/document.xml", &format!("<w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>")),
    ])
}

fn odt(body: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content xmlns:office=\"o\" xmlns:text=\"t\" xmlns:style=\"s\" xmlns:fo=\"f\"><office:automatic-styles><style:style style:name=\"H\"><style:text-properties text:display=\"none\"/></style:style></office:automatic-styles><office:body><office:text>{body}</office:text></office:body></office:document-content>"
    );
    packed(&[("mimetype", Kind::Odt.media_type()), ("content.xml", &content)])
}

/// A page of 600 by 800 points with `content`, in Helvetica as `F`.
fn pdf(content: &str) -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>".to_owned(),
        format!("<</Length {}>>stream\n{content}\nendstream", content.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    for (index, object) in objects.iter().enumerate() {
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    file.push_str("trailer<</Size 6/Root 1 0 R>>\nstartxref\n0\n%%EOF\n");
    file.into_bytes()
}

fn shown(size: u32, x: u32, y: u32, text: &str) -> String {
    format!("BT /F {size} Tf {x} {y} Td ({text}) Tj ET\n")
}

#[test]
fn paragraphs_of_a_page_are_joined_and_its_hidden_text_is_counted() {
    let content = [
        shown(12, 60, 700, "The first line of a paragraph goes on in the administra-"),
        shown(12, 60, 686, "tive language of a well-known office, and ends here."),
        shown(12, 60, 650, "Another paragraph follows it."),
        "1 1 1 rg\n".to_owned(),
        shown(12, 60, 500, "White words"),
        "0 0 0 rg 3 Tr\n".to_owned(),
        shown(12, 60, 400, "Unseen words"),
        "0 Tr\n".to_owned(),
        shown(12, 60, 300, "Covered words"),
        "0.2 0.2 0.2 rg 50 290 200 30 re f\n".to_owned(),
        "1 1 1 rg\n".to_owned(),
        shown(12, 60, 300, "White on a dark ground."),
    ];
    let read = named("a.pdf", &pdf(&content.concat())).unwrap();
    assert_eq!(
        read.text,
        "The first line of a paragraph goes on in the administrative language of a well-known office, and ends here.\n\nAnother paragraph follows it.\n\nWhite on a dark ground."
    );
    assert_eq!(read.notes.hidden_characters, 10 + 11 + 12);
    assert_eq!(read.place(read.text.len() - 1).as_deref(), Some("page 1"));
}

#[test]
fn two_columns_are_read_one_after_the_other_below_their_title() {
    let mut content = shown(18, 60, 740, "A title that stands across both of the columns");
    for line in 0..6 {
        let y = 700 - line * 14;
        content.push_str(&shown(10, 60, y, &format!("left line {line} of the first of two columns")));
        content.push_str(&shown(10, 320, y, &format!("right line {line} of the second of two columns")));
    }
    let text = text_of("a.pdf", &pdf(&content));
    let places: Vec<usize> = ["A title", "left line 0", "left line 5", "right line 0", "right line 5"]
        .iter()
        .map(|part| text.find(part).unwrap())
        .collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn a_page_without_text_or_with_a_cut_end_is_refused() {
    assert_eq!(named("a.pdf", &pdf("")), Err(ExtractError::NoTextLayer { pages: 1 }));
    let whole = pdf(&shown(12, 60, 700, "Some words."));
    let cut = &whole[..whole.len() - 60];
    assert_eq!(named("a.pdf", cut), Err(ExtractError::Damaged(Kind::Pdf)));
    assert_eq!(named("a.pdf", b"hello"), Err(ExtractError::Mismatch(Kind::Pdf)));
}

#[test]
fn a_word_document_is_read_with_its_tables_and_without_deleted_and_hidden_text() {
    let run = |text: &str| format!("<w:r><w:t>{text}</w:t></w:r>");
    let body = format!(
        "<w:p>{}<w:del>{}</w:del><w:ins>{}</w:ins></w:p><w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r></w:p>\
         <w:tbl><w:tr><w:tc><w:p>{}</w:p></w:tc><w:tc><w:p>{}</w:p></w:tc></w:tr></w:tbl>\
         <w:p><w:pPr><w:numPr/></w:pPr>{}</w:p>",
        run("The price is "),
        "<w:r><w:delText>200</w:delText></w:r>",
        run("250 euros &amp; more."),
        run("Name"),
        run("Anna"),
        run("An item")
    );
    let read = named("a.docx", &docx(&body)).unwrap();
    assert_eq!(read.text, "The price is 250 euros & more.\n\nName | Anna\n- An item");
    assert_eq!(read.notes.hidden_characters, 6);
}

#[test]
fn what_unpacks_to_too_much_or_nests_too_deep_is_refused() {
    let bomb = docx(&format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", "a ".repeat(20_000_000)));
    assert_eq!(named("a.docx", &bomb), Err(ExtractError::Exceeds(Kind::Docx, Bound::Unpacked)));
    let deep = docx(&format!("{}{}", "<w:sdt>".repeat(2000), "</w:sdt>".repeat(2000)));
    assert_eq!(named("a.docx", &deep), Err(ExtractError::Exceeds(Kind::Docx, Bound::Depth)));
    let groups = format!("{{\\rtf1 {}{}}}", "{".repeat(2000), "}".repeat(2000));
    assert_eq!(named("a.rtf", groups.as_bytes()), Err(ExtractError::Exceeds(Kind::Rtf, Bound::Depth)));
}

#[test]
fn an_open_document_is_read_without_what_was_deleted_or_hidden() {
    let body = "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes><text:h>Title</text:h>\
        <text:p>One<text:s text:c=\"2\"/>two<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>A note.</text:p></text:note-body></text:note>.</text:p>\
        <text:p text:style-name=\"H\">hidden</text:p><text:list><text:list-item><text:p>An item</text:p></text:list-item></text:list>";
    let read = named("a.odt", &odt(body)).unwrap();
    assert_eq!(read.text, "Title\n\nA note.\n\nOne two.\n- An item");
    assert_eq!(read.notes.hidden_characters, 6);
}

#[test]
fn the_chapters_of_a_book_are_its_parts() {
    let container = "<container><rootfiles><rootfile full-path=\"B/p.opf\"/></rootfiles></container>";
    let package = "<package><manifest><item id=\"n\" href=\"nav.xhtml\" media-type=\"application/xhtml+xml\" properties=\"nav\"/>\
        <item id=\"b\" href=\"two%20.xhtml\" media-type=\"application/xhtml+xml\"/><item id=\"a\" href=\"one.xhtml\" media-type=\"application/xhtml+xml\"/></manifest>\
        <spine><itemref idref=\"n\"/><itemref idref=\"a\"/><itemref idref=\"b\"/></spine></package>";
    let chapter =
        |title: &str, text: &str| format!("<html><head><title>{title}</title></head><body><p>{text}</p></body></html>");
    let book = packed(&[
        ("mimetype", Kind::Epub.media_type()),
        ("META-INF/container.xml", container),
        ("B/p.opf", package),
        ("B/nav.xhtml", &chapter("Contents", "Contents")),
        ("B/one.xhtml", &chapter("First", "It was a bright cold day.")),
        ("B/two .xhtml", &chapter("Second", "The clocks struck.")),
    ]);
    let read = named("a.epub", &book).unwrap();
    assert_eq!(read.text, "It was a bright cold day.\n\nThe clocks struck.");
    let labels: Vec<_> = read.parts.iter().map(|part| (part.number, part.label.as_str())).collect();
    assert_eq!(labels, [(1, "First"), (2, "Second")]);
    assert_eq!(read.place(read.text.find("clocks").unwrap()).as_deref(), Some("chapter 2"));
    let protected = packed(&[
        ("mimetype", Kind::Epub.media_type()),
        ("META-INF/container.xml", container),
        (
            "META-INF/encryption.xml",
            "<e><EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes256-cbc\"/></e>",
        ),
    ]);
    assert_eq!(named("a.epub", &protected), Err(ExtractError::Encrypted(Kind::Epub)));
}

#[test]
fn rich_text_is_decoded_and_its_destinations_are_left_out() {
    let rtf = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial;}}{\info{\title No}}{\header Head}\f0 Caf\'e9 \u8211- \u55357?\u56832? open\par{\v hidden}{\*\unknown gone}\f1\'ef\'f0\'e8\f0\par{\deleted old}new \{brace\}}";
    let read = named("a.rtf", rtf.as_bytes()).unwrap();
    assert_eq!(read.text, "Caf\u{e9} \u{2013} \u{1f600} open\n\n\u{43f}\u{440}\u{438}\n\nnew {brace}");
    assert_eq!(read.notes.hidden_characters, 6);
}

#[test]
fn a_page_is_read_without_what_stands_around_it() {
    let page = "<!DOCTYPE html><html><head><title>t</title><style>.x{display:none} @media print{.y{display:none}}</style></head><body>\
        <nav>Home About</nav><div class=\"cookie-banner\">We use cookies.</div><main><h1>Report</h1><p>One &amp; two.</p>\
        <p class=\"x\">unseen</p><p class=\"y\">Seen on a screen.</p><p style=\"color:#fff\">white</p><ul><li>An item</li></ul>\
        <table><tr><td>a</td><td>b</td></tr></table></main><footer>Imprint</footer></body></html>";
    let read = named("a.html", page.as_bytes()).unwrap();
    assert_eq!(read.text, "Report\n\nOne & two.\n\nSeen on a screen.\n- An item\n\na | b");
    assert_eq!(read.notes.hidden_characters, 11);
    assert!(read.notes.furniture_lines > 0);
}

#[test]
fn a_message_is_read_without_signature_history_and_attachments() {
    let mail = "From: a@b.example\r\nTo: c@d.example\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\nMIME-Version: 1.0\r\nMessage-ID: <1@b.example>\r\nContent-Type: multipart/mixed; boundary=X\r\n\r\n\
        --X\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nThe caf=E9 opens on Monday, and everybody who works there is invited to the=\r\n opening.\r\n\r\nPlease answer by Friday.\r\n\r\nBest regards,\r\nAnna\r\n\r\nOn Monday Peter wrote:\r\n> When does it open?\r\n\
        --X\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--X--\r\n";
    let read = named("a.eml", mail.as_bytes()).unwrap();
    assert_eq!(
        read.text,
        "Caf\u{e9}\n\nThe caf\u{e9} opens on Monday, and everybody who works there is invited to the opening.\n\nPlease answer by Friday."
    );
    assert_eq!((read.kind, read.notes.attachments), (Kind::Mail, 1));
}

#[test]
fn a_message_that_passes_another_on_keeps_it() {
    let mail = "From: a@b.example\nTo: c@d.example\nMessage-ID: <1@b.example>\n\nSee below.\n\n> The board has decided to close the northern branch at the end of the year\n> and to offer everybody another place.\n";
    assert!(
        text_of("a.eml", mail.as_bytes())
            .contains("decided to close the northern branch at the end of the year and to offer")
    );
}

#[test]
fn a_table_without_sentences_is_refused_and_its_sentences_are_read() {
    assert_eq!(named("a.csv", b"a,b\n1,2\n"), Err(ExtractError::NoSentences(Kind::Csv)));
    let survey = "id;comment\n1;\"The staff was friendly, and the \"\"room\"\" was clean.\"\n2;ok\n";
    let read = named("a.csv", survey.as_bytes()).unwrap();
    assert_eq!(read.text, "The staff was friendly, and the \"room\" was clean.");
    assert_eq!(read.notes.cells, 5);
}

#[test]
fn text_stays_what_it_was_and_other_charsets_are_as_declared() {
    let document = "# Title\r\n\r\n*One*\tline\r\n";
    for name in ["a.md", "a.txt", "a"] {
        assert_eq!(text_of(name, document.as_bytes()), document);
    }
    let utf16: Vec<u8> = "\u{feff}Gr\u{fc}\u{df}e".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(text_of("a.txt", &utf16), "Gr\u{fc}\u{df}e");
    let declared = |media_type| read(b"\xA3 5", Hints { media_type: Some(media_type), name: None }, &LIMITS);
    assert_eq!(declared("text/plain; charset=latin1").unwrap().text, "\u{a3} 5");
    assert_eq!(declared("text/plain"), Err(ExtractError::InvalidText { offset: 0 }));
    assert!(matches!(declared("text/plain; charset=klingon"), Err(ExtractError::MediaType(_))));
    let broken = read(b"ab\xFF", Hints { media_type: Some("text/plain; charset=shift_jis"), name: None }, &LIMITS);
    assert_eq!(broken, Err(ExtractError::InvalidText { offset: 2 }));
}

#[test]
fn a_text_that_speaks_of_formats_is_a_text() {
    for text in [
        "%PDF- is how a PDF begins.",
        "A PDF begins thus:\n%PDF-1.4\nand goes on.",
        "ID3 tags are small.",
        "BZh is a mark.",
        "From: Anna\nTo: Peter\nSubject: Lunch\n\nSee you at noon.",
        "PK is a person.",
    ] {
        assert_eq!(text_of("a.txt", text.as_bytes()), text);
    }
    assert_eq!(named("a", b"\x89PNG\r\n\x1a\n\0\0"), Err(ExtractError::Foreign(Foreign::Picture)));
    assert_eq!(named("a.zip", &packed(&[("a.txt", "hello")])), Err(ExtractError::Foreign(Foreign::Archive)));
}

#[test]
fn refusals_say_what_to_do_and_never_quote_the_document() {
    let error = named("a.rtf", b"{\\rtf1 secret").unwrap_err();
    assert!(error.to_string().contains("damaged") && !format!("{error:?}{error}").contains("secret"));
    assert!(ExtractError::NoTextLayer { pages: 7 }.to_string().contains("7 page(s): run OCR first"));
    assert!(ExtractError::Encrypted(Kind::Pdf).to_string().contains("remove the password first"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_words_of_a_paragraph_come_through_every_format(words in proptest::collection::vec("[a-z\u{e4}]{2,9}", 5..30)) {
        let text = words.join(" ");
        let rtf: String = text.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{}?", c as u32) }).collect();
        for (name, bytes) in [
            ("a.html", format!("<html><body><p>{text}</p></body></html>").into_bytes()),
            ("a.docx", docx(&format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"))),
            ("a.odt", odt(&format!("<text:p>{text}</text:p>"))),
            ("a.rtf", format!("{{\\rtf1 {rtf}}}").into_bytes()),
            ("a.csv", format!("\"{text} as one two three four five cells\"\n").into_bytes()),
        ] {
            prop_assert!(text_of(name, &bytes).contains(&text), "{}", name);
        }
    }

    #[test]
    fn damaged_documents_of_every_kind_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        for (name, mut bytes) in [
            ("a.pdf", pdf(&shown(12, 60, 700, "Some words of a page."))),
            ("a.docx", docx("<w:p><w:r><w:t>Words</w:t></w:r></w:p>")),
            ("a.odt", odt("<text:p>Words</text:p>")),
            ("a.rtf", b"{\\rtf1\\ansi Words \\u228? and {\\b more}\\par}".to_vec()),
            ("a.eml", b"From: a@b\nMessage-ID: <x>\nSubject: s\n\nWords\n> more\n".to_vec()),
            ("a.html", b"<!doctype html><p>Words<table><tr><td>x".to_vec()),
        ] {
            let index = at.index(bytes.len());
            bytes[index] = byte;
            bytes.truncate(cut.index(bytes.len()) + 1);
            if let Ok(read) = named(name, &bytes) {
                prop_assert!(read.is_sound() && !read.text.contains('\0'));
            }
        }
    }

    #[test]
    fn plain_text_in_utf8_is_itself(document in "\\PC{0,100}[a-z]\\PC{0,100}") {
        let bytes = document.as_bytes();
        let before = extract("text/plain", bytes, &LIMITS);
        match detect(bytes, Hints::default()) {
            Ok(kind) if kind.is_text() => prop_assert_eq!(named("a.txt", bytes).map(|read| read.text), before),
            _ => {}
        }
    }
}
