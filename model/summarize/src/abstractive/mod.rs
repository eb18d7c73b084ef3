//! Abstractive summaries: an instruct model reads the text and writes.
//!
//! A text that fits one pass is read once and summarized by two instructions; a longer one is cut into parts at sentence
//! boundaries, and each part is summarized in a few sentences. The summary is made of those of all these sentences that
//! cover the document best and are supported by it ([`choose`]): nothing is written about what was written, so a small
//! model's mistakes are not compounded. Every token of the text is read in exactly one part. Decoding is greedy, so the
//! same text gives the same summary.

mod choose;
mod prompt;
mod task;
mod writing;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::Summarizer;
use crate::chunk;
use crate::decode::{self, Bounds};
use crate::embed::Embedder;
use crate::error::{Error, LoadError, Reason};
use crate::grounding::{self, Source};
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::options::{Mode, Options};
use crate::screen::{Screened, Screening};
use crate::segment;
use crate::summary::{Sentence, Summary};
use crate::words;
use choose::Candidate;
use precis_engine::ChatMl;
use precis_engine::Control;
use precis_engine::Gguf;
use precis_engine::Speed;
use precis_engine::Threads;
use precis_engine::tokenizer::ByteLevelBpe;
use precis_engine::{Engine, Settings, Transformer};
use task::{NO_REPEAT_TOKENS, Progress, Task};

/// Version of everything below: changes whenever the same text could give another summary.
const VERSION: u32 = 3;
/// Most tokens of text in one pass: what this size of model still reads well, and less than its context.
const PASS_TOKENS: usize = 2048;
/// Most tokens written about the whole.
const SUMMARY_TOKENS: usize = 224;
/// Most tokens written about one part.
const PART_TOKENS: usize = 112;
/// Sentences and words written about one part.
const PART: Bounds = Bounds { sentences: 3, words: 80 };
/// Sentences of a summary if the caller does not say.
const DEFAULT_SENTENCES: u32 = 5;
/// Words of a summary if the caller does not say.
const DEFAULT_WORDS: u32 = 150;
/// Words that a sentence is reckoned with where the caller bounds the words but not the sentences.
const SENTENCE_WORDS: u32 = 20;
/// Fewest words with letters in a document: fewer are a question or an order, not something to summarize.
const MIN_WORDS: usize = 8;
/// What this mode accepts.
const LIMITS: Limits = Limits {
    max_document_tokens: 32_768,
    max_document_bytes: 256 * 1024,
    max_sentences: 12,
    max_output_tokens: SUMMARY_TOKENS as u32,
};

/// The abstractive summarizer.
pub(crate) struct Abstractive {
    manifest: Manifest,
    engine: Engine,
    bpe: Arc<ByteLevelBpe>,
    chat: ChatMl,
    /// Tokens that end what is written.
    ends: Vec<u32>,
    /// Tokens of a digit each.
    digits: Vec<u32>,
    embedder: Arc<Embedder>,
    threads: Arc<Threads>,
}

impl Abstractive {
    /// Build from the hashed bytes of the language model.
    pub(crate) fn load(
        manifest: Manifest,
        (name, bytes): (&str, Vec<u8>),
        embedder: Arc<Embedder>,
        threads: Arc<Threads>,
        settings: &Settings,
    ) -> Result<Self, LoadError> {
        let mut gguf = Gguf::parse(name, bytes)?;
        let bpe = Arc::new(ByteLevelBpe::from_gguf(&gguf)?);
        let chat = ChatMl::from_gguf(&gguf, manifest.chat.as_ref(), &bpe)?;
        let model = Transformer::load(&mut gguf)?;
        drop(gguf);
        let mut ends = vec![chat.end(), bpe.end_of_text()];
        ends.extend(bpe.controls());
        let single = |digit: char| bpe.ids(&digit.to_string()).ok().filter(|ids| ids.len() == 1);
        let digits = ('0'..='9').filter_map(single).flatten().collect();
        let engine = Engine::new(model, Threads::clone(&threads), settings)?;
        Ok(Self { manifest, engine, bpe, chat, ends, digits, embedder, threads })
    }

