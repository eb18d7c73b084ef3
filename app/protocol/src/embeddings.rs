//! Bodies of `POST /v1/embeddings` (SPEC 5.10), in the shape of the OpenAI API.
//!
//! Texts have no `Debug`: a log line cannot hold them by accident.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::encoding::hex_array;
use crate::limits::MAX_TEXTS;
use crate::task::Tokens;

/// Body of a request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingsRequest {
    /// One text, or several.
    pub input: Texts,
    /// The model wanted, by its name or its digest; the one that there is if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Encoding of the vectors.
    #[serde(default)]
    pub encoding_format: EncodingFormat,
    /// Values of a vector; none but the model's own number is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u32>,
    /// A name of the caller's own for its user. Not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// One text, or several.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
pub enum Texts {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Texts {
    /// The texts.
    #[must_use]
    pub fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

/// Encoding of the vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncodingFormat {
    /// A list of decimal numbers, each the shortest that reads back as the same 32-bit value.
    #[default]
    Float,
    /// Standard base64 of 32-bit little-endian values.
    Base64,
    /// A list of whole numbers: the values in such a scale that the largest magnitude is 127, rounded half away from zero. Divided by
    /// their length they are a unit vector again.
    Int8,
}

/// Refusals of a list of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextsError {
    /// None, or too many.
    #[error("there are {0} texts; send 1 to {MAX_TEXTS}")]
    Count(usize),
    /// One of them has nothing in it.
    #[error("text {0} is empty")]
    Empty(usize),
}

/// Checks the number of texts, and that each has something to read.
///
/// # Errors
/// [`TextsError`].
pub fn check_texts<T: AsRef<str>>(texts: &[T]) -> Result<(), TextsError> {
    if !(1..=MAX_TEXTS).contains(&texts.len()) {
        return Err(TextsError::Count(texts.len()));
    }
    match texts.iter().position(|text| text.as_ref().trim().is_empty()) {
        Some(index) => Err(TextsError::Empty(index)),
        None => Ok(()),
    }
}

/// The digest that stands for several texts: of `lp(text)` of each, in their order (SPEC 7.3).
#[must_use]
pub fn digest_of_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Digest {
    let mut all = Sha256::new();
    for text in texts {
        // No text that fits a request has 4 GiB.
        all.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        all.update(text.as_bytes());
    }
    Digest::from_bytes(all.finalize().into())
}

/// The result (SPEC 5.10).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingsResult {
    /// `list`.
    pub object: ListTag,
    /// The job's id.
    #[serde(with = "hex_array")]
    pub id: [u8; 16],
    /// Digest of the model manifest.
    pub model: Digest,
    /// One vector for each text, in their order.
    pub data: Vec<Embedding>,
    /// Metered tokens.
    pub usage: TokenUsage,
}

/// The word `list`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ListTag {
    /// The word.
    #[default]
    #[serde(rename = "list")]
    List,
}

/// The word `embedding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EmbeddingTag {
    /// The word.
    #[default]
    #[serde(rename = "embedding")]
    Embedding,
}

/// The vector of one text.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// `embedding`.
    pub object: EmbeddingTag,
    /// Position of the text in the request.
    pub index: u32,
    /// The vector.
    pub embedding: Vector,
}

/// A vector as it is written.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Vector {
    /// [`EncodingFormat::Base64`].
    Base64(String),
    /// [`EncodingFormat::Int8`].
    Int8(Vec<i8>),
    /// [`EncodingFormat::Float`].
    Float(Vec<f32>),
}

impl Vector {
    /// Writes a vector.
    #[must_use]
    pub fn encode(values: &[f32], format: EncodingFormat) -> Self {
        match format {
            EncodingFormat::Float => Self::Float(values.to_vec()),
            EncodingFormat::Base64 => {
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                Self::Base64(crate::encoding::base64_encode(&bytes))
            }
            EncodingFormat::Int8 => {
                let largest = values.iter().fold(0f32, |largest, value| largest.max(value.abs()));
                let scale = if largest > 0.0 { 127.0 / largest } else { 0.0 };
                // Within -127..=127 by the scale; the cast saturates all the same.
                Self::Int8(values.iter().map(|value| (value * scale).round() as i8).collect())
            }
        }
    }

