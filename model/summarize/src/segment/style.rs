//! Manner in which a text as a whole is written, which decides what a full stop in it can mean.

/// Letters that tell how a text is written.
const MIN_LETTERS: usize = 40;
/// Words of which one in so many is a German article or conjunction in a German text.
const GERMAN_ONE_IN: usize = 25;

/// The commonest words of German that its neighbours have not.
const GERMAN: &[&str] =
    &["der", "die", "das", "und", "ist", "nicht", "den", "dem", "ein", "eine", "mit", "von", "auf", "für"];

/// Traits of a whole text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// Sentences begin with lowercase letters.
    pub(crate) lowercase: bool,
    /// Nothing stands between a full stop and the next sentence.
    pub(crate) tight: bool,
    /// It is written in capitals.
    pub(crate) capitals: bool,
    /// Numbers with a full stop are ordinals.
    pub(crate) ordinals: bool,
}

impl Style {
    /// Look through a text once.
    pub(crate) fn of(text: &str) -> Self {
        let (mut upper, mut lower) = (0usize, 0usize);
        let (mut capital, mut small, mut tight) = (0usize, 0usize, 0usize);
        // The last three characters, oldest first.
        let mut seen = ['\n'; 3];
        for c in text.chars() {
            upper += usize::from(c.is_uppercase());
            lower += usize::from(c.is_lowercase());
            let word_before = seen[0].is_lowercase() || seen[0].is_numeric();
            if matches!(seen[1], '.' | '!' | '?') && seen[2] == ' ' && word_before {
                capital += usize::from(c.is_uppercase());
                small += usize::from(c.is_lowercase());
            }
            tight += usize::from(matches!(seen[2], '.' | '!' | '?') && seen[1].is_lowercase() && c.is_uppercase());
            seen = [seen[1], seen[2], c];
        }
        let lowercase = lower >= MIN_LETTERS && upper * 50 < lower && small > 2 * capital;
        Self {
            lowercase,
            tight: tight >= 2 && tight * 4 >= capital,
            capitals: upper > lower,
            ordinals: is_german(text),
        }
    }

    /// The style of one block of a text.
    pub(crate) fn within(mut self, block: &str) -> Self {
        self.lowercase |= block.len() >= MIN_LETTERS && !block.chars().any(char::is_uppercase);
        self
    }
}

fn is_german(text: &str) -> bool {
    let (mut words, mut known) = (0usize, 0usize);
    for word in text.split_whitespace().take(20_000) {
        words += 1;
        known += usize::from(GERMAN.contains(&word) || matches!(word, "Der" | "Die" | "Das" | "Ein" | "Eine"));
    }
    known >= 2 && known * GERMAN_ONE_IN >= words * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_of_a_text_is_seen() {
        let lower = "the council voted to close the pool. it will be rebuilt by 2028. nobody liked that. the end.";
        assert!(Style::of(lower).lowercase && !Style::of(lower).tight);
        let tight = "The council closed the pool.It will be rebuilt.Nobody liked that.";
        assert!(Style::of(tight).tight && !Style::of(tight).lowercase);
        assert!(Style::of("Der Richter fragte nach den Konten und nach dem 3. Brief. Das Urteil ist da.").ordinals);
        assert_eq!(Style::of("An ordinary text. It has sentences. They begin as usual."), Style::default());
    }
}
