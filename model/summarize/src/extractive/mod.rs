//! Extractive summaries: every sentence of the text is embedded, ranked and quoted verbatim, or not at all.

mod decisions;
mod language;
mod length;
mod lexical;
mod orders;
mod phrases;
mod quote;
mod rank;
mod select;
mod units;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use crate::Summarizer;
use crate::embed::{self, Embedder, Embeddings};
use crate::embedders::Embedders;
use crate::error::{Error, Reason};
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::options::{self, Mode, Options, Style};
use crate::screen::{Screened, Screening};
use crate::segment::{self, Segment};
use crate::summary::Summary;
use crate::words;
pub(crate) use decisions::are_told as decisions_are_told;
use length::Length;
pub(crate) use length::usual;
use lexical::Lexicon;
use precis_engine::Control;
use precis_engine::Speed;
use precis_engine::Threads;
pub(crate) use quote::{joined, quotes};
pub(crate) use rank::Trait;
pub(crate) use units::{Unit, spans};

/// Version of the ranking: changes whenever the same text could give another summary.
const VERSION: u32 = 7;
/// What this mode accepts.
const LIMITS: Limits =
    Limits { max_document_tokens: 65_536, max_document_bytes: 512 * 1024, max_sentences: 50, max_output_tokens: 0 };
/// Most rows of the similarity matrix; above it neighbouring sentences are ranked together.
const MAX_UNITS: usize = 4096;
/// Weight of nearness to the caller's focus against everything else, and of the focus's own words in that, in 1000.
const FOCUS_PERMILLE: u32 = 700;
const FOCUS_WORDS_PERMILLE: u32 = 400;
/// Weight of the heading of a part in how near its sentences are to the focus, in 1000.
const HEADING_PERMILLE: u32 = 800;

/// The extractive summarizer.
pub(crate) struct Extractive {
    manifest: Manifest,
    embedders: Embedders,
    threads: Arc<Threads>,
    /// Held by the one job that has a similarity matrix, which takes up to 64 MiB.
    matrix: Mutex<()>,
}

/// Result of reading a text: the model that read it, a vector for each unit, the tokens that the text has and those that were read, and how
/// much the vectors say of a text in its language, in 1000.
struct Read {
    embedder: Arc<Embedder>,
    embeddings: Embeddings,
    is_multilingual: bool,
    total: u32,
    read: u32,
    share: u32,
}

impl Extractive {
    pub(crate) fn new(manifest: Manifest, embedders: Embedders, threads: Arc<Threads>) -> Self {
        Self { manifest, embedders, threads, matrix: Mutex::default() }
    }

    /// Embed the units of a text from the one encoding of the whole text, so that every token is read exactly once.
    fn embed(&self, text: &str, segments: &[Segment], units: &[Unit], control: &Control) -> Result<Read, Error> {
        let is_multilingual = self.embedders.is_multilingual(text);
        let embedder = Arc::clone(self.embedders.get(is_multilingual));
        let encoded = embedder.tokenizer.encode(text)?;
        LIMITS.check_tokens(words::saturate(encoded.ids.len()))?;
        let spans = spans(&encoded, segments);
        let ids = |unit: &Unit| -> Vec<u32> {
            unit.segments.iter().flat_map(|segment| encoded.ids[spans[*segment].clone()].iter().copied()).collect()
        };
        let texts: Vec<Vec<u32>> = units.iter().map(ids).collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let total = words::saturate(encoded.ids.len());
        let share = language::embedding_permille(text, embedder.tokenizer.census_of(&encoded.ids), is_multilingual);
        let embeddings =
            embedder.embed(&texts, &self.threads, control, |done| control.report(words::saturate(done), total))?;
        let read = words::saturate(texts.iter().map(|ids| ids.len()).sum());
        Ok(Read { embedder, embeddings, is_multilingual, total, read, share })
    }

    /// Units that matter most, in so many thousandths of the usual length of an extract, and whether every token was ranked.
    ///
    /// # Errors
    /// Those of reading the text.
    pub(crate) fn pick(
        &self,
        text: &str,
        (segments, units, traits): (&[Segment], &[Unit], &[Trait]),
        (options, permille): (&Options, usize),
        control: &Control,
    ) -> Result<(Vec<usize>, bool), Error> {
        let quotable = traits.iter().filter(|unit| unit.quotable).map(|unit| unit.size).sum();
        let enough = length::usual(quotable) * permille / 1000;
        let length = Length { sentences: usize::MAX, words: enough + enough / 4, enough };
        // Bounds of the caller are on what is written.
        let free = Options { focus: options.focus.clone(), style: options.style, ..Options::default() };
        let (rows, read) = self.choose(text, segments, (units, traits), (&free, length), control)?;
        Ok((rows, read.read == read.total))
    }