    /// The sentences of several summaries of a text that fits one pass, from one reading of it.
    fn drafts(
        &self,
        document: &[u32],
        focus: Option<&str>,
        bounds: Bounds,
        control: &Control,
    ) -> Result<Vec<String>, Error> {
        let prefix = self.engine.prefix(self.opening(document)?, control.payer(), control.clone())?;
        let read = words::saturate(document.len());
        control.report(read, read);
        let instructions = prompt::whole(bounds.sentences, focus);
        let cap = SUMMARY_TOKENS.min(2 * bounds.words + 32);
        let tasks: Vec<Task<'_>> =
            instructions.iter().map(|instruction| Task { document, instruction, cap, bounds }).collect();
        let requests =
            tasks.iter().map(|task| self.request(task, Some(&prefix), None, control)).collect::<Result<_, _>>()?;
        self.sentences(requests, &tasks)
    }

    /// Sentences about each part of a text, side by side in the engine's batch.
    fn notes(
        &self,
        ids: &[u32],
        parts: &[Range<usize>],
        focus: Option<&str>,
        control: &Control,
    ) -> Result<Vec<String>, Error> {
        let instruction = prompt::part(PART.sentences, focus);
        let progress = Progress::new(control, ids.len());
        let tasks: Vec<Task<'_>> = parts
            .iter()
            .map(|part| Task {
                document: &ids[part.clone()],
                instruction: &instruction,
                cap: PART_TOKENS,
                bounds: PART,
            })
            .collect();
        let requests =
            tasks.iter().map(|task| self.request(task, None, Some(&progress), control)).collect::<Result<_, _>>()?;
        self.sentences(requests, &tasks)
    }

    /// Written sentences with what the document says about each.
    fn measure(&self, sentences: Vec<String>, source: &Source) -> Result<Vec<Candidate>, Error> {
        let is_common = |word: &str| self.is_common(word);
        let measured = source.measure(&sentences, &self.embedder, &self.threads, is_common)?;
        Ok(sentences
            .into_iter()
            .zip(measured)
            .map(|(text, measured)| Candidate { leans: choose::leans(&text), text, measured })
            .collect())
    }

    /// Whether a lowercase word is an ordinary one: one token, learnt earlier, and so seen more often, than the same word
    /// with a capital.
    fn is_common(&self, word: &str) -> bool {
        let single = |text: String| match self.bpe.ids(&text).as_deref() {
            Ok([id]) => Some(*id),
            _ => None,
        };
        let mut letters = word.chars();
        let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        single(format!(" {word}")).is_some_and(|lower| single(format!(" {capital}")).is_none_or(|upper| lower < upper))
    }

    fn bounds(options: &Options) -> Bounds {
        let words = options.max_words.unwrap_or(DEFAULT_WORDS).max(1);
        let usual = DEFAULT_SENTENCES.min(words.div_ceil(SENTENCE_WORDS)).max(1);
        let sentences = options.max_sentences.unwrap_or(usual).clamp(1, LIMITS.max_sentences);
        Bounds { sentences: sentences as usize, words: words as usize }
    }
}

