//! One sequence on its way: what it has read and written, and who waits for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use precis_kernels::Isa;
use zeroize::Zeroizing;

use super::draft::{self, Luck};
use super::plan::Need;
use crate::control::Control;
use crate::error::Error;
use crate::payer::Payer;
use crate::request::Request;
use crate::rules::{Choice, Rules, Written};

/// The logits of a step that belong to one sequence.
pub(super) struct Logits<'a> {
    /// Rows of `vocabulary` values.
    pub(super) rows: &'a mut [f32],
    pub(super) vocabulary: usize,
    pub(super) isa: Isa,
}

/// A sequence. Its tokens are a customer's document and are wiped when it is dropped.
pub(super) struct Sequence {
    pub(super) payer: Payer,
    pub(super) control: Control,
    /// Set when whoever asked has lost interest in this one.
    pub(super) abandoned: Arc<AtomicBool>,
    /// Number in the order of arrival.
    pub(super) order: u64,
    /// The prompt, then what is written.
    pub(super) ids: Zeroizing<Vec<u32>>,
    pub(super) prompt: usize,
    /// Most tokens written.
    pub(super) cap: usize,
    /// Tokens, from the first on, whose keys and values are in the cache.
    pub(super) read: usize,
    /// Pages for everything it can become, from the moment it runs.
    pub(super) pages: Vec<u32>,
    rules: Rules,
    /// Record of its guesses.
    luck: Luck,
    /// Guesses that stand behind its next token in the present step.
    pub(super) draft: Zeroizing<Vec<u32>>,
    pub(super) reply: Option<SyncSender<Result<Written, Error>>>,
}

impl Sequence {
    /// A sequence that waits, with nobody to hear of it yet.
    pub(super) fn new(Request { prompt, cap, payer, control, rules }: Request) -> Self {
        let (prompt, cap) = (Zeroizing::new(prompt), cap.max(1));
        // Room for all it can become: a vector that grows leaves copies behind that nobody wipes.
        let mut ids = Zeroizing::new(Vec::with_capacity(prompt.len() + cap + draft::MAX_DRAFT));
        ids.extend_from_slice(&prompt);
        Self {
            payer,
            control,
            abandoned: Arc::default(),
            order: 0,
            prompt: prompt.len(),
            ids,
            cap,
            read: 0,
            pages: Vec::new(),
            rules,
            luck: Luck::new(),
            draft: Zeroizing::new(Vec::with_capacity(draft::MAX_DRAFT)),
            reply: None,
        }
    }

    /// Positions it can come to occupy; the last token written is never read.
    pub(super) fn positions(&self) -> usize {
        self.prompt + self.cap.saturating_sub(1)
    }

    /// Whether it must stop.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.abandoned.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        self.control.check()
    }

    /// Tell whoever waits. That it may have gone is no concern of the engine.
    pub(super) fn answer(&mut self, outcome: Result<Written, Error>) {
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(outcome);
        }
    }

    /// Whether the prompt is read.
    pub(super) fn is_writing(&self) -> bool {
        self.read >= self.prompt
    }

    /// Guess what comes next, as many tokens as `length` says in view of how guesses have held.
    pub(super) fn guess(&mut self, length: impl FnOnce(&mut Luck) -> usize) {
        self.draft.clear();
        if self.is_writing() {
            // One token comes of the step without any guess.
            let room = (self.cap + self.prompt).saturating_sub(self.ids.len() + 1);
            self.draft.extend_from_slice(draft::lookup(&self.ids, length(&mut self.luck).min(room)));
        }
    }

    /// What it needs of the next step.
    pub(super) fn need(&self) -> Need {
        if self.is_writing() { Need::Next(self.draft.len()) } else { Need::Prompt(self.prompt - self.read) }
    }

    /// Put the guesses behind the tokens, so that a step can read them.
    pub(super) fn append_draft(&mut self) {
        self.ids.extend_from_slice(&self.draft);
    }

    /// Take back the guesses, whatever became of the step.
    pub(super) fn remove_draft(&mut self) {
        let length = self.ids.len() - self.draft.len();
        self.ids.truncate(length);
    }

    /// Of how many of its last tokens in a step of `count` the logits are wanted.
    pub(super) fn wanted(&self, count: usize) -> usize {
        if self.is_writing() { count } else { usize::from(self.read + count == self.prompt) }
    }

    /// Take the outcome of a step of `count` tokens, from which the guesses were taken back already: what it ends with,
    /// if it ends. A caller's function that panics ends its own sequence alone.
    pub(super) fn advance(&mut self, count: usize, logits: &mut Logits<'_>) -> Option<Result<Written, Error>> {
        let guessed = self.draft.len();
        self.read += count - guessed;
        let outcome = catch_unwind(AssertUnwindSafe(|| self.take(logits)));
        outcome.unwrap_or(Some(Err(Error::Internal("panic"))))
    }

    fn take(&mut self, logits: &mut Logits<'_>) -> Option<Result<Written, Error>> {
        let Self { ids, prompt, cap, read, rules, luck, draft, .. } = self;
        let rows = logits.rows.len() / logits.vocabulary;
        let mut end = None;
        for (row, values) in logits.rows.chunks_exact_mut(logits.vocabulary).enumerate() {
            let next = match rules.choose(&ids[*prompt..], values, logits.isa) {
                Choice::End => {
                    end = Some(true);
                    break;
                }
                Choice::Token(next) => next,
            };
            ids.push(next);
            if rules.is_enough(&ids[*prompt..]) || ids.len() - *prompt >= *cap {
                end = Some(false);
                break;
            }
            if row + 1 < rows {
                if draft.get(row) != Some(&next) {
                    luck.observe(draft.len(), row);
                    return None;
                }
                // The guess was right: its keys and values are in the cache already.
                *read += 1;
            }
        }
        if rows > 1 && end.is_none() {
            luck.observe(draft.len(), draft.len());
        }
        end.map(|finished| Ok(Written { ids: ids[*prompt..].to_vec(), finished }))
    }
}
