//! The settings of a service on this devnet, as `precis-server` reads them.

use crate::env::require_plain;

/// A TOML file of these tables, each with its keys and values as they stand there.
pub(crate) struct Settings {
    text: String,
}

impl Settings {
    /// Without a table.
    pub(crate) fn new() -> Self {
        Self { text: "# A devnet, INSECURE by design.\n".to_owned() }
    }

    /// A table, with its brackets, and its texts.
    ///
    /// # Errors
    /// If a text would need escaping.
    pub(crate) fn table(mut self, heading: &str, texts: &[(&str, &str)]) -> anyhow::Result<Self> {
        self.text.push_str(&format!("\n{heading}\n"));
        for (key, text) in texts {
            require_plain(text)?;
            self.text.push_str(&format!("{key} = \"{text}\"\n"));
        }
        Ok(self)
    }

    /// A list with one entry, in the last table.
    ///
    /// # Errors
    /// If the entry would need escaping.
    pub(crate) fn list_of_one(mut self, key: &str, entry: &str) -> anyhow::Result<Self> {
        require_plain(entry)?;
        self.text.push_str(&format!("{key} = [\"{entry}\"]\n"));
        Ok(self)
    }

    /// The file.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_text_that_would_need_escaping_is_refused() {
        let file = Settings::new().table("[a]", &[("b", "c")]).unwrap().list_of_one("d", "e").unwrap();
        assert!(file.text().ends_with("\n[a]\nb = \"c\"\nd = [\"e\"]\n"));
        assert!(Settings::new().table("[a]", &[("b", "\"")]).is_err());
        assert!(Settings::new().list_of_one("d", "\\").is_err());
    }
}
