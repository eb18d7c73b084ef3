//! The script that a text is in.

use icu_properties::props::Script;
use icu_properties::{CodePointMapData, PropertyNamesLong};

/// Letters that are looked at.
const LETTERS: usize = 4096;

/// The name in Unicode of the script that most letters at the beginning of a text are in, but for Latin.
pub(super) fn of(text: &str) -> Option<&'static str> {
    let scripts = CodePointMapData::<Script>::new();
    let mut counts: Vec<(Script, usize)> = Vec::new();
    for letter in text.chars().filter(|c| c.is_alphabetic()).take(LETTERS) {
        let script = scripts.get(letter);
        match counts.iter_mut().find(|(known, _)| *known == script) {
            Some((_, count)) => *count += 1,
            None => counts.push((script, 1)),
        }
    }
    let (most, _) =
        counts.into_iter().filter(|(script, _)| *script != Script::Latin).max_by_key(|(_, count)| *count)?;
    PropertyNamesLong::<Script>::new().get(most)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_script_is_named_as_unicode_does() {
        assert_eq!(super::of("abcdefgh ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ"), Some("Cherokee"));
        assert_eq!(super::of("ߒߞߏ"), Some("Nko"));
        assert_eq!(super::of("abc 1"), None);
    }
}
