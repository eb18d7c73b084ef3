//! The chat format. The template text of the model file is pinned by digest in the manifest, and rendered in code: a
//! template that this build has not been checked against is refused at load.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, LoadError};
use crate::gguf::Gguf;
use crate::tokenizer::ByteLevelBpe;

/// Room for what stands around a document, a long focus included: a vector that grows leaves a copy of the document behind
/// that nobody wipes.
const FRAME_TOKENS: usize = 1024;

/// The chat format a language model was trained with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// Name of a format that this build renders.
    pub format: String,
    /// Means by which a model that thinks before it answers is kept from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<Thinking>,
    /// SHA-256 of the template text in the model file; any other template is refused. Empty until it is filled in.
    pub template_sha256: String,
}

/// Means by which a model is kept from thinking before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thinking {
    /// Its answer is begun with an empty thought.
    EmptyBlock,
}

/// ChatML: every message between its two control tokens, its role on the first line.
pub struct ChatMl {
    start: u32,
    end: u32,
    /// What every answer begins with.
    answer: Vec<u32>,
}

impl ChatMl {
    /// Check the model's template against the manifest.
    pub fn from_gguf(gguf: &Gguf<'_>, chat: Option<&Chat>, bpe: &ByteLevelBpe) -> Result<Self, LoadError> {
        let chat = chat.ok_or_else(|| gguf.unusable("the manifest names no chat format"))?;
        if chat.format != "chatml" {
            return Err(gguf.unusable(format_args!("chat format {:?} is not known to this build", chat.format)));
        }
        let found = hex::encode(Sha256::digest(gguf.string("tokenizer.chat_template")?.as_bytes()));
        if found != chat.template_sha256 {
            return Err(
                gguf.unusable(format_args!("chat template has SHA-256 {found}, expected {}", chat.template_sha256))
            );
        }
        let control = |token: &str| bpe.control(token).ok_or_else(|| gguf.unusable(format_args!("no token {token}")));
        let newlines = || bpe.ids("\n\n").map_err(|error| gguf.unusable(error));
        let answer = match chat.thinking {
            Some(Thinking::EmptyBlock) => {
                [vec![control("<think>")?], newlines()?, vec![control("</think>")?], newlines()?].concat()
            }
            None => Vec::new(),
        };
        Ok(Self { start: control("<|im_start|>")?, end: control("<|im_end|>")?, answer })
    }

    /// The token that ends a message.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// A system message, then a user message up to the end of the `document`.
    pub fn open(&self, bpe: &ByteLevelBpe, system: &str, document: &[u32]) -> Result<Vec<u32>, Error> {
        let mut ids = Vec::with_capacity(document.len() + FRAME_TOKENS);
        ids.push(self.start);
        ids.extend(bpe.ids(&format!("system\n{system}"))?);
        ids.push(self.end);
        ids.extend(bpe.ids("\n")?);
        ids.push(self.start);
        ids.extend(bpe.ids("user\n")?);
        ids.extend_from_slice(document);
        Ok(ids)
    }

    /// The rest of the user message with the `instruction`, then the opening of the answer.
    pub fn close(&self, bpe: &ByteLevelBpe, instruction: &str) -> Result<Vec<u32>, Error> {
        let mut ids = bpe.ids(instruction)?;
        ids.push(self.end);
        ids.extend(bpe.ids("\n")?);
        ids.push(self.start);
        ids.extend(bpe.ids("assistant\n")?);
        ids.extend_from_slice(&self.answer);
        Ok(ids)
    }
}
