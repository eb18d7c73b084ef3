//! What in a document supports a written sentence: the nearest source sentences, and the names and numbers that do not
//! occur in it. A hint for a reader, not a proof: a sentence can use only words of the source and still be wrong.
//!
//! A name is found by its capitals or digits, so not in scripts that have no capitals, and in languages that write nouns
//! with capitals every noun counts. A number is found in digits of any script, or spelled in English.

mod decimal;
mod forms;
mod marks;
mod names;
mod numbers;
mod signs;
mod spelled;
mod usage;
mod values;

use crate::embed::{Embedder, Embeddings};
use crate::error::Error;
use crate::extractive::spans;
use crate::segment::Segment;
use crate::summary::{ByteRange, Grounding, Nearest};
use names::Words;
use precis_engine::Control;
use precis_engine::Threads;
use values::Values;

/// Source sentences named for each written sentence.
pub(crate) const NEAREST: usize = 3;
/// Version of the report: changes whenever the same sentence could be reported on differently.
pub(crate) const VERSION: u32 = 4;

/// A document prepared for looking things up in it.
pub(crate) struct Source {
    ranges: Vec<ByteRange>,
    embeddings: Embeddings,
    words: Words,
    values: Values,
}

/// What a document says about one written sentence.
pub(crate) struct Measured {
    /// The report.
    pub(crate) grounding: Grounding,
    /// Nearness to every sentence of the document, in their order.
    pub(crate) cosines: Vec<f32>,
}

impl Measured {
    /// Nearness to the nearest sentence of the document, in thousandths.
    pub(crate) fn support(&self) -> u16 {
        self.grounding.nearest.first().map_or(0, |nearest| nearest.score_permille)
    }

    /// Rows of the nearest sentences, as the document's are numbered.
    pub(crate) fn nearest_rows(&self) -> impl Iterator<Item = usize> {
        let mut rows: Vec<usize> = (0..self.cosines.len()).collect();
        rows.sort_by(|left, right| self.cosines[*right].total_cmp(&self.cosines[*left]).then(left.cmp(right)));
        rows.into_iter().take(NEAREST)
    }

    /// Names and numbers that the document does not have.
    pub(crate) fn unsupported(&self) -> usize {
        self.grounding.unsupported_names.len() + self.grounding.unsupported_numbers.len()
    }
}

impl Source {
    /// Embed the segments of a document and collect its words and numbers. Written sentences are held against those for
    /// which `is_read` holds.
    pub(crate) fn new(
        text: &str,
        (segments, is_read): (&[Segment], &[bool]),
        embedder: &Embedder,
        threads: &Threads,
        control: &Control,
    ) -> Result<Self, Error> {
        let encoded = embedder.tokenizer.encode(text)?;
        let (mut ranges, mut texts) = (Vec::new(), Vec::new());
        for ((segment, span), is_read) in segments.iter().zip(spans(&encoded, segments)).zip(is_read) {
            if *is_read {
                ranges.push(segment.quote);
                texts.push(&encoded.ids[span]);
            }
        }
        let embeddings = embedder.embed(&texts, threads, control, |_| ())?;
        Ok(Self { ranges, embeddings, words: Words::of(text), values: Values::of(text) })
    }

    /// The sentences of the document that written ones are held against.
    pub(crate) fn ranges(&self) -> &[ByteRange] {
        &self.ranges
    }

    /// Count of them.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Nearness of one more text, such as a focus, to every sentence of the document.
    pub(crate) fn cosines(&self, text: &str, embedder: &Embedder, threads: &Threads) -> Result<Vec<f32>, Error> {
        let ids = embedder.tokenizer.encode(text)?.ids;
        let embedded = embedder.embed(&[&ids], threads, &Control::new(), |_| ())?;
        Ok(self.against(embedded.row(0)))
    }

    fn against(&self, vector: &[f32]) -> Vec<f32> {
        (0..self.embeddings.len()).map(|row| self.embeddings.nearness(vector, self.embeddings.row(row))).collect()
    }

    /// Look written sentences up. `is_common` says whether a lowercase word is an ordinary one.
    pub(crate) fn measure(
        &self,
        sentences: &[String],
        embedder: &Embedder,
        threads: &Threads,
        is_common: impl Fn(&str) -> bool,
    ) -> Result<Vec<Measured>, Error> {
        let encoded =
            sentences.iter().map(|text| Ok(embedder.tokenizer.encode(text)?.ids)).collect::<Result<Vec<_>, Error>>()?;
        let texts: Vec<&[u32]> = encoded.iter().map(Vec::as_slice).collect();
        let written = embedder.embed(&texts, threads, &Control::new(), |_| ())?;
        Ok(sentences
            .iter()
            .enumerate()
            .map(|(index, sentence)| {
                let cosines = self.against(written.row(index));
                let grounding = Grounding {
                    nearest: self.nearest(&cosines),
                    unsupported_names: self.words.unsupported(sentence, &is_common),
                    unsupported_numbers: self.values.unsupported(sentence),
                };
                Measured { grounding, cosines }
            })
            .collect())
    }

    fn nearest(&self, cosines: &[f32]) -> Vec<Nearest> {
        let mut all: Vec<Nearest> = self
            .ranges
            .iter()
            .zip(cosines)
            .map(|(source, cosine)| Nearest { source: *source, score_permille: permille(*cosine) })
            .collect();
        all.sort_by_key(|nearest| (std::cmp::Reverse(nearest.score_permille), nearest.source));
        all.truncate(NEAREST);
        all
    }
}

/// A nearness in thousandths; negative counts as unrelated.
fn permille(cosine: f32) -> u16 {
    (cosine.clamp(0.0, 1.0) * 1000.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_whole_thousandths() {
        assert_eq!([permille(-0.5), permille(0.1234), permille(1.0001)], [0, 123, 1000]);
    }
}
