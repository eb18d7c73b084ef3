//! The documents that a command line names: files, folders, links, standard input. Nothing is read yet.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use precis_client::{io_reason, is_link, printable};

use crate::exit::Failure;

/// Most documents of one command.
pub const MAX_DOCUMENTS: usize = 200;
/// Most entries of folders that are looked at.
const MAX_ENTRIES: usize = 2000;
/// Deepest folder within a folder.
const MAX_DEPTH: usize = 16;

/// A place that a document may be at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// A file that is named.
    File(PathBuf),
    /// A file that a folder holds, which may be no document.
    Listed(PathBuf),
    /// An https link.
    Link(String),
}

impl Source {
    /// The source that an argument names, unless it is a folder.
    pub fn of(argument: &Path) -> Self {
        match argument.to_str() {
            Some("-") => Self::Stdin,
            Some(link) if is_link(link) => Self::Link(link.to_owned()),
            _ => Self::File(argument.to_owned()),
        }
    }

    /// Its name without the way to it, so that what is made of it is the same wherever it lies.
    pub fn title(&self) -> String {
        match self {
            Self::Stdin => self.name(),
            Self::File(path) | Self::Listed(path) => {
                path.file_name().map_or_else(|| self.name(), |name| printable(&name.to_string_lossy()))
            }
            Self::Link(link) => {
                let path = link.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
                printable(path.rsplit('/').next().unwrap_or_default())
            }
        }
    }

    /// Its name for people.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "standard input".into(),
            Self::File(path) | Self::Listed(path) => printable(&path.display().to_string()),
            Self::Link(link) => printable(link),
        }
    }
}

/// The sources of a command, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Places of documents.
    pub all: Vec<Source>,
    /// Names of what a folder holds and is not looked into, with the reason.
    pub skipped: Vec<(String, String)>,
    entries: usize,
}

impl Sources {
    /// The sources that `arguments` name, those of a folder by name. Folders in a folder are looked into if `recursive` says so.
    ///
    /// # Errors
    /// A usage [`Failure`] when standard input is named twice, a folder cannot be read, or there are too many.
    pub fn of(arguments: &[PathBuf], recursive: bool) -> Result<Self, Failure> {
        let mut found = Self::default();
        for argument in arguments {
            let source = Source::of(argument);
            match &source {
                Source::Stdin if found.all.contains(&source) => {
                    return Err(Failure::usage("standard input is named twice, and can be read once; name it once"));
                }
                Source::File(path) if path.is_dir() => found.list(path, recursive, 0)?,
                _ => found.take(source)?,
            }
        }
        Ok(found)
    }

    fn take(&mut self, source: Source) -> Result<(), Failure> {
        if self.all.len() >= MAX_DOCUMENTS {
            return Err(Failure::usage(format!("these are more than {MAX_DOCUMENTS} documents; give fewer at once")));
        }
        self.all.push(source);
        Ok(())
    }

    fn skip(&mut self, path: &Path, why: &str) {
        self.skipped.push((printable(&path.display().to_string()), why.to_owned()));
    }

    fn list(&mut self, folder: &Path, recursive: bool, depth: usize) -> Result<(), Failure> {
        let failed = |e: io::Error| {
            Failure::usage(format!("cannot read the folder {}: {}; check the path", folder.display(), io_reason(&e)))
        };
        let mut entries: BTreeMap<OsString, std::fs::FileType> = BTreeMap::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            self.entries = self.entries.saturating_add(1);
            if self.entries > MAX_ENTRIES {
                return Err(Failure::usage(format!(
                    "there are more than {MAX_ENTRIES} files and folders in it; name the documents, or smaller folders"
                )));
            }
            let name = entry.file_name();
            if !name.as_encoded_bytes().starts_with(b".") {
                entries.insert(name, entry.file_type().map_err(failed)?);
            }
        }
        for (name, kind) in entries {
            let path = folder.join(name);
            // A link may lead to a file, but not to a folder, which could be one above.
            if kind.is_file() || (kind.is_symlink() && path.is_file()) {
                self.take(Source::Listed(path))?;
            } else if kind.is_dir() && recursive && depth < MAX_DEPTH {
                self.list(&path, recursive, depth + 1)?;
            } else if kind.is_dir() {
                self.skip(&path, if recursive { "a folder too deep" } else { "a folder; --recursive reads it" });
            } else {
                self.skip(&path, "not a file");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("m/deep")).unwrap();
        for name in ["z.txt", "a.md", ".hidden.txt", "m/inner.txt", "m/deep/deeper.txt"] {
            std::fs::write(folder.path().join(name), "text").unwrap();
        }
        folder
    }

    fn names(sources: &Sources, folder: &Path) -> Vec<String> {
        let inside = |source: &Source| match source {
            Source::Listed(path) => path.strip_prefix(folder).unwrap().display().to_string(),
            other => other.name(),
        };
        sources.all.iter().map(inside).collect()
    }

    #[test]
    fn a_folder_gives_its_files_by_name_without_hidden_ones_and_inner_folders() {
        let folder = folder();
        let found = Sources::of(&[folder.path().to_owned()], false).ok().unwrap();
        assert_eq!(names(&found, folder.path()), ["a.md", "z.txt"]);
        assert_eq!(found.skipped.len(), 1);
        assert!(found.skipped[0].0.ends_with("/m") && found.skipped[0].1.contains("--recursive"), "{found:?}");
    }

    #[test]
    fn recursive_takes_inner_folders_in_their_place() {
        let folder = folder();
        let found = Sources::of(&[folder.path().to_owned()], true).ok().unwrap();
        assert_eq!(names(&found, folder.path()), ["a.md", "m/deep/deeper.txt", "m/inner.txt", "z.txt"]);
        assert!(found.skipped.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_the_folder_above_is_not_followed() {
        let folder = folder();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("m/loop")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("a.md"), folder.path().join("m/alias.md")).unwrap();
        let found = Sources::of(&[folder.path().to_owned()], true).ok().unwrap();
        assert!(names(&found, folder.path()).contains(&"m/alias.md".to_owned()));
        assert_eq!(found.skipped.len(), 1, "{found:?}");
    }

    #[test]
    fn arguments_keep_their_order_and_say_what_they_are() {
        let arguments = ["-", "https://precis.example/a", "b.txt", "a.txt"].map(PathBuf::from);
        let found = Sources::of(&arguments, false).ok().unwrap();
        let [Source::Stdin, Source::Link(_), Source::File(b), Source::File(a)] = &found.all[..] else {
            panic!("{found:?}")
        };
        assert_eq!((b.to_str(), a.to_str()), (Some("b.txt"), Some("a.txt")));
    }

    #[test]
    fn a_title_does_not_say_where_a_document_lies() {
        for (argument, title) in [
            ("minutes/May.txt", "May.txt"),
            ("/srv/minutes/May.txt", "May.txt"),
            ("https://precis.example/a/May.pdf?token=secret/x#y", "May.pdf"),
            ("https://precis.example/", "precis.example"),
            ("-", "standard input"),
        ] {
            assert_eq!(Source::of(Path::new(argument)).title(), title);
        }
    }

    #[test]
    fn standard_input_twice_and_too_many_documents_are_refused() {
        let refused = |arguments: &[PathBuf]| Sources::of(arguments, false).err().unwrap().message;
        assert!(refused(&["-".into(), "-".into()]).contains("named twice"));
        assert!(refused(&vec![PathBuf::from("x.txt"); MAX_DOCUMENTS + 1]).contains("more than 200"));
        assert!(Sources::of(&vec![PathBuf::from("x.txt"); MAX_DOCUMENTS], false).is_ok());
    }
}
