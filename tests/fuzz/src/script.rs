//! Edits as bytes: lets a fuzzer spoil what lies under base64, hex, JSON or encryption, where a flipped byte of the whole would only
//! break the outermost layer.

/// One edit of one part.
#[derive(Debug, Clone, Copy)]
pub struct Edit {
    /// Which part; the user takes it modulo what there is.
    pub part: usize,
    operation: u8,
    at: usize,
    value: u8,
}

/// Bytes of one edit in a script.
const EDIT_BYTES: usize = 5;
/// Edits of one script that count.
const MAX_EDITS: usize = 32;

/// The edits that `bytes` describe; a rest that is no edit is left out.
pub fn edits(bytes: &[u8]) -> impl Iterator<Item = Edit> {
    bytes.chunks_exact(EDIT_BYTES).take(MAX_EDITS).map(|edit| Edit {
        part: usize::from(edit[0]),
        operation: edit[1],
        at: usize::from(u16::from_be_bytes([edit[2], edit[3]])),
        value: edit[4],
    })
}

impl Edit {
    /// Applies the edit; positions past the end wrap around.
    pub fn apply(self, bytes: &mut Vec<u8>) {
        let at = self.at.checked_rem(bytes.len()).unwrap_or_default();
        let end = (at + usize::from(self.value)).min(bytes.len());
        match self.operation % 7 {
            0 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= self.value),
            1 => bytes.get_mut(at).into_iter().for_each(|byte| *byte = self.value),
            2 => bytes.insert(at, self.value),
            3 => drop(bytes.drain(at..end)),
            4 => bytes.truncate(at),
            5 => bytes.extend(std::iter::repeat_n(self.value, self.at % 1024)),
            _ => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
        }
    }

    /// Applies the edit to the bytes of a text; what is no UTF-8 afterwards is replaced.
    pub fn apply_to_text(self, text: &mut String) {
        let mut bytes = std::mem::take(text).into_bytes();
        self.apply(&mut bytes);
        *text = String::from_utf8_lossy(&bytes).into_owned();
    }

    /// Applies the edit to bytes whose length stays.
    pub fn apply_in_place(self, bytes: &mut [u8]) {
        if let Some(at) = self.at.checked_rem(bytes.len()) {
            bytes[at] ^= self.value;
        }
    }
}
