//! Descriptions of every setting, without reading any: the documentation is made of it, and unknown names are told by it.

use crate::config::key::Key;
use crate::config::value::{Form, Value};

/// A setting.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its bytes.
    pub key: Key,
    /// Meaning and consequence.
    pub doc: String,
    /// Value that holds where none is given, as it would stand in the file.
    pub default: Option<String>,
    /// Least and most, as they would stand in the file.
    pub bounds: Option<(&'static str, &'static str)>,
    /// The type in two words or three.
    pub name: &'static str,
    /// Set if it is a list.
    pub list: bool,
    /// Set if it must not stand in the file.
    pub secret: bool,
    form: Form,
}

impl Setting {
    /// A setting of type `T`.
    pub fn new<T: Value>(
        key: Key,
        doc: &[&str],
        default: Option<&str>,
        bounds: Option<(&'static str, &'static str)>,
    ) -> Self {
        let (doc, default) = (prose(doc), default.map(|text| written(T::FORM, text)));
        let (name, list, secret) = (T::NAME, T::LIST, T::SECRET);
        Self { key, doc, default, bounds, name, list, secret, form: T::FORM }
    }

    /// The same with this default.
    pub fn with_default(self, text: &str) -> Self {
        Self { default: Some(written(self.form, text)), ..self }
    }
}

/// A table of the file with its settings.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its bytes.
    pub key: Key,
    /// Its subject.
    pub doc: String,
    /// Its settings.
    pub settings: Vec<Setting>,
}

impl Group {
    /// A table at this key.
    pub fn new(key: &Key, doc: &[&str], settings: Vec<Setting>) -> Self {
        Self { key: key.clone(), doc: prose(doc), settings }
    }
}

/// A value as it would stand in the file.
fn written(form: Form, text: &str) -> String {
    match form {
        Form::Text => format!("\"{text}\""),
        Form::Number | Form::Switch => text.to_owned(),
    }
}

/// A doc comment as one line.
fn prose(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}
