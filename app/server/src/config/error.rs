//! Errors of the settings. A message names key, place and the shape that is right, and never the value.

use std::fmt;

use crate::config::key::Key;

/// Place where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// This line of the file.
    Line(usize),
    /// This variable.
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(formatter, "line {line}"),
            Self::Variable(name) => formatter.write_str(name),
        }
    }
}

/// Settings that cannot work.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A setting that cannot work.
    Setting {
        /// Its key.
        key: String,
        /// Place where it was given; none if it was not.
        place: Option<Place>,
        /// The problem.
        what: String,
    },
    /// A variable that nothing reads.
    Variable {
        /// Its name.
        name: String,
        /// The one that was probably meant.
        near: Option<String>,
    },
    /// Text that is not TOML.
    Syntax {
        /// Where.
        line: Option<usize>,
        /// The problem.
        what: String,
    },
    /// A source of settings that cannot be read.
    Source {
        /// The variable or argument that names it.
        name: &'static str,
        /// The problem.
        what: String,
    },
}

impl ConfigError {
    /// A setting that cannot work.
    pub fn setting(key: &Key, place: Option<Place>, what: impl Into<String>) -> Self {
        Self::Setting { key: key.to_string(), place, what: what.into() }
    }

    /// The key of the setting, where it is about one.
    pub fn key(&self) -> Option<&str> {
        if let Self::Setting { key, .. } = self { Some(key) } else { None }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { key, place: Some(place), what } => write!(formatter, "{key} ({place}): {what}"),
            Self::Setting { key, place: None, what } => write!(formatter, "{key}: {what}"),
            Self::Variable { name, near: Some(near) } => {
                write!(formatter, "{name}: there is no such setting; {near} was probably meant")
            }
            Self::Variable { name, near: None } => {
                write!(formatter, "{name}: there is no such setting; unset it, `precis-server settings` lists all")
            }
            Self::Syntax { line: Some(line), what } => write!(formatter, "line {line}: {what}"),
            Self::Syntax { line: None, what } => formatter.write_str(what),
            Self::Source { name, what } => write!(formatter, "{name}: {what}"),
        }
    }
}
