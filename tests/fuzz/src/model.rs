//! Documents, which anybody may send, and the files of the models, which an operator may have from anywhere: refused with a reason or read, in memory that follows their size.

use precis_engine::fuzzing as engine;
use precis_summarize::fuzzing;

/// A GGUF file: its header, its tokenizer, and its weights as far as they can be packed.
pub fn gguf(bytes: &[u8]) {
    engine::gguf(bytes);
}

/// A document: its segments, and what of it may be quoted.
pub fn segments(bytes: &[u8]) {
    fuzzing::segments(bytes);
}

/// The file of the multilingual embedding model: its header, its vocabulary, and its weights as far as they are there.
pub fn packed(bytes: &[u8]) {
    fuzzing::packed(bytes);
}

/// The weights of the embedding model.
pub fn safetensors(bytes: &[u8]) {
    fuzzing::safetensors(bytes);
}
