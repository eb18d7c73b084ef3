//! Byte-level BPE from the metadata of a GGUF file, for the language model.
//!
//! The pre-tokenizer is the one the file names. For `smollm`: every numeric character on its own, then the GPT-2 pattern
//! on what is between, with no space added in front. Bytes that the vocabulary lacks (it has 235 of 256) carry no token.

use tokenizers::Tokenizer;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;

use crate::error::{Error, LoadError};
use crate::gguf::Gguf;
use crate::tokenizer::Encoded;

/// Token type of control tokens in GGUF metadata.
const CONTROL: i32 = 3;

/// The language model's tokenizer.
pub(crate) struct ByteLevelBpe {
    tokenizer: Tokenizer,
    controls: Vec<(String, u32)>,
    end_of_text: u32,
}

impl ByteLevelBpe {
    /// Build the tokenizer that the metadata describes; a kind that this build does not know is refused.
    pub(crate) fn from_gguf(gguf: &Gguf<'_>) -> Result<Self, LoadError> {
        let (kind, pre) = (gguf.string("tokenizer.ggml.model")?, gguf.string("tokenizer.ggml.pre")?);
        if (kind, pre) != ("gpt2", "smollm") {
            return Err(gguf.unusable(format_args!("tokenizer {kind}/{pre} is not known to this build")));
        }
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
        for (id, (token, kind)) in (0u32..).zip(tokens.into_iter().zip(types)) {
            // Control tokens stay out of the vocabulary, so that no text can be encoded to one.
            if kind == CONTROL {
                controls.push((token, id));
            } else {
                vocabulary.insert(token, id);
            }
        }
        // No cache of words: it would keep words of one caller's document in memory for the next.
        let bpe = BPE::builder()
            .vocab_and_merges(vocabulary, merges)
            .cache_capacity(0)
            .build()
            .map_err(|error| gguf.unusable(error))?;
        let byte_level = ByteLevel::default().add_prefix_space(false);
        let mut tokenizer = Tokenizer::new(bpe);
        tokenizer.with_pre_tokenizer(Some(Sequence::new(vec![
            PreTokenizerWrapper::Digits(Digits::new(true)),
            PreTokenizerWrapper::ByteLevel(byte_level),
        ])));
        tokenizer.with_decoder(Some(byte_level));
        let end_of_text = u32::try_from(gguf.number("tokenizer.ggml.eos_token_id")?).map_err(|e| gguf.unusable(e))?;
        Ok(Self { tokenizer, controls, end_of_text })
    }

    /// The token after which nothing is generated.
    pub(crate) fn end_of_text(&self) -> u32 {
        self.end_of_text
    }

    /// Whether a token is a control token, which never is part of a text.
    pub(crate) fn is_control(&self, id: u32) -> bool {
        self.controls.iter().any(|(_, control)| *control == id)
    }

    /// The id of a control token.
    pub(crate) fn control(&self, token: &str) -> Option<u32> {
        self.controls.iter().find(|(control, _)| control == token).map(|(_, id)| *id)
    }

    /// Number of tokens of a text.
    pub(crate) fn count(&self, text: &str) -> Result<usize, Error> {
        let encoding = self.tokenizer.encode_fast(text, false).map_err(Error::internal("tokenize"))?;
        Ok(encoding.len())
    }

    /// Tokens of a text with their offsets.
    pub(crate) fn encode(&self, text: &str) -> Result<Encoded, Error> {
        let encoding = self.tokenizer.encode(text, false).map_err(Error::internal("tokenize"))?;
        Ok(Encoded::from_encoding(&encoding))
    }

    /// Token ids of a text.
    pub(crate) fn ids(&self, text: &str) -> Result<Vec<u32>, Error> {
        Ok(self.encode(text)?.ids)
    }

    /// Text of tokens; bytes that are not UTF-8 come out as replacement characters.
    pub(crate) fn decode(&self, ids: &[u32]) -> Result<String, Error> {
        self.tokenizer.decode(ids, false).map_err(Error::internal("detokenize"))
    }
}
