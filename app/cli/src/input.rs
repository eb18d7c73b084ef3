//! Reading files and standard input, bounded, before anything is sent.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use precis_client::{Authorities, Document, MediaType, SummaryRequest, Task, Wallet, io_reason};
use precis_extract::{ExtractError, Hints, Limits, detect, sandbox};
use precis_protocol::limits::MAX_DOCUMENT_BYTES;
use precis_protocol::summary::Options;
use zeroize::Zeroizing;

use crate::args::{Request, Texts, Trust};
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

/// The document and the request for it.
///
/// # Errors
/// A usage [`Failure`]; nothing was sent.
pub fn request(args: &Request) -> Result<SummaryRequest, Failure> {
    let limit = Document::MAX_BYTES;
    let bytes = if args.file.as_os_str() == "-" {
        bounded(io::stdin().lock(), limit)
            .map_err(|e| Failure::usage(format!("cannot read standard input: {}", io_reason(&e))))?
            .ok_or_else(|| too_large("standard input", limit, "document"))?
    } else {
        read_file(&args.file, limit, "document")?
    };
    let options = Options {
        mode: args.mode,
        max_words: args.max_words,
        max_sentences: args.max_sentences,
        focus: args.focus.clone(),
    };
    Ok(SummaryRequest::new(&document(args, bytes)?, &options)?)
}

/// The document, of the type that its bytes say, else as it is declared, else by its name. What is not text is read here as the
/// service reads it, in a process that can touch nothing, so that quotes can be checked in it.
fn document(args: &Request, bytes: Vec<u8>) -> Result<Document, Failure> {
    let name = args.file.to_string_lossy();
    let hints = Hints { media_type: args.media_type.map(MediaType::media_type), name: Some(&name) };
    let usage = |error: ExtractError| Failure::usage(error.to_string());
    let kind = detect(&bytes, hints).map_err(usage)?;
    if kind.is_text() && std::str::from_utf8(&bytes).is_ok() {
        return Ok(Document::new(bytes, kind)?);
    }
    let limits = Limits { max_bytes: Document::MAX_BYTES };
    let read = match sandbox::Reader::of_this_program(sandbox::Bounds::default()).read(&bytes, hints, &limits) {
        Ok(read) => Some(read),
        // The refusal of what is not UTF-8 says what to do.
        Err(ExtractError::InvalidText { .. }) if kind.is_text() => return Ok(Document::new(bytes, kind)?),
        Err(ExtractError::Unavailable(_)) => {
            eprintln!(
                "precis: {} documents are not parsed on this machine, which has no sandbox for it; quotes are checked against the text that the service read, and not against the file",
                kind.name()
            );
            None
        }
        Err(error) => return Err(usage(error)),
    };
    Ok(Document::of_kind(bytes, kind, read)?)
}

/// The text of a document that is no text in UTF-8 itself; none if it is, or cannot be read here.
pub fn read_text(bytes: &[u8], media_type: &str) -> Option<Zeroizing<String>> {
    // Of a document inside a JSON request the type is not known.
    let known = !media_type.is_empty() && !media_type.to_ascii_lowercase().starts_with("application/json");
    let hints = Hints { media_type: known.then_some(media_type), name: None };
    let kind = detect(bytes, hints).ok()?;
    if kind.is_text() && std::str::from_utf8(bytes).is_ok() {
        return None;
    }
    let limits = Limits { max_bytes: Document::MAX_BYTES };
    let reader = sandbox::Reader::of_this_program(sandbox::Bounds::default());
    reader.read(bytes, hints, &limits).ok().map(|read| Zeroizing::new(read.text))
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
        let bytes = if name == "-" {
            bounded(io::stdin().lock(), limit)
                .map_err(|e| Failure::usage(format!("cannot read standard input: {}", io_reason(&e))))?
                .ok_or_else(|| too_large("standard input", limit, "text"))?
        } else {
            read_file(file, limit, "text")?
        };
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

fn too_large(name: &str, limit: usize, what: &str) -> Failure {
    Failure::usage(format!("the {what} ({name}) is larger than {limit} bytes; give a smaller one"))
}
