//! Is this text at all? Cheap refusals, made before anybody pays.

/// A text may have one control character in this many characters (stray form feeds, escapes of a terminal log).
const CHARACTERS_PER_CONTROL: usize = 100;
/// Control characters that any text may have, however short.
const FREE_CONTROLS: usize = 2;

/// A NUL, or more control characters than a text would have. Tab, line feed, carriage return and form feed are text.
pub(crate) fn is_binary(text: &str) -> bool {
    let mut characters = 0;
    let mut controls = 0;
    for character in text.chars() {
        characters += 1;
        match character {
            '\0' => return true,
            '\t' | '\n' | '\r' | '\u{c}' => {}
            other if other.is_control() => controls += 1,
            _ => {}
        }
    }
    controls > FREE_CONTROLS + characters / CHARACTERS_PER_CONTROL
}

/// Nothing a reader would see.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || character.is_control() || is_invisible(character))
}

/// Zero-width and directional format characters.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}'
    )
}
