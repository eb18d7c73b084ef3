#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::synthetic::{self, Shape};

fn refusal(bytes: &[u8]) -> String {
    Gguf::parse("model.gguf", bytes).map(|_| ()).unwrap_err().to_string()
}

/// A header with one key of the given type and value bytes, and the given counts.
fn header(tensors: u64, keys: u64, rest: &[u8]) -> Vec<u8> {
    [b"GGUF", &3u32.to_le_bytes()[..], &tensors.to_le_bytes(), &keys.to_le_bytes(), rest].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

#[test]
fn bytes_that_are_no_gguf_are_refused_by_name() {
    for bytes in [&b""[..], b"GGUF", b"GGUF\x01\0\0\0", &[0; 64]] {
        assert!(refusal(bytes).contains("model.gguf"));
    }
}

#[test]
fn counts_that_no_model_has_are_refused_before_anything_is_allocated() {
    assert!(refusal(&header(u64::MAX, 0, &[])).contains("more tensors"));
    assert!(refusal(&header(0, u64::MAX, &[])).contains("more tensors"));
    let array = |kind: u32, count: u64| {
        [text("a"), 9u32.to_le_bytes().to_vec(), kind.to_le_bytes().to_vec(), count.to_le_bytes().to_vec()].concat()
    };
    assert!(refusal(&header(0, 1, &array(0, 1 << 40))).contains("too many elements"));
    assert!(refusal(&header(0, 1, &array(4, 1000))).contains("ends early"));
    assert!(refusal(&header(0, 1, &array(9, 1))).contains("nested"));
}

#[test]
fn a_string_longer_than_the_file_is_refused() {
    let key = [&u64::MAX.to_le_bytes()[..], b"key"].concat();
    assert!(refusal(&header(0, 1, &key)).contains("ends early"));
}

#[test]
fn a_name_that_occurs_twice_is_refused() {
    let entry = [text("a"), 0u32.to_le_bytes().to_vec(), vec![1]].concat();
    assert!(refusal(&header(0, 2, &[entry.clone(), entry].concat())).contains("twice"));
}

#[test]
fn an_alignment_that_cannot_be_is_refused() {
    for alignment in [0u32, 3, u32::MAX] {
        let entry = [text("general.alignment"), 4u32.to_le_bytes().to_vec(), alignment.to_le_bytes().to_vec()].concat();
        assert!(refusal(&header(0, 1, &entry)).contains("alignment"));
    }
}

#[test]
fn a_tensor_outside_the_file_is_refused() {
    let tensor = |length: u64, offset: u64| {
        let kind = 0u32.to_le_bytes();
        let dimensions = [&1u32.to_le_bytes()[..], &length.to_le_bytes()].concat();
        header(1, 0, &[text("t"), dimensions, kind.to_vec(), offset.to_le_bytes().to_vec(), vec![0; 256]].concat())
    };
    assert!(Gguf::parse("x", tensor(8, 0)).is_ok());
    for (length, offset) in [(8, u64::MAX), (8, u64::MAX - 100), (u64::MAX, 0), (1 << 62, 0), (1000, 0), (0, 0)] {
        assert!(refusal(&tensor(length, offset)).contains("outside"), "{length} at {offset}");
    }
}

#[test]
fn tensors_that_lie_over_each_other_are_refused() {
    let tensor = |name: &str| {
        let kind = 0u32.to_le_bytes();
        let dimensions = [&1u32.to_le_bytes()[..], &64u64.to_le_bytes()].concat();
        [text(name), dimensions, kind.to_vec(), 0u64.to_le_bytes().to_vec()].concat()
    };
    let names: Vec<String> = (0..20).map(|number| format!("t{number}")).collect();
    let file = |count: usize| {
        let tensors: Vec<u8> = names[..count].iter().flat_map(|name| tensor(name)).collect();
        header(count as u64, 0, &[tensors, vec![0; 320]].concat())
    };
    assert!(Gguf::parse("x", file(1)).is_ok());
    assert!(refusal(&file(20)).contains("overlap"));
}

#[test]
fn what_is_behind_the_tensors_still_wanted_is_given_back_and_they_stay() {
    let whole = synthetic::gguf(&Shape::tiny_llama(), 1);
    let mut gguf = Gguf::parse("x", whole.clone()).unwrap();
    let mut names: Vec<String> = gguf.tensor_names().map(str::to_owned).collect();
    names.sort_by_key(|name| gguf.offset(name));
    let before = gguf.raw(&names[0]).unwrap().bytes.to_vec();
    gguf.release(|name| name == names[0]);
    assert!(gguf.bytes.len() < whole.len() / 2);
    assert_eq!(gguf.raw(&names[0]).unwrap().bytes, before);
    assert!(gguf.raw(&names[names.len() - 1]).is_err(), "read after it was given back");
    let mut borrowed = Gguf::parse("x", &whole).unwrap();
    borrowed.release(|_| false);
    assert!(borrowed.raw(&names[0]).is_ok());
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let whole = synthetic::gguf(&Shape::tiny_llama(), 1);
    assert!(Gguf::parse("x", &whole).is_ok());
    for length in (0..whole.len()).step_by(97) {
        assert!(Gguf::parse("x", &whole[..length]).is_err());
    }
}

proptest! {
    #[test]
    fn a_file_with_changed_bytes_is_read_or_refused_without_a_crash(
        changes in proptest::collection::vec((0usize..4000, any::<u8>()), 1..8)
    ) {
        let mut bytes = synthetic::gguf(&Shape::tiny_llama(), 1);
        for (at, value) in changes {
            bytes[at] = value;
        }
        crate::fuzzing::gguf(&bytes);
    }
}
