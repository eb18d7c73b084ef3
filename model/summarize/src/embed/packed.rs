//! The file of multilingual-e5-small in 4 bits: a header, the vocabulary with its scores, the forms of characters, a list of
//! tensors, and those. Every length that it states is compared with the bytes that are there before memory is taken for it.

use std::collections::BTreeMap;

use precis_kernels::{Format, Linear};

use super::bert::{Affine, Bert, Layer, Norm, WIDTH};
use crate::error::LoadError;

/// Beginning of the file: its name, version, and the sizes of the model.
const MAGIC: &[u8] = b"E5S1";
const VERSION: u32 = 1;
const LAYERS: usize = 12;
const HEADS: u32 = 12;
const INNER: usize = 1536;
const VOCABULARY: usize = 250_037;
const POSITIONS: usize = 512;
const TOKEN_TYPES: usize = 2;
const EPSILON: f32 = 1e-12;
const BLOCK: u32 = 32;
/// Most bytes of all pieces of the vocabulary together.
const MAX_TEXT: usize = 16 << 20;
/// Most characters that have another form, and most that one becomes.
const MAX_FORMS: usize = 1 << 16;
/// Most tensors.
const MAX_TENSORS: usize = 1024;
/// Marks of the file for numbers of 32 bits, and for blocks of 4 bits as in GGUF.
const FLOATS: u8 = 0;
const BLOCKS: u8 = 1;

/// Pieces of words with their scores, and what characters are replaced by before words are looked up.
pub(super) struct Vocabulary {
    /// All pieces, one behind the other.
    pub(super) text: String,
    /// End of each.
    pub(super) ends: Vec<u32>,
    /// Logarithm of how frequent each is.
    pub(super) scores: Vec<f32>,
    /// Characters that are replaced.
    pub(super) forms: Forms,
    /// Begins every text.
    pub(super) first: u32,
    /// Ends every text.
    pub(super) last: u32,
    /// Fills texts up; never written.
    pub(super) padding: u32,
    /// Stands for what no piece has.
    pub(super) unknown: u32,
}

/// Characters that are replaced before words are looked up.
#[derive(Default)]
pub(super) struct Forms {
    /// The characters, ascending, and the end of what each becomes in `others`.
    characters: Vec<(char, u32)>,
    /// Replacements, one behind the other.
    others: Vec<char>,
}

impl Forms {
    /// Replacement of a character, if there is one.
    pub(super) fn of(&self, c: char) -> Option<&[char]> {
        let index = self.characters.binary_search_by_key(&c, |(from, _)| *from).ok()?;
        let start = if index == 0 { 0 } else { self.characters[index - 1].1 };
        self.others.get(start as usize..self.characters[index].1 as usize)
    }
}

/// A file whose header and lists are read.
pub(super) struct Packed<'a> {
    file: &'a str,
    pub(super) vocabulary: Vocabulary,
    tensors: BTreeMap<&'a [u8], (u8, &'a [u8])>,
}

/// The rest of a file.
struct Rest<'a> {
    file: &'a str,
    bytes: &'a [u8],
}