    /// Units that matter most within a length, and what was read for that.
    fn choose(
        &self,
        text: &str,
        segments: &[Segment],
        (units, traits): (&[Unit], &[Trait]),
        (options, length): (&Options, Length),
        control: &Control,
    ) -> Result<(Vec<usize>, Read), Error> {
        let read = self.embed(text, segments, units, control)?;
        let scores = self.scores(text, units, traits, &read, options)?;
        control.check()?;
        let row = |row: usize| read.embeddings.row(row);
        let similarity = |left: usize, right: usize| {
            weight(read.share.min(1) * 1000) * read.embeddings.nearness(row(left), row(right))
        };
        let candidates = units::candidates(units, traits, &scores, options.max_words.is_some());
        let chosen = select::select(&candidates, similarity, length);
        Ok((chosen, read))
    }

    /// How much each unit matters.
    fn scores(
        &self,
        text: &str,
        units: &[Unit],
        traits: &[Trait],
        read: &Read,
        options: &Options,
    ) -> Result<Vec<f32>, Error> {
        let texts: Vec<String> = units.iter().map(|unit| unit.text(text)).collect();
        let lexicon = Lexicon::new(texts.iter().map(String::as_str), read.share == 0 || read.is_multilingual);
        let _one = self.matrix.lock().unwrap_or_else(PoisonError::into_inner);
        let mut similarities = read.embeddings.similarities(&self.threads)?;
        lexicon.mix_into(&mut similarities, read.share);
        let mut scores = rank::scores(&similarities, traits, units::is_scholarly(text));
        drop(similarities);
        if options.style == Style::Decisions {
            decisions::towards(&mut scores, traits);
        }
        if let Some(focus) = options.focus() {
            let ids = read.embedder.tokenizer.encode(focus)?.ids;
            let wanted = read.embedder.embed(&[&ids], &self.threads, &Control::new(), |_| ())?;
            let share = read.share.min(1) as f32;
            let near: Vec<f32> = (0..units.len())
                .map(|row| share * read.embeddings.nearness(wanted.row(0), read.embeddings.row(row)))
                .collect();
            towards(&mut scores, &under_headings(units, near), &under_headings(units, lexicon.named(focus)));
        }
        Ok(scores)
    }
}

/// The units of a text, and what is known of each before a model runs.
pub(crate) fn judged(text: &str, segments: &[Segment]) -> (Vec<Unit>, Vec<Trait>) {
    let units = units::units(text, segments, MAX_UNITS);
    let traits = units::traits(text, &units, segments);
    (units, traits)
}

/// Everything that is done with a text before a model runs.
pub(crate) fn outline(text: &str, segments: &[Segment]) {
    let (units, traits) = judged(text, segments);
    let rows: Vec<usize> = (0..units.len()).filter(|row| traits[*row].quotable).collect();
    let quotes = quote::quotes(text, &units, &traits, &rows, usize::MAX);
    let _ = quote::joined(&quotes);
    let _ = Lexicon::new(units.iter().map(|unit| unit.text(text)).collect::<Vec<_>>().iter().map(String::as_str), true);
}

/// Nearness to a request, where a heading stands for what is under it.
fn under_headings(units: &[Unit], mut near: Vec<f32>) -> Vec<f32> {
    let mut heading = 0.0;
    for (unit, near) in units.iter().zip(&mut near) {
        if unit.kind == segment::Kind::Heading {
            heading = *near;
        } else {
            *near = near.max(weight(HEADING_PERMILLE) * heading);
        }
    }
    near
}

