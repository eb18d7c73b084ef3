//! Extractive summaries: every sentence of the text is embedded, ranked and quoted verbatim, or not at all.

mod lexical;
mod rank;
mod select;
mod units;

use std::sync::{Arc, Mutex, PoisonError};
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
use crate::screen::{Screened, Screening};
use crate::segment::{self, Segment};
use crate::summary::{ByteRange, Sentence, Summary};
use crate::threads::Threads;
use crate::words;
use lexical::Lexicon;
use rank::Trait;
use select::Candidate;
pub(crate) use units::spans;

/// Version of the ranking: changes whenever the same text could give another summary.
const VERSION: u32 = 3;
/// What this mode accepts.
const LIMITS: Limits =
    Limits { max_document_tokens: 65_536, max_document_bytes: 512 * 1024, max_sentences: 50, max_output_tokens: 0 };
/// Most rows of the similarity matrix; above it neighbouring sentences are ranked together.
const MAX_UNITS: usize = 4096;
/// Sentences of a summary if the caller does not say.
const DEFAULT_SENTENCES: u32 = 5;
/// Weight of nearness to the caller's focus against everything else, and of the focus's own words in that, in 1000.
const FOCUS_PERMILLE: u32 = 700;
const FOCUS_WORDS_PERMILLE: u32 = 400;

/// The extractive summarizer.
pub(crate) struct Extractive {
    manifest: Manifest,
    embedder: Arc<Embedder>,
    threads: Arc<Threads>,
    /// Held by the one job that has a similarity matrix, which takes up to 64 MiB.
    matrix: Mutex<()>,
}

/// What came of reading a text: a vector for each unit, the tokens that the text has and those that were read.
struct Read {
    embeddings: Embeddings,
    total: u32,
    read: u32,
}

impl Extractive {
    pub(crate) fn new(manifest: Manifest, embedder: Arc<Embedder>, threads: Arc<Threads>) -> Self {
        Self { manifest, embedder, threads, matrix: Mutex::default() }
    }

    /// Embed the units of a text from the one encoding of the whole text, so that every token is read exactly once.
    fn embed(&self, text: &str, units: &[Segment], control: &Control) -> Result<Read, Error> {
        let encoded = self.embedder.tokenizer.encode(text)?;
        LIMITS.check_tokens(words::saturate(encoded.ids.len()))?;
        let spans = spans(&encoded, units);
        let texts: Vec<&[u32]> = spans.iter().map(|span| &encoded.ids[span.clone()]).collect();
        let total = words::saturate(encoded.ids.len());
        let embeddings =
            self.embedder.embed(&texts, &self.threads, control, |done| control.report(words::saturate(done), total))?;
        let read = words::saturate(texts.iter().map(|ids| ids.len()).sum());
        Ok(Read { embeddings, total, read })
    }

    /// How much each unit matters.
    fn scores(
        &self,
        text: &str,
        units: &[Segment],
        traits: &[Trait],
        embeddings: &Embeddings,
        options: &Options,
    ) -> Result<Vec<f32>, Error> {
        let lexicon = Lexicon::new(units.iter().map(|unit| unit.quote.of(text).unwrap_or_default()));
        let _one = self.matrix.lock().unwrap_or_else(PoisonError::into_inner);
        let mut similarities = embeddings.similarities(&self.threads)?;
        lexicon.mix_into(&mut similarities);
        let mut scores = rank::scores(&similarities, traits);
        drop(similarities);
        if let Some(focus) = options.focus() {
            let ids = self.embedder.tokenizer.encode(focus)?.ids;
            let wanted = self.embedder.embed(&[&ids], &self.threads, &Control::new(), |_| ())?;
            let near: Vec<f32> =
                (0..units.len()).map(|row| Embeddings::cosine(wanted.row(0), embeddings.row(row))).collect();
            towards(&mut scores, &near, &lexicon.named(focus));
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
            "algorithm": "centrality-echo-mmr",
            "closing_permille": rank::CLOSING_PERMILLE,
            "common_sentences": lexical::COMMON_SENTENCES,
            "connected_permille": rank::CONNECTED_PERMILLE,
            "default_sentences": DEFAULT_SENTENCES,
            "digits_permille": rank::DIGITS_PERMILLE,
            "duplicate_permille": select::DUPLICATE_PERMILLE,
            "echo_distance_permille": rank::ECHO_DISTANCE_PERMILLE,
            "echo_permille": rank::ECHO_PERMILLE,
            "echo_sentences": rank::ECHO_SENTENCES,
            "embedding_permille": lexical::EMBEDDING_PERMILLE,
            "embedding_window_tokens": embed::WINDOW_TOKENS,
            "end_permille": rank::END_PERMILLE,
            "fade_permille": rank::FADE_PERMILLE,
            "focus_permille": FOCUS_PERMILLE,
            "focus_words_permille": FOCUS_WORDS_PERMILLE,
            "full_words": rank::FULL_WORDS,
            "lead_permille": rank::LEAD_PERMILLE,
            "lead_sentences": rank::LEAD_SENTENCES,
            "length_permille": rank::LENGTH_PERMILLE,
            "long_sentences": rank::LONG_SENTENCES,
            "max_segment_bytes": segment::MAX_SEGMENT_BYTES,
            "max_sentence_words": units::MAX_WORDS,
            "max_units": MAX_UNITS,
            "min_sentence_words": units::MIN_WORDS,
            "mode": "extractive",
            "opening_permille": rank::OPENING_PERMILLE,
            "parts_permille": rank::PARTS_PERMILLE,
            "relevance_permille": select::RELEVANCE_PERMILLE,
            "start_permille": rank::START_PERMILLE,
            "symbols_permille": rank::SYMBOLS_PERMILLE,
            "version": VERSION,
        })
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn screen(&self, text: &str, screening: Screening) -> Result<Screened, Error> {
        let pieces = |part: &str| self.embedder.tokenizer.census(part);
        screening.step(text, &LIMITS, pieces, None::<fn(&str) -> Result<usize, Error>>)
    }

