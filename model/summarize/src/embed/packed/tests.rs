#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::embed::unigram::Unigram;

/// The sizes that a file must state.
const SIZES: [u32; 7] = [384, 12, 12, 1536, 250_037, 512, 2];
const PIECES: [&str; 8] = ["<s>", "<pad>", "</s>", "<unk>", "\u{2581}", "\u{2581}ab", "a", "b"];

/// A file that can be put together wrongly.
struct File {
    sizes: [u32; 7],
    ends: Vec<u32>,
    pieces: Vec<u8>,
    scores: Vec<f32>,
    special: [u32; 4],
    forms: Vec<u8>,
    form_count: u32,
    tensors: Vec<(&'static str, u8, u64, u64)>,
    data: Vec<u8>,
}

fn form(from: char, to: &str) -> Vec<u8> {
    let word = |c: char| (c as u32).to_le_bytes();
    [&word(from)[..], &[to.chars().count() as u8], &to.chars().flat_map(word).collect::<Vec<_>>()].concat()
}

impl File {
    fn sound() -> Self {
        let mut end = 0;
        let ends = PIECES.iter().map(|piece| {
            end += piece.len() as u32;
            end
        });
        Self {
            sizes: SIZES,
            ends: std::iter::once(0).chain(ends).collect(),
            pieces: PIECES.concat().into_bytes(),
            scores: (0..PIECES.len()).map(|index| -(index as f32)).collect(),
            special: [0, 2, 1, 3],
            forms: [form('\u{1}', ""), form('ﬁ', "fi")].concat(),
            form_count: 2,
            tensors: Vec::new(),
            data: Vec::new(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = b"E5S1\x01\0\0\0".to_vec();
        self.sizes.iter().for_each(|size| out.extend(size.to_le_bytes()));
        out.extend(1e-12f32.to_le_bytes());
        out.extend(32u32.to_le_bytes());
        out.extend((self.scores.len() as u32).to_le_bytes());
        self.special.iter().for_each(|id| out.extend(id.to_le_bytes()));
        out.extend((self.pieces.len() as u64).to_le_bytes());
        self.ends.iter().for_each(|end| out.extend(end.to_le_bytes()));
        self.scores.iter().for_each(|score| out.extend(score.to_le_bytes()));
        out.extend(&self.pieces);
        out.extend(self.form_count.to_le_bytes());
        out.extend((self.forms.len() as u32).to_le_bytes());
        out.extend(&self.forms);
        out.extend((self.tensors.len() as u32).to_le_bytes());
        for (name, kind, start, length) in &self.tensors {
            out.extend((name.len() as u16).to_le_bytes());
            out.extend(name.as_bytes());
            out.push(*kind);
            out.extend(0u32.to_le_bytes());
            out.extend(start.to_le_bytes());
            out.extend(length.to_le_bytes());
        }
        out.extend(&self.data);
        out
    }

    fn refusal(&self) -> String {
        let error = Packed::parse("weights", &self.bytes()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("weights"), "{error}");
        error
    }
}

fn changed(change: impl FnOnce(&mut File)) -> String {
    let mut file = File::sound();
    change(&mut file);
    file.refusal()
}

#[test]
fn a_sound_vocabulary_is_read() {
    let bytes = File::sound().bytes();
    let packed = Packed::parse("weights", &bytes).unwrap();
    assert!(packed.bert().err().unwrap().to_string().contains("emb.pos"));
    let unigram = Unigram::new("weights", packed.vocabulary).unwrap();
    assert_eq!(unigram.encode("ab\u{1} b").ids, [5, 4, 7]);
    assert_eq!(unigram.encode("x").ids, [4, 3]);
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let bytes = File::sound().bytes();
    for end in 0..bytes.len() {
        assert!(Packed::parse("weights", &bytes[..end]).is_err(), "{end}");
    }
}

#[test]
fn sizes_of_another_model_are_refused() {
    for (index, sound) in SIZES.into_iter().enumerate() {
        for size in [0, sound + 1, u32::MAX] {
            assert!(changed(|file| file.sizes[index] = size).contains("other sizes"));
        }
    }
    assert!(Packed::parse("weights", b"GGUF\x01\0\0\0").is_err());
}

#[test]
fn a_vocabulary_that_is_not_sound_is_refused() {
    changed(|file| file.ends[3] = 0);
    changed(|file| file.ends[0] = 1);
    changed(|file| *file.ends.last_mut().unwrap() += 1);
    changed(|file| *file.ends.last_mut().unwrap() -= 1);
    // In the middle of a character.
    changed(|file| file.ends[5] -= 1);
    changed(|file| file.pieces[0] = 0xff);
    changed(|file| file.scores[6] = f32::NAN);
    changed(|file| file.special[2] = 8);
    for count in [250_038, u32::MAX] {
        let mut bytes = File::sound().bytes();
        bytes[44..48].copy_from_slice(&count.to_le_bytes());
        assert!(Packed::parse("weights", &bytes).map(|_| ()).unwrap_err().to_string().contains("pieces"));
    }
    for length in [u64::MAX, 1 << 40] {
        let mut bytes = File::sound().bytes();
        bytes[64..72].copy_from_slice(&length.to_le_bytes());
        assert!(Packed::parse("weights", &bytes).map(|_| ()).unwrap_err().to_string().contains("too long"));
    }
}

#[test]
fn pieces_that_are_empty_or_twice_there_or_no_piece_for_a_space_are_refused() {
    let refused = |change: fn(&mut File)| {
        let mut file = File::sound();
        change(&mut file);
        let bytes = file.bytes();
        let packed = Packed::parse("weights", &bytes).unwrap();
        assert!(Unigram::new("weights", packed.vocabulary).is_err());
    };
    refused(|file| file.ends[7] = file.ends[6]);
    refused(|file| *file.pieces.last_mut().unwrap() = b'a');
    refused(|file| {
        let at = file.ends[4] as usize;
        file.pieces[at..at + 3].copy_from_slice("\u{2582}".as_bytes());
    });
}

#[test]
fn forms_that_are_not_sound_are_refused() {
    changed(|file| file.form_count = 3);
    changed(|file| file.form_count = 1);
    changed(|file| file.form_count = u32::MAX);
    changed(|file| file.forms.truncate(7));
    changed(|file| file.forms = [form('b', ""), form('a', "x")].concat());
    changed(|file| file.forms = [form('a', ""), form('a', "x")].concat());
    changed(|file| file.forms[..4].copy_from_slice(&0xd800u32.to_le_bytes()));
}

#[test]
fn tensors_that_lie_outside_or_have_another_kind_or_length_are_refused_by_name() {
    for (start, length) in [(0, u64::MAX), (u64::MAX, 1), (1 << 40, 4), (0, 1 << 40)] {
        changed(|file| file.tensors.push(("emb.pos", 0, start, length)));
    }
    let refusal = |kind: u8, length: u64, data: &[u8]| {
        let mut file = File::sound();
        file.tensors.push(("emb.pos", kind, 0, length));
        let start = file.bytes().len() as u64;
        file.tensors[0].2 = start;
        file.data = data.to_vec();
        let bytes = file.bytes();
        let error = Packed::parse("weights", &bytes).unwrap().bert().err().unwrap().to_string();
        assert!(error.contains("emb.pos"), "{error}");
        error
    };
    assert!(refusal(1, 4, &[0; 4]).contains("kind"));
    assert!(refusal(0, 4, &[0; 4]).contains("4 bytes"));
    let mut data = vec![0; 512 * 384 * 4];
    data[28..32].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(refusal(0, data.len() as u64, &data).contains("weight 7 is NaN"));
}

proptest! {
    #[test]
    fn a_changed_byte_never_leads_to_a_panic(at in 0usize..400, byte in any::<u8>(), text in ".{0,40}") {
        let mut bytes = File::sound().bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(packed) = Packed::parse("weights", &bytes)
            && let Ok(unigram) = Unigram::new("weights", packed.vocabulary)
        {
            prop_assert!(unigram.encode(&text).starts.is_sorted());
        }
    }
}