impl Summarizer for Abstractive {
    fn mode(&self) -> Mode {
        Mode::Abstractive
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn parameters(&self) -> serde_json::Value {
        json!({
            "chat_format": "chatml",
            "choice_end_permille": choose::END_PERMILLE,
            "choice_fade_permille": choose::FADE_PERMILLE,
            "choice_invention_permille": choose::INVENTION_PERMILLE,
            "choice_min_support_permille": choose::MIN_SUPPORT_PERMILLE,
            "choice_start_permille": choose::START_PERMILLE,
            "choice_support_permille": choose::SUPPORT_PERMILLE,
            "decoding": "greedy",
            "default_sentences": DEFAULT_SENTENCES,
            "default_words": DEFAULT_WORDS,
            "grounding_sentences": grounding::NEAREST,
            "grounding_version": grounding::VERSION,
            "min_words": MIN_WORDS,
            "mode": "abstractive",
            "no_repeat_tokens": NO_REPEAT_TOKENS,
            "part_sentences": PART.sentences,
            "part_tokens": PART_TOKENS,
            "part_words": PART.words,
            "pass_tokens": PASS_TOKENS,
            "prompt_sha256": prompt::digest(),
            "prompt_version": prompt::VERSION,
            "same_permille": decode::SAME_PERMILLE,
            "sentence_words": SENTENCE_WORDS,
            "summary_tokens": SUMMARY_TOKENS,
            "version": VERSION,
        })
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn count_tokens(&self, text: &str) -> Result<u32, Error> {
        LIMITS.check_bytes(text)?;
        Ok(words::saturate(self.bpe.count(text)?))
    }

    fn predict(&self, tokens: u32) -> Duration {
        /// Tokens of the frame around a text.
        const FRAME_TOKENS: u64 = 96;
        /// Parts that are written about in the time of one, at least.
        const SIDE_BY_SIDE: u64 = 3;
        let tokens = u64::from(tokens);
        let parts = tokens.div_ceil(PASS_TOKENS as u64).max(1);
        let written = if parts > 1 {
            (parts * PART_TOKENS as u64).div_ceil(SIDE_BY_SIDE).max(PART_TOKENS as u64)
        } else {
            SUMMARY_TOKENS as u64 * 5 / 4
        };
        self.engine.speeds().time(tokens + (parts + 1) * FRAME_TOKENS, written) + self.embedder.predict(tokens)
    }

    fn speed(&self) -> Speed {
        self.engine.speeds().seen()
    }

    fn screen(&self, text: &str, screening: Screening) -> Result<Screened, Error> {
        if screening == Screening::default() {
            LIMITS.check_bytes(text)?;
            segment::require_sentences(text)?;
            Self::require_words(text)?;
        }
        let pieces = |part: &str| self.embedder.tokenizer.census(part);
        screening.step(text, &LIMITS, pieces, Some(|part: &str| Ok(self.bpe.count(part)?)))
    }

    fn working_bytes(&self) -> usize {
        self.engine.cache_bytes()
    }

    fn summarize(&self, text: &str, options: &Options, control: &Control) -> Result<Summary, Error> {
        LIMITS.check_bytes(text)?;
        control.check()?;
        self.require_document(text)?;
        let encoded = self.bpe.encode(text)?;
        let total = words::saturate(encoded.ids.len());
        LIMITS.check_tokens(total)?;
        let segments = segment::segment(text);
        let mut breaks: Vec<usize> = segments.iter().map(|unit| encoded.index_at(unit.range.end)).collect();
        breaks.dedup();
        let parts = chunk::plan(encoded.ids.len(), PASS_TOKENS, &breaks);
        let (focus, bounds) = (options.focus(), Self::bounds(options));

        let written = if parts.len() > 1 {
            self.notes(&encoded.ids, &parts, focus, control)?
        } else {
            self.drafts(&encoded.ids, focus, bounds, control)?
        };
        let source = Source::new(text, &segments, &self.embedder, &self.threads, control)?;
        let weights = self.weights(&source, focus)?;
        let chosen = choose::select(self.measure(written, &source)?, &weights, bounds);
        if choose::is_unfounded(&chosen) {
            return Err(Error::NotSummarizable(Reason::NoSummary));
        }

        control.report(total, total);
        let summary = chosen.iter().map(|candidate| candidate.text.as_str()).collect::<Vec<_>>().join(" ");
        let sentence = |candidate: Candidate| Sentence {
            text: candidate.text,
            source: None,
            grounding: Some(candidate.measured.grounding),
        };
        Ok(Summary {
            input_tokens: total,
            output_tokens: words::saturate(self.bpe.count(&summary)?),
            text: summary,
            sentences: chosen.into_iter().map(sentence).collect(),
            chunks: words::saturate(parts.len()),
            tokens_read: words::saturate(parts.iter().map(ExactSizeIterator::len).sum()),
            verbatim: false,
        })
    }
}

impl Abstractive {
    /// How much each sentence of the document counts.
    fn weights(&self, source: &Source, focus: Option<&str>) -> Result<Vec<f32>, Error> {
        let near = focus.map(|focus| source.cosines(focus, &self.embedder, &self.threads)).transpose()?;
        Ok(choose::weights(source.len(), near.as_deref()))
    }

    /// Refuse what has nothing to summarize, or nothing that what is written could be held against.
    fn require_document(&self, text: &str) -> Result<(), Error> {
        segment::require_sentences(text)?;
        Self::require_words(text)?;
        self.embedder.tokenizer.require_known(text)
    }

    fn require_words(text: &str) -> Result<(), Error> {
        if words::lettered(text, MIN_WORDS) < MIN_WORDS {
            return Err(Error::NotSummarizable(Reason::TooShort));
        }
        Ok(())
    }
}
