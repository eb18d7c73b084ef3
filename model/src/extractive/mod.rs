//! Extractive summaries: every sentence of the text is embedded, ranked and quoted verbatim, or not at all.

mod rank;
mod select;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::Summarizer;
use crate::control::Control;
use crate::embed::{self, Embedder, Embeddings};
use crate::error::{Error, Reason};
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::options::{Mode, Options};
use crate::pace::Speed;
use crate::segment::{self, Kind, Segment};
use crate::summary::{ByteRange, Sentence, Summary};
use crate::threads::Threads;
use crate::words;
use select::Candidate;

/// Version of the ranking: changes whenever the same text could give another summary.
const VERSION: u32 = 1;
/// What this mode accepts.
const LIMITS: Limits =
    Limits { max_document_tokens: 65_536, max_document_bytes: 512 * 1024, max_sentences: 50, max_output_tokens: 0 };
/// Most rows of the similarity matrix; above it neighbouring sentences are ranked and quoted together.
const MAX_UNITS: usize = 4096;
/// Sentences of a summary if the caller does not say.
const DEFAULT_SENTENCES: u32 = 5;
/// Fewest words of a sentence that stands for itself.
const MIN_WORDS: usize = 5;
/// Longest sentence in words that is quoted if there are others.
const MAX_WORDS: usize = 80;
/// Weight of similarity to the caller's focus against centrality, in 1000.
const FOCUS_PERMILLE: u32 = 600;
/// Extra prior at the very start and the very end of a text, in 1000, and the share of the text over which it fades.
const START_PERMILLE: u32 = 1000;
const END_PERMILLE: u32 = 500;
const FADE_PERMILLE: u32 = 100;

/// The extractive summarizer.
pub(crate) struct Extractive {
    manifest: Manifest,
    embedder: Arc<Embedder>,
    threads: Arc<Threads>,
}

impl Extractive {
    pub(crate) fn new(manifest: Manifest, embedder: Arc<Embedder>, threads: Arc<Threads>) -> Self {
        Self { manifest, embedder, threads }
    }

    /// Embed the units of a text from the one encoding of the whole text, so that every token is read exactly once.
    fn embed(&self, text: &str, units: &[Segment], control: &Control) -> Result<(Embeddings, u32), Error> {
        let encoded = self.embedder.tokenizer.encode(text)?;
        LIMITS.check_tokens(words::saturate(encoded.ids.len()))?;
        let spans = spans(&encoded, units);
        let texts: Vec<&[u32]> = spans.iter().map(|span| &encoded.ids[span.clone()]).collect();
        let total = words::saturate(encoded.ids.len());
        let embeddings =
            self.embedder.embed(&texts, &self.threads, control, |done| control.report(words::saturate(done), total))?;
        Ok((embeddings, words::saturate(texts.iter().map(|ids| ids.len()).sum())))
    }

    /// How much each unit matters, 0 to 1.
    fn scores(
        &self,
        units: &[Segment],
        embeddings: &Embeddings,
        similarities: &[f32],
        options: &Options,
    ) -> Result<Vec<f32>, Error> {
        let priors: Vec<f32> =
            units.iter().enumerate().map(|(index, unit)| prior(unit.kind, index, units.len())).collect();
        let mut scores = rank::centrality(similarities, &priors);
        if let Some(focus) = options.focus() {
            let ids = self.embedder.tokenizer.encode(focus)?.ids;
            let focus = self.embedder.embed(&[&ids], &self.threads, &Control::new(), |_| ())?;
            let weight = FOCUS_PERMILLE as f32 / 1000.0;
            let near: Vec<f32> =
                (0..units.len()).map(|row| Embeddings::cosine(focus.row(0), embeddings.row(row)).max(0.0)).collect();
            // A few words are far from every sentence: only the order counts, on the scale that centrality has.
            let nearest = near.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
            for (score, near) in scores.iter_mut().zip(near) {
                *score = (1.0 - weight) * *score + weight * near / nearest;
            }
        }
        Ok(scores)
    }
}

