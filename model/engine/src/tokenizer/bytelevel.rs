//! Byte-level BPE, which GGUF files call `gpt2`: the bytes of a text are letters of an alphabet, and pairs are merged in the
//! order of a list.
//!
//! The pre-tokenizer is the one the file names. For `smollm`: every numeric character on its own, then the GPT-2 pattern
//! on what is between, with no space added in front. For `qwen2` (Qwen2.5's and Qwen3's files): Unicode NFC, then one
//! pattern for both. For `llama-bpe` (Llama 3, LFM2, GLM-4): one pattern, and a word that is a token is taken whole. Bytes
//! that the vocabulary lacks (SmolLM2's has 235 of 256) carry no token.

use tokenizers::Tokenizer;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;

use super::kinds::CONTROLS;
use crate::error::LoadError;
use crate::gguf::Gguf;

/// Where Qwen's tokenizers split a text, from their published `tokenizer.json`.
const QWEN2_PATTERN: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);
/// The same of Llama 3: up to three digits stay together.
const LLAMA3_PATTERN: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);

/// Pre-tokenization before the bytes: what a file calls its `pre`.
fn pre_tokenizer(pre: &str) -> Option<Vec<PreTokenizerWrapper>> {
    let byte_level = ByteLevel::default().add_prefix_space(false);
    let pattern = match pre {
        "smollm" => return Some(vec![Digits::new(true).into(), byte_level.into()]),
        "qwen2" => QWEN2_PATTERN,
        _ if takes_words_whole(pre) => LLAMA3_PATTERN,
        _ => return None,
    };
    let pattern = SplitPattern::Regex(pattern.to_owned());
    let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).ok()?;
    Some(vec![split.into(), byte_level.use_regex(false).into()])
}

/// Checks whether a word that is a token is taken whole, whatever the merges would make of it.
fn takes_words_whole(pre: &str) -> bool {
    matches!(pre, "llama-bpe" | "llama3" | "lfm2" | "glm4" | "chatglm-bpe")
}

/// The tokenizer that the metadata describes, without its control tokens.
pub(super) fn build(gguf: &Gguf<'_>) -> Result<Tokenizer, LoadError> {
    let pre = gguf.string("tokenizer.ggml.pre")?;
    let steps = pre_tokenizer(pre)
        .ok_or_else(|| gguf.unusable(format_args!("tokenizer gpt2/{pre} is not known to this build")))?;
    let tokens = gguf.strings("tokenizer.ggml.tokens")?;
    let types = gguf.integers("tokenizer.ggml.token_type")?;
    let merges = gguf
        .strings("tokenizer.ggml.merges")?
        .iter()
        .map(|merge| merge.split_once(' ').map(|(left, right)| (left.to_owned(), right.to_owned())))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| gguf.unusable("a merge is not a pair"))?;
    // Control tokens stay out of the vocabulary, so that no text can be encoded to one.
    let of_text = (0u32..).zip(tokens.iter().zip(types)).filter(|(_, (_, kind))| !CONTROLS.contains(kind));
    let vocabulary: Vocab = of_text.map(|(id, (token, _))| (token.clone(), id)).collect();
    // No cache of words: it would keep words of one caller's document in memory for the next.
    let bpe = BPE::builder().vocab_and_merges(vocabulary, merges).cache_capacity(0);
    let bpe = bpe.ignore_merges(takes_words_whole(pre)).build().map_err(|error| gguf.unusable(error))?;
    let mut tokenizer = Tokenizer::new(bpe);
    if pre == "qwen2" {
        tokenizer.with_normalizer(Some(NFC)).map_err(|error| gguf.unusable(error))?;
    }
    tokenizer.with_pre_tokenizer(Some(Sequence::new(steps)));
    tokenizer.with_decoder(Some(ByteLevel::default().add_prefix_space(false)));
    Ok(tokenizer)
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
        assert_eq!(split("llama-bpe", "It's 20261!\n\n Yes"), ["It", "'s", " ", "202", "61", "!\n\n", " Yes"]);
        assert!(pre_tokenizer("deepseek-llm").is_none());
    }

    #[test]
    fn a_text_is_cut_for_screening_only_where_each_pre_tokenizer_splits() {
        for text in crate::testing::AWKWARD {
            for pre in ["smollm", "qwen2", "llama-bpe"] {
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
