//! Chat formats. The template text of the model file is pinned by digest in the manifest, and rendered in code: a
//! template that this build has not been checked against is refused at load.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, LoadError};
use crate::gguf::Gguf;
use crate::tokenizer::Bpe;

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

/// A piece of what stands around the texts of a conversation.
#[derive(Clone, Copy)]
enum Piece {
    /// A control token.
    Control(&'static str),
    /// Text.
    Text(&'static str),
}

/// A chat format: what stands before, between and behind a system message and a user message.
struct Format {
    name: &'static str,
    before_system: &'static [Piece],
    before_user: &'static [Piece],
    before_answer: &'static [Piece],
    /// The control token that ends a message.
    end: &'static str,
}

/// The formats that this build renders.
const FORMATS: [Format; 2] = {
    use Piece::{Control, Text};
    [
        // Every message between its two control tokens, its role on the first line (SmolLM2, Qwen, LFM2).
        Format {
            name: "chatml",
            before_system: &[Control("<|im_start|>"), Text("system\n")],
            before_user: &[Control("<|im_end|>"), Text("\n"), Control("<|im_start|>"), Text("user\n")],
            before_answer: &[Control("<|im_end|>"), Text("\n"), Control("<|im_start|>"), Text("assistant\n")],
            end: "<|im_end|>",
        },
        // The line ends of its template belong to the control tokens before them.
        Format {
            name: "phi3",
            before_system: &[Control("<|system|>")],
            before_user: &[Control("<|end|>"), Control("<|user|>")],
            before_answer: &[Control("<|end|>"), Control("<|assistant|>")],
            end: "<|end|>",
        },
    ]
};

impl Format {
    fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    fn controls(&self) -> impl Iterator<Item = &'static str> {
        let control = |piece: &Piece| if let Piece::Control(token) = piece { Some(*token) } else { None };
        [self.before_system, self.before_user, self.before_answer].into_iter().flatten().filter_map(control)
    }
}

impl Chat {
    /// The control tokens that the format needs; none if this build does not render it.
    pub fn controls(&self) -> Option<Vec<&'static str>> {
        Format::named(&self.format).map(|format| format.controls().collect())
    }
}

/// The frame around a document and what is asked of it.
pub struct Frame {
    format: &'static Format,
    /// The token that every prompt of the model begins with.
    beginning: Option<u32>,
    controls: Vec<(&'static str, u32)>,
    end: u32,
    /// Tokens that every answer begins with.
    answer: Vec<u32>,
}

impl Frame {
    /// Check the model's template against the manifest.
    pub fn from_gguf(gguf: &Gguf<'_>, chat: Option<&Chat>, bpe: &Bpe) -> Result<Self, LoadError> {
        let chat = chat.ok_or_else(|| gguf.unusable("the manifest names no chat format"))?;
        let format = Format::named(&chat.format)
            .ok_or_else(|| gguf.unusable(format_args!("chat format {:?} is not known to this build", chat.format)))?;
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
        let controls = format.controls().map(|token| Ok((token, control(token)?)));
        let controls = controls.collect::<Result<Vec<_>, LoadError>>()?;
        Ok(Self { format, beginning: bpe.beginning(), controls, end: control(format.end)?, answer })
    }

    /// The token that ends a message.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// A system message, then a user message up to the end of the `document`.
    pub fn open(&self, bpe: &Bpe, system: &str, document: &[u32]) -> Result<Vec<u32>, Error> {
        let mut ids = Vec::with_capacity(document.len() + FRAME_TOKENS);
        ids.extend(self.beginning);
        let after = self.render(bpe, &mut ids, String::new(), self.format.before_system)?;
        let after = self.render(bpe, &mut ids, after + system, self.format.before_user)?;
        ids.extend(bpe.ids(&after)?);
        ids.extend_from_slice(document);
        Ok(ids)
    }

    /// The rest of the user message with the `instruction`, then the opening of the answer.
    pub fn close(&self, bpe: &Bpe, instruction: &str) -> Result<Vec<u32>, Error> {
        let mut ids = Vec::new();
        let after = self.render(bpe, &mut ids, instruction.to_owned(), self.format.before_answer)?;
        ids.extend(bpe.ids(&after)?);
        ids.extend_from_slice(&self.answer);
        Ok(ids)
    }

    /// Add `text` and what follows it, and return the text after the last control token, which is not added yet.
    fn render(&self, bpe: &Bpe, ids: &mut Vec<u32>, mut text: String, pieces: &[Piece]) -> Result<String, Error> {
        for piece in pieces {
            match piece {
                Piece::Text(more) => text.push_str(more),
                Piece::Control(token) => {
                    ids.extend(bpe.ids(&std::mem::take(&mut text))?);
                    ids.extend(self.controls.iter().find(|(known, _)| known == token).map(|(_, id)| *id));
                }
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tokenizer::tests::small_file;

    fn frame(format: &str, template: &str) -> Result<(Frame, Bpe), LoadError> {
        let bytes = small_file(template);
        let gguf = Gguf::parse("small", &bytes).unwrap();
        let template_sha256 = hex::encode(Sha256::digest("the template"));
        let chat = Chat { format: format.to_owned(), thinking: None, template_sha256 };
        let bpe = Bpe::from_gguf(&gguf).unwrap();
        Ok((Frame::from_gguf(&gguf, Some(&chat), &bpe)?, bpe))
    }

    /// A prompt with its control tokens by name.
    fn prompt(format: &str) -> String {
        let (frame, bpe) = frame(format, "the template").unwrap();
        let document = bpe.ids("The text. <|end|>").unwrap();
        let mut ids = frame.open(&bpe, "Be short.", &document).unwrap();
        ids.extend(frame.close(&bpe, "\n\nSum up.").unwrap());
        let name = |id: u32| {
            let controls = ["<bos>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"];
            let control = controls.into_iter().find(|control| bpe.control(control) == Some(id));
            control.map_or_else(|| bpe.decode(&[id]).unwrap(), |control| format!("[{control}]"))
        };
        ids.into_iter().map(name).collect()
    }

    #[test]
    fn each_format_puts_its_control_tokens_around_texts_that_cannot_write_them() {
        assert_eq!(
            prompt("phi3"),
            "[<bos>][<|system|>]Be short.[<|end|>][<|user|>]The text. <|end|>\n\nSum up.[<|end|>][<|assistant|>]"
        );
    }

    #[test]
    fn a_format_a_template_or_a_token_that_is_not_the_expected_one_is_refused() {
        let refused = |format, template| frame(format, template).err().unwrap().to_string();
        assert!(refused("phi3", "another template").contains("SHA-256"));
        assert!(refused("alpaca", "the template").contains("\"alpaca\""));
        assert!(refused("chatml", "the template").contains("no token <|im_start|>"));
    }
}
