//! Electronic books: the chapters in the order of the spine, without the table of contents.

use std::collections::BTreeMap;

use super::archive::{Archive, resolve};
use super::extracted::Writer;
use super::flow::Flow;
use super::html::{Around, write};
use super::xml::{Step, attribute, walk};
use crate::error::ExtractError;
use crate::kind::Kind;

const KIND: Kind = Kind::Epub;
/// Fonts may be obfuscated in a book that is not encrypted.
const FONTS: [&str; 2] = ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];

/// Reads a book.
pub fn read(bytes: &[u8], writer: Writer) -> Result<Flow, ExtractError> {
    let mut archive = Archive::new(KIND, bytes)?;
    if let Some(encryption) = archive.markup("META-INF/encryption.xml")? {
        refuse_encrypted(&encryption)?;
    }
    let mut package = None;
    walk(KIND, &archive.needed("META-INF/container.xml")?, |step| {
        if let Step::Open("rootfile", start) = step {
            package = package.take().or_else(|| attribute(start, "full-path"));
        }
        Ok(())
    })?;
    let package = package.ok_or(ExtractError::Damaged(KIND))?;
    let mut files = BTreeMap::new();
    let mut order = Vec::new();
    walk(KIND, &archive.needed(&package)?, |step| {
        match step {
            Step::Open("item", start) => {
                let contents = attribute(start, "properties").is_some_and(|all| all.split(' ').any(|one| one == "nav"));
                let page = attribute(start, "media-type").is_some_and(|media| media.contains("html"));
                if let (Some(id), Some(file)) = (attribute(start, "id"), attribute(start, "href"))
                    && page
                    && !contents
                {
                    files.insert(id, resolve(&package, &percent_decoded(&file)));
                }
            }
            Step::Open("itemref", start) if attribute(start, "linear").as_deref() != Some("no") => {
                order.extend(attribute(start, "idref"));
            }
            _ => {}
        }
        Ok(())
    })?;
    let mut flow = Flow::new(writer);
    for id in order {
        let Some(file) = files.remove(&id) else { continue };
        let Some(chapter) = archive.markup(&file)? else { continue };
        flow.writer.part(&title(&chapter))?;
        flow = write(&chapter, flow, Around::Nothing)?;
    }
    Ok(flow)
}

fn refuse_encrypted(encryption: &str) -> Result<(), ExtractError> {
    walk(KIND, encryption, |step| {
        if let Step::Open("EncryptionMethod", start) = step
            && !attribute(start, "Algorithm").is_some_and(|algorithm| FONTS.contains(&algorithm.as_str()))
        {
            return Err(ExtractError::Encrypted(KIND));
        }
        Ok(())
    })
}

/// The title of a chapter, as its head says.
fn title(chapter: &str) -> String {
    let inside = chapter.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    inside.map(|(title, _)| title.to_owned()).unwrap_or_default()
}

fn percent_decoded(name: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), name.as_bytes());
    while let [first, after @ ..] = rest {
        rest = after;
        let hex = (*first == b'%').then(|| after.get(..2)).flatten().and_then(|two| core::str::from_utf8(two).ok());
        if let Some(byte) = hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}
