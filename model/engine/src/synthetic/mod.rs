//! Language models of a given shape with random weights, as GGUF files: what speed, memory and determinism are tested
//! with where the real weights are not at hand. They write nonsense at the speed of the real ones.
//!
//! ```
//! use precis_engine::synthetic::{self, Shape};
//! let bytes = synthetic::gguf(&Shape::tiny_llama(), 1);
//! assert_eq!(bytes, synthetic::gguf(&Shape::tiny_llama(), 1));
//! ```
//!
//! Large shapes are written to a file without being held in memory: [`write`]. There is no tokenizer in them, so they
//! serve the engine and not a summarizer, unless its metadata is given: [`gguf_with`].

mod blocks;
mod shape;
mod tensor;

use std::io::{self, Write};

pub use crate::gguf::Kind;
pub use shape::{Mix, Shape};
pub use tensor::Value;

use blocks::Random;
use tensor::Tensor;

/// Bytes that the data of a tensor is aligned to, as GGUF has it where nothing else is said.
const ALIGNMENT: usize = 32;

/// A whole file in memory. The same shape and seed give the same bytes.
pub fn gguf(shape: &Shape, seed: u64) -> Vec<u8> {
    gguf_with(shape, seed, &[])
}

/// The same with more metadata, which replaces what the shape says under the same key.
pub fn gguf_with(shape: &Shape, seed: u64, more: &[(&str, Value)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = write_with(shape, seed, more, &mut bytes);
    bytes
}

/// Write a file, one row at a time.
///
/// # Errors
/// Those of `out`.
pub fn write(shape: &Shape, seed: u64, out: &mut impl Write) -> io::Result<()> {
    write_with(shape, seed, &[], out)
}

fn write_with(shape: &Shape, seed: u64, more: &[(&str, Value)], out: &mut impl Write) -> io::Result<()> {
    let tensors = shape.tensors();
    let mut metadata = shape.metadata();
    metadata.retain(|(key, _)| more.iter().all(|(other, _)| other != key));
    metadata.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let header = header(&metadata, &tensors);
    out.write_all(&header)?;
    out.write_all(&vec![0; header.len().next_multiple_of(ALIGNMENT) - header.len()])?;
    let mut row = Vec::new();
    for (index, tensor) in (0u64..).zip(&tensors) {
        let mut random = Random::new(seed ^ (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for _ in 0..tensor.rows {
            row.clear();
            if tensor.is_norm {
                blocks::norm(&mut random, tensor.cols, &mut row)
            } else {
                blocks::row(tensor.kind, &mut random, tensor.cols, &mut row)
            }
            out.write_all(&row)?;
        }
        let size = tensor.size();
        out.write_all(&vec![0; size.next_multiple_of(ALIGNMENT) - size])?;
    }
    Ok(())
}

fn header(metadata: &[(String, Value)], tensors: &[Tensor]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(b"GGUF");
    out.extend(3u32.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        string(&mut out, key);
        match value {
            Value::Number(number) => {
                out.extend(4u32.to_le_bytes());
                out.extend(number.to_le_bytes());
            }
            Value::Float(float) => {
                out.extend(6u32.to_le_bytes());
                out.extend(float.to_le_bytes());
            }
            Value::Flag(flag) => {
                out.extend(7u32.to_le_bytes());
                out.push(u8::from(*flag));
            }
            Value::Text(text) => {
                out.extend(8u32.to_le_bytes());
                string(&mut out, text);
            }
            Value::Texts(texts) => {
                array(&mut out, 8, texts.len());
                texts.iter().for_each(|text| string(&mut out, text));
            }
            Value::Integers(integers) => {
                array(&mut out, 5, integers.len());
                out.extend(integers.iter().flat_map(|integer| integer.to_le_bytes()));
            }
            Value::Floats(floats) => {
                array(&mut out, 6, floats.len());
                out.extend(floats.iter().flat_map(|float| float.to_le_bytes()));
            }
        }
    }
    let mut offset = 0;
    for tensor in tensors {
        string(&mut out, &tensor.name);
        // The shortest-moving dimension first.
        let dimensions = if tensor.is_norm { vec![tensor.cols] } else { vec![tensor.cols, tensor.rows] };
        out.extend((dimensions.len() as u32).to_le_bytes());
        for length in dimensions {
            out.extend((length as u64).to_le_bytes());
        }
        out.extend(tensor.kind.code().to_le_bytes());
        out.extend((offset as u64).to_le_bytes());
        offset += tensor.size().next_multiple_of(ALIGNMENT);
    }
    out
}

fn array(out: &mut Vec<u8>, kind: u32, length: usize) {
    out.extend(9u32.to_le_bytes());
    out.extend(kind.to_le_bytes());
    out.extend((length as u64).to_le_bytes());
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::gguf::Gguf;

    #[test]
    fn every_kind_of_block_makes_a_file_that_can_be_read() {
        for kind in Kind::ALL.iter().copied() {
            let shape = Shape { mix: Mix::All(kind), ..Shape::tiny_llama() };
            let bytes = gguf(&shape, 7);
            let file = Gguf::parse("synthetic", &bytes).unwrap();
            assert_eq!(file.tensor_names().count(), shape.tensors().len(), "{kind:?}");
        }
    }

    #[test]
    fn another_seed_gives_other_weights_of_the_same_size() {
        let (one, two) = (gguf(&Shape::tiny_qwen3(), 1), gguf(&Shape::tiny_qwen3(), 2));
        assert!(one.len() == two.len() && one != two);
    }

    #[test]
    fn shapes_have_the_size_of_the_models_they_are_named_after() {
        let size = |shape: Shape| shape.tensors().iter().map(Tensor::size).sum::<usize>() / 1_000_000;
        // 98 MB is the real file with its vocabulary.
        assert!((94..98).contains(&size(Shape::smollm2_135m())));
        assert!((380..420).contains(&size(Shape::qwen3_0_6b())));
        assert!((1050..1150).contains(&size(Shape::qwen3_1_7b())));
        assert!((2350..2550).contains(&size(Shape::qwen3_4b())));
    }
}
