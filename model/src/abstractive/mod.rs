//! Abstractive summaries: a small instruct model reads the text and writes.
//!
//! A text longer than one pass is cut into parts at sentence boundaries, each part is summarized into notes, and the
//! notes into the summary; every token of the text is read in exactly one part. Decoding is greedy, so the same text
//! gives the same summary on the same machine.

mod prompt;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Summarizer;
use crate::chat::ChatMl;
use crate::chunk;
use crate::control::Control;
use crate::decode::{self, Bounds};
use crate::embed::Embedder;
use crate::error::{Error, LoadError, Reason};
use crate::gguf::Gguf;
use crate::grounding::{self, Source};
use crate::limits::Limits;
use crate::llama::{self, Llama};
use crate::manifest::Manifest;
use crate::options::{Mode, Options};
use crate::pace::{Pace, Speed};
use crate::segment;
use crate::summary::{Sentence, Summary};
use crate::threads::Threads;
use crate::tokenizer::ByteLevelBpe;
use crate::words;
use prompt::Stage;

/// Most tokens of text in one pass: what this size of model still reads well, and less than its context.
const PASS_TOKENS: usize = 2048;
/// Most tokens written about the whole.
const SUMMARY_TOKENS: usize = 224;
/// Most tokens written about one part.
const NOTES_TOKENS: usize = 96;
/// Sentences and words written about one part.
const NOTES: Bounds = Bounds { sentences: 3, words: 70 };
/// Sentences of a summary if the caller does not say.
const DEFAULT_SENTENCES: u32 = 5;
/// Words of a summary if the caller does not say.
const DEFAULT_WORDS: u32 = 150;
/// Most rounds of notes about notes; each shrinks the text about twentyfold.
const MAX_ROUNDS: usize = 4;
/// Speeds assumed until measured.
const ASSUMED_READ_PER_SECOND: u32 = 150;
const ASSUMED_WRITTEN_PER_SECOND: u32 = 15;
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
    llama: Llama,
    bpe: ByteLevelBpe,
    chat: ChatMl,
    embedder: Arc<Embedder>,
    threads: Arc<Threads>,
    reading: Pace,
    writing: Pace,
}

impl Abstractive {
    /// Build from the hashed bytes of the language model.
    pub(crate) fn load(
        manifest: Manifest,
        model: (&str, &[u8]),
        embedder: Arc<Embedder>,
        threads: Arc<Threads>,
    ) -> Result<Self, LoadError> {
        let gguf = Gguf::parse(model.0, model.1)?;
        let bpe = ByteLevelBpe::from_gguf(&gguf)?;
        let chat = ChatMl::from_gguf(&gguf, manifest.chat.as_ref(), &bpe)?;
        let llama = Llama::load(&gguf)?;
        let (reading, writing) = (Pace::assumed(ASSUMED_READ_PER_SECOND), Pace::assumed(ASSUMED_WRITTEN_PER_SECOND));
        Ok(Self { manifest, llama, bpe, chat, embedder, threads, reading, writing })
    }

    /// Measure the speed on this machine with a short run.
    pub(crate) fn calibrate(&self) -> Result<(), Error> {
        let control = Control::new();
        let ids = vec![self.chat.end(); 64];
        self.threads.run(|| {
            let mut cache = self.llama.cache(ids.len() + 4)?;
            let started = Instant::now();
            self.llama.read(&ids, &mut cache, &control)?;
            self.reading.calibrate(ids.len(), started.elapsed());
            let started = Instant::now();
            for _ in 0..4 {
                self.llama.read(&ids[..1], &mut cache, &control)?;
            }
            self.writing.calibrate(4, started.elapsed());
            Ok(())
        })
    }

    /// One pass: read a text and an instruction, write sentences.
    fn write(
        &self,
        document: &[u32],
        instruction: &str,
        cap: usize,
        bounds: Bounds,
        control: &Control,
    ) -> Result<Vec<String>, Error> {
        let prompt = self.chat.render(&self.bpe, prompt::SYSTEM, document, instruction)?;
        let (ids, finished) = self.threads.run(|| self.generate(&prompt, cap, bounds, control))?;
        Ok(decode::keep(&self.bpe.decode(&ids)?, finished, bounds))
    }

    /// Greedy decoding; whether the model ended the text itself.
    fn generate(
        &self,
        prompt: &[u32],
        cap: usize,
        bounds: Bounds,
        control: &Control,
    ) -> Result<(Vec<u32>, bool), Error> {
        let mut cache = self.llama.cache(prompt.len() + cap)?;
        let started = Instant::now();
        let mut logits = self.llama.read(prompt, &mut cache, control)?;
        self.reading.observe(prompt.len(), started.elapsed());
        let started = Instant::now();
        let mut ids = Vec::with_capacity(cap);
        let finished = loop {
            let next = decode::argmax(&logits);
            if next == self.chat.end() || next == self.bpe.end_of_text() || self.bpe.is_control(next) {
                break true;
            }
            ids.push(next);
            if ids.len() == cap || decode::is_loop(&ids) || decode::is_enough(&self.bpe.decode(&ids)?, bounds) {
                break false;
            }
            logits = self.llama.read(&[next], &mut cache, control)?;
        };
        self.writing.observe(ids.len(), started.elapsed());
        Ok((ids, finished))
    }

