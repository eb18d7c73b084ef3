//! What stands behind each sentence of a summary, for people: where an extract stands in the document; what is nearest to a written
//! sentence, how near, and which of its names and numbers the document does not contain.

use precis_protocol::summary::{Sentence, SummaryResult};

/// Longest quotation of a source sentence, in characters.
const QUOTED_CHARS: usize = 160;

/// The report after a summary of the text `document`, in which `place` names the place of a byte.
pub fn report(result: &SummaryResult, document: &str, place: &dyn Fn(u64) -> Option<String>) -> String {
    result.sentences.iter().enumerate().map(|(index, sentence)| entry(index + 1, sentence, document, place)).collect()
}

/// One line if names or numbers of the summary do not occur in the document.
pub fn warning(result: &SummaryResult) -> Option<String> {
    let unsupported: Vec<String> = result
        .sentences
        .iter()
        .enumerate()
        .filter_map(|(index, sentence)| Some((index + 1, sentence.grounding.as_ref()?)))
        .filter(|(_, grounding)| !grounding.unsupported.is_empty())
        .map(|(number, grounding)| format!("{} (sentence {number})", listed(&grounding.unsupported)))
        .collect();
    (!unsupported.is_empty()).then(|| format!("warning: not in the document: {}", unsupported.join("; ")))
}

fn entry(number: usize, sentence: &Sentence, document: &str, place: &dyn Fn(u64) -> Option<String>) -> String {
    let within = |offset| place(offset).map(|place| format!("{place}, ")).unwrap_or_default();
    let mut lines = format!("\n[{number}] {}\n", sentence.text);
    if let (Some(start), Some(end)) = (sentence.start, sentence.end) {
        lines.push_str(&format!("    verbatim, {}bytes {start} to {end}\n", within(start)));
    }
    let Some(grounding) = &sentence.grounding else { return lines };
    lines.push_str(&format!("    support {}\n", permille(grounding.support)));
    for source in &grounding.sources {
        let quoted = quote(document, source.start, source.end);
        let within = within(source.start);
        lines.push_str(&format!(
            "    {} {within}bytes {} to {}: {quoted}\n",
            permille(source.score),
            source.start,
            source.end
        ));
    }
    if !grounding.unsupported.is_empty() {
        lines.push_str(&format!("    NOT IN THE DOCUMENT: {}\n", listed(&grounding.unsupported)));
    }
    lines
}

fn listed(unsupported: &[String]) -> String {
    unsupported.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ")
}

fn permille(score: u32) -> String {
    format!("{}.{:03}", score / 1000, score % 1000)
}

/// The start of a source sentence on one line.
fn quote(document: &str, start: u64, end: u64) -> String {
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let Some(text) = range.and_then(|(start, end)| document.get(start..end)) else {
        return "(no such place in the document)".into();
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTED_CHARS) {
        Some((cut, _)) => format!("\"{}…\"", &line[..cut]),
        None => format!("\"{line}\""),
    }
}

#[cfg(test)]
mod tests {
    use precis_protocol::summary::{Grounding, Source};

    use super::*;

    fn sentence(unsupported: &[&str], sources: Vec<Source>) -> Sentence {
        let unsupported = unsupported.iter().map(|text| (*text).to_owned()).collect();
        let grounding = Grounding { support: 712, sources, unsupported };
        Sentence { text: "Rain fell in Oslo.".into(), start: None, end: None, grounding: Some(grounding) }
    }

    #[test]
    fn a_written_sentence_comes_with_its_sources_quoted_and_its_inventions_named() {
        let document = "It rained\nall day. The end.";
        let at = |start, end| Source { start, end, score: 712 };
        let text = entry(2, &sentence(&["Oslo", "42"], vec![at(0, 18), at(5, 999)]), document, &|_| None);
        assert!(text.contains("[2] Rain fell in Oslo."));
        assert!(text.contains("support 0.712"));
        assert!(text.contains("bytes 0 to 18: \"It rained all day.\""));
        assert!(text.contains("bytes 5 to 999: (no such place in the document)"));
        assert!(text.contains("NOT IN THE DOCUMENT: \"Oslo\", \"42\""));
    }

    #[test]
    fn a_long_source_is_cut_at_a_character() {
        let document = "é".repeat(QUOTED_CHARS + 1);
        let quoted = quote(&document, 0, document.len() as u64);
        assert_eq!(quoted.chars().count(), QUOTED_CHARS + 3);
    }

    #[test]
    fn an_extract_comes_with_its_place() {
        let extract = Sentence { text: "The end.".into(), start: Some(19), end: Some(27), grounding: None };
        assert_eq!(entry(1, &extract, "", &|_| None), "\n[1] The end.\n    verbatim, bytes 19 to 27\n");
        let page = |offset| (offset == 19).then(|| "page 3".to_owned());
        assert_eq!(entry(1, &extract, "", &page), "\n[1] The end.\n    verbatim, page 3, bytes 19 to 27\n");
    }
}
