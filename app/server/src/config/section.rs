//! A section of the file: its settings with types, defaults, bounds and documentation, declared once.

use crate::config::error::ConfigError;
use crate::config::given::Given;
use crate::config::key::Key;
use crate::config::setting::Group;

/// A table of the file.
pub trait Section: Sized {
    /// Documentation of the section, with its settings at this key.
    fn describe(at: &Key) -> Group;

    /// Reads it at this key.
    ///
    /// # Errors
    /// The first setting that cannot be read.
    fn read(given: &Given, at: &Key) -> Result<Self, ConfigError>;
}

/// Declares a section. A field is `name: Type = "default", "least" to "most";` with the default and the bounds as they would
/// stand in the file, and both optional. The doc comments are the public documentation of the settings.
macro_rules! section {
    ($(#[doc = $about:literal])* $name:ident {
        $( $(#[doc = $doc:literal])* $field:ident : $type:ty $(= $default:literal)? $(, $low:literal to $high:literal)? ; )*
    }) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        pub struct $name { $( $(#[doc = $doc])* pub $field: $type, )* }

        impl $crate::config::section::Section for $name {
            fn describe(at: &$crate::config::key::Key) -> $crate::config::setting::Group {
                let settings = vec![$( $crate::config::setting::Setting::new::<$type>(
                    at.then(stringify!($field)),
                    &[$($doc),*],
                    $crate::config::section::optional!($($default)?),
                    $crate::config::section::optional!($(($low, $high))?),
                ), )*];
                $crate::config::setting::Group::new(at, &[$($about),*], settings)
            }

            fn read(
                given: &$crate::config::given::Given,
                at: &$crate::config::key::Key,
            ) -> Result<Self, $crate::config::error::ConfigError> {
                Ok(Self { $( $field: $crate::config::section::read!(
                    given, &at.then(stringify!($field)),
                    $crate::config::section::optional!($($default)?) $(, $low, $high)?
                )?, )* })
            }
        }
    };
}

/// Some of it, if there is one.
macro_rules! optional {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

/// Reads a field, within bounds if it has any.
macro_rules! read {
    ($given:expr, $key:expr, $default:expr) => {
        $given.value($key, $default)
    };
    ($given:expr, $key:expr, $default:expr, $low:literal, $high:literal) => {
        $given.within($key, $default, $low, $high)
    };
}

pub(super) use {optional, read, section};
