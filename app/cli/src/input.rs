//! Reading files and standard input, bounded, before anything is sent.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use precis_client::{Authorities, Task, Wallet, io_reason};
use precis_protocol::limits::MAX_DOCUMENT_BYTES;
use zeroize::Zeroizing;

use crate::args::{Texts, Trust};
use crate::exit::Failure;
use crate::output::Output;

/// Longest key file read, bytes.
const MAX_KEY_FILE_BYTES: usize = 1024;
/// Longest file of certificate authorities read, bytes.
const MAX_CA_FILE_BYTES: usize = 4 * 1024 * 1024;
/// Our name below a state directory that others use as well.
const STATE_NAME: &str = "precis";
/// Environment variable that may hold the key itself.
const KEY_VARIABLE: &str = "PRECIS_KEY";

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// A usage [`Failure`] that names the file and what it was for.
pub fn read_file(path: &Path, limit: usize, what: &str) -> Result<Vec<u8>, Failure> {
    let failed = |e: io::Error| {
        Failure::usage(format!("cannot read the {what} {}: {}; check the path", path.display(), io_reason(&e)))
    };
    bounded(File::open(path).map_err(failed)?, limit)
        .map_err(failed)?
        .ok_or_else(|| too_large(&path.display().to_string(), limit, what))
}

/// Reads standard input, of at most `limit` bytes.
///
/// # Errors
/// A usage [`Failure`].
pub fn read_stdin(limit: usize, what: &str) -> Result<Vec<u8>, Failure> {
    bounded(io::stdin().lock(), limit)
        .map_err(|e| Failure::usage(format!("cannot read standard input: {}", io_reason(&e))))?
        .ok_or_else(|| too_large("standard input", limit, what))
}

/// The first bytes of a file, at most `limit` and one more, which says that there are more.
///
/// # Errors
/// A usage [`Failure`] that names the file.
pub fn read_start(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(|e| {
        Failure::usage(format!("cannot read the document {}: {}; check the path", path.display(), io_reason(&e)))
    })?;
    Ok(bytes)
}

/// A text with what it is called.
pub struct Named {
    /// File, or file and number of the line.
    pub name: String,
    /// The text.
    pub text: String,
}

/// The texts in files.
///
/// # Errors
/// A usage [`Failure`]; nothing was sent.
pub fn texts(args: &Texts) -> Result<Vec<Named>, Failure> {
    let mut texts = Vec::new();
    for file in &args.files {
        let (name, limit) = (file.display().to_string(), MAX_DOCUMENT_BYTES);
        let bytes = if name == "-" { read_stdin(limit, "text")? } else { read_file(file, limit, "text")? };
        let text =
            String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{name} is not UTF-8; convert it first")))?;
        if args.lines {
            let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
            texts.extend(lines.map(|(line, number)| Named { name: format!("{name}:{number}"), text: line.to_owned() }));
        } else {
            texts.push(Named { name, text });
        }
    }
    Ok(texts)
}

/// The same request, once its body is saved where that was asked for.
///
/// # Errors
/// A usage [`Failure`]; nothing was sent.
pub fn keep_request<T: Task>(
    args: &Texts,
    request: precis_client::Request<T>,
    output: Output,
) -> Result<precis_client::Request<T>, Failure> {
    if let Some(path) = &args.save_request {
        output.save(path, request.body(), "request")?;
    }
    Ok(request)
}

/// Certificate authorities that are trusted besides those of the system.
///
/// # Errors
/// A usage [`Failure`].
pub fn authorities(trust: &Trust) -> Result<Authorities, Failure> {
    let Some(path) = &trust.cacert else { return Ok(Authorities::default()) };
    let pem = read_file(path, MAX_CA_FILE_BYTES, "file of certificate authorities")?;
    Authorities::from_pem(&pem).map_err(|e| Failure::usage(format!("{} cannot be used: {e}", path.display())))
}

/// Where purchases are recorded: as named, else by the XDG base directory specification.
///
/// # Errors
/// A usage [`Failure`] when no place can be told.
pub fn state_directory(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let named = named.filter(|path| !path.as_os_str().is_empty()).map(Path::to_owned);
    named
        .or_else(|| Some(set("XDG_STATE_HOME")?.join(STATE_NAME)))
        .or_else(|| Some(set("HOME")?.join(".local/state").join(STATE_NAME)))
        .ok_or_else(|| {
            Failure::usage(
                "there is no place to record the purchase, and without a record a summary could be paid twice; give --state-dir or set PRECIS_STATE_HOME or HOME",
            )
        })
}

/// Whether a key to pay with was given.
pub fn has_key(key_file: Option<&Path>) -> bool {
    key_file.is_some() || std::env::var_os(KEY_VARIABLE).is_some()
}

/// The wallet, from a file or from the environment; exactly one of them.
///
/// # Errors
/// A usage [`Failure`] that never quotes the key.
pub fn wallet(key_file: Option<&Path>) -> Result<Wallet, Failure> {
    let variable = std::env::var_os(KEY_VARIABLE).map(|v| Zeroizing::new(v.to_string_lossy().into_owned()));
    let text = match (key_file, variable) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage("two keys: use either --key-file (PRECIS_KEY_FILE) or PRECIS_KEY, not both"));
        }
        (None, None) => return Err(Failure::usage("no key to pay with: give --key-file FILE or set PRECIS_KEY")),
        (None, Some(text)) => text,
        (Some(path), None) => {
            refuse_shared(path)?;
            let bytes = Zeroizing::new(read_file(path, MAX_KEY_FILE_BYTES, "key file")?);
            Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned())
        }
    };
    Ok(Wallet::from_hex(&text)?)
}

/// A key that others on the machine can read is not a key.
#[cfg(unix)]
fn refuse_shared(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).map_err(|e| {
        Failure::usage(format!("cannot read the key file {}: {}; check the path", path.display(), io_reason(&e)))
    })?;
    if metadata.is_dir() {
        return Err(Failure::usage(format!(
            "the key file {} is a directory; name the file in it that holds the key",
            path.display()
        )));
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the key file {} can be used by others (mode {mode:03o}); run `chmod 600` on it",
        path.display()
    )))
}

#[cfg(not(unix))]
fn refuse_shared(_: &Path) -> Result<(), Failure> {
    Ok(())
}

fn bounded(source: impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    source.take(most).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

/// The refusal of what is larger than `limit` bytes.
pub fn too_large(name: &str, limit: usize, what: &str) -> Failure {
    Failure::usage(format!("the {what} ({name}) is larger than {limit} bytes; give a smaller one"))
}
