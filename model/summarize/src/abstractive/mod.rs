//! Abstractive summaries: an instruct model reads the text and writes.
//!
//! A model reads the running text ([`material`]). A text that fits one pass is summarized as a whole; a longer one is cut into
//! parts at sentence boundaries, each part is summarized in a few sentences, and those of them that cover the document best
//! are chosen ([`choose`]): nothing is written about what was written, so that mistakes are not compounded. Every sentence
//! is checked against the document ([`checks`](crate::checks)); one that fails is replaced by the sentence of the document
//! that is nearest to it, or left out ([`repair`]). Decoding is greedy, so the same text gives the same summary.

mod backend;
mod choose;
mod material;
mod prompt;
mod repair;
mod task;
mod writing;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use precis_engine::tokenizer::{Bpe, cut};
use precis_engine::{Backend, Control, Frame, Gguf, Settings, Speed, Threads};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::Summarizer;
use crate::checks::{self, Checker, Language};
use crate::chunk;
use crate::decode::{self, Bounds};
use crate::embed::Embedder;
use crate::embedders::Embedders;
use crate::error::{Error, LoadError, Reason};
use crate::extractive::{self, Extractive};
use crate::grounding::{self, Source};
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::options::{self, MAX_FOCUS_BYTES, Mode, Options, Style};
use crate::screen::{Screened, Screening};
use crate::segment;
use crate::summary::{Sentence, Summary};
use crate::words;
use choose::Candidate;
use material::Material;
use prompt::Wishes;
use task::{NO_REPEAT_TOKENS, Order, Task};

/// Version of everything below: changes whenever the same text could give another summary.
const VERSION: u32 = 6;
/// Most tokens of text in one pass: what this size of model still reads well, and less than its context.
const PASS_TOKENS: usize = 2048;
/// Most tokens written about the whole, and for each of its words.
const SUMMARY_TOKENS: usize = 480;
const TOKENS_A_WORD: usize = 3;
/// Most tokens written about one part.
const PART_TOKENS: usize = 112;
/// Fewest tokens of a part that make it worth reading by itself.
const LEAST_PART: usize = 64;
/// Sentences and words written about one part.
const PART: Bounds = Bounds { sentences: 3, words: 80 };
/// Words of a summary if the caller does not say: of a short document, and of the longest.
const LEAST_WORDS: usize = 90;
const MOST_WORDS: usize = 220;
/// Words that a sentence is reckoned with.
const SENTENCE_WORDS: usize = 12;
/// Sentences that are written beyond those wanted, in place of such as fail.
const SPARE: usize = 2;
/// Fewest words with letters in a document: fewer are a question or an order, not something to summarize.
const MIN_WORDS: usize = 8;
/// What this mode accepts.
const LIMITS: Limits = Limits {
    max_document_tokens: 65_536,
    max_document_bytes: 512 * 1024,
    max_sentences: 16,
    max_output_tokens: SUMMARY_TOKENS as u32,
};

/// The abstractive summarizer.
pub(crate) struct Abstractive {
    manifest: Manifest,
    engine: Box<dyn Backend>,
    bpe: Arc<Bpe>,
    chat: Frame,
    /// Tokens that end what is written.
    ends: Vec<u32>,
    /// Tokens of a digit each.
    digits: Vec<u32>,
    embedders: Embedders,
    threads: Arc<Threads>,
    extractive: Arc<Extractive>,
}

impl Abstractive {
    /// Build from the hashed bytes of the language model.
    pub(crate) fn load(
        manifest: Manifest,
        (name, bytes): (&str, Vec<u8>),
        extractive: Arc<Extractive>,
        (embedders, threads): (Embedders, Arc<Threads>),
        settings: &Settings,
    ) -> Result<Self, LoadError> {
        let gguf = Gguf::parse(name, bytes.as_slice())?;
        let bpe = Arc::new(Bpe::from_gguf(&gguf)?);
        let chat = Frame::from_gguf(&gguf, manifest.chat.as_ref(), &bpe)?;
        drop(gguf);
        let mut ends = vec![chat.end(), bpe.end_of_text()];
        ends.extend(bpe.controls());
        let single = |digit: char| bpe.ids(&digit.to_string()).ok().filter(|ids| ids.len() == 1);
        let digits = ('0'..='9').filter_map(single).flatten().collect();
        let engine = backend::load(manifest.backend, (name, bytes), &threads, settings)?;
        let model = Self { manifest, engine, bpe, chat, ends, digits, embedders, threads, extractive };
        let part = Order { instruction: &prompt::longest_part(), cap: PART_TOKENS, bounds: PART };
        // A focus has a token for each of its bytes at most.
        let room = model.room(part).map_err(|error| LoadError::unusable(name, error))?;
        if room.saturating_sub(MAX_FOCUS_BYTES) < LEAST_PART {
            let positions = model.engine.positions();
            return Err(LoadError::unusable(name, format_args!("a context of {positions} tokens is too short")));
        }
        Ok(model)
    }

