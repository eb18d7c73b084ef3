//! Words in a form that can be compared: without case, accents, possessive and plural endings, and inner dots.

/// Letters with a mark, and what they are compared as.
const MARKED: &[(&str, &str)] = &[
    ("àáâãäåāăąǎ", "a"),
    ("çćĉċč", "c"),
    ("ďđð", "d"),
    ("èéêëēĕėęě", "e"),
    ("ĝğġģ", "g"),
    ("ĥħ", "h"),
    ("ìíîïĩīĭįı", "i"),
    ("ĵ", "j"),
    ("ķ", "k"),
    ("ĺļľłŀ", "l"),
    ("ñńņňŉ", "n"),
    ("òóôõöøōŏő", "o"),
    ("ŕŗř", "r"),
    ("śŝşšș", "s"),
    ("ţťŧț", "t"),
    ("ùúûüũūŭůűų", "u"),
    ("ŵ", "w"),
    ("ýÿŷ", "y"),
    ("źżž", "z"),
    ("æ", "ae"),
    ("œ", "oe"),
    ("ß", "ss"),
    ("þ", "th"),
    // Vietnamese, Romanian, Pinyin, and what transliterations and Celtic spellings use.
    ("ḁẚạảấầẩẫậắằẳẵặȁȃȧ", "a"),
    ("ḃḅḇ", "b"),
    ("ḉ", "c"),
    ("ḋḍḏḑḓ", "d"),
    ("ḕḗḙḛḝẹẻẽếềểễệȅȇȩ", "e"),
    ("ḟ", "f"),
    ("ḡǧǵ", "g"),
    ("ḣḥḧḩḫẖ", "h"),
    ("ḭḯỉịǐȉȋ", "i"),
    ("ǰ", "j"),
    ("ḱḳḵǩ", "k"),
    ("ḷḹḻḽ", "l"),
    ("ḿṁṃ", "m"),
    ("ṅṇṉṋǹ", "n"),
    ("ṍṏṑṓọỏốồổỗộơớờởỡợǒǫȍȏȯ", "o"),
    ("ṕṗ", "p"),
    ("ṙṛṝṟȑȓ", "r"),
    ("ṡṣṥṧṩ", "s"),
    ("ṫṭṯṱẗț", "t"),
    ("ṳṵṷṹṻụủưứừửữựǔǖǘǚǜȕȗ", "u"),
    ("ṽṿ", "v"),
    ("ẁẃẅẇẉẘ", "w"),
    ("ẋẍ", "x"),
    ("ẏẙỳỵỷỹȳ", "y"),
    ("ẑẓẕ", "z"),
    ("ﬁ", "fi"),
    ("ﬂ", "fl"),
    ("ﬀ", "ff"),
];

/// Titles and parts of names that are written short, and what they are compared as.
const SHORT: &[(&str, &str)] = &[
    ("Capt", "captain"),
    ("Col", "colonel"),
    ("Dr", "doctor"),
    ("Ft", "fort"),
    ("Gen", "general"),
    ("Gov", "governor"),
    ("Lt", "lieutenant"),
    ("Maj", "major"),
    ("Mt", "mount"),
    ("Pres", "president"),
    ("Prof", "professor"),
    ("Rep", "representative"),
    ("Rev", "reverend"),
    ("Sen", "senator"),
    ("Sgt", "sergeant"),
    ("St", "saint"),
];

/// Whether a word is a title or a part of a name that is written short.
pub(super) fn is_short(word: &str) -> bool {
    SHORT.iter().any(|(short, _)| *short == word)
}

/// Whether a letter is a capital or a small one.
pub(super) fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase()
}

/// Lower case without accents, apostrophes, dots and hyphens.
pub(super) fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for c in word.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => folded.push(c),
            '.' | '\'' | '’' | '-' | '‐' | '‑' | '_' | '\u{ad}' | '\u{300}'..='\u{36f}' => {}
            '\u{80}'.. => match MARKED.iter().find(|(marked, _)| marked.contains(c)) {
                Some((_, plain)) => folded.push_str(plain),
                None => folded.push(c),
            },
            other => folded.push(other),
        }
    }
    folded
}

/// What a word is looked up by: folded, without possessive and plural ending.
pub(super) fn key(word: &str) -> String {
    if let Some((_, full)) = SHORT.iter().find(|(short, _)| *short == bare(word)) {
        return (*full).to_owned();
    }
    let mut folded = fold(bare(word));
    if folded.len() > 3 && folded.is_ascii() && folded.ends_with('s') && !folded.ends_with("ss") {
        folded.pop();
        if folded.ends_with("ie") {
            folded.truncate(folded.len() - 2);
            folded.push('y');
        } else if ["che", "she", "xe", "sse", "ze"].iter().any(|end| folded.ends_with(end)) {
            folded.pop();
        }
    }
    folded
}

/// A word without possessive ending and without the verb that is contracted with it.
pub(super) fn bare(word: &str) -> &str {
    const ENDINGS: &[&str] = &["s", "", "re", "ve", "ll", "d", "m"];
    let is_ending = |(at, _): &(usize, &str)| ENDINGS.contains(&word[*at..].trim_start_matches(['\'', '’']));
    word.rmatch_indices(['\'', '’']).next().filter(is_ending).map_or(word, |(at, _)| &word[..at])
}

/// The value of a decimal digit of any of the scripts that write numbers with ten digits.
pub(super) fn digit(c: char) -> Option<u32> {
    /// Code points of the zeros: Arabic-Indic, Persian, Devanagari, Bengali, Gurmukhi, Gujarati, Oriya, Tamil, Telugu,
    /// Kannada, Malayalam, Thai, Lao, Tibetan, Myanmar, Khmer, Mongolian, fullwidth.
    const ZEROS: &[u32] = &[
        0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20, 0x1040,
        0x17e0, 0x1810, 0xff10,
    ];
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let code = c as u32;
    ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)).map(|zero| code - zero)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_of_a_word_have_one_key() {
        for (left, right) in [
            ("Models", "model"),
            ("Alice's", "Alice"),
            ("parents’", "parent"),
            ("U.S.", "US"),
            ("U.S", "us"),
            ("Müller", "Muller"),
            ("São", "SAO"),
            ("Cities", "city"),
            ("churches", "Church"),
            ("O'Brien", "O’Brien"),
            ("state-of-the-art", "stateoftheart"),
            ("Nguyễn", "Nguyen"),
            ("Ștefan Țuțea", "Stefan Tutea"),
            ("They’re", "they"),
            ("Prof", "professor"),
        ] {
            assert_eq!(key(left), key(right), "{left} {right}");
        }
        assert_ne!(key("glass"), key("glas"));
        assert_ne!(key("Bergen"), key("Berge"));
    }

    #[test]
    fn digits_of_other_scripts_have_a_value() {
        assert_eq!(
            ["٣", "९", "７", "5"].map(|text| text.chars().next().and_then(digit)),
            [Some(3), Some(9), Some(7), Some(5)]
        );
        assert_eq!(digit('²'), None);
        assert_eq!(digit('x'), None);
    }
}
