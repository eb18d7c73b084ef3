//! Configuration: one TOML file by concern, and variables that override it or hold secrets. Nothing else in the server reads
//! the environment. What matters to a caller is shown in the keyset.
//!
//! `sections` declares every setting once: type, default, bounds, documentation. `given` holds what was given and where,
//! `check` makes [`Settings`] of it, `table` the documentation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::names;

mod check;
mod error;
mod given;
mod key;
mod networks;
mod origin;
mod section;
mod sections;
mod setting;
mod settings;
mod shapes;
mod table;
mod tasks;
#[cfg(test)]
mod tests;
mod value;

pub use error::{ConfigError, Place};
pub use origin::Origin;
pub use settings::{Config, ContractAccounts, NetworkSettings, Settings};
pub use shapes::PaymentIdentifier;

use given::{Given, MAX_ENTRIES};
use sections::File;
use setting::Setting;

/// The variable that holds the whole file as its value.
pub const TEXT_VARIABLE: &str = "PRECIS_CONFIG";
/// The variable that names the file.
pub const FILE_VARIABLE: &str = "PRECIS_CONFIG_FILE";

/// Reads the settings: `file`, or else the file that [`FILE_VARIABLE`] names, or else [`TEXT_VARIABLE`], or else nothing; and
/// the variables that override them.
///
/// # Errors
/// The first thing that is wrong with them.
pub fn load(file: Option<&Path>) -> Result<Settings, ConfigError> {
    let variables = environment();
    let named = variables.get(FILE_VARIABLE).map(PathBuf::from);
    let text = match (file.map(Path::to_owned).or(named), variables.get(TEXT_VARIABLE)) {
        (Some(_), Some(_)) => {
            let what =
                format!("is set, and a file is named too: {TEXT_VARIABLE}, --config or {FILE_VARIABLE}, one of them");
            return Err(ConfigError::Source { name: TEXT_VARIABLE, what });
        }
        (Some(path), None) => {
            let name = if file.is_some() { "--config" } else { FILE_VARIABLE };
            given::read_text(&path).map_err(|what| ConfigError::Source { name, what })?
        }
        (None, Some(text)) => text.clone(),
        (None, None) => String::new(),
    };
    read(&text, variables)
}

/// Reads the settings of this text, and of these variables.
///
/// # Errors
/// The first thing that is wrong with them.
pub fn read(text: &str, variables: BTreeMap<String, String>) -> Result<Settings, ConfigError> {
    if let Some((name, near)) = names::unknown(variables.keys().cloned(), &self::variables()).into_iter().next() {
        return Err(ConfigError::Variable { name, near });
    }
    if text.len() as u64 > given::MAX_FILE_BYTES {
        let what = format!("has more than {} bytes", given::MAX_FILE_BYTES);
        return Err(ConfigError::Syntax { line: None, what });
    }
    let given = Given::read(text, variables, &File::describe())?;
    check::check(File::read(&given)?, &given)
}

/// Names of the variables that are read.
pub fn variables() -> Vec<String> {
    let groups = File::describe();
    let own = groups.iter().flat_map(|group| &group.settings).flat_map(variables_of);
    own.chain([TEXT_VARIABLE, FILE_VARIABLE].map(str::to_owned)).collect()
}

fn variables_of(setting: &Setting) -> Vec<String> {
    let entries = if setting.key.is_pattern() { MAX_ENTRIES } else { 1 };
    let keys = (0..entries).map(|index| setting.key.of_entry(index));
    let with_files = keys.flat_map(|key| [Some(key.variable()), setting.secret.then(|| key.of_file().variable())]);
    with_files.flatten().collect()
}

/// The settings as public documentation.
pub fn documentation() -> String {
    table::markdown(&File::describe())
}

/// The variables of this project. One that is no UTF-8 is no text of a setting, and is refused by what replaces its bytes.
fn environment() -> BTreeMap<String, String> {
    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let all = std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value)));
    all.filter(|(name, _)| name.starts_with(names::PREFIX)).collect()
}