    /// Most tokens of text in one pass with an order about it.
    fn room(&self, order: Order<'_>) -> Result<usize, Error> {
        let frame = self.opening(&[])?.len() + self.chat.close(&self.bpe, order.instruction)?.len();
        Ok(self.engine.positions().saturating_sub(frame + order.cap).min(PASS_TOKENS))
    }

    /// Sentences about the parts of a text, side by side in the engine's batch, in the order of the parts.
    fn write(
        &self,
        ids: &[u32],
        parts: &[Range<usize>],
        task: Order<'_>,
        control: &Control,
    ) -> Result<Vec<String>, Error> {
        let Order { instruction, cap, bounds } = task;
        let task = |part: &Range<usize>| Task { document: &ids[part.clone()], instruction, cap, bounds };
        let tasks: Vec<Task<'_>> = parts.iter().map(task).collect();
        let requests = tasks.iter().map(|task| self.request(task, control)).collect::<Result<_, _>>()?;
        self.sentences(requests, &tasks)
    }

    /// Written sentences with what the document says about each.
    fn measure(&self, sentences: Vec<String>, source: &Source, embedder: &Embedder) -> Result<Vec<Candidate>, Error> {
        let is_common = |word: &str| self.is_common(word);
        let measured = source.measure(&sentences, embedder, &self.threads, is_common)?;
        Ok(sentences
            .into_iter()
            .zip(measured)
            .map(|(text, measured)| Candidate { leans: choose::leans(&text), text, measured, quote: None })
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

    /// Length of the summary of a document of so many words.
    fn bounds(options: &Options, size: usize) -> Bounds {
        let usual = extractive::usual(size).clamp(LEAST_WORDS, MOST_WORDS);
        let words = options.max_words.map_or(usual, |words| words.max(1) as usize);
        let sentences = words.div_ceil(SENTENCE_WORDS).clamp(1, LIMITS.max_sentences as usize);
        let sentences = match options.max_sentences {
            Some(count) => count.clamp(1, LIMITS.max_sentences) as usize,
            None => sentences,
        };
        Bounds { sentences, words }
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
            "backend": self.engine.name(),
            "chat_format": self.manifest.chat.as_ref().map(|chat| &chat.format),
            "checks_anywhere_permille": checks::ANYWHERE_PERMILLE,
            "checks_foreign_permille": checks::FOREIGN_PERMILLE,
            "checks_near_permille": checks::NEAR_PERMILLE,
            "checks_version": checks::VERSION,
            "choice_end_permille": choose::END_PERMILLE,
            "choice_fade_permille": choose::FADE_PERMILLE,
            "choice_invention_permille": choose::INVENTION_PERMILLE,
            "choice_min_support_permille": choose::MIN_SUPPORT_PERMILLE,
            "choice_start_permille": choose::START_PERMILLE,
            "choice_support_permille": choose::SUPPORT_PERMILLE,
            "decoding": "greedy",
            "default_least_words": LEAST_WORDS,
            "default_most_words": MOST_WORDS,
            "grounding_sentences": grounding::NEAREST,
            "grounding_version": grounding::VERSION,
            "min_words": MIN_WORDS,
            "mode": "abstractive",
            "no_repeat_tokens": NO_REPEAT_TOKENS,
            "part_sentences": PART.sentences,
            "part_tokens": PART_TOKENS,
            "part_words": PART.words,
            "pass_tokens": PASS_TOKENS,
            "passages": hex::encode(Sha256::digest(self.extractive.parameters().to_string())),
            "passages_permille": material::PICK_PERMILLE,
            "prompt_sha256": prompt::digest(),
            "prompt_version": prompt::VERSION,
            "said_permille": repair::SAID_PERMILLE,
            "same_permille": decode::SAME_PERMILLE,
            "sentence_words": SENTENCE_WORDS,
            "spare_sentences": SPARE,
            "summary_tokens": SUMMARY_TOKENS,
            "tldr_sentences": options::TLDR_SENTENCES,
            "tldr_words": options::TLDR_WORDS,
            "tokens_a_word": TOKENS_A_WORD,
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
        /// Tokens of the frame around a text, and of a summary of usual length.
        const FRAME_TOKENS: usize = 128;
        const USUAL_TOKENS: u64 = 200;
        // Three words are four tokens or so; a tenth more for headings.
        let all = tokens as usize;
        let passages = extractive::usual(all * 3 / 4) * material::PICK_PERMILLE / 1000 * 4 / 3 * 11 / 10;
        let read = passages.min(all) + FRAME_TOKENS;
        let tokens = u64::from(tokens);
        // Once for choosing the passages, once for what is held against the sentences.
        self.engine.speeds().time(read as u64, USUAL_TOKENS) + self.embedders.slowest().predict(tokens) * 2
    }

    fn speed(&self) -> Speed {
        self.engine.speeds().seen()
    }

    fn screen(&self, text: &str, mut screening: Screening) -> Result<Screened, Error> {
        if screening == Screening::default() {
            LIMITS.check_bytes(text)?;
            segment::require_sentences(text)?;
            require_words(text)?;
        }
        let tokenizer = &screening.reader(text, &self.embedders).tokenizer;
        let pieces = |part: &str| tokenizer.census(part);
        screening.step(text, &LIMITS, (cut, pieces), Some(|part: &str| Ok(self.bpe.count(part)?)))
    }

    fn working_bytes(&self) -> usize {
        self.engine.cache_bytes()
    }

    fn summarize(&self, text: &str, options: &Options, control: &Control) -> Result<Summary, Error> {
        LIMITS.check_bytes(text)?;
        control.check()?;
        let embedder = self.embedders.of(text);
        require_document(text, embedder)?;
        let encoded = self.bpe.encode(text)?;
        let total = words::saturate(encoded.ids.len());
        LIMITS.check_tokens(total)?;
        let material = Material::of(text, &self.extractive, options, &control.scaled_to(total))?;
        let (ids, breaks) = material.tokens(&encoded, &self.bpe.ids("\n")?);
        let language = Language::of(&material.read(text).collect::<Vec<_>>().join(" "));
        let decisions = options.style == Style::Decisions && extractive::decisions_are_told(&material.traits);
        let wishes = Wishes { focus: options.focus(), language: language.name(), decisions };
        let size = material.read(text).map(words::size).sum();
        let bounds = Self::bounds(&options.bounded(), size);
        let more = Bounds { sentences: bounds.sentences + SPARE, words: bounds.words + SPARE * SENTENCE_WORDS };
        let (whole, part) = (prompt::whole(more.sentences, wishes), prompt::part(PART.sentences, wishes));
        let whole = Order { instruction: &whole, cap: cap(more), bounds: more };
        let part = Order { instruction: &part, cap: PART_TOKENS, bounds: PART };
        let (order, parts) = if ids.len() <= self.room(whole)? {
            (whole, chunk::plan(ids.len(), PASS_TOKENS, &breaks))
        } else {
            (part, chunk::plan(ids.len(), self.room(part)?.max(LEAST_PART), &breaks))
        };
        let written = self.write(&ids, &parts, order, control)?;
        let written = decode::distinct_of(written.iter().filter_map(|sentence| checks::told(sentence)).collect());

        let read = (material.segments.as_slice(), material.is_read.as_slice());
        let source = Source::new(text, read, embedder, &self.threads, control)?;
        let checker = Checker::new(text, source.ranges(), language);
        let weights = self.weights(&source, wishes.focus, embedder)?;
        let judged = repair::judge(&checker, self.measure(written, &source, embedder)?);
        // Of parts the best are chosen; where none stands up to the checks, quotations take their place.
        let none_sound = judged.iter().all(|(_, fault)| fault.is_some());
        let chosen = match parts.len() {
            count if count <= 1 || none_sound => repair::repaired(text, &material, source.ranges(), judged, bounds),
            _ => choose::select(repair::sound(judged), &weights, bounds),
        };
        if chosen.is_empty() {
            return Err(Error::NotSummarizable(Reason::NoSummary));
        }

        control.report(total, total);
        let summary = chosen.iter().map(Candidate::shown).collect::<Vec<_>>().join(" ");
        let sentence = |candidate: Candidate| Sentence {
            text: candidate.text,
            cut: candidate.quote.as_ref().map_or((false, false), |quote| quote.cut),
            source: candidate.quote.as_ref().map(|quote| quote.source),
            grounding: candidate.quote.is_none().then_some(candidate.measured.grounding),
        };
        Ok(Summary {
            input_tokens: total,
            output_tokens: words::saturate(self.bpe.count(&summary)?),
            text: summary,
            sentences: chosen.into_iter().map(sentence).collect(),
            chunks: words::saturate(parts.len()),
            tokens_read: if material.is_complete { total } else { words::saturate(ids.len()) },
            verbatim: false,
        })
    }
}

/// Most tokens that are written within bounds.
fn cap(bounds: Bounds) -> usize {
    SUMMARY_TOKENS.min(TOKENS_A_WORD * bounds.words + 32)
}

impl Abstractive {
    /// How much each sentence of the document counts.
    fn weights(&self, source: &Source, focus: Option<&str>, embedder: &Embedder) -> Result<Vec<f32>, Error> {
        let near = focus.map(|focus| source.cosines(focus, embedder, &self.threads)).transpose()?;
        Ok(choose::weights(source.len(), near.as_deref()))
    }
}

/// Refuse what has nothing to summarize, or nothing that what is written could be held against.
fn require_document(text: &str, embedder: &Embedder) -> Result<(), Error> {
    segment::require_sentences(text)?;
    require_words(text)?;
    embedder.tokenizer.census(text)?.require_known(text)
}

fn require_words(text: &str) -> Result<(), Error> {
    if words::lettered(text, MIN_WORDS) < MIN_WORDS {
        return Err(Error::NotSummarizable(Reason::TooShort));
    }
    Ok(())
}