    /// Notes on the parts of a text, until what is left fits one pass. `read` hears of every part.
    fn condense(
        &self,
        mut ids: Vec<u32>,
        mut parts: Vec<std::ops::Range<usize>>,
        focus: Option<&str>,
        control: &Control,
        mut read: impl FnMut(usize),
    ) -> Result<Vec<u32>, Error> {
        let instruction = prompt::instruction(Stage::Part, NOTES.sentences, focus);
        for _ in 0..MAX_ROUNDS {
            if parts.len() <= 1 {
                return Ok(ids);
            }
            let mut notes = Vec::with_capacity(parts.len());
            for part in parts {
                let length = part.len();
                notes.push(self.write(&ids[part], &instruction, NOTES_TOKENS, NOTES, control)?.join(" "));
                read(length);
            }
            notes.retain(|note| !note.is_empty());
            ids = self.bpe.ids(&notes.join("\n"))?;
            parts = chunk::plan(ids.len(), PASS_TOKENS, &[]);
        }
        Err(Error::Internal("condense"))
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
            "decoding": "greedy",
            "default_sentences": DEFAULT_SENTENCES,
            "default_words": DEFAULT_WORDS,
            "grounding_sentences": grounding::NEAREST,
            "mode": "abstractive",
            "notes_sentences": NOTES.sentences,
            "notes_tokens": NOTES_TOKENS,
            "notes_words": NOTES.words,
            "pass_tokens": PASS_TOKENS,
            "piece_tokens": llama::PIECE_TOKENS,
            "prompt_sha256": prompt::digest(),
            "prompt_version": prompt::VERSION,
            "summary_tokens": SUMMARY_TOKENS,
            "version": 1,
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
        let tokens = u64::from(tokens);
        let parts = tokens.div_ceil(PASS_TOKENS as u64).max(1);
        let notes = if parts > 1 { parts * NOTES_TOKENS as u64 } else { 0 };
        let reading = self.reading.time(tokens + notes + (parts + 1) * FRAME_TOKENS);
        let writing = self.writing.time(notes + SUMMARY_TOKENS as u64 * 3 / 4);
        reading + writing + self.embedder.predict(tokens)
    }

    fn speed(&self) -> Speed {
        Speed { read_per_second: self.reading.per_second(), written_per_second: self.writing.per_second() }
    }

    fn summarize(&self, text: &str, options: &Options, control: &Control) -> Result<Summary, Error> {
        LIMITS.check_bytes(text)?;
        control.check()?;
        segment::require_sentences(text)?;
        let encoded = self.bpe.encode(text)?;
        let total = encoded.ids.len();
        let input_tokens = words::saturate(total);
        LIMITS.check_tokens(input_tokens)?;
        let mut breaks: Vec<usize> =
            segment::segment(text).iter().map(|unit| encoded.index_at(unit.range.end)).collect();
        breaks.dedup();
        let parts = chunk::plan(total, PASS_TOKENS, &breaks);
        let chunks = words::saturate(parts.len());

        let focus = options.focus();
        let bounds = Bounds {
            sentences: options.max_sentences.unwrap_or(DEFAULT_SENTENCES).clamp(1, LIMITS.max_sentences) as usize,
            words: options.max_words.unwrap_or(DEFAULT_WORDS).max(1) as usize,
        };
        let is_single = parts.len() <= 1;
        let mut tokens_read = 0;
        let ids = self.condense(encoded.ids, parts, focus, control, |tokens| {
            tokens_read += tokens;
            control.report(words::saturate(tokens_read), input_tokens);
        })?;
        let instruction = prompt::instruction(Stage::Whole, bounds.sentences, focus);
        let written = self.write(&ids, &instruction, SUMMARY_TOKENS, bounds, control)?;
        if is_single {
            tokens_read = ids.len();
        }
        if written.is_empty() {
            return Err(Error::NotSummarizable(Reason::NoSummary));
        }

        let source = Source::new(text, &self.embedder, &self.threads, control)?;
        let is_common = |word: &str| self.bpe.ids(&format!(" {word}")).is_ok_and(|ids| ids.len() == 1);
        let groundings = source.ground(&written, &self.embedder, &self.threads, is_common)?;
        control.report(input_tokens, input_tokens);
        let summary = written.join(" ");
        Ok(Summary {
            input_tokens,
            output_tokens: words::saturate(self.bpe.count(&summary)?),
            text: summary,
            sentences: written
                .into_iter()
                .zip(groundings)
                .map(|(text, grounding)| Sentence { text, source: None, grounding: Some(grounding) })
                .collect(),
            chunks,
            // Counts first-round parts only: what is read of the notes is not the document's.
            tokens_read: words::saturate(tokens_read.min(total)),
            verbatim: false,
        })
    }
}