impl<'a> Rest<'a> {
    fn unusable(&self, reason: &str) -> LoadError {
        LoadError::unusable(self.file, reason)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], LoadError> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(|| self.unusable("it is cut short"))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LoadError> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| self.unusable("it is cut short"))
    }

    fn u32(&mut self) -> Result<u32, LoadError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, LoadError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A count that is at most `most`.
    fn count(&mut self, most: usize, of: &str) -> Result<usize, LoadError> {
        let count = self.u32()? as usize;
        if count > most { Err(self.unusable(&format!("it has {count} {of}"))) } else { Ok(count) }
    }

    fn words<T>(&mut self, count: usize, read: fn([u8; 4]) -> T) -> Result<Vec<T>, LoadError> {
        let bytes = self.take(count * 4)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|word| read(*word)).collect())
    }

    fn character(&mut self) -> Result<char, LoadError> {
        char::from_u32(self.u32()?).ok_or_else(|| self.unusable("it names something that is no character"))
    }

    /// The header: exactly the model that this code computes.
    fn header(&mut self) -> Result<(), LoadError> {
        if self.take(MAGIC.len())? != MAGIC || self.u32()? != VERSION {
            return Err(self.unusable("it is no file of this kind"));
        }
        let sizes = [WIDTH, LAYERS, HEADS as usize, INNER, VOCABULARY, POSITIONS, TOKEN_TYPES];
        for expected in sizes {
            if self.u32()? as usize != expected {
                return Err(self.unusable("it has other sizes"));
            }
        }
        if f32::from_le_bytes(self.array()?) != EPSILON || self.u32()? != BLOCK {
            return Err(self.unusable("it has other sizes"));
        }
        Ok(())
    }

    fn vocabulary(&mut self) -> Result<Vocabulary, LoadError> {
        let pieces = self.count(VOCABULARY, "pieces")?;
        let [first, last, padding, unknown] = [self.u32()?, self.u32()?, self.u32()?, self.u32()?];
        let length = usize::try_from(self.u64()?).ok().filter(|length| *length <= MAX_TEXT);
        let length = length.ok_or_else(|| self.unusable("its pieces are too long"))?;
        let mut ends = self.words(pieces + 1, u32::from_le_bytes)?;
        let scores = self.words(pieces, f32::from_le_bytes)?;
        let text = String::from_utf8(self.take(length)?.to_vec()).map_err(|_| self.unusable("it is not UTF-8"))?;
        let begins = !ends.is_empty() && ends.remove(0) == 0;
        let fits = ends.is_sorted() && ends.iter().all(|end| text.is_char_boundary(*end as usize));
        let is_whole = ends.last().is_some_and(|end| *end as usize == length);
        let is_known = [first, last, padding, unknown].iter().all(|id| (*id as usize) < pieces);
        if !(begins && fits && is_whole && is_known && scores.iter().all(|score| score.is_finite())) {
            return Err(self.unusable("its vocabulary is not sound"));
        }
        let forms = self.forms()?;
        Ok(Vocabulary { text, ends, scores, forms, first, last, padding, unknown })
    }

    fn forms(&mut self) -> Result<Forms, LoadError> {
        let count = self.count(MAX_FORMS, "characters with another form")?;
        let length = self.u32()? as usize;
        let mut list = Rest { file: self.file, bytes: self.take(length)? };
        let mut forms = Forms::default();
        for _ in 0..count {
            let from = list.character()?;
            let [length] = list.array()?;
            for _ in 0..length {
                forms.others.push(list.character()?);
            }
            forms.characters.push((from, u32::try_from(forms.others.len()).unwrap_or(u32::MAX)));
        }
        if !list.bytes.is_empty() || !forms.characters.is_sorted_by(|left, right| left.0 < right.0) {
            return Err(self.unusable("its forms of characters are not sound"));
        }
        Ok(forms)
    }
}

impl<'a> Packed<'a> {
    /// Read everything but the weights.
    pub(super) fn parse(file: &'a str, bytes: &'a [u8]) -> Result<Self, LoadError> {
        let mut rest = Rest { file, bytes };
        rest.header()?;
        let vocabulary = rest.vocabulary()?;
        let mut tensors = BTreeMap::new();
        for _ in 0..rest.count(MAX_TENSORS, "tensors")? {
            let length = u16::from_le_bytes(rest.array()?);
            let name = rest.take(length.into())?;
            let [kind] = rest.array()?;
            rest.u32()?;
            let (start, length) = (usize::try_from(rest.u64()?), usize::try_from(rest.u64()?));
            let place =
                start.ok().zip(length.ok()).and_then(|(start, length)| Some((start, start.checked_add(length)?)));
            let data = place.and_then(|(start, end)| bytes.get(start..end));
            tensors.insert(name, (kind, data.ok_or_else(|| rest.unusable("a tensor is not in it"))?));
        }
        Ok(Self { file, vocabulary, tensors })
    }

