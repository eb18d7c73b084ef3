//! Internet messages: subject and body. Attachments are counted; signature, quoted history and header fields are left out.

mod reply;

use mail_parser::{MessageParser, PartType};

use super::extracted::Writer;
use super::flow::Flow;
use super::html::{Around, write};
use crate::error::{Bound, ExtractError};
use crate::kind::Kind;
use reply::Reply;

const KIND: Kind = Kind::Mail;
/// Parts of a message.
const MAX_PARTS: usize = 1000;
/// Plain text with less than this share of the text of the same message in HTML, as one over it, is a stand-in.
const STAND_IN: usize = 5;

/// Reads a message.
pub fn read(bytes: &[u8], writer: Writer) -> Result<Flow, ExtractError> {
    let message = MessageParser::default().parse(bytes).ok_or(ExtractError::Damaged(KIND))?;
    if message.parts.len() > MAX_PARTS {
        return Err(ExtractError::Exceeds(KIND, Bound::Parts));
    }
    let encrypted = message.parts.iter().any(|part| {
        let kind = part.headers.iter().find_map(|header| header.value.as_content_type());
        kind.is_some_and(|kind| {
            let subtype = kind.c_subtype.as_deref().unwrap_or_default();
            subtype.eq_ignore_ascii_case("encrypted")
                || subtype.eq_ignore_ascii_case("pkcs7-mime")
                || subtype.eq_ignore_ascii_case("x-pkcs7-mime")
        })
    });
    if encrypted {
        return Err(ExtractError::Encrypted(KIND));
    }
    let mut flow = Flow::new(writer);
    flow.writer.notes.attachments = u32::try_from(message.attachment_count()).unwrap_or(u32::MAX);
    if let Some(subject) = message.subject() {
        flow.paragraph(subject)?;
    }
    let plain = bodies(message.text_bodies(), false);
    let html = bodies(message.html_bodies(), true);
    let room = bytes.len().saturating_mul(2);
    let mut from_html = Flow::new(Writer::new(KIND, room));
    for page in &html {
        from_html = write(page, from_html, Around::Mail)?;
    }
    let from_html = from_html.writer.finish();
    let plain_bytes: usize = plain.iter().map(String::len).sum();
    if plain_bytes == 0 || plain_bytes < from_html.text.len() / STAND_IN {
        flow.writer.notes.hidden_characters += from_html.notes.hidden_characters;
        flow.writer.notes.furniture_lines += from_html.notes.furniture_lines;
        Reply::of_paragraphs(&from_html.text).write(&mut flow)?;
    } else {
        for text in &plain {
            Reply::of_lines(text).write(&mut flow)?;
        }
    }
    Ok(flow)
}

/// The bodies that are plain text, or those that are HTML.
fn bodies<'m>(parts: impl Iterator<Item = &'m mail_parser::MessagePart<'m>>, html: bool) -> Vec<String> {
    let text = |part: &mail_parser::MessagePart<'_>| match &part.body {
        PartType::Text(text) if !html => Some(text.to_string()),
        PartType::Html(text) if html => Some(text.to_string()),
        _ => None,
    };
    parts.filter_map(text).filter(|text| !text.trim().is_empty()).collect()
}
