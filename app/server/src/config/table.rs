//! The settings as public documentation: one Markdown table for each section.

use std::fmt::Write as _;

use crate::config::setting::{Group, Setting};

/// Tables of all sections.
pub fn markdown(groups: &[Group]) -> String {
    let mut text = String::new();
    for group in groups {
        // Writing to a string cannot fail.
        _ = write!(text, "### `{}`\n\n{}\n\n", heading(group), group.doc);
        text.push_str("| setting | value | meaning |\n|---|---|---|\n");
        for setting in &group.settings {
            _ = writeln!(text, "| `{}` | {} | {} |", setting.key, value(setting), cell(&setting.doc));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn heading(group: &Group) -> String {
    let key = group.key.to_string();
    key.strip_suffix("[]").map_or_else(|| format!("[{key}]"), |list| format!("[[{list}]]"))
}

/// Type, bounds and default.
fn value(setting: &Setting) -> String {
    let name = ["a ", "an "].iter().find_map(|article| setting.name.strip_prefix(article)).unwrap_or(setting.name);
    let mut value = if setting.list { format!("list: {name}") } else { name.to_owned() };
    if setting.secret {
        value.push_str(", secret");
    }
    if let Some((low, high)) = setting.bounds {
        _ = write!(value, ", {low} to {high}");
    }
    if let Some(default) = &setting.default {
        _ = write!(value, "; `{default}`");
    }
    cell(&value)
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
