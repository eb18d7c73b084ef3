//! One small document of each kind: a file name, a line feed, the document.

use std::io::Write as _;

use zip::write::SimpleFileOptions;

use super::{Seed, seed};

const CONTAINER: &str = r#"<container><rootfiles><rootfile full-path="p.opf"/></rootfiles></container>"#;
const PACKAGE: &str = r#"<package><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>"#;
const RELATIONS: &str = r#"<Relationships><Relationship Id="r1" Type="x/slide" Target="slides/s.xml"/><Relationship Id="r2" Type="x/worksheet" Target="s.xml"/></Relationships>"#;
const TEXT: &str = r#"<w:document xmlns:w="w"><w:body><w:p><w:r><w:t>Oak is hard.</w:t></w:r><w:del><w:r><w:delText>No</w:delText></w:r></w:del></w:p><w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:body></w:document>"#;
const SLIDE: &str =
    r#"<p:sld xmlns:p="p" xmlns:a="a"><p:sp><p:ph type="title"/><a:p><a:r><a:t>Oak</a:t></a:r></a:p></p:sp></p:sld>"#;
const SHEET: &str = r#"<worksheet><sheetData><row><c t="inlineStr"><is><t>Oak is hard, and pine is soft.</t></is></c><c><v>1</v></c></row></sheetData></worksheet>"#;
const OPEN: &str =
    r#"<o:document xmlns:o="o" xmlns:text="t"><o:body><text:p>Oak<text:s/>is hard.</text:p></o:body></o:document>"#;

pub fn seeds() -> Vec<Seed> {
    let types = ("[Content_Types].xml", "<Types/>");
    vec![
        document("html", b"<!doctype html><style>.x{display:none}</style><main><h1>Oak</h1><p class=x>No</p><table><tr><td>a</table><li>b"),
        document("rtf", br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset204 A;}}\f0\'ef\u8211-{\v x}\par\trowd a\cell b\cell\row}"),
        document("eml", b"From: a@b\nMessage-ID: <x>\nSubject: =?utf-8?q?Oak?=\n\nOak is hard.\n\nBest regards,\nA\n\nOn Monday B wrote:\n> Is it?\n"),
        document("csv", b"a;b\n1;\"Oak is hard, and \"\"pine\"\" is soft.\"\n"),
        document("txt", b"\xFF\xFEO\0a\0k\0"),
        document("pdf", &pdf()),
        document("docx", &packed(&[types, ("word/document.xml", TEXT)])),
        document("pptx", &packed(&[types, ("ppt/presentation.xml", r#"<p:p xmlns:p="p" xmlns:r="r"><p:sldId id="1" r:id="r1"/></p:p>"#), ("ppt/_rels/presentation.xml.rels", RELATIONS), ("ppt/slides/s.xml", SLIDE)])),
        document("xlsx", &packed(&[types, ("xl/workbook.xml", r#"<w xmlns:r="r"><sheet name="S" r:id="r2"/></w>"#), ("xl/_rels/workbook.xml.rels", RELATIONS), ("xl/s.xml", SHEET)])),
        document("odt", &packed(&[("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", OPEN)])),
        document("epub", &packed(&[("mimetype", "application/epub+zip"), ("META-INF/container.xml", CONTAINER), ("p.opf", PACKAGE), ("a.xhtml", "<html><body><p>Oak is hard.</p></body></html>")])),
    ]
}

fn document(extension: &str, bytes: &[u8]) -> Seed {
    seed(&format!("documents/{extension}"), [format!("a.{extension}\n").as_bytes(), bytes].concat())
}

fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        // Stored, so that mutations reach the mark-up; and without a time, so that every machine writes the same.
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file(*name, options).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn pdf() -> Vec<u8> {
    let content =
        "BT /F 12 Tf 60 700 Td (Oak is hard-) Tj 0 -14 Td (er.) Tj 3 Tr 0 -14 Td (No) Tj ET 1 0 0 rg 0 0 99 99 re f";
    format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n4 0 obj<</Length {}>>stream\n{content}\nendstream endobj\n5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n",
        content.len()
    )
    .into_bytes()
}
