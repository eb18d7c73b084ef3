//! Entries for fuzzing: functions of bytes alone that must neither panic nor take memory out of proportion.

use crate::engine::Shape;
use crate::gguf::Gguf;

/// Read bytes as the GGUF file of a language model, as far as its tensors are views of the file.
pub fn gguf(bytes: &[u8]) {
    if let Ok(gguf) = Gguf::parse("fuzz", bytes) {
        let _ = Shape::from_gguf(&gguf);
    }
}
