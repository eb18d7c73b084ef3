//! From texts and instructions to requests of the engine, and from what it wrote to sentences.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Abstractive;
use super::prompt;
use crate::control::Control;
use crate::decode::{self, Bounds};
use crate::engine::{NoRepeat, Prefix, Request, Rules};
use crate::error::Error;
use crate::words;

/// No run of so many tokens is written twice: about eight words, longer than most names and terms.
pub(super) const NO_REPEAT_TOKENS: usize = 10;

/// What is asked about a text.
pub(super) struct Task<'a> {
    /// The text.
    pub(super) document: &'a [u32],
    /// The instruction after it.
    pub(super) instruction: &'a str,
    /// Most tokens written.
    pub(super) cap: usize,
    /// Sentences and words.
    pub(super) bounds: Bounds,
}

/// How much of a document is read, over all of its parts.
pub(super) struct Progress<'a> {
    control: &'a Control,
    read: Arc<AtomicUsize>,
    total: usize,
}

impl<'a> Progress<'a> {
    pub(super) fn new(control: &'a Control, total: usize) -> Self {
        Self { control, read: Arc::default(), total }
    }

    /// For one part of `length` tokens behind a frame of `before` tokens.
    fn of_part(&self, before: usize, length: usize) -> impl FnMut(usize) + Send + use<> {
        let (control, all, total) = (self.control.clone(), Arc::clone(&self.read), self.total);
        let mut own = 0;
        move |read: usize| {
            let now = read.saturating_sub(before).min(length);
            let more = now.saturating_sub(own);
            own += more;
            let sum = all.fetch_add(more, Ordering::Relaxed) + more;
            control.report(words::saturate(sum), words::saturate(total));
        }
    }
}

impl Abstractive {
    /// The prompt up to the end of the text, which several instructions can share.
    pub(super) fn opening(&self, document: &[u32]) -> Result<Vec<u32>, Error> {
        self.chat.open(&self.bpe, prompt::SYSTEM, document)
    }

    /// What the engine is asked for: a prompt around a text, and when to stop.
    pub(super) fn request<'a>(
        &self,
        task: &Task<'_>,
        prefix: Option<&'a Prefix>,
        progress: Option<&Progress<'_>>,
        control: &Control,
    ) -> Result<Request<'a>, Error> {
        let (bpe, bounds) = (Arc::clone(&self.bpe), task.bounds);
        let stop = move |written: &[u32]| {
            decode::is_loop(written) || bpe.decode(written).is_ok_and(|text| decode::is_enough(&text, bounds))
        };
        let mut prompt = self.opening(task.document)?;
        let before = prompt.len() - task.document.len();
        prompt.extend(self.chat.close(&self.bpe, task.instruction)?);
        let progress = progress.map(|progress| Box::new(progress.of_part(before, task.document.len())) as _);
        Ok(Request {
            prompt,
            cap: task.cap,
            payer: control.payer(),
            control: control.clone(),
            prefix,
            rules: Rules {
                ends: self.ends.clone(),
                // A number that was begun is finished, or it would become another one.
                no_repeat: Some(NoRepeat { tokens: NO_REPEAT_TOKENS, except: self.digits.clone() }),
                stop: Some(Box::new(stop)),
                progress,
                ..Rules::default()
            },
        })
    }

    /// The sentences to keep of what is written on all tasks, side by side in the engine's batch; those that say the same
    /// as one before are left out.
    pub(super) fn sentences(&self, requests: Vec<Request<'_>>, tasks: &[Task<'_>]) -> Result<Vec<String>, Error> {
        let mut sentences = Vec::new();
        for (written, task) in self.engine.generate_all(requests)?.iter().zip(tasks) {
            let told = format!("{}\n\n{}", prompt::SYSTEM, task.instruction.trim());
            let text = self.bpe.decode(&written.ids)?;
            sentences.extend(decode::keep(&text, written.finished, task.bounds, &told));
        }
        Ok(decode::distinct_of(sentences))
    }
}
