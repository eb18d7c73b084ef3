//! Rich Text Format 1.9: the text of the body with footnotes, in the code pages and Unicode escapes of the file. Destinations that are
//! no text, deleted text and fields' codes are left out; hidden text is counted.

use encoding_rs::Encoding;

use super::extracted::Writer;
use super::flow::Flow;
use crate::error::{Bound, ExtractError};
use crate::kind::Kind;

const KIND: Kind = Kind::Rtf;
/// Deepest nesting of groups.
const MAX_DEPTH: usize = 512;
/// Longest control word, in bytes.
const MAX_WORD: usize = 32;
/// Destinations whose content is not the document's text. Those marked with `\*` are left out unless they are known.
const SKIPPED: [&str; 36] = [
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "fldinst",
    "listtable",
    "listoverridetable",
    "rsidtbl",
    "generator",
    "themedata",
    "colorschememapping",
    "datastore",
    "latentstyles",
    "xmlnstbl",
    "filetbl",
    "revtbl",
    "annotation",
    "atnid",
    "atnauthor",
    "atndate",
    "bkmkstart",
    "bkmkend",
    "listtext",
    "pntext",
    "nonshppict",
    "template",
];

#[derive(Clone, Copy)]
struct State {
    skipped: bool,
    hidden: bool,
    deleted: bool,
    /// Characters that stand for a Unicode escape where it is not understood.
    fallback: usize,
    font: usize,
    item: bool,
    in_fonts: bool,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    flow: Flow,
    states: Vec<State>,
    code_page: &'static Encoding,
    /// Code pages by the number of the font.
    fonts: Vec<Option<&'static Encoding>>,
    /// Bytes in a code page that are not decoded yet.
    pending: Vec<u8>,
    /// First half of a surrogate pair.
    surrogate: Option<u16>,
    skip_characters: usize,
    text: String,
    table: bool,
}