impl Summarizer for Extractive {
    fn mode(&self) -> Mode {
        Mode::Extractive
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn parameters(&self) -> serde_json::Value {
        json!({
            "algorithm": "textrank-mmr",
            "default_sentences": DEFAULT_SENTENCES,
            "duplicate_permille": select::DUPLICATE_PERMILLE,
            "embedding_window_tokens": embed::WINDOW_TOKENS,
            "end_permille": END_PERMILLE,
            "fade_permille": FADE_PERMILLE,
            "focus_permille": FOCUS_PERMILLE,
            "max_segment_bytes": segment::MAX_SEGMENT_BYTES,
            "max_sentence_words": MAX_WORDS,
            "min_sentence_words": MIN_WORDS,
            "mode": "extractive",
            "relevance_permille": select::RELEVANCE_PERMILLE,
            "start_permille": START_PERMILLE,
            "version": VERSION,
        })
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn count_tokens(&self, text: &str) -> Result<u32, Error> {
        LIMITS.check_bytes(text)?;
        Ok(words::saturate(self.embedder.tokenizer.count(text)?))
    }

    fn predict(&self, tokens: u32) -> Duration {
        self.embedder.predict(tokens.into())
    }

    fn speed(&self) -> Speed {
        Speed { read_per_second: self.embedder.tokens_per_second(), written_per_second: 0.0 }
    }

    fn summarize(&self, text: &str, options: &Options, control: &Control) -> Result<Summary, Error> {
        LIMITS.check_bytes(text)?;
        control.check()?;
        segment::require_sentences(text)?;
        let units = merged(segment::segment(text), MAX_UNITS);
        let (embeddings, tokens_read) = self.embed(text, &units, control)?;
        let similarities = embeddings.similarities(&self.threads)?;
        let scores = self.scores(&units, &embeddings, &similarities, options)?;
        control.check()?;

        let max_sentences = options.max_sentences.unwrap_or(DEFAULT_SENTENCES).clamp(1, LIMITS.max_sentences) as usize;
        let max_words = options.max_words.map_or(usize::MAX, |words| words as usize);
        let similarity = |left: usize, right: usize| similarities[left * units.len() + right];
        let chosen = select::select(&candidates(text, &units, &scores), similarity, max_sentences, max_words);
        let sentences: Vec<Sentence> = chosen
            .iter()
            .filter_map(|row| {
                let source = units[*row].quote;
                source.of(text).map(|quote| Sentence { text: quote.to_owned(), source: Some(source), grounding: None })
            })
            .collect();
        if sentences.is_empty() {
            return Err(Error::NotSummarizable(Reason::NoSentences));
        }
        let summary = sentences.iter().map(|sentence| sentence.text.as_str()).collect::<Vec<_>>().join(" ");
        Ok(Summary {
            input_tokens: self.count_tokens(text)?,
            output_tokens: words::saturate(self.embedder.tokenizer.count(&summary)?),
            text: summary,
            sentences,
            chunks: 1,
            tokens_read,
            verbatim: true,
        })
    }
}

/// Token ranges of consecutive segments. White space between two belongs to the later; together they are all tokens.
pub(crate) fn spans(encoded: &crate::tokenizer::Encoded, units: &[Segment]) -> Vec<std::ops::Range<usize>> {
    let mut start = 0;
    let mut spans = Vec::with_capacity(units.len());
    for (index, unit) in units.iter().enumerate() {
        let end =
            if index + 1 == units.len() { encoded.ids.len() } else { encoded.index_at(unit.range.end).max(start) };
        spans.push(start..end);
        start = end;
    }
    spans
}

/// At most `limit` units: neighbours are joined if there are more.
fn merged(segments: Vec<Segment>, limit: usize) -> Vec<Segment> {
    if segments.len() <= limit {
        return segments;
    }
    let group = segments.len().div_ceil(limit);
    segments
        .chunks(group)
        .filter_map(|group| {
            let (first, last) = (group.first()?, group.last()?);
            let prose = group.iter().any(|segment| matches!(segment.kind, Kind::Prose | Kind::Item));
            Some(Segment {
                range: ByteRange::new(first.range.start, last.range.end),
                quote: ByteRange::new(first.quote.start, last.quote.end.max(first.quote.end)),
                kind: if prose { Kind::Prose } else { first.kind },
            })
        })
        .collect()
}

/// What position and kind say before anything is compared.
fn prior(kind: Kind, index: usize, count: usize) -> f32 {
    let weight = match kind {
        Kind::Prose | Kind::Item => 1.0,
        Kind::Heading => 0.5,
        Kind::Scrap => return 0.0,
    };
    let fade = (count as f32 * FADE_PERMILLE as f32 / 1000.0).max(1.0);
    let start = START_PERMILLE as f32 / 1000.0 * (-(index as f32) / fade).exp();
    let end = END_PERMILLE as f32 / 1000.0 * (-((count - 1 - index) as f32) / fade).exp();
    weight * (1.0 + start + end)
}

/// What may be quoted: sentences and list entries of a sensible length, or else whatever can be read.
fn candidates(text: &str, units: &[Segment], scores: &[f32]) -> Vec<Candidate> {
    let pick = |fits: &dyn Fn(&Segment, usize) -> bool| -> Vec<Candidate> {
        units
            .iter()
            .enumerate()
            .filter_map(|(row, unit)| {
                let words = words::count(unit.quote.of(text)?, usize::MAX);
                fits(unit, words).then(|| Candidate { row, score: scores[row], words })
            })
            .collect()
    };
    let good =
        pick(&|unit, words| matches!(unit.kind, Kind::Prose | Kind::Item) && (MIN_WORDS..=MAX_WORDS).contains(&words));
    if good.is_empty() { pick(&|unit, _| segment::is_readable(text, unit.quote)) } else { good }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tokenizer::Encoded;

    #[test]
    fn too_many_sentences_are_ranked_together_without_loss() {
        let text = "A b. ".repeat(1000);
        let units = merged(segment::segment(&text), 300);
        assert!(units.len() <= 300);
        assert_eq!(units.iter().map(|unit| unit.range.of(&text).unwrap().matches("A b.").count()).sum::<usize>(), 1000);
    }

    #[test]
    fn every_token_belongs_to_exactly_one_unit() {
        let text = "One two.  Three four.\n\nFive.";
        let units = segment::segment(text);
        let encoded = Encoded { ids: (0..8).collect(), starts: vec![0, 3, 7, 8, 10, 15, 21, 23] };
        let spans = spans(&encoded, &units);
        assert_eq!(spans, [0..3, 3..6, 6..8]);
    }

    #[test]
    fn the_start_of_a_text_weighs_more_than_its_middle() {
        assert!(prior(Kind::Prose, 0, 50) > prior(Kind::Prose, 49, 50));
        assert!(prior(Kind::Prose, 49, 50) > prior(Kind::Prose, 25, 50));
        assert_eq!(prior(Kind::Scrap, 0, 50), 0.0);
    }

    #[test]
    fn headings_are_quoted_only_if_there_is_nothing_else() {
        let text = "A Short Title Here\n\nThis is a sentence of some length.";
        let units = segment::segment(text);
        let scores = vec![1.0; units.len()];
        assert_eq!(candidates(text, &units, &scores).len(), 1);
        let only = "A Short Title Here\n\nAnother Title";
        assert_eq!(candidates(only, &segment::segment(only), &scores).len(), 2);
    }
}
