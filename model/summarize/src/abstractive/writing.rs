//! From texts and instructions to requests of the engine, and from what it wrote to sentences.

use std::sync::Arc;

use super::Abstractive;
use super::prompt;
use super::task::{NO_REPEAT_TOKENS, Task};
use crate::decode;
use crate::error::Error;
use precis_engine::{Control, NoRepeat, Request, Rules};

impl Abstractive {
    /// The prompt up to the end of the text.
    pub(super) fn opening(&self, document: &[u32]) -> Result<Vec<u32>, Error> {
        Ok(self.chat.open(&self.bpe, prompt::SYSTEM, document)?)
    }

    /// What the engine is asked for: a prompt around a text, and when to stop.
    pub(super) fn request(&self, task: &Task<'_>, control: &Control) -> Result<Request, Error> {
        let (bpe, bounds) = (Arc::clone(&self.bpe), task.bounds);
        let stop = move |written: &[u32]| {
            decode::is_loop(written) || bpe.decode(written).is_ok_and(|text| decode::is_enough(&text, bounds))
        };
        let mut prompt = self.opening(task.document)?;
        prompt.extend(self.chat.close(&self.bpe, task.instruction)?);
        Ok(Request {
            prompt,
            cap: task.cap,
            payer: control.payer(),
            control: control.clone(),
            rules: Rules {
                ends: self.ends.clone(),
                // A number that was begun is finished, or it would become another one.
                no_repeat: Some(NoRepeat { tokens: NO_REPEAT_TOKENS, except: self.digits.clone() }),
                stop: Some(Box::new(stop)),
                ..Rules::default()
            },
        })
    }

    /// The sentences to keep of what is written on all tasks, side by side in the engine's batch; those that say the same
    /// as one before are left out.
    pub(super) fn sentences(&self, requests: Vec<Request>, tasks: &[Task<'_>]) -> Result<Vec<String>, Error> {
        let mut sentences = Vec::new();
        for (written, task) in self.engine.generate_all(requests)?.iter().zip(tasks) {
            let told = format!("{}\n\n{}", prompt::SYSTEM, task.instruction.trim());
            let text = self.bpe.decode(&written.ids)?;
            sentences.extend(decode::keep(&text, written.finished, task.bounds, &told));
        }
        Ok(decode::distinct_of(sentences))
    }
}
