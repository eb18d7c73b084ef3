//! The values that were given, by key: those of the file with their lines, and the variables that override them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::config::error::{ConfigError, Place};
use crate::config::key::Key;
use crate::config::setting::{Group, Setting};
use crate::config::value::{Form, Raw, Value};
use crate::names;

/// Most bytes of a file with settings or with a secret.
pub const MAX_FILE_BYTES: u64 = 64 * 1024;
/// Most entries of a list of tables.
pub const MAX_ENTRIES: usize = 8;

/// Everything that was given.
pub struct Given {
    file: BTreeMap<Key, (Raw, usize)>,
    variables: BTreeMap<String, String>,
    /// Files of secrets are read once.
    secrets: RefCell<BTreeMap<Key, String>>,
}

impl Given {
    /// Reads a file's text; `variables` are those that override it.
    ///
    /// # Errors
    /// If it is no TOML, or names what is no setting.
    pub fn read(text: &str, variables: BTreeMap<String, String>, known: &[Group]) -> Result<Self, ConfigError> {
        let line_of = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        let table = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
            line: error.span().map(|span| line_of(span.start)),
            what: format!("is no TOML: {}", error.message()),
        })?;
        let mut walk = Walk { known: &Known::of(known), line_of: &line_of, file: BTreeMap::new() };
        walk.table(&Key::root(), table.get_ref())?;
        Ok(Self { file: walk.file, variables, secrets: RefCell::default() })
    }

    /// Number of entries of a list of tables that were given, with variables or in the file.
    pub fn entries(&self, list: &Key, entry: &[Setting]) -> usize {
        let given = |index: usize| {
            let at = list.entry(index);
            let by_variable = |setting: &Setting| {
                let key = setting.key.of_entry(index);
                self.variables.contains_key(&key.variable())
                    || (setting.secret && self.variables.contains_key(&key.of_file().variable()))
            };
            self.file.keys().any(|key| at.holds(key)) || entry.iter().any(by_variable)
        };
        (0..MAX_ENTRIES).rev().find(|index| given(*index)).map_or(0, |last| last + 1)
    }

    /// Place where a setting was given.
    pub fn place(&self, key: &Key) -> Option<Place> {
        self.find(key).or_else(|| self.find(&key.of_file())).map(|(_, place)| place)
    }

    /// Checks whether the value that holds stands in the file.
    pub fn is_in_the_file(&self, key: &Key) -> bool {
        matches!(self.find(key), Some((_, Place::Line(_))))
    }

    /// Refuses a setting.
    pub fn refuse(&self, key: &Key, what: impl Into<String>) -> ConfigError {
        ConfigError::setting(key, self.place(key), what)
    }

    /// A setting.
    ///
    /// # Errors
    /// If it is not of its type, or missing.
    pub fn value<T: Value>(&self, key: &Key, default: Option<&str>) -> Result<T, ConfigError> {
        self.bounded(key, default, None, |_| true)
    }

    /// A setting with bounds.
    ///
    /// # Errors
    /// If it is not of its type, beyond the bounds, or missing.
    pub fn within<T: Value + PartialOrd>(
        &self,
        key: &Key,
        default: Option<&str>,
        low: &str,
        high: &str,
    ) -> Result<T, ConfigError> {
        let (least, most) = (T::read(low), T::read(high));
        let inside = |value: &T| {
            least.as_ref().is_some_and(|least| value >= least) && most.as_ref().is_some_and(|most| value <= most)
        };
        self.bounded(key, default, Some((low, high)), inside)
    }

    fn bounded<T: Value>(
        &self,
        key: &Key,
        default: Option<&str>,
        bounds: Option<(&str, &str)>,
        inside: impl Fn(&T) -> bool,
    ) -> Result<T, ConfigError> {
        let found = if T::SECRET { self.secret(key)? } else { self.find(key) };
        match (found, default) {
            (Some((raw, place)), _) => T::of(&raw)
                .filter(inside)
                .ok_or_else(|| ConfigError::setting(key, Some(place), format!("has to be {}", shape::<T>(bounds)))),
            (None, Some(text)) => T::read(text).ok_or_else(|| self.refuse(key, "has a default that cannot be read")),
            (None, None) => T::absent().ok_or_else(|| self.refuse(key, format!("is required: {}", shape::<T>(bounds)))),
        }
    }

    fn find(&self, key: &Key) -> Option<(Raw, Place)> {
        let variable = key.variable();
        match self.variables.get(&variable) {
            Some(text) => Some((Raw::Bare(text.clone()), Place::Variable(variable))),
            None => self.file.get(key).map(|(raw, line)| (raw.clone(), Place::Line(*line))),
        }
    }

    /// A secret: from its variable, or from the file that is named.
    fn secret(&self, key: &Key) -> Result<Option<(Raw, Place)>, ConfigError> {
        if let Some((_, line)) = self.file.get(key) {
            let what = format!(
                "is a secret, which does not stand in the file: give it as {}, or name a file that holds it as {}",
                key.variable(),
                key.of_file()
            );
            return Err(ConfigError::setting(key, Some(Place::Line(*line)), what));
        }
        let named = key.of_file();
        match (self.find(key), self.find(&named)) {
            (Some(_), Some(_)) => Err(self.refuse(&named, format!("is given beside {}: one of both", key.variable()))),
            (found, None) => Ok(found),
            (None, Some((raw, place))) => {
                let path = std::path::PathBuf::of(&raw).ok_or_else(|| self.refuse(&named, "has to be a path"))?;
                if let Some(text) = self.secrets.borrow().get(&named) {
                    return Ok(Some((Raw::Bare(text.clone()), place)));
                }
                let text = read_text(&path).map_err(|error| self.refuse(&named, error))?;
                let text = text.trim_end_matches(['\r', '\n']).to_owned();
                self.secrets.borrow_mut().insert(named, text.clone());
                Ok(Some((Raw::Bare(text), place)))
            }
        }
    }
}

