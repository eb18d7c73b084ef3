//! Fills in a manifest from a file that no package carries: what it is, which manifest it fits, its size and digests.

use std::io::{self, Write as _};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::LoadError;
use crate::manifest::{self, Chat, Manifest, Role, Sizes, Thinking};
use precis_engine::Gguf;
use precis_engine::tokenizer::Bpe;

/// What a manifest begins with until it is filled in.
const UNFILLED: &str = "# Not deployable";
/// Why a file is not added.
const PINNED: &str = "its weights are pinned already; scripts/fetch-model brings them";
/// What stands in the template of a model whose thinking is switched off by an empty thought.
const EMPTY_BLOCK: [&str; 3] = ["enable_thinking", "<think>", "</think>"];

/// A manifest with everything known about the file it was filled in from.
pub struct Filled {
    /// The manifest.
    pub manifest: Manifest,
    /// Its exact text, whose SHA-256 is the model digest.
    pub text: String,
}

/// Fill in the manifest of the model whose weights `bytes` are: the one called `name`, or the one whose sizes they have.
///
/// # Errors
/// [`LoadError`] if the bytes are no GGUF file with tokenizer and chat template, or no manifest has their sizes, or the one
/// of that name has others.
pub fn fill(bytes: &[u8], name: Option<&str>) -> Result<Filled, LoadError> {
    fill_one_of(&manifest::ALL, bytes, name)
}

fn fill_one_of(known: &[(&str, &str)], bytes: &[u8], name: Option<&str>) -> Result<Filled, LoadError> {
    let gguf = Gguf::parse("the file", bytes)?;
    let sizes = sizes(&gguf)?;
    let mut fitting = None;
    for source in known {
        let manifest = Manifest::parse(*source)?;
        let Some(expected) = manifest.shape.clone() else { continue };
        let is_asked_for = name.map_or(expected == sizes, |name| name == source.0);
        if is_asked_for && expected != sizes {
            return Err(gguf.unusable(format_args!("it has {sizes:?}, and {} has {expected:?}", source.0)).into());
        }
        if is_asked_for {
            fitting = Some((*source, manifest));
            break;
        }
    }
    let Some((source, manifest)) = fitting else {
        let digest = hex::encode(Sha256::digest(bytes));
        if known.iter().any(|(_, text)| text.contains(&digest)) {
            return Err(gguf.unusable(PINNED).into());
        }
        return Err(match name {
            Some(name) if known.iter().any(|(known, _)| *known == name) => LoadError::unusable(name, PINNED),
            Some(name) => manifest::unknown(name),
            None => gguf.unusable(format_args!("no manifest has its sizes: {sizes:?}")).into(),
        });
    };
    let template = gguf.string("tokenizer.chat_template")?;
    check_chat(&gguf, manifest.chat.as_ref(), template)?;
    fill_in(source, bytes, template)
}

/// Put size and digests where the text has room for them.
fn fill_in(source: (&str, &str), bytes: &[u8], template: &str) -> Result<Filled, LoadError> {
    let digest = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let mut text: String =
        source.1.lines().filter(|line| !line.starts_with(UNFILLED)).map(|line| format!("{line}\n")).collect();
    for (room, filling) in [
        ("\ntemplate_sha256 = \"\"\n", format!("\ntemplate_sha256 = \"{}\"\n", digest(template.as_bytes()))),
        ("\nbytes = 0\n", format!("\nbytes = {}\n", bytes.len())),
        ("\nsha256 = \"\"\n", format!("\nsha256 = \"{}\"\n", digest(bytes))),
    ] {
        text = text.replacen(room, &filling, 1);
    }
    Ok(Filled { manifest: Manifest::parse((source.0, &text))?.filled()?, text })
}

/// Sizes as the file has them.
fn sizes(gguf: &Gguf<'_>) -> Result<Sizes, LoadError> {
    let architecture = gguf.string("general.architecture")?.to_owned();
    let number = |key: &str| gguf.number(&format!("{architecture}.{key}"));
    let (hidden, heads) = (number("embedding_length")?, number("attention.head_count")?);
    let head_width = number("attention.key_length").or_else(|_| number("rope.dimension_count"))?;
    Ok(Sizes {
        layers: number("block_count")?,
        hidden,
        feed_forward: number("feed_forward_length")?,
        heads,
        kv_heads: number("attention.head_count_kv")?,
        head_width,
        vocabulary: gguf.strings("tokenizer.ggml.tokens")?.len(),
        file_type: gguf.number("general.file_type")?,
        architecture,
    })
}

/// Whether the file can be spoken to as the manifest says. The template itself is not run: its digest pins it.
fn check_chat(gguf: &Gguf<'_>, chat: Option<&Chat>, template: &str) -> Result<(), LoadError> {
    let chat = chat.ok_or_else(|| gguf.unusable("the manifest names no chat format"))?;
    let bpe = Bpe::from_gguf(gguf)?;
    let controls = chat
        .controls()
        .ok_or_else(|| gguf.unusable(format_args!("chat format {:?} is not known to this build", chat.format)))?;
    let mut expected = controls.clone();
    if chat.thinking == Some(Thinking::EmptyBlock) {
        expected.extend(EMPTY_BLOCK);
    }
    if let Some(missing) = expected.iter().find(|word| !template.contains(**word)) {
        let reason = format_args!("its chat template is not the expected one: it has no {missing}");
        return Err(gguf.unusable(reason).into());
    }
    match controls.iter().find(|token| bpe.control(token).is_none()) {
        Some(missing) => Err(gguf.unusable(format_args!("it has no control token {missing}")).into()),
        None => Ok(()),
    }
}

impl Filled {
    /// Write weights and manifest into a model directory, each whole or not at all, the manifest last. `bytes` are those that
    /// were looked at, so that a file changed meanwhile changes nothing.
    ///
    /// # Errors
    /// Those of writing.
    pub fn install(&self, directory: &Path, bytes: &[u8]) -> io::Result<()> {
        std::fs::create_dir_all(directory)?;
        let language = self.manifest.files.iter().find(|file| file.role == Role::LanguageModel);
        if let Some(file) = language {
            place(&directory.join(&file.name), bytes)?;
        }
        place(&directory.join(format!("{}.toml", self.manifest.name)), self.text.as_bytes())
    }
}

fn place(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let written = std::fs::File::create(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    });
    if written.is_err() {
        // What is left is of no use; the error says why.
        _ = std::fs::remove_file(&part);
    }
    written
}

#[cfg(test)]
mod tests;