    fn working_bytes(&self) -> usize {
        MAX_UNITS * MAX_UNITS * size_of::<f32>()
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
        self.embedder.tokenizer.require_known(text)?;
        let units = units::merged(text, segment::segment(text), MAX_UNITS);
        let traits = units::traits(text, &units);
        let Read { embeddings, total, read } = self.embed(text, &units, control)?;
        let scores = self.scores(text, &units, &traits, &embeddings, options)?;
        control.check()?;

        let max_sentences = options.max_sentences.unwrap_or(DEFAULT_SENTENCES).clamp(1, LIMITS.max_sentences) as usize;
        let max_words = options.max_words.map_or(usize::MAX, |words| words as usize);
        let similarity = |left: usize, right: usize| Embeddings::cosine(embeddings.row(left), embeddings.row(right));
        let chosen = select::select(&candidates(&traits, &scores), similarity, max_sentences, max_words);
        let sentences: Vec<Sentence> = chosen
            .iter()
            .filter_map(|row| {
                // Only what is longer than all that a reader calls a sentence, or than all that was asked for, is cut.
                let longest = if traits[*row].size > units::MAX_WORDS { units::MAX_WORDS } else { usize::MAX };
                let source = beginning(text, units[*row].quote, max_words.min(longest));
                source.of(text).map(|quote| Sentence { text: quote.to_owned(), source: Some(source), grounding: None })
            })
            .collect();
        if sentences.is_empty() {
            return Err(Error::NotSummarizable(Reason::NoSentences));
        }
        let summary = sentences.iter().map(|sentence| sentence.text.as_str()).collect::<Vec<_>>().join(" ");
        Ok(Summary {
            input_tokens: total,
            output_tokens: words::saturate(self.embedder.tokenizer.count(&summary)?),
            text: summary,
            sentences,
            chunks: 1,
            tokens_read: read,
            verbatim: true,
        })
    }
}

/// The start of a quote up to and with so many words; all of it, if it has no more.
fn beginning(text: &str, quote: ByteRange, words: usize) -> ByteRange {
    let all = quote.of(text).unwrap_or_default();
    if words::count(all, words.saturating_add(1)) <= words {
        return quote;
    }
    ByteRange::new(quote.start, quote.start + words::prefix(all, words).len())
}

/// What may be quoted.
fn candidates(traits: &[Trait], scores: &[f32]) -> Vec<Candidate> {
    let quotable = traits.iter().enumerate().filter(|(_, unit)| unit.quotable);
    quotable.map(|(row, unit)| Candidate { row, score: scores[row], words: unit.words }).collect()
}

/// Scores moved towards what is near to a request, both on a scale of 0 to 1. `near` are cosines, `named` shares of words.
fn towards(scores: &mut [f32], near: &[f32], named: &[f32]) {
    let top = |values: &[f32]| values.iter().copied().fold(0.0, f32::max);
    let (nearest, most) = (top(near).max(f32::MIN_POSITIVE), top(named));
    let weight = FOCUS_PERMILLE as f32 / 1000.0;
    // The less of a request's words the text uses, the more it is followed by its meaning alone.
    let by_words = most * FOCUS_WORDS_PERMILLE as f32 / 1000.0;
    for ((score, near), named) in scores.iter_mut().zip(near).zip(named) {
        // A few words are far from every sentence: only the order counts.
        let wanted = (1.0 - by_words) * near.max(0.0) / nearest + by_words * named / most.max(f32::MIN_POSITIVE);
        *score = (1.0 - weight) * *score + weight * wanted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_outweighs_what_the_text_is_about() {
        let mut scores = vec![1.0, 0.2, 0.1];
        towards(&mut scores, &[0.0, 0.1, 0.3], &[0.0, 0.0, 1.0]);
        assert!(scores[2] > scores[0] && scores[2] > scores[1]);
        let mut unnamed = vec![1.0, 0.2, 0.1];
        towards(&mut unnamed, &[0.0, 0.1, 0.3], &[0.0; 3]);
        assert!(unnamed[2] > unnamed[0] && unnamed.iter().all(|score| score.is_finite()));
        let mut far = vec![1.0, 0.2];
        towards(&mut far, &[-0.1, 0.0], &[0.0; 2]);
        assert!(far[0] > far[1]);
    }
}
