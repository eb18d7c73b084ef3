//! The language model's tokenizer, from the metadata of its GGUF file.

use tokenizers::Tokenizer;

use super::kinds::CONTROLS;
use super::{bytelevel, sentencepiece};
use crate::error::{Error, LoadError};
use crate::gguf::Gguf;
use crate::tokenizer::Encoded;

/// A tokenizer that merges pairs, of one of the two kinds.
pub struct Bpe {
    tokenizer: Tokenizer,
    controls: Vec<(String, u32)>,
    beginning: Option<u32>,
    end_of_text: u32,
}

impl Bpe {
    /// Build the tokenizer that the metadata describes; a kind that this build does not know is refused.
    pub fn from_gguf(gguf: &Gguf<'_>) -> Result<Self, LoadError> {
        let tokens = gguf.strings("tokenizer.ggml.tokens")?;
        let types = gguf.integers("tokenizer.ggml.token_type")?;
        if tokens.len() != types.len() {
            return Err(gguf.unusable("tokens and token types differ in number"));
        }
        let tokenizer = match gguf.string("tokenizer.ggml.model")? {
            "gpt2" => bytelevel::build(gguf)?,
            "llama" => sentencepiece::build(gguf)?,
            kind => return Err(gguf.unusable(format_args!("tokenizer {kind} is not known to this build"))),
        };
        let rows = (0u32..).zip(tokens.iter().zip(types));
        // Runs of white space are marked as controls in some files, and are text.
        let is_control = |token: &str, kind| CONTROLS.contains(&kind) && tokenizer.token_to_id(token).is_none();
        let controls = rows.filter(|(_, (token, kind))| is_control(token, **kind));
        let controls = controls.map(|(id, (token, _))| (token.clone(), id)).collect();
        let id = |key: &str| u32::try_from(gguf.number(key)?).map_err(|error| gguf.unusable(error));
        let begins = gguf.is_on("tokenizer.ggml.add_bos_token");
        let beginning = begins.then(|| id("tokenizer.ggml.bos_token_id")).transpose()?;
        Ok(Self { tokenizer, controls, beginning, end_of_text: id("tokenizer.ggml.eos_token_id")? })
    }

    /// The token that every prompt begins with, if the model was trained with one.
    pub fn beginning(&self) -> Option<u32> {
        self.beginning
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
