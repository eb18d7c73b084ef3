//! Byte-level BPE from the metadata of a GGUF file, for the language model.
//!
//! The pre-tokenizer is the one the file names. For `smollm`: every numeric character on its own, then the GPT-2 pattern
//! on what is between, with no space added in front. For `qwen2` (Qwen2.5's and Qwen3's files): Unicode NFC, then one
//! pattern for both. Bytes that the
//! vocabulary lacks (SmolLM2's has 235 of 256) carry no token.

use tokenizers::Tokenizer;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;

use crate::error::{Error, LoadError};
use crate::gguf::Gguf;
use crate::tokenizer::Encoded;

/// Token types in GGUF metadata of tokens that no text is encoded to: control tokens, and those that stand for a piece of
/// markup of the model's own, such as the begin of a thought.
const CONTROLS: [i32; 2] = [3, 4];
/// Where Qwen's tokenizers split a text, from their published `tokenizer.json`.
const QWEN2_PATTERN: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);

/// Pre-tokenization before the bytes: what a file calls its `pre`.
fn pre_tokenizer(pre: &str) -> Option<Vec<PreTokenizerWrapper>> {
    let byte_level = ByteLevel::default().add_prefix_space(false);
    match pre {
        "smollm" => Some(vec![Digits::new(true).into(), byte_level.into()]),
        "qwen2" => {
            let pattern = SplitPattern::Regex(QWEN2_PATTERN.to_owned());
            let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).ok()?;
            Some(vec![split.into(), byte_level.use_regex(false).into()])
        }
        _ => None,
    }
}

/// The language model's tokenizer.
pub struct ByteLevelBpe {
    tokenizer: Tokenizer,
    controls: Vec<(String, u32)>,
    end_of_text: u32,
}

impl ByteLevelBpe {
    /// Build the tokenizer that the metadata describes; a kind that this build does not know is refused.
    pub fn from_gguf(gguf: &Gguf<'_>) -> Result<Self, LoadError> {
        let (kind, pre) = (gguf.string("tokenizer.ggml.model")?, gguf.string("tokenizer.ggml.pre")?);
        let steps = if kind == "gpt2" { pre_tokenizer(pre) } else { None };
        let steps =
            steps.ok_or_else(|| gguf.unusable(format_args!("tokenizer {kind}/{pre} is not known to this build")))?;
        let tokens = gguf.strings("tokenizer.ggml.tokens")?;
        let types = gguf.integers("tokenizer.ggml.token_type")?;
        if tokens.len() != types.len() {
            return Err(gguf.unusable("tokens and token types differ in number"));
        }
        let merges = gguf
            .strings("tokenizer.ggml.merges")?
            .iter()
            .map(|merge| merge.split_once(' ').map(|(left, right)| (left.to_owned(), right.to_owned())))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| gguf.unusable("a merge is not a pair"))?;

        let (mut vocabulary, mut controls) = (Vocab::default(), Vec::new());
        for (id, (token, kind)) in (0u32..).zip(tokens.iter().zip(types)) {
            // Control tokens stay out of the vocabulary, so that no text can be encoded to one.
            if CONTROLS.contains(kind) {
                controls.push((token.clone(), id));
            } else {
                vocabulary.insert(token.clone(), id);
            }
        }
        // No cache of words: it would keep words of one caller's document in memory for the next.
        let bpe = BPE::builder()
            .vocab_and_merges(vocabulary, merges)
            .cache_capacity(0)
            .build()
            .map_err(|error| gguf.unusable(error))?;
        let mut tokenizer = Tokenizer::new(bpe);
        if pre == "qwen2" {
            tokenizer.with_normalizer(Some(NFC)).map_err(|error| gguf.unusable(error))?;
        }
        tokenizer.with_pre_tokenizer(Some(Sequence::new(steps)));
        tokenizer.with_decoder(Some(ByteLevel::default().add_prefix_space(false)));
        let end_of_text = u32::try_from(gguf.number("tokenizer.ggml.eos_token_id")?).map_err(|e| gguf.unusable(e))?;
        Ok(Self { tokenizer, controls, end_of_text })
    }

    /// The token after which nothing is generated.
    pub fn end_of_text(&self) -> u32 {
        self.end_of_text
    }

    /// The control tokens, which never are part of a text.
    pub fn controls(&self) -> impl Iterator<Item = u32> {
        self.controls.iter().map(|(_, id)| *id)
    }

    /// The id of a control token.
    pub fn control(&self, token: &str) -> Option<u32> {
        self.controls.iter().find(|(control, _)| control == token).map(|(_, id)| *id)
    }

    /// Number of tokens of a text.
    pub fn count(&self, text: &str) -> Result<usize, Error> {
        let encoding = self.tokenizer.encode_fast(text, false).map_err(Error::internal("tokenize"))?;
        Ok(encoding.len())
    }

    /// Tokens of a text with their offsets.
    pub fn encode(&self, text: &str) -> Result<Encoded, Error> {
        let encoding = self.tokenizer.encode(text, false).map_err(Error::internal("tokenize"))?;
        Ok(Encoded::from_encoding(&encoding))
    }

    /// Token ids of a text.
    pub fn ids(&self, text: &str) -> Result<Vec<u32>, Error> {
        Ok(self.encode(text)?.ids)
    }

    /// Text of tokens; bytes that are not UTF-8 come out as replacement characters.
    pub fn decode(&self, ids: &[u32]) -> Result<String, Error> {
        self.tokenizer.decode(ids, false).map_err(Error::internal("detokenize"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

    use super::*;

    fn split(pre: &str, text: &str) -> Vec<String> {
        let mut pieces = PreTokenizedString::from(text);
        Sequence::new(pre_tokenizer(pre).unwrap()).pre_tokenize(&mut pieces).unwrap();
        let offsets = pieces.get_splits(OffsetReferential::Original, OffsetType::Byte);
        offsets.into_iter().map(|(_, (start, end), _)| text[start..end].to_owned()).collect()
    }

    #[test]
    fn each_pre_tokenizer_splits_as_its_models_were_trained() {
        assert_eq!(split("smollm", "It's 2026!\n\n Yes"), ["It", "'s", " ", "2", "0", "2", "6", "!", "\n\n", " Yes"]);
        assert_eq!(split("qwen2", "It's 2026!\n\n Yes"), ["It", "'s", " ", "2", "0", "2", "6", "!\n\n", " Yes"]);
        assert_eq!(split("qwen2", "IT'S (a) x  y"), ["IT", "'S", " (", "a", ")", " x", " ", " y"]);
        assert!(pre_tokenizer("llama-bpe").is_none());
    }

    #[test]
    fn a_text_is_cut_for_screening_only_where_each_pre_tokenizer_splits() {
        for text in crate::testing::AWKWARD {
            for pre in ["smollm", "qwen2"] {
                for at in 0..text.len() {
                    let (head, tail) = text.split_at(crate::tokenizer::cut(text, at));
                    assert_eq!(
                        [split(pre, head), split(pre, tail)].concat(),
                        split(pre, text),
                        "{pre}: {head:?} {tail:?}"
                    );
                }
            }
        }
    }
}
