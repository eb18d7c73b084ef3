//! Entries for fuzzing: functions of bytes alone that must neither panic nor take memory out of proportion. In service a
//! model file is parsed only if its digest is the one that its manifest pins; `precis-server model add` parses any file.

use crate::engine::Transformer;
use crate::gguf::Gguf;
use crate::tokenizer::Bpe;

/// Read bytes as the GGUF file of a language model, all the way to packed weights, and its tokenizer.
pub fn gguf(bytes: &[u8]) {
    if let Ok(mut gguf) = Gguf::parse("fuzz", bytes) {
        let _ = Bpe::from_gguf(&gguf);
        let _ = Transformer::load(&mut gguf);
    }
}