    fn unusable(&self, name: &str, reason: impl std::fmt::Display) -> LoadError {
        LoadError::unusable(self.file, format!("{name}: {reason}"))
    }

    fn get(&self, name: &str, kind: u8) -> Result<&'a [u8], LoadError> {
        match self.tensors.get(name.as_bytes()) {
            Some((found, bytes)) if *found == kind => Ok(bytes),
            Some((found, _)) => Err(self.unusable(name, format!("its kind is {found}, not {kind}"))),
            None => Err(self.unusable(name, "there is no such tensor")),
        }
    }

    /// So many numbers, all of them finite.
    fn floats(&self, name: &str, count: usize) -> Result<Vec<f32>, LoadError> {
        let bytes = self.get(name, FLOATS)?;
        if bytes.len() != count * 4 {
            return Err(self.unusable(name, format!("it has {} bytes, not {}", bytes.len(), count * 4)));
        }
        let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(self.unusable(name, format!("weight {index} is {}", values[index]))),
            None => Ok(values),
        }
    }

    fn linear(&self, name: &str, rows: usize, cols: usize) -> Result<Linear, LoadError> {
        let bytes = self.get(name, BLOCKS)?;
        Linear::from_gguf(Format::Q4_0, rows, cols, bytes).map_err(|error| self.unusable(name, error))
    }

    fn affine(&self, prefix: &str, rows: usize, cols: usize) -> Result<Affine, LoadError> {
        let weight = self.linear(&format!("{prefix}.w"), rows, cols)?;
        Ok(Affine { weight, bias: self.floats(&format!("{prefix}.b"), rows)? })
    }

    fn norm(&self, prefix: &str) -> Result<Norm, LoadError> {
        let get = |part: &str| self.floats(&format!("{prefix}.{part}"), WIDTH);
        Ok(Norm { weight: get("w")?, bias: get("b")? })
    }

    fn layer(&self, index: usize) -> Result<Layer, LoadError> {
        let name = |part: &str| format!("l{index}.{part}");
        let mut output = self.affine(&name("ao"), WIDTH, WIDTH)?;
        // As in MiniLM, the bias of the values joins the output's, and that of the keys changes nothing.
        let (values, mut row) = (self.floats(&name("v.b"), WIDTH)?, [0f32; WIDTH]);
        for (index, bias) in output.bias.iter_mut().enumerate() {
            output.weight.row(index, &mut row);
            *bias += row.iter().zip(&values).map(|(weight, value)| weight * value).sum::<f32>();
        }
        Ok(Layer {
            query: self.affine(&name("q"), WIDTH, WIDTH)?,
            key: self.linear(&name("k.w"), WIDTH, WIDTH)?,
            value: self.linear(&name("v.w"), WIDTH, WIDTH)?,
            output,
            attention_norm: self.norm(&name("aln"))?,
            up: self.affine(&name("fi"), INNER, WIDTH)?,
            down: self.affine(&name("fo"), WIDTH, INNER)?,
            norm: self.norm(&name("oln"))?,
        })
    }

    /// The whole model.
    pub(super) fn bert(&self) -> Result<Bert, LoadError> {
        let mut positions = self.floats("emb.pos", POSITIONS * WIDTH)?;
        let types = self.floats("emb.type", TOKEN_TYPES * WIDTH)?;
        // Every token is of the first type.
        for position in positions.chunks_exact_mut(WIDTH) {
            position.iter_mut().zip(&types).for_each(|(value, kind)| *value += kind);
        }
        Ok(Bert {
            words: self.linear("emb.word", VOCABULARY, WIDTH)?,
            positions,
            norm: self.norm("emb.ln")?,
            layers: (0..LAYERS).map(|index| self.layer(index)).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests;
