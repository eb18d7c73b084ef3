//! What is written: results on standard output, progress and errors on standard error. No colours, nothing of the document but its summary.

use std::io::{self, Write as _};
use std::path::Path;

use precis_verify::text::one_line;
use precis_verify::transcript::{INSECURE_BANNER, Transcript};
use serde_json::{Value, json};

use crate::args::Format;
use crate::exit::{Exit, Failure};

/// Where a command writes.
#[derive(Clone, Copy)]
pub struct Output {
    format: Format,
}

impl Output {
    /// Output in `format`.
    pub fn new(format: Format) -> Self {
        Self { format }
    }

    /// Writes the result: `text` for people or `json` for programs.
    ///
    /// # Errors
    /// An unavailable [`Failure`] when standard output is closed or full.
    pub fn result(self, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) -> Result<(), Failure> {
        let line = match self.format {
            Format::Text => text(),
            Format::Json => format!("{}\n", json()),
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
        // Standard error may be closed; then nobody watches.
        let _ = writeln!(io::stderr().lock(), "{}", one_line(line));
    }

    /// Says what went wrong, and shows the checks if that is why.
    pub fn failure(self, failure: &Failure) {
        if self.format == Format::Json {
            let error = json!({"exitCode": failure.exit.code(), "message": failure.message});
            // The same failure stands on standard error below.
            let money = failure.money.as_ref().map(|money| money.to_json());
            let _ = self.result(
                String::new,
                || json!({"error": error, "transcript": failure.transcript, "job": failure.job, "money": money}),
            );
        }
        let mut err = io::stderr().lock();
        // Of checks that passed one line is enough, and it was written before.
        let shown = failure.transcript.as_ref().filter(|transcript| !transcript.is_verified());
        if let (Format::Text, Some(transcript)) = (self.format, shown) {
            let _ = err.write_all(transcript.render(false).as_bytes());
        }
        let _ = writeln!(err, "error: {}", one_line(&failure.message));
        for line in failure.money.iter().flat_map(|money| money.lines()) {
            let _ = writeln!(err, "{}", one_line(&line));
        }
    }

    /// The stage that `what` was verified in, one line, preceded by the warning that a mock root deserves.
    pub fn verified(self, what: &str, transcript: &Transcript) {
        if transcript.insecure() {
            self.progress(INSECURE_BANNER);
        }
        let passed = transcript.checks().iter().filter(|o| o.status == precis_verify::check::Status::Pass).count();
        let skipped = transcript.checks().len().saturating_sub(passed);
        let note = if skipped == 0 { String::new() } else { format!(", {skipped} optional not evaluated") };
        self.progress(&format!("{what}: {passed} checks passed{note}"));
    }
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