fn weight(permille: u32) -> f32 {
    permille as f32 / 1000.0
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
            "decisions_dated_permille": decisions::DATED_PERMILLE,
            "decisions_told_permille": decisions::TOLD_PERMILLE,
            "default_least_words": length::LEAST_WORDS,
            "default_most_words": length::MOST_WORDS,
            "default_root_permille": length::ROOT_PERMILLE,
            "default_share_permille": length::SHARE_PERMILLE,
            "dense_words": rank::DENSE_WORDS,
            "digits_permille": rank::DIGITS_PERMILLE,
            "duplicate_permille": select::DUPLICATE_PERMILLE,
            "echo_distance_permille": rank::ECHO_DISTANCE_PERMILLE,
            "echo_permille": rank::ECHO_PERMILLE,
            "echo_sentences": rank::ECHO_SENTENCES,
            "embedding_permille": lexical::EMBEDDING_PERMILLE,
            "embedding_window_tokens": embed::WINDOW_TOKENS,
            "end_permille": rank::END_PERMILLE,
            "fade_permille": rank::FADE_PERMILLE,
            "figures_permille": rank::FIGURES_PERMILLE,
            "focus_permille": FOCUS_PERMILLE,
            "focus_words_permille": FOCUS_WORDS_PERMILLE,
            "full_words": rank::FULL_WORDS,
            "heading_permille": HEADING_PERMILLE,
            "lead_permille": rank::LEAD_PERMILLE,
            "lead_sentences": rank::LEAD_SENTENCES,
            "length_permille": rank::LENGTH_PERMILLE,
            "long_sentences": rank::LONG_SENTENCES,
            "max_segment_bytes": segment::MAX_SEGMENT_BYTES,
            "max_sentence_words": units::MAX_WORDS,
            "max_units": MAX_UNITS,
            "min_sentence_words": units::MIN_WORDS,
            "mode": "extractive",
            "multilingual_permille": lexical::MULTILINGUAL_PERMILLE,
            "multilingual_unrelated_permille": embed::UNRELATED_PERMILLE,
            "opening_permille": rank::OPENING_PERMILLE,
            "parts_permille": rank::PARTS_PERMILLE,
            "relevance_permille": select::RELEVANCE_PERMILLE,
            "start_permille": rank::START_PERMILLE,
            "symbols_permille": rank::SYMBOLS_PERMILLE,
            "tldr_sentences": options::TLDR_SENTENCES,
            "tldr_words": options::TLDR_WORDS,
            "version": VERSION,
            "weighty_permille": rank::WEIGHTY_PERMILLE,
        })
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn screen(&self, text: &str, mut screening: Screening) -> Result<Screened, Error> {
        let tokenizer = &screening.reader(text, &self.embedders).tokenizer;
        let pieces = |part: &str| tokenizer.census(part);
        let cut = |text: &str, at| tokenizer.cut(text, at);
        screening.step(text, &LIMITS, (cut, pieces), None::<fn(&str) -> Result<usize, Error>>)
    }

    fn working_bytes(&self) -> usize {
        MAX_UNITS * MAX_UNITS * size_of::<f32>()
    }

    fn count_tokens(&self, text: &str) -> Result<u32, Error> {
        LIMITS.check_bytes(text)?;
        Ok(words::saturate(self.embedders.of(text).tokenizer.count(text)?))
    }

    fn predict(&self, tokens: u32) -> Duration {
        self.embedders.slowest().predict(tokens.into())
    }

    fn speed(&self) -> Speed {
        Speed { read_per_second: self.embedders.english.tokens_per_second(), written_per_second: 0.0 }
    }

    fn summarize(&self, text: &str, options: &Options, control: &Control) -> Result<Summary, Error> {
        LIMITS.check_bytes(text)?;
        control.check()?;
        segment::require_sentences(text)?;
        let segments = segment::segment(text);
        let (units, traits) = judged(text, &segments);
        let quotable = traits.iter().filter(|unit| unit.quotable).map(|unit| unit.size).sum();
        let options = options.bounded();
        let mut length = Length::wanted(&options, quotable, LIMITS.max_sentences);
        if options.style == Style::Decisions && !options.is_bounded() {
            length.enough = decisions::words(&traits).map_or(length.enough, |words| words.min(length.enough));
        }
        let (chosen, read) = self.choose(text, &segments, (&units, &traits), (&options, length), control)?;
        let quotes = quote::quotes(text, &units, &traits, &chosen, length.words);
        if quotes.is_empty() {
            return Err(Error::NotSummarizable(Reason::NoSentences));
        }
        let summary = quote::joined(&quotes);
        Ok(Summary {
            input_tokens: read.total,
            output_tokens: words::saturate(read.embedder.tokenizer.count(&summary)?),
            text: summary,
            sentences: quotes.into_iter().map(quote::Quote::into_sentence).collect(),
            chunks: 1,
            tokens_read: read.read,
            verbatim: true,
        })
    }
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
