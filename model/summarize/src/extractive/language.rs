//! Trust in an embedding model for the language of a text. Pure.

use crate::embed::Census;
use crate::embedders::is_in_other_script;
use crate::extractive::lexical;

/// Weight of the embeddings against shared words in comparing the sentences of a text, in 1000. `census` is that of the text's
/// tokens by the model's tokenizer.
pub(crate) fn embedding_permille(text: &str, census: Census, is_multilingual: bool) -> u32 {
    let is_strange = census.unknown * 4 > census.tokens - census.blank;
    match is_multilingual {
        _ if is_strange => 0,
        true => lexical::MULTILINGUAL_PERMILLE,
        false if is_in_other_script(text) => 0,
        false => lexical::EMBEDDING_PERMILLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Census = Census { tokens: 9, unknown: 0, blank: 0 };

    #[test]
    fn embeddings_of_minilm_count_in_latin_script_only() {
        let permille = |text: &str, census| embedding_permille(text, census, false);
        assert_eq!(permille("Ein Satz mit Äpfeln, une pêche, żółw", KNOWN), lexical::EMBEDDING_PERMILLE);
        for text in ["Ворота подняли утром", "早上闸门升起", "رُفعت البوابات", "ประตูถูกยกขึ้น"]
        {
            assert_eq!(permille(text, KNOWN), 0);
        }
        assert_eq!(permille("abc", Census { unknown: 5, ..KNOWN }), 0);
        assert_eq!(permille("", Census::default()), lexical::EMBEDDING_PERMILLE);
    }

    #[test]
    fn those_for_all_languages_count_in_every_script_with_letters_that_they_know() {
        let permille = |text: &str, census| embedding_permille(text, census, true);
        assert_eq!(permille("早上闸门升起", KNOWN), lexical::MULTILINGUAL_PERMILLE);
        assert_eq!(permille("ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", Census { tokens: 4, unknown: 2, blank: 2 }), 0);
    }
}
