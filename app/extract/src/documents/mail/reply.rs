//! The new text of a message, without the messages that it answers and without the signature.

use crate::documents::flow::Flow;
use crate::error::ExtractError;

/// A line at least this long is continued on the next one.
const FULL_LINE: usize = 55;
/// Longest closing phrase, in characters.
const LONGEST_CLOSING: usize = 40;
/// Most lines of a signature.
const LONGEST_SIGNATURE: usize = 20;
/// A message with fewer words of its own than this passes on what it quotes.
const FEW_WORDS: usize = 12;

/// Phrases that close a letter, lower case, without what follows them.
const CLOSINGS: [&str; 40] = [
    "kind regards",
    "best regards",
    "warm regards",
    "regards",
    "with regards",
    "many thanks",
    "thanks",
    "thank you",
    "thanks again",
    "best",
    "best wishes",
    "all the best",
    "cheers",
    "sincerely",
    "yours sincerely",
    "yours faithfully",
    "yours truly",
    "respectfully",
    "mit freundlichen gr\u{fc}\u{df}en",
    "mit freundlichem gru\u{df}",
    "freundliche gr\u{fc}\u{df}e",
    "viele gr\u{fc}\u{df}e",
    "beste gr\u{fc}\u{df}e",
    "liebe gr\u{fc}\u{df}e",
    "herzliche gr\u{fc}\u{df}e",
    "cordialement",
    "bien cordialement",
    "bien \u{e0} vous",
    "saludos",
    "un saludo",
    "atentamente",
    "cordiali saluti",
    "distinti saluti",
    "atenciosamente",
    "met vriendelijke groet",
    "med v\u{e4}nliga h\u{e4}lsningar",
    "pozdrawiam",
    "z powa\u{17c}aniem",
    "\u{441} \u{443}\u{432}\u{430}\u{436}\u{435}\u{43d}\u{438}\u{435}\u{43c}",
    "\u{656c}\u{5177}",
];
/// Words of which a notice of confidentiality has several.
const NOTICE: [&str; 14] = [
    "confidential",
    "intended",
    "recipient",
    "disclos",
    "unauthori",
    "delete",
    "privileged",
    "vertraulich",
    "empf\u{e4}nger",
    "l\u{f6}schen",
    "unbefugt",
    "confidentiel",
    "destinataire",
    "confidencial",
];

/// The text of a message in parts.
pub struct Reply {
    /// Paragraphs, each of one or more lines.
    own: Vec<Vec<String>>,
    quoted: Vec<Vec<String>>,
    left_out: u32,
}

impl Reply {
    /// Of plain text, whose lines may be broken anywhere.
    pub fn of_lines(text: &str) -> Self {
        Self::of(text.lines().map(str::to_owned).collect())
    }

    /// Of paragraphs that are parted by blank lines.
    pub fn of_paragraphs(text: &str) -> Self {
        Self::of(text.lines().map(str::to_owned).collect())
    }

    fn of(lines: Vec<String>) -> Self {
        let (mut own, mut quoted): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        let mut left_out = 0u32;
        let mut lines = lines.into_iter().peekable();
        while let Some(line) = lines.next() {
            let trimmed = line.trim();
            if let Some(content) = trimmed.strip_prefix('>') {
                // The line that says who wrote what follows.
                if own.last().is_some_and(|line| line.trim_end().ends_with(':')) && quoted.is_empty() {
                    own.pop();
                    left_out += 1;
                }
                quoted.push(content.trim_start_matches(['>', ' ']).to_owned());
                left_out += 1;
            } else if is_divider(trimmed) || is_headers(trimmed, lines.peek().map(String::as_str)) {
                quoted.push(String::new());
                for rest in lines.by_ref() {
                    left_out += u32::from(!rest.trim().is_empty());
                    quoted.push(rest);
                }
            } else {
                if trimmed.is_empty() && !quoted.is_empty() {
                    quoted.push(String::new());
                }
                own.push(line);
            }
        }
        left_out += cut_signature(&mut own);
        let mut own = paragraphs(&own);
        let notices = own.len();
        own.retain(|paragraph| !is_notice(paragraph));
        left_out += u32::try_from(notices - own.len()).unwrap_or(u32::MAX);
        Self { own, quoted: paragraphs(&quoted), left_out }
    }