/// Reads a file of text, if it is not too long.
///
/// # Errors
/// Why it cannot be read; nothing of what it holds.
pub fn read_text(path: &Path) -> Result<String, String> {
    use std::io::Read as _;
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| format!("the file cannot be opened: {error}"))?;
    let read = file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text);
    match read {
        Err(error) => Err(format!("the file cannot be read: {error}")),
        Ok(_) if text.len() as u64 > MAX_FILE_BYTES => Err(format!("the file has more than {MAX_FILE_BYTES} bytes")),
        Ok(_) => Ok(text),
    }
}

fn shape<T: Value>(bounds: Option<(&str, &str)>) -> String {
    let list = if T::LIST { "a list, each entry " } else { "" };
    let how = if T::HOW.is_empty() { String::new() } else { format!(" ({})", T::HOW) };
    let bounds = bounds.map_or_else(String::new, |(low, high)| format!(", {low} to {high}"));
    format!("{list}{}{how}{bounds}", T::NAME)
}

/// Keys of all settings and tables, by pattern.
struct Known {
    settings: Vec<Key>,
    tables: Vec<Key>,
}

impl Known {
    fn of(groups: &[Group]) -> Self {
        let all = groups.iter().flat_map(|group| &group.settings);
        let with_files =
            all.flat_map(|setting| [Some(setting.key.clone()), setting.secret.then(|| setting.key.of_file())]);
        Self {
            settings: with_files.flatten().collect(),
            tables: groups.iter().map(|group| group.key.clone()).collect(),
        }
    }

    fn is_above(&self, key: &Key) -> bool {
        self.tables.iter().any(|table| key.holds(table))
    }

    fn nearest(&self, key: &Key) -> Option<String> {
        let all = self.settings.iter().chain(&self.tables);
        let (text, last) = (key.to_string(), key.last().to_owned());
        let texts: Vec<(String, &str)> = all.map(|known| (known.to_string(), known.last())).collect();
        names::nearest(&text, &last, texts.iter().map(|(text, last)| (text.as_str(), *last)))
    }
}

struct Walk<'a> {
    known: &'a Known,
    line_of: &'a dyn Fn(usize) -> usize,
    file: BTreeMap<Key, (Raw, usize)>,
}

impl Walk<'_> {
    fn table(&mut self, at: &Key, table: &DeTable<'_>) -> Result<(), ConfigError> {
        for (name, value) in table {
            let (key, line) = (at.then(name.get_ref()), (self.line_of)(name.span().start));
            self.value(key, line, value.get_ref())?;
        }
        Ok(())
    }

    fn value(&mut self, key: Key, line: usize, value: &DeValue<'_>) -> Result<(), ConfigError> {
        let pattern = key.pattern();
        if self.known.settings.contains(&pattern) {
            self.file.insert(key, (raw(value), line));
            return Ok(());
        }
        let is_table = self.known.is_above(&pattern);
        let is_list = self.known.is_above(&pattern.entries());
        match value {
            DeValue::Array(entries) if is_list => {
                if entries.len() > MAX_ENTRIES {
                    let what = format!("has more than {MAX_ENTRIES} entries");
                    return Err(ConfigError::setting(&key, Some(Place::Line(line)), what));
                }
                for (index, entry) in entries.iter().enumerate() {
                    let line = (self.line_of)(entry.span().start);
                    self.value(key.entry(index), line, entry.get_ref())?;
                }
                Ok(())
            }
            _ if is_list => Err(ConfigError::setting(
                &key,
                Some(Place::Line(line)),
                format!("has to be a list of tables, written [[{key}]]"),
            )),
            DeValue::Table(table) if is_table => self.table(&key, table),
            _ if is_table => {
                Err(ConfigError::setting(&key, Some(Place::Line(line)), format!("has to be a table, written [{key}]")))
            }
            _ => {
                let near = self.known.nearest(&pattern);
                let meant = near.map_or_else(
                    || "; `precis-server settings` lists all".to_owned(),
                    |near| format!("; {near} was probably meant"),
                );
                let what = format!("there is no such setting{meant}");
                Err(ConfigError::setting(&key, Some(Place::Line(line)), what))
            }
        }
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::One(Form::Text, text.clone().into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Raw::One(Form::Number, number.to_string()),
            Err(_) => Raw::Strange,
        },
        DeValue::Boolean(switch) => Raw::One(Form::Switch, switch.to_string()),
        DeValue::Array(entries) => Raw::Many(entries.iter().map(|entry| raw(entry.get_ref())).collect()),
        _ => Raw::Strange,
    }
}
