//! What is written: results on standard output, progress and errors on standard error. No colours, nothing of the document but its summary.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use precis_verify::text::one_line;
use precis_verify::transcript::{INSECURE_BANNER, Transcript};
use serde_json::Value;

use crate::args::Format;
use crate::exit::{Exit, Failure};

/// Takes the cursor to the start of the line and empties it.
const EMPTY_LINE: &str = "\r\u{1b}[K";

/// Where a command writes.
#[derive(Clone, Copy)]
pub struct Output {
    format: Format,
    /// Progress is watched on a terminal, whose last line may be a bar.
    watched: bool,
}

/// A result as it is written.
pub enum Shape {
    /// For people.
    Text(String),
    /// For programs.
    Json(Value),
}

impl Output {
    /// Output in `format`.
    pub fn new(format: Format) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|name| name == "dumb");
        Self { format, watched: !dumb && io::stderr().is_terminal() }
    }

    /// The format.
    pub fn format(self) -> Format {
        self.format
    }

    /// True if somebody watches on a terminal.
    pub fn is_watched(self) -> bool {
        self.watched
    }

    /// A result in the format: `text` for people or `json` for programs.
    pub fn shape(self, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) -> Shape {
        match self.format {
            Format::Text | Format::Markdown => Shape::Text(text()),
            Format::Json => Shape::Json(json()),
        }
    }

    /// Writes the result: `text` for people or `json` for programs.
    ///
    /// # Errors
    /// An unavailable [`Failure`] when standard output is closed or full.
    pub fn result(self, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) -> Result<(), Failure> {
        self.write(&self.shape(text, json))
    }

    /// Writes a result.
    ///
    /// # Errors
    /// As [`Output::result`].
    pub fn write(self, shape: &Shape) -> Result<(), Failure> {
        self.clear();
        let line = match shape {
            Shape::Text(text) => text.clone(),
            Shape::Json(json) => format!("{json}\n"),
        };
        let mut out = io::stdout().lock();
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(|e| {
            let why = precis_client::io_reason(&e);
            Failure::new(
                Exit::Unavailable,
                format!("cannot write the result to standard output: {why}; run again with one that can be written"),
            )
        })
    }

    /// Writes a file that was asked for, whole or not at all.
    ///
    /// # Errors
    /// A usage [`Failure`] that names the file and what it was for.
    pub fn save(self, path: &Path, bytes: &[u8], what: &str) -> Result<(), Failure> {
        precis_client::replace_file(path, bytes).map_err(|e| {
            let why = precis_client::io_reason(&e);
            Failure::usage(format!("cannot write the {what} to {}: {why}; name another place", path.display()))
        })?;
        self.progress(&format!("{what}: saved to {}", path.display()));
        Ok(())
    }

    /// One line of progress, whatever the format.
    pub fn progress(self, line: &str) {
        self.clear();
        // Standard error may be closed; then nobody watches.
        let _ = writeln!(io::stderr().lock(), "{}", one_line(line));
    }

    /// Draws a bar in place of the one before, for whoever watches.
    pub fn bar(self, line: &str) {
        if self.watched {
            let mut err = io::stderr().lock();
            let _ = write!(err, "{EMPTY_LINE}{}", one_line(line)).and_then(|()| err.flush());
        }
    }

    /// Erases the bar.
    pub fn clear(self) {
        self.bar("");
    }

    /// Says what went wrong, and shows the checks if that is why.
    pub fn failure(self, failure: &Failure) {
        if self.format == Format::Json {
            // The same failure stands on standard error below.
            let _ = self.write(&Shape::Json(failure.to_json()));
        }
        self.complain(None, failure);
    }

    /// Says on standard error what went wrong, with `document` if it is one of several.
    pub fn complain(self, document: Option<&str>, failure: &Failure) {
        self.clear();
        let mut err = io::stderr().lock();
        // Of checks that passed one line is enough, and it was written before.
        let shown = failure.transcript.as_ref().filter(|transcript| !transcript.is_verified());
        if let (Format::Text | Format::Markdown, Some(transcript)) = (self.format, shown) {
            let _ = err.write_all(transcript.render(false).as_bytes());
        }
        let document = document.map(|name| format!("{name}: ")).unwrap_or_default();
        let _ = writeln!(err, "error: {}", one_line(&format!("{document}{}", failure.message)));
        for line in failure.money.iter().flat_map(|money| money.lines()) {
            let _ = writeln!(err, "{}", one_line(&line));
        }
    }

    /// Says that `what` was verified.
    pub fn verified(self, what: &str, transcript: &Transcript) {
        verified(what, transcript).iter().for_each(|line| self.progress(line));
    }
}

/// The stage that `what` was verified in, one line, preceded by the warning that a mock root deserves.
pub fn verified(what: &str, transcript: &Transcript) -> Vec<String> {
    let passed = transcript.checks().iter().filter(|o| o.status == precis_verify::check::Status::Pass).count();
    let skipped = transcript.checks().len().saturating_sub(passed);
    let note = if skipped == 0 { String::new() } else { format!(", {skipped} optional not evaluated") };
    let insecure = transcript.insecure().then(|| INSECURE_BANNER.to_owned());
    insecure.into_iter().chain([format!("{what}: {passed} checks passed{note}")]).collect()
}

/// Text of a summary, fit for a terminal: line breaks and tabs stay, other control characters and marks that turn the direction of
/// writing do not.
pub fn summary_text(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    let drives = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || turns(c);
    let mut out: String = text.chars().map(|c| if drives(c) { '\u{fffd}' } else { c }).collect();
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::summary_text;

    #[test]
    fn a_summary_cannot_drive_the_terminal() {
        assert_eq!(summary_text("a\u{1b}[2Jb\n\tc"), "a\u{fffd}[2Jb\n\tc\n");
        assert_eq!(summary_text("done\n"), "done\n");
    }
}
