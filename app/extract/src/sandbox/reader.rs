//! The parent: it starts the child, feeds it, and does not wait longer than it said.

use std::io::{BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::wire::{Question, read_answer};
use super::{CHILD, is_available};
use crate::detect::{Hints, detect};
use crate::documents::{self, Extracted};
use crate::error::{Bound, ExtractError};
use crate::kind::Kind;
use crate::text::Limits;

/// Times that a child is looked at that closed its output, until it is ended.
const ENDING_LOOKS: u32 = 100;
/// Time between looks.
const ENDING_PAUSE: Duration = Duration::from_millis(10);

/// The resources that reading one document may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Processor time, in whole seconds.
    pub processor: Duration,
    /// Time by the clock.
    pub wall: Duration,
    /// Bytes of memory of the child, its program included.
    pub memory: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { processor: Duration::from_secs(10), wall: Duration::from_secs(30), memory: 512 * 1024 * 1024 }
    }
}

/// Reads documents, those that have to be parsed in a child process each.
#[derive(Debug, Clone)]
pub struct Reader {
    program: PathBuf,
    bounds: Bounds,
}

impl Reader {
    /// Starts the running program as the child; it has to call [`child_if_asked`](super::child_if_asked).
    #[must_use]
    pub fn of_this_program(bounds: Bounds) -> Self {
        // Still the same program after its file was replaced.
        Self::of_program("/proc/self/exe".into(), bounds)
    }

    /// Starts `program` as the child.
    #[must_use]
    pub fn of_program(program: PathBuf, bounds: Bounds) -> Self {
        Self { program, bounds }
    }

    /// The text of a document. Blocks until it is read, at most for the time of the bounds.
    ///
    /// # Errors
    /// [`ExtractError`].
    pub fn read(&self, bytes: &[u8], hints: Hints<'_>, limits: &Limits) -> Result<Extracted, ExtractError> {
        if bytes.len() > limits.max_bytes {
            return Err(ExtractError::TooLarge { limit: limits.max_bytes, actual: bytes.len() });
        }
        let kind = detect(bytes, hints)?;
        if kind.is_text() {
            return documents::text(kind, bytes, hints, limits);
        }
        if !is_available() {
            return Err(ExtractError::Unavailable(kind));
        }
        self.in_child(kind, bytes, hints, limits)
    }

    fn in_child(&self, kind: Kind, bytes: &[u8], hints: Hints<'_>, limits: &Limits) -> Result<Extracted, ExtractError> {
        let question = Question::new(hints, limits, self.bounds.processor.as_secs().max(1), self.bounds.memory);
        let mut child = Command::new(&self.program)
            .arg(CHILD)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|_| ExtractError::Unavailable(kind))?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            end(&mut child);
            return Err(ExtractError::Unavailable(kind));
        };
        let (sender, receiver) = mpsc::sync_channel(1);
        let (answer, status) = std::thread::scope(|scope| {
            // A child that ends without reading closes the pipe, which ends this.
            scope.spawn(move || {
                let _ = question.write(bytes, &mut input).and_then(|()| input.flush());
            });
            scope.spawn(move || {
                let _ = sender.send(read_answer(kind, limits, &mut BufReader::new(output)));
            });
            let answer = receiver.recv_timeout(self.bounds.wall);
            // A child whose answer broke off is ending; what it ended of says why. Any other has nothing left to do.
            let broke_off = matches!(answer, Ok(Err(_)));
            let status = if broke_off { ended(&mut child) } else { end(&mut child) };
            (answer, status)
        });
        match answer {
            Ok(Ok(outcome)) => outcome,
            Err(_) => Err(ExtractError::Exceeds(kind, Bound::Time)),
            Ok(Err(_)) => Err(why(kind, status)),
        }
    }
}

/// The status of a child that is ending by itself; if it is not, it is ended.
fn ended(child: &mut Child) -> Option<ExitStatus> {
    for _ in 0..ENDING_LOOKS {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(ENDING_PAUSE);
    }
    end(child)
}

fn end(child: &mut Child) -> Option<ExitStatus> {
    // A child that has ended by itself keeps the status it ended with.
    let ended = child.try_wait().ok().flatten();
    if ended.is_some() {
        return ended;
    }
    let _ = child.kill();
    child.wait().ok()
}

/// Why the child gave no answer.
#[cfg(unix)]
fn why(kind: Kind, status: Option<ExitStatus>) -> ExtractError {
    use std::os::unix::process::ExitStatusExt as _;
    match status.and_then(|status| status.signal()) {
        Some(libc::SIGXCPU) => ExtractError::Exceeds(kind, Bound::Time),
        _ if status.and_then(|status| status.code()) == Some(super::child::NOT_CONFINED.into()) => {
            ExtractError::Unavailable(kind)
        }
        _ => ExtractError::Broken(kind),
    }
}

#[cfg(not(unix))]
fn why(kind: Kind, _: Option<ExitStatus>) -> ExtractError {
    ExtractError::Broken(kind)
}
