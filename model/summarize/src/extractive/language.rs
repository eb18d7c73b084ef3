//! Trust in the embedding model, which learnt English, for other languages. Pure.

use crate::extractive::lexical;

/// Share of its letters that a text has in another script than Latin, from which words alone count, in 1000.
const FOREIGN_PERMILLE: usize = 300;

/// Weight of the embeddings against shared words in comparing the sentences of a text, in 1000. `unknown` of its `tokens`
/// have no letters in the model's vocabulary.
pub(crate) fn embedding_permille(text: &str, unknown: usize, tokens: usize) -> u32 {
    let (mut letters, mut foreign) = (0usize, 0usize);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        foreign += usize::from(c >= '\u{370}' && !('\u{1e00}'..='\u{1eff}').contains(&c));
    }
    if unknown * 4 > tokens || foreign * 1000 > letters * FOREIGN_PERMILLE { 0 } else { lexical::EMBEDDING_PERMILLE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embeddings_count_in_latin_script_only() {
        assert_eq!(embedding_permille("Ein Satz mit Äpfeln, une pêche, żółw", 0, 9), lexical::EMBEDDING_PERMILLE);
        for text in ["Ворота подняли утром", "早上闸门升起", "رُفعت البوابات", "ประตูถูกยกขึ้น"]
        {
            assert_eq!(embedding_permille(text, 0, 9), 0);
        }
        assert_eq!(embedding_permille("abc", 5, 9), 0);
        assert_eq!(embedding_permille("", 0, 0), lexical::EMBEDDING_PERMILLE);
    }
}
