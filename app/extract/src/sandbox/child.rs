//! The child process: it confines itself, reads one document and answers.

use std::io::{BufReader, Read as _, Write as _};
use std::process::ExitCode;

use super::CHILD;
use super::wire::{Question, write_answer};

/// The sandbox could not be closed: nothing was read.
pub const NOT_CONFINED: u8 = 70;
/// The question or the answer broke off.
const BROKEN: u8 = 71;
/// The reader of the document panicked.
const PANICKED: u8 = 72;

/// Runs as the child if the program was started as it; the program ends with the code returned.
#[must_use]
pub fn child_if_asked() -> Option<ExitCode> {
    (std::env::args_os().nth(1).as_deref() == Some(CHILD.as_ref())).then(child)
}

/// Reads one document on standard input, in the sandbox, and writes its text on standard output.
#[must_use]
pub fn child() -> ExitCode {
    // A message would quote what was read.
    std::panic::set_hook(Box::new(|_| {}));
    match std::panic::catch_unwind(answer) {
        Ok(code) => code,
        Err(_) => ExitCode::from(PANICKED),
    }
}

fn answer() -> ExitCode {
    let mut input = BufReader::new(std::io::stdin().lock());
    // The question is from the program itself; the document after it is not.
    let Ok(question) = Question::read(&mut input) else { return ExitCode::from(BROKEN) };
    if !confine(&question) {
        return ExitCode::from(NOT_CONFINED);
    }
    let limits = question.limits();
    let mut bytes = Vec::new();
    let most = u64::try_from(limits.max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    if input.take(most).read_to_end(&mut bytes).is_err() {
        return ExitCode::from(BROKEN);
    }
    let outcome = crate::documents::read(&bytes, question.hints(), &limits);
    let mut output = std::io::stdout().lock();
    let written = write_answer(&outcome, &mut output).and_then(|()| output.flush());
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(BROKEN) }
}

/// Confines the process as the child is, then does what a parser that was taken over would do: opens a file, a socket, a process or
/// a thread. For the tests of the sandbox; it returns if the sandbox let it.
#[must_use]
pub fn attempt(what: &str) -> ExitCode {
    let question = Question::new(crate::Hints::default(), &crate::Limits { max_bytes: 0 }, 5, 512 * 1024 * 1024);
    if !confine(&question) {
        return ExitCode::from(NOT_CONFINED);
    }
    let done = match what {
        "nothing" => true,
        "read a file" => std::fs::read("/etc/hostname").is_ok(),
        "write a file" => std::fs::write("/tmp/precis-extract-attempt", "text").is_ok(),
        "open a socket" => std::net::UdpSocket::bind("127.0.0.1:0").is_ok(),
        "connect" => std::net::TcpStream::connect("127.0.0.1:9").is_ok(),
        "start a process" => std::process::Command::new("/bin/true").status().is_ok(),
        "start a thread" => std::thread::Builder::new().spawn(|| ()).is_ok(),
        "look around" => std::env::current_dir().is_ok(),
        _ => false,
    };
    if done { ExitCode::SUCCESS } else { ExitCode::from(BROKEN) }
}

#[cfg(target_os = "linux")]
fn confine(question: &Question) -> bool {
    super::confine::confine(question.seconds, question.memory).is_some()
}

#[cfg(not(target_os = "linux"))]
fn confine(_: &Question) -> bool {
    false
}
