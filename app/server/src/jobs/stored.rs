//! Versions of what the service itself puts into the ledger's rows, as JSON.
//!
//! Every such object has a member `version`, `"MAJOR.MINOR"`; one without it is 1.0, the first. The rules:
//! - Another minor number means: whoever does not know the new members may leave them out. A version reads what is of a newer minor number than its
//!   own, members that it does not know included: several versions may share a ledger while one is rolled out. A new member has a default.
//! - Under a number that is known, a member that is not known is refused: nobody can have written it.
//! - Another major number means that the old reading would be wrong. A newer one is refused, by its number; an older one is read by code that its
//!   successor brings along.
//!
//! A job whose object is refused is an error for that job alone.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

/// A version of one kind of object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Version {
    pub(crate) major: u16,
    pub(crate) minor: u16,
}

impl Version {
    /// Of what says nothing of its version.
    const FIRST: Self = Self { major: 1, minor: 0 };
}

impl Default for Version {
    fn default() -> Self {
        Self::FIRST
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl TryFrom<String> for Version {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parse = || {
            let (major, minor) = text.split_once('.')?;
            Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
        };
        parse().filter(|version| version.to_string() == text).ok_or("a version is MAJOR.MINOR")
    }
}

/// Why an object cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// A newer version of the service wrote it.
    #[error("it has version {found}, written by a newer version of the service; this one knows {known}")]
    Newer { found: Version, known: Version },
    /// An older version of the service wrote it, and nothing reads it any more.
    #[error("it has version {found}, written by an older version of the service; this one reads {known}")]
    Older { found: Version, known: Version },
    /// A known version does not have this member.
    #[error("version {0} has no such member")]
    UnknownMember(Version),
    /// It is not what it should be.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
}

/// A kind of object that is stored.
pub(crate) trait Stored: Serialize + DeserializeOwned {
    /// The version that is written.
    const VERSION: Version;
    /// Its members, without `version`.
    const MEMBERS: &'static [&'static str];
}

#[derive(Serialize)]
struct Written<'a, T> {
    version: Version,
    #[serde(flatten)]
    object: &'a T,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    version: Version,
}

/// As it is stored.
///
/// # Errors
/// If it cannot be written as JSON.
pub(crate) fn write<T: Stored>(object: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Written { version: T::VERSION, object })
}

/// What was stored.
///
/// # Errors
/// [`Unreadable`].
pub(crate) fn read<T: Stored>(bytes: &[u8]) -> Result<T, Unreadable> {
    let Head { version: found } = serde_json::from_slice(bytes)?;
    let known = T::VERSION;
    if found.major > known.major {
        return Err(Unreadable::Newer { found, known });
    }
    if found.major < known.major {
        return Err(Unreadable::Older { found, known });
    }
    let members: BTreeMap<String, IgnoredAny> = serde_json::from_slice(bytes)?;
    let known = |name: &String| name == "version" || T::MEMBERS.contains(&name.as_str());
    if found <= T::VERSION && !members.keys().all(known) {
        return Err(Unreadable::UnknownMember(found));
    }
    Ok(serde_json::from_slice(bytes)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::context::Context;
    use super::super::receipts::Kept;
    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Thing {
        old: u8,
        #[serde(default)]
        new: u8,
    }

    impl Stored for Thing {
        const VERSION: Version = Version { major: 1, minor: 1 };
        const MEMBERS: &'static [&'static str] = &["old", "new"];
    }

    fn thing(text: &str) -> Result<Thing, Unreadable> {
        read(text.as_bytes())
    }

    #[test]
    fn an_older_version_is_read_with_defaults_and_a_newer_one_as_far_as_its_number_allows() {
        assert_eq!(write(&Thing { old: 1, new: 2 }).unwrap(), br#"{"version":"1.1","old":1,"new":2}"#);
        assert_eq!(thing(r#"{"version":"1.1","old":1,"new":2}"#).unwrap(), Thing { old: 1, new: 2 });
        assert_eq!(thing(r#"{"old":1}"#).unwrap(), Thing { old: 1, new: 0 });
        assert_eq!(thing(r#"{"version":"1.2","old":1,"newest":[]}"#).unwrap(), Thing { old: 1, new: 0 });
        for unknown in [r#"{"old":1,"newest":3}"#, r#"{"version":"1.1","old":1,"newest":3}"#] {
            assert!(matches!(thing(unknown), Err(Unreadable::UnknownMember(_))), "{unknown}");
        }
        assert!(matches!(thing(r#"{"version":"2.0","old":1}"#), Err(Unreadable::Newer { .. })));
        for malformed in
            [r#"{"version":"1.1"}"#, r#"{"version":"1","old":1}"#, r#"{"version":"01.1","old":1}"#, "[]", ""]
        {
            assert!(matches!(thing(malformed), Err(Unreadable::Malformed(_))), "{malformed}");
        }
    }

    /// The members that serde names when it knows none of those given.
    fn members<T: Stored>(sample: &str) -> Vec<String> {
        let read: T = serde_json::from_str(sample).unwrap();
        let written: serde_json::Value = serde_json::to_value(&read).unwrap();
        let mut names: Vec<String> = written.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    }

    fn sorted(names: &[&str]) -> Vec<String> {
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn every_kind_lists_exactly_the_members_that_it_writes() {
        assert_eq!(members::<Context>(Context::SAMPLE), sorted(Context::MEMBERS));
        assert_eq!(members::<Kept>(r#"{"receipt":{"a": 1},"settlement":"x"}"#), sorted(Kept::MEMBERS));
    }

    #[test]
    fn what_is_written_is_read_and_what_was_written_before_the_break_is_refused_by_its_version() {
        let sample = read::<Context>(Context::SAMPLE.as_bytes()).unwrap();
        assert_eq!(sample.tokens, 17);
        let first = Context::SAMPLE.replacen(r#""version":"2.0","#, "", 1);
        let error = read::<Context>(first.as_bytes()).err().unwrap();
        assert!(error.to_string().contains("version 1.0, written by an older version"), "{error}");
        let kept: Kept = read(br#"{"receipt":{"a": 1},"settlement":"x"}"#).unwrap();
        assert_eq!(kept.receipt.get(), r#"{"a": 1}"#, "its exact bytes");
        let again: Kept = read(&write(&kept).unwrap()).unwrap();
        assert_eq!(again.receipt.get(), r#"{"a": 1}"#);
    }
}
