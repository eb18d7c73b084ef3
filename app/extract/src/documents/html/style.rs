//! The hidden elements of a page, by attributes, by styles of elements and by simple rules of its style sheets.

use std::collections::BTreeSet;

use super::tree::{NodeRef, Tree};

/// Bytes of style sheets that are looked at.
const MAX_STYLES: usize = 512 * 1024;
/// Rules that are kept.
const MAX_RULES: usize = 10_000;

/// Classes and identifiers of elements that nobody sees.
#[derive(Default)]
pub struct Hidden {
    classes: BTreeSet<String>,
    ids: BTreeSet<String>,
}

impl Hidden {
    /// The elements that the style sheets in `tree` hide, whatever the medium.
    pub fn of(tree: &Tree) -> Self {
        let mut hidden = Self::default();
        let mut left = MAX_STYLES;
        for sheet in tree.elements(|node| node.name() == "style") {
            let text = sheet.text();
            let Some(rest) = left.checked_sub(text.len()) else { break };
            left = rest;
            hidden.rules(&text);
        }
        hidden
    }

    fn rules(&mut self, sheet: &str) {
        let mut rest = sheet;
        while let Some((selectors, after)) = rest.split_once('{') {
            let selectors = selectors.rsplit(['}', ';', '/']).next().unwrap_or_default().trim();
            if selectors.starts_with('@') {
                // What holds for a medium or a width holds not always.
                rest = block_end(after);
                continue;
            }
            let (declarations, after) = after.split_once('}').unwrap_or((after, ""));
            rest = after;
            if !hides(declarations) {
                continue;
            }
            for selector in selectors.split(',').map(str::trim) {
                let simple = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
                if self.classes.len() + self.ids.len() == MAX_RULES {
                    return;
                }
                if let Some((_, class)) = selector.split_once('.').filter(|(tag, class)| simple(tag) && simple(class)) {
                    self.classes.insert(class.to_owned());
                } else if let Some((_, id)) = selector.split_once('#').filter(|(tag, id)| simple(tag) && simple(id)) {
                    self.ids.insert(id.to_owned());
                }
            }
        }
    }

    /// True if nobody sees the element.
    pub fn hides(&self, node: NodeRef<'_>) -> bool {
        node.attr("hidden").is_some()
            || node.attr("style").is_some_and(hides)
            || node.attr("id").is_some_and(|id| self.ids.contains(id))
            || node
                .attr("class")
                .is_some_and(|all| all.split_ascii_whitespace().any(|class| self.classes.contains(class)))
    }
}

/// The rest after the end of a block whose opening brace was read.
fn block_end(text: &str) -> &str {
    let mut depth = 1;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text.get(at + 1..).unwrap_or_default();
        }
    }
    ""
}

/// True if declarations hide their element.
fn hides(declarations: &str) -> bool {
    let (mut white, mut ground) = (false, false);
    for declaration in declarations.split(';') {
        let Some((name, value)) = declaration.split_once(':') else { continue };
        let name = name.trim().to_ascii_lowercase();
        let value = value.trim().trim_end_matches("!important").trim().to_ascii_lowercase();
        let zero = || {
            value
                .trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%')
                .parse::<f32>()
                .is_ok_and(|size| size == 0.0)
        };
        let tiny = || {
            value
                .strip_suffix("px")
                .or_else(|| value.strip_suffix("pt"))
                .and_then(|size| size.parse::<f32>().ok())
                .is_some_and(|size| size < 3.0)
        };
        match name.as_str() {
            "display" if value == "none" => return true,
            "visibility" if matches!(value.as_str(), "hidden" | "collapse") => return true,
            "opacity" if zero() => return true,
            "font-size" if zero() || tiny() => return true,
            "text-indent" | "left" | "top" | "margin-left" if far(&value) => return true,
            "color" => white = is_white(&value),
            "mso-hide" if value == "all" => return true,
            "background" | "background-color" => {
                ground = !is_white(&value) && value != "transparent" && value != "none"
            }
            _ => {}
        }
    }
    white && !ground
}

/// Far off the page to the left or the top.
fn far(value: &str) -> bool {
    value.strip_prefix('-').is_some_and(|size| {
        let number = size.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%').parse::<f32>().unwrap_or(0.0);
        number >= if size.ends_with("em") { 60.0 } else { 900.0 }
    })
}

fn is_white(value: &str) -> bool {
    let value: String = value.chars().filter(|c| !c.is_whitespace()).collect();
    matches!(value.as_str(), "white" | "#fff" | "#ffffff" | "#fffffe" | "#fefefe" | "rgb(255,255,255)" | "transparent")
        || value == "rgba(255,255,255,1)"
        || value == "rgba(0,0,0,0)"
}
