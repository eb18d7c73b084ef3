//! Summaries as Markdown pages.

use precis_verify::text::one_line;

use crate::output::summary_text;

/// A page: the document's name, its summary, `behind` that stands behind it, and notes about the purchase.
pub fn page(name: &str, summary: &str, behind: Option<&str>, notes: &[String]) -> String {
    let mut page = format!("# {}\n\n{}\n", escaped(name), summary_text(summary));
    if let Some(behind) = behind {
        page.push_str(&verbatim(behind.trim_matches('\n').lines()));
        page.push('\n');
    }
    page.push_str("---\n\n");
    page.push_str(&verbatim(notes.iter().map(String::as_str)));
    page
}

/// Lines that are shown as they are.
fn verbatim<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines
        .map(|line| if line.is_empty() { "\n".into() } else { format!("    {}\n", summary_text(line).trim_end()) })
        .collect()
}

/// A text in one line, in which nothing is markup.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in one_line(text).chars() {
        if "\\`*_[]<>#&~|!".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_heading_the_summary_and_what_was_paid() {
        let notes = ["paid: 1500".to_owned(), "receipt: kept in /a_b_c".to_owned()];
        assert_eq!(
            page("my_report*.pdf", "It *rained*.\nAll day.", None, &notes),
            "# my\\_report\\*.pdf\n\nIt *rained*.\nAll day.\n\n---\n\n    paid: 1500\n    receipt: kept in /a_b_c\n"
        );
    }

    #[test]
    fn what_stands_behind_a_summary_is_shown_as_it_is() {
        let page = page("a", "b", Some("\n[1] b\n    verbatim\n"), &[]);
        assert_eq!(page, "# a\n\nb\n\n    [1] b\n        verbatim\n\n---\n\n");
    }

    #[test]
    fn a_name_cannot_begin_a_line_or_drive_the_terminal() {
        assert!(!page("a\n# b\u{1b}[2J", "c", None, &[]).contains(['\u{1b}']));
        assert_eq!(page("a\n# b", "c", None, &[]).matches("\n# ").count(), 0);
    }
}