    /// Reads a unit vector back; none if base64 is not of whole values.
    #[must_use]
    pub fn decode(&self) -> Option<Vec<f32>> {
        match self {
            Self::Float(values) => Some(values.clone()),
            Self::Int8(values) => {
                let length = values.iter().map(|value| f32::from(*value).powi(2)).sum::<f32>().sqrt();
                Some(values.iter().map(|value| f32::from(*value) / length.max(1.0)).collect())
            }
            Self::Base64(text) => {
                let bytes = crate::encoding::base64_decode(text).ok()?;
                let (values, rest) = bytes.as_chunks::<4>();
                rest.is_empty().then(|| values.iter().map(|value| f32::from_le_bytes(*value)).collect())
            }
        }
    }
}

/// Metered tokens, in the words of the OpenAI API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenUsage {
    /// Tokens of the texts; what the price is computed from.
    pub prompt_tokens: u32,
    /// The same: nothing is written.
    pub total_tokens: u32,
}

impl TokenUsage {
    /// Of a request whose texts have so many tokens.
    #[must_use]
    pub const fn of(tokens: u32) -> Self {
        Self { prompt_tokens: tokens, total_tokens: tokens }
    }

    /// The counts of a receipt; none if they contradict each other.
    pub(crate) fn tokens(self) -> Option<Tokens> {
        let Self { prompt_tokens, total_tokens } = self;
        (prompt_tokens == total_tokens).then_some(Tokens { input: prompt_tokens, read: total_tokens, output: 0 })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn requests_of_the_openai_clients_are_read_and_lists_of_tokens_are_not() {
        let read = |text: &str| serde_json::from_str::<EmbeddingsRequest>(text);
        let one = read(r#"{"input":"a","model":"m","encoding_format":"base64"}"#).ok().unwrap();
        assert_eq!(one.encoding_format, EncodingFormat::Base64);
        assert_eq!(one.input.into_vec(), ["a"]);
        assert_eq!(read(r#"{"input":["a","b"]}"#).ok().unwrap().input.into_vec(), ["a", "b"]);
        for refused in [r#"{"input":[1,2]}"#, r#"{"input":[[1]]}"#, r#"{"input":"a","surprise":1}"#, r#"{"model":"m"}"#]
        {
            assert!(read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn texts_are_counted_and_none_is_empty() {
        assert_eq!(check_texts::<&str>(&[]), Err(TextsError::Count(0)));
        assert_eq!(check_texts(&vec!["a"; MAX_TEXTS + 1]), Err(TextsError::Count(MAX_TEXTS + 1)));
        assert_eq!(check_texts(&["a", " \n"]), Err(TextsError::Empty(1)));
        assert_eq!(check_texts(&vec!["a"; MAX_TEXTS]), Ok(()));
    }

    #[test]
    fn the_digest_of_texts_tells_where_one_ends() {
        assert_ne!(digest_of_texts(["ab", "c"]), digest_of_texts(["a", "bc"]));
        assert_ne!(digest_of_texts(["ab"]), digest_of_texts(["ab", ""]));
    }

    proptest! {
        #[test]
        fn a_vector_reads_back(values in prop::collection::vec(-1f32..=1.0, 0..64)) {
            for format in [EncodingFormat::Float, EncodingFormat::Base64] {
                let written = serde_json::to_string(&Vector::encode(&values, format)).unwrap();
                let read: Vector = serde_json::from_str(&written).unwrap();
                prop_assert_eq!(read.decode().unwrap(), values.clone());
            }
            let cosine = |left: &[f32], right: &[f32]| left.iter().zip(right).map(|(l, r)| l * r).sum::<f32>();
            let length = cosine(&values, &values).sqrt();
            let rounded = Vector::encode(&values, EncodingFormat::Int8).decode().unwrap();
            prop_assert!(length < 1e-3 || cosine(&values, &rounded) / length > 0.999);
        }
    }
}
