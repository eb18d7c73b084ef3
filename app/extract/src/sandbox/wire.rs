//! The messages of the two processes to each other: a line of JSON, then bytes.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::detect::Hints;
use crate::documents::{Extracted, Notes, Part};
use crate::error::ExtractError;
use crate::kind::Kind;
use crate::text::Limits;

/// Longest line of JSON, in bytes: the parts of a document.
const MAX_LINE: u64 = 4 * 1024 * 1024;

/// The question to the child, followed by the document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    media_type: Option<String>,
    name: Option<String>,
    max_bytes: usize,
    /// Processor seconds.
    pub seconds: u64,
    /// Bytes of memory.
    pub memory: u64,
}

impl Question {
    /// Asks for the text of a document.
    pub fn new(hints: Hints<'_>, limits: &Limits, seconds: u64, memory: u64) -> Self {
        Self {
            media_type: hints.media_type.map(str::to_owned),
            name: hints.name.map(str::to_owned),
            max_bytes: limits.max_bytes,
            seconds,
            memory,
        }
    }

    /// The statements about the document.
    pub fn hints(&self) -> Hints<'_> {
        Hints { media_type: self.media_type.as_deref(), name: self.name.as_deref() }
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        Limits { max_bytes: self.max_bytes }
    }

    /// Writes the question and the document.
    pub fn write(&self, bytes: &[u8], to: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *to, self)?;
        to.write_all(b"\n")?;
        to.write_all(bytes)
    }

    /// Reads a question; the document is what follows it.
    pub fn read(from: &mut impl BufRead) -> io::Result<Self> {
        Ok(serde_json::from_slice(&line(from)?)?)
    }
}

/// The answer of the child; the text of a document follows it.
#[derive(Serialize, Deserialize)]
enum Answer {
    #[serde(rename = "read")]
    Read { kind: Kind, parts: Vec<Part>, notes: Notes },
    #[serde(rename = "refused")]
    Refused(ExtractError),
}

/// Writes what became of a document.
pub fn write_answer(outcome: &Result<Extracted, ExtractError>, to: &mut impl Write) -> io::Result<()> {
    match outcome {
        Ok(Extracted { kind, text, parts, notes }) => {
            let answer = Answer::Read { kind: *kind, parts: parts.clone(), notes: *notes };
            serde_json::to_writer(&mut *to, &answer)?;
            to.write_all(b"\n")?;
            to.write_all(text.as_bytes())
        }
        Err(error) => {
            serde_json::to_writer(&mut *to, &Answer::Refused(*error))?;
            to.write_all(b"\n")
        }
    }
}

/// Reads what became of a document of `kind`. The child may have been taken over by the document: nothing it says is believed
/// further than that it is a text of at most so many bytes, with parts that lie in it.
pub fn read_answer(
    kind: Kind,
    limits: &Limits,
    from: &mut impl BufRead,
) -> Result<Result<Extracted, ExtractError>, io::Error> {
    match serde_json::from_slice(&line(from)?)? {
        Answer::Refused(error) => Ok(Err(error)),
        Answer::Read { kind: said, parts, notes } => {
            let most = u64::try_from(limits.max_bytes).unwrap_or(u64::MAX);
            let mut bytes = Vec::new();
            from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
            let text = String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
            let extracted = Extracted { kind, text, parts, notes };
            if said != kind
                || extracted.text.len() as u64 > most
                || !extracted.is_sound()
                || extracted.text.contains('\0')
            {
                return Err(io::ErrorKind::InvalidData.into());
            }
            Ok(Ok(extracted))
        }
    }
}

fn line(from: &mut impl BufRead) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::new());
    from.take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') { Ok(line) } else { Err(io::ErrorKind::InvalidData.into()) }
}
