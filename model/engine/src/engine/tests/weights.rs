//! Files that a model cannot be made of.

use super::*;

fn refusal(bytes: &[u8]) -> String {
    Transformer::load(&mut Gguf::parse("synthetic", bytes).unwrap()).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn every_kind_of_weights_makes_a_model() {
    for kind in synthetic::Kind::ALL.iter().copied() {
        for shape in [synthetic::Shape::tiny_llama(), synthetic::Shape::tiny_qwen2(), synthetic::Shape::tiny_qwen3()] {
            let shape = synthetic::Shape { mix: synthetic::Mix::All(kind), ..shape };
            assert!(model(&shape).bytes() > 0, "{kind:?}");
        }
    }
}

#[test]
fn a_tensor_that_is_missing_or_not_known_is_named() {
    let bytes = synthetic::gguf(&synthetic::Shape::tiny_llama(), 1);
    let rename = |from: &str, to: &str| {
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut bytes = bytes.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    let renamed = refusal(&rename("blk.1.ffn_up.weight", "blk.1.ffn_xy.weight"));
    assert!(renamed.contains("there is no tensor blk.1.ffn_up.weight"), "{renamed}");
    let scaled = refusal(&rename("llama.rope.dimension_count", "llama.rope.scaling_factors"));
    assert!(scaled.contains("rope.scaling_factors is a feature"), "{scaled}");
    let more = synthetic::gguf(&synthetic::Shape { layers: 3, ..synthetic::Shape::tiny_llama() }, 1);
    let at = more.windows(11).position(|window| window == b"block_count").unwrap() + 11 + 4;
    let mut fewer = more.clone();
    fewer[at..at + 4].copy_from_slice(&2u32.to_le_bytes());
    assert!(refusal(&fewer).contains("blk.2."), "a third layer that nobody reads");
}

#[test]
fn a_weight_that_is_not_finite_is_refused() {
    let shape = synthetic::Shape { mix: synthetic::Mix::All(synthetic::Kind::Q8_0), ..synthetic::Shape::tiny_llama() };
    let mut bytes = synthetic::gguf(&shape, 1);
    let end = bytes.len();
    // The last tensor is the norm of the output, floats.
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(refusal(&bytes).contains("output_norm.weight"));
}