/// Reads a document.
pub fn read(bytes: &[u8], writer: Writer) -> Result<Flow, ExtractError> {
    let state =
        State { skipped: false, hidden: false, deleted: false, fallback: 1, font: 0, item: false, in_fonts: false };
    let mut reader = Reader {
        bytes,
        at: 0,
        flow: Flow::new(writer),
        states: vec![state],
        code_page: encoding_rs::WINDOWS_1252,
        fonts: Vec::new(),
        pending: Vec::new(),
        surrogate: None,
        skip_characters: 0,
        text: String::new(),
        table: false,
    };
    reader.run()?;
    Ok(reader.flow)
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), ExtractError> {
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'{' => {
                    self.decode();
                    if self.states.len() > MAX_DEPTH {
                        return Err(ExtractError::Exceeds(KIND, Bound::Depth));
                    }
                    self.states.push(self.state());
                }
                b'}' => {
                    self.decode();
                    if self.states.len() > 1 {
                        self.states.pop();
                    }
                    self.skip_characters = 0;
                    // What is after the outermost group is no part of the document.
                    if self.states.len() == 1 {
                        return self.end();
                    }
                }
                b'\\' => self.control()?,
                b'\r' | b'\n' => {}
                other => self.byte(other),
            }
        }
        // The outermost group never ended.
        Err(ExtractError::Damaged(KIND))
    }

    fn end(&mut self) -> Result<(), ExtractError> {
        self.paragraph()?;
        if self.table {
            self.flow.close_table()?;
        }
        Ok(())
    }

    fn state(&self) -> State {
        self.states.last().copied().unwrap_or(State {
            skipped: false,
            hidden: false,
            deleted: false,
            fallback: 1,
            font: 0,
            item: false,
            in_fonts: false,
        })
    }

    fn set(&mut self, change: impl FnOnce(&mut State)) {
        self.decode();
        if let Some(state) = self.states.last_mut() {
            change(state);
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.skip_characters > 0 {
            self.skip_characters -= 1;
        } else if !self.state().skipped {
            self.pending.push(byte);
        }
    }

    /// Turns the bytes that are pending into text.
    fn decode(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        let page = self.fonts.get(self.state().font).copied().flatten().unwrap_or(self.code_page);
        let (text, _) = page.decode_without_bom_handling(&pending);
        self.push(&text);
    }

    fn push(&mut self, text: &str) {
        self.surrogate = None;
        let state = self.state();
        if state.skipped || state.deleted {
        } else if state.hidden {
            let seen = text.chars().filter(|character| !character.is_whitespace()).count();
            self.flow.writer.notes.hidden_characters += seen as u64;
        } else {
            self.text.push_str(text);
        }
    }

    fn control(&mut self) -> Result<(), ExtractError> {
        let Some(&first) = self.bytes.get(self.at) else { return Ok(()) };
        self.at += 1;
        if !first.is_ascii_alphabetic() {
            return self.symbol(first);
        }
        let start = self.at - 1;
        let letters = self.bytes.get(start..).unwrap_or_default().iter().take(MAX_WORD);
        let length = letters.take_while(|byte| byte.is_ascii_alphabetic()).count();
        let word = core::str::from_utf8(self.bytes.get(start..start + length).unwrap_or_default()).unwrap_or_default();
        self.at = start + length;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let sign = usize::from(rest.first() == Some(&b'-'));
        let digits = rest.iter().skip(sign).take(10).take_while(|byte| byte.is_ascii_digit()).count();
        let number = (digits > 0).then(|| rest.get(..sign + digits)).flatten();
        let number = number.and_then(|text| core::str::from_utf8(text).ok()).and_then(|text| text.parse::<i64>().ok());
        if digits > 0 {
            self.at += sign + digits;
        }
        if self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        self.word(word, number)
    }

    fn symbol(&mut self, symbol: u8) -> Result<(), ExtractError> {
        match symbol {
            b'\'' => {
                let hex = self.bytes.get(self.at..self.at + 2).and_then(|two| core::str::from_utf8(two).ok());
                if let Some(byte) = hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
                    self.at += 2;
                    self.byte(byte);
                }
            }
            b'*' => {
                // Of the destinations that older readers skip, the text of shapes and notes is known.
                let rest = self.bytes.get(self.at..self.at + 16).unwrap_or_default();
                let known = [&b"\\shptxt"[..], b"\\footnote", b"\\shpinst"].iter().any(|word| rest.starts_with(word));
                if !known {
                    self.set(|state| state.skipped = true);
                }
            }
            b'~' => {
                self.decode();
                self.push(" ");
            }
            b'_' => {
                self.decode();
                self.push("-");
            }
            b'\r' | b'\n' => return self.paragraph(),
            b'\\' | b'{' | b'}' => self.byte(symbol),
            _ => {}
        }
        Ok(())
    }

    fn word(&mut self, word: &str, number: Option<i64>) -> Result<(), ExtractError> {
        let on = number != Some(0);
        match word {
            "u" => {
                self.decode();
                self.skip_characters = self.state().fallback;
                // Written as a signed number of 16 bits.
                if let Some(unit) = number.and_then(|unit| u16::try_from(unit.rem_euclid(0x1_0000)).ok()) {
                    self.unit(unit);
                }
            }
            "uc" => {
                let count = number.and_then(|count| usize::try_from(count).ok()).unwrap_or(1).min(8);
                self.set(|state| state.fallback = count);
            }
            "ansicpg" => self.code_page = code_page(number.unwrap_or(1252)),
            "mac" => self.code_page = encoding_rs::MACINTOSH,
            "fonttbl" => self.set(|state| (state.skipped, state.in_fonts) = (true, true)),
            "f" => {
                let font = number.and_then(|font| usize::try_from(font).ok()).unwrap_or(0).min(4095);
                self.set(|state| state.font = font);
            }
            "fcharset" if self.state().in_fonts => {
                let font = self.state().font;
                if self.fonts.len() <= font {
                    self.fonts.resize(font + 1, None);
                }
                if let Some(slot) = self.fonts.get_mut(font) {
                    *slot = charset(number.unwrap_or(0));
                }
            }
            "bin" => {
                let skipped = number.and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
                self.at = self.at.saturating_add(skipped).min(self.bytes.len());
            }
            "v" => self.set(|state| state.hidden = on),
            "deleted" => self.set(|state| state.deleted = on),
            "plain" => self.set(|state| (state.hidden, state.deleted, state.font) = (false, false, 0)),
            "pard" => {
                self.set(|state| state.item = false);
            }
            "ls" => self.set(|state| state.item = true),
            "par" | "sect" | "page" | "footnote" => self.paragraph()?,
            "trowd" => {
                self.paragraph()?;
                if !self.table {
                    self.table = true;
                    self.flow.open_table()?;
                    self.flow.open_cell();
                }
            }
            "cell" | "nestcell" => {
                self.paragraph()?;
                self.flow.open_cell();
            }
            "row" | "nestrow" => {
                self.paragraph()?;
                if self.table {
                    self.table = false;
                    self.flow.close_table()?;
                }
            }
            "line" | "tab" | "emspace" | "enspace" => self.character(' '),
            "emdash" => self.character('\u{2014}'),
            "endash" => self.character('\u{2013}'),
            "bullet" => self.character('\u{2022}'),
            "lquote" => self.character('\u{2018}'),
            "rquote" => self.character('\u{2019}'),
            "ldblquote" => self.character('\u{201c}'),
            "rdblquote" => self.character('\u{201d}'),
            skipped if SKIPPED.contains(&skipped) => {
                let comment = u32::from(skipped == "annotation");
                self.flow.writer.notes.attachments += comment;
                self.set(|state| state.skipped = true);
            }
            _ => {}
        }
        Ok(())
    }

    fn character(&mut self, character: char) {
        self.decode();
        self.push(character.encode_utf8(&mut [0; 4]));
    }

    fn unit(&mut self, unit: u16) {
        let units = match self.surrogate.take() {
            Some(first) => vec![first, unit],
            None if (0xD800..0xDC00).contains(&unit) => {
                self.surrogate = Some(unit);
                return;
            }
            None => vec![unit],
        };
        let text = String::from_utf16_lossy(&units);
        self.push(&text);
    }

    fn paragraph(&mut self) -> Result<(), ExtractError> {
        self.decode();
        let state = self.state();
        if state.skipped {
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        if state.item { self.flow.item(&text) } else { self.flow.paragraph(&text) }
    }
}

fn code_page(number: i64) -> &'static Encoding {
    let label = match number {
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        10000 => "macintosh".to_owned(),
        65001 => "utf-8".to_owned(),
        866 | 874 => format!("ibm{number}").replace("ibm874", "windows-874"),
        _ => format!("windows-{number}"),
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::WINDOWS_1252)
}

/// The code page of a font by its charset.
fn charset(number: i64) -> Option<&'static Encoding> {
    let page = match number {
        0 => 1252,
        77 => 10000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    };
    Some(code_page(page))
}
