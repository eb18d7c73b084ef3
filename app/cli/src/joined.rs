//! Several documents as one: their texts, one after the other, each under its name.

use precis_client::{Document, MediaType};
use precis_verify::text::one_line;
use serde_json::{Value, json};

use crate::exit::Failure;

/// Documents that are joined.
#[derive(Default)]
pub struct Joined {
    text: String,
    parts: Vec<Part>,
}

/// One of them: `start..end` are byte offsets in the joined text.
struct Part {
    name: String,
    document: Document,
    start: usize,
    end: usize,
}

impl Joined {
    /// Adds a document that is called `name`, under the heading `title`. False if it is there already.
    ///
    /// # Errors
    /// A usage [`Failure`] when its text is not known here, or is too much with those before.
    pub fn add(&mut self, name: String, title: &str, document: Document) -> Result<bool, Failure> {
        if self.parts.iter().any(|part| part.document.bytes() == document.bytes()) {
            return Ok(false);
        }
        if document.is_unread() {
            return Err(Failure::usage(format!(
                "{name} cannot be joined with others: this machine has no sandbox to read {} documents in; give it as text",
                document.media_type().name()
            )));
        }
        if !self.text.is_empty() {
            self.text.push_str(if self.text.ends_with('\n') { "\n" } else { "\n\n" });
        }
        self.text.push_str(&format!("# {}\n\n", one_line(title)));
        let start = self.text.len();
        self.text.push_str(document.text());
        let end = self.text.len();
        if end > Document::MAX_BYTES {
            return Err(Failure::usage(format!(
                "with {name} the texts have more than {} bytes together, which is the most for one summary; leave some out, or buy a summary of each",
                Document::MAX_BYTES
            )));
        }
        self.parts.push(Part { name, document, start, end });
        Ok(true)
    }

    /// The joined document, as it is sent.
    ///
    /// # Errors
    /// A usage [`Failure`] when nothing was added.
    pub fn document(&self) -> Result<Document, Failure> {
        Ok(Document::new(self.text.clone().into_bytes(), MediaType::Markdown)?)
    }

    /// Number of the documents that are joined.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Its name for people.
    pub fn name(&self) -> String {
        match &self.parts[..] {
            [] => String::new(),
            [only] => only.name.clone(),
            [first, others @ ..] => format!("{} and {} more", first.name, others.len()),
        }
    }

    /// The document that a byte of the joined text is from, and its place there, as in `report.pdf, page 3`.
    pub fn place(&self, offset: u64) -> Option<String> {
        let offset = usize::try_from(offset).ok()?;
        let part = self.parts.iter().find(|part| (part.start..part.end).contains(&offset))?;
        let within = u64::try_from(offset - part.start).ok()?;
        Some(match part.document.place(within) {
            Some(place) => format!("{}, {place}", part.name),
            None => part.name.clone(),
        })
    }

    /// For programs: where each document stands in the joined text.
    pub fn to_json(&self) -> Value {
        self.parts.iter().map(|part| json!({"file": part.name, "start": part.start, "end": part.end})).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(text: &str) -> Document {
        Document::new(text.as_bytes().to_vec(), MediaType::Plain).unwrap()
    }

    fn add(joined: &mut Joined, name: &str, document: Document) -> Result<bool, String> {
        joined.add(format!("in/{name}"), name, document).map_err(|failure| failure.message)
    }

    #[test]
    fn each_text_stands_unchanged_under_its_name() {
        let mut joined = Joined::default();
        for (name, body) in [("a.txt", "\u{feff}One.\r\n"), ("b.md", "# Two\n\nText."), ("c\n# d", "Three.")] {
            assert_eq!(add(&mut joined, name, text(body)), Ok(true));
        }
        let document = joined.document().ok().unwrap();
        assert_eq!(
            document.text(),
            "# a.txt\n\nOne.\r\n\n# b.md\n\n# Two\n\nText.\n\n# c\\n# d\n\nThree.",
            "a name stays in its line"
        );
        assert_eq!(document.media_type(), MediaType::Markdown);
        let at = |words: &str| u64::try_from(document.text().find(words).unwrap()).unwrap();
        assert_eq!(joined.place(at("One.")).as_deref(), Some("in/a.txt"));
        assert_eq!(joined.place(at("Text.")).as_deref(), Some("in/b.md"));
        assert_eq!(joined.place(0), None, "a heading is of no document");
        assert_eq!(joined.place(u64::MAX), None);
        let second = &joined.to_json()[1];
        let range = |name: &str| usize::try_from(second[name].as_u64().unwrap()).unwrap();
        assert_eq!(&document.text()[range("start")..range("end")], "# Two\n\nText.");
        assert_eq!(joined.name(), "in/a.txt and 2 more");
    }

    #[test]
    fn a_place_goes_on_inside_its_document() {
        use precis_extract::documents::{Extracted, Notes, Part};
        let part = |number, start, end| Part { number, label: String::new(), start, end };
        let read = Extracted {
            kind: MediaType::Pdf,
            text: "One.\n\nTwo.".into(),
            parts: vec![part(1, 0, 4), part(3, 6, 10)],
            notes: Notes::default(),
        };
        let mut joined = Joined::default();
        add(&mut joined, "a.txt", text("Before.")).unwrap();
        add(&mut joined, "b.pdf", Document::of_kind(b"%PDF-1.4".to_vec(), MediaType::Pdf, Some(read)).unwrap())
            .unwrap();
        let document = joined.document().ok().unwrap();
        let at = u64::try_from(document.text().find("Two.").unwrap()).unwrap();
        assert_eq!(joined.place(at).as_deref(), Some("in/b.pdf, page 3"));
    }

    #[test]
    fn a_document_is_taken_once_and_all_together_are_bounded_as_one() {
        let mut joined = Joined::default();
        assert_eq!(add(&mut joined, "a.txt", text("Same.")), Ok(true));
        assert_eq!(add(&mut joined, "b.txt", text("Same.")), Ok(false));
        assert_eq!(joined.len(), 1);
        let large = "x".repeat(Document::MAX_BYTES / 2);
        assert_eq!(add(&mut joined, "c.txt", text(&large)), Ok(true));
        let error = add(&mut joined, "d.txt", text(&format!("{large}y"))).unwrap_err();
        assert!(error.contains("with in/d.txt the texts have more than 1048576 bytes"), "{error}");
        let unread = Document::of_kind(b"%PDF-1.4".to_vec(), MediaType::Pdf, None).unwrap();
        assert!(add(&mut Joined::default(), "e.pdf", unread).unwrap_err().contains("no sandbox to read PDF"));
        assert!(Joined::default().document().is_err());
    }
}
