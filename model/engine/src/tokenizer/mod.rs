//! Tokenizers, each exactly its model's own, with one difference on purpose: a text is only text. What looks like a control
//! token in a document is encoded as the characters it is written with, so a document cannot speak as the system or end
//! the conversation. Control tokens enter a prompt by id alone.

mod bpe;
mod bytelevel;
mod cut;
mod kinds;
mod sentencepiece;

pub use bpe::Bpe;
pub use cut::cut;

/// Tokens of a text and where each begins.
pub struct Encoded {
    /// Token ids.
    pub ids: Vec<u32>,
    /// Byte offset in the text at which each token begins, not decreasing. Parts of one character share its offset.
    pub starts: Vec<usize>,
}

impl Encoded {
    /// Tokens and offsets as the library gives them.
    pub fn from_encoding(encoding: &tokenizers::Encoding) -> Self {
        let mut at = 0;
        let starts = encoding
            .get_offsets()
            .iter()
            .map(|(start, _)| {
                at = at.max(*start);
                at
            })
            .collect();
        Self { ids: encoding.get_ids().to_vec(), starts }
    }

    /// Index of the first token that begins at or after a byte offset.
    pub fn index_at(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start < offset)
    }
}

#[cfg(test)]
pub(crate) mod tests;
