//! The name of a setting: its key path in the file, and the variable that overrides it.

use std::fmt;

use crate::names::PREFIX;

/// A key path, such as `payment.network[0].rpc_urls`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Name(String),
    Entry(usize),
    /// Any entry: the documentation speaks of all at once.
    Entries,
}

impl Key {
    /// The whole file.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// A key below this one.
    pub fn then(&self, name: &str) -> Self {
        self.with(Step::Name(name.to_owned()))
    }

    /// An entry of this list.
    pub fn entry(&self, index: usize) -> Self {
        self.with(Step::Entry(index))
    }

    /// Every entry of this list.
    pub fn entries(&self) -> Self {
        self.with(Step::Entries)
    }

    fn with(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// The key of the file that holds this secret.
    pub fn of_file(&self) -> Self {
        let mut steps = self.0.clone();
        if let Some(Step::Name(name)) = steps.last_mut() {
            name.push_str("_file");
        }
        Self(steps)
    }

    /// The same key of every entry.
    pub fn pattern(&self) -> Self {
        let any = |step: &Step| if matches!(step, Step::Entry(_)) { Step::Entries } else { step.clone() };
        Self(self.0.iter().map(any).collect())
    }

    /// The same key of one entry, where this one speaks of every entry.
    pub fn of_entry(&self, index: usize) -> Self {
        let one = |step: &Step| if *step == Step::Entries { Step::Entry(index) } else { step.clone() };
        Self(self.0.iter().map(one).collect())
    }

    /// Checks whether it speaks of every entry of a list.
    pub fn is_pattern(&self) -> bool {
        self.0.contains(&Step::Entries)
    }

    /// Checks whether `other` is this key or stands below it.
    pub fn holds(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// The last name in it.
    pub fn last(&self) -> &str {
        let names = self.0.iter().rev().find_map(|step| if let Step::Name(name) = step { Some(name) } else { None });
        names.map_or("", String::as_str)
    }

    /// The variable that overrides it: the prefix, then the steps in capitals with `__` between them. What is neither letter nor
    /// digit becomes `_`; an entry of a list is its number, from 0.
    pub fn variable(&self) -> String {
        let steps = self.0.iter().map(|step| match step {
            Step::Name(name) => name.replace(|c: char| !c.is_ascii_alphanumeric(), "_").to_ascii_uppercase(),
            Step::Entry(index) => index.to_string(),
            Step::Entries => "N".to_owned(),
        });
        format!("{PREFIX}{}", steps.collect::<Vec<_>>().join("__"))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Name(name) => {
                    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
                    let (dot, quote) = (if place > 0 { "." } else { "" }, if bare { "" } else { "\"" });
                    write!(formatter, "{dot}{quote}{}{quote}", name.escape_debug())?;
                }
                Step::Entry(index) => write!(formatter, "[{index}]")?,
                Step::Entries => formatter.write_str("[]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_as_in_the_file_and_has_one_variable() {
        let network = Key::root().then("payment").then("network").entry(0).then("rpc_urls");
        assert_eq!(network.to_string(), "payment.network[0].rpc_urls");
        assert_eq!(network.variable(), "PRECIS_PAYMENT__NETWORK__0__RPC_URLS");
        assert_eq!(network.pattern().to_string(), "payment.network[].rpc_urls");
        assert_eq!(network.pattern().of_entry(0), network);
        let price = Key::root().then("tasks").then("summary.extractive").then("base");
        assert_eq!(price.to_string(), "tasks.\"summary.extractive\".base");
        assert_eq!(price.variable(), "PRECIS_TASKS__SUMMARY_EXTRACTIVE__BASE");
        assert_eq!(Key::root().then("ledger").then("url").of_file().to_string(), "ledger.url_file");
    }
}