    /// Writes the own text; what it passes on, if it says next to nothing itself.
    pub fn write(self, flow: &mut Flow) -> Result<(), ExtractError> {
        let words =
            |all: &[Vec<String>]| all.iter().flatten().map(|line| line.split_whitespace().count()).sum::<usize>();
        let passes_on = words(&self.own) < FEW_WORDS && words(&self.quoted) > FEW_WORDS;
        if !passes_on {
            flow.writer.notes.furniture_lines = flow.writer.notes.furniture_lines.saturating_add(self.left_out);
        }
        let passed_on = if passes_on { self.quoted } else { Vec::new() };
        for paragraph in self.own.iter().chain(&passed_on) {
            write(paragraph, flow)?;
        }
        Ok(())
    }
}

/// Joins the lines that were broken because they were full.
fn write(lines: &[String], flow: &mut Flow) -> Result<(), ExtractError> {
    let mut joined: Vec<String> = Vec::new();
    let mut full = false;
    for line in lines {
        let line = line.trim();
        let starts = line.starts_with(['-', '*', '\u{2022}'])
            || line.split_once(['.', ')']).is_some_and(|(number, _)| {
                !number.is_empty() && number.len() < 3 && number.bytes().all(|byte| byte.is_ascii_digit())
            });
        match joined.last_mut() {
            Some(last) if full && !starts => {
                last.push(' ');
                last.push_str(line);
            }
            _ => joined.push(line.to_owned()),
        }
        full = line.chars().count() >= FULL_LINE;
    }
    for (index, line) in joined.iter().enumerate() {
        if index == 0 { flow.paragraph(line)? } else { flow.writer.line(line)? }
    }
    Ok(())
}

fn paragraphs(lines: &[String]) -> Vec<Vec<String>> {
    let groups = lines.split(|line| line.trim().is_empty());
    groups.filter(|group| !group.is_empty()).map(<[String]>::to_vec).collect()
}

/// The line that mail programs put above a message they quote whole.
fn is_divider(line: &str) -> bool {
    let inner = line.trim_matches(['-', ' ']);
    let dashes = line.len() - line.trim_start_matches('-').len();
    dashes >= 3 && !inner.is_empty() && inner.len() < 60 && line.ends_with("---")
}

/// The header fields of a message that is quoted whole.
fn is_headers(line: &str, next: Option<&str>) -> bool {
    let starts = |line: &str, names: &[&str]| {
        let line = line.trim().trim_matches('*').to_lowercase();
        names
            .iter()
            .any(|name| line.strip_prefix(name).is_some_and(|rest| rest.trim_start_matches('*').starts_with(':')))
    };
    starts(line, &["from", "von", "de", "da", "van", "\u{43e}\u{442}"])
        && next.is_some_and(|next| {
            starts(
                next,
                &[
                    "sent",
                    "date",
                    "to",
                    "gesendet",
                    "datum",
                    "an",
                    "envoy\u{e9}",
                    "\u{e0}",
                    "enviado",
                    "para",
                    "inviato",
                    "a",
                    "verzonden",
                ],
            )
        })
}

/// Cuts the signature off the end; the number of lines that it had.
fn cut_signature(own: &mut Vec<String>) -> u32 {
    let filled = |lines: &[String]| {
        u32::try_from(lines.iter().filter(|line| !line.trim().is_empty()).count()).unwrap_or(u32::MAX)
    };
    let delimiter = own.iter().rposition(|line| matches!(line.as_str(), "-- " | "--"));
    let at = delimiter.or_else(|| {
        let closing = own.iter().position(|line| is_closing(line))?;
        let rest = own.get(closing + 1..)?;
        let short = rest.iter().filter(|line| !line.trim().is_empty()).count() <= LONGEST_SIGNATURE;
        let postscript =
            rest.iter().any(|line| line.trim_start().to_lowercase().starts_with("p.s") || line.starts_with("PS"));
        (short && !postscript).then_some(closing)
    });
    let Some(at) = at else { return 0 };
    // A message that is a signature alone stays.
    if own.iter().take(at).all(|line| line.trim().is_empty()) {
        return 0;
    }
    let cut = filled(own.get(at..).unwrap_or_default());
    own.truncate(at);
    cut
}

fn is_closing(line: &str) -> bool {
    let line = line.trim().trim_end_matches([',', '!', '.', ' ']).to_lowercase();
    line.chars().count() <= LONGEST_CLOSING && CLOSINGS.contains(&line.as_str())
}

fn is_notice(paragraph: &[String]) -> bool {
    let text = paragraph.join(" ").to_lowercase();
    NOTICE.iter().filter(|word| text.contains(**word)).count() >= 3
}
