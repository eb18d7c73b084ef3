//! The thread that serves: one request after another, the least served payer's first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use precis_engine::{
    Answer, Backend, Choice, Clocks, Control, Error, Isa, LoadError, Payer, Request, Speeds, Written, together,
};
use zeroize::Zeroizing;

use crate::model::{Device, Model};

/// Version of candle, as the lock file has it; a test holds the two against each other.
const VERSION: &str = "0.11.1";
/// Prompt tokens of the short run that measures the speed: some more than a round number, for a family that reads the rest
/// token by token.
const PROMPT: usize = 140;
/// Tokens written in it, of which the fastest counts.
const WRITTEN: usize = 3;

type Outcome = Result<Written, Error>;

/// A language model that candle computes.
pub struct Candle {
    /// None once it is dropped.
    sender: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    speeds: Arc<Speeds>,
    name: String,
    positions: usize,
    vocabulary: usize,
    cache_bytes: usize,
}

/// A request that waits.
struct Job {
    request: Request,
    /// Set when another request of the same caller has failed.
    abandoned: Arc<AtomicBool>,
    reply: SyncSender<Outcome>,
}

impl Job {
    fn check(&self) -> Result<(), Error> {
        if self.abandoned.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { self.request.control.check() }
    }

    /// Tell the caller, who may have gone.
    fn answer(self, outcome: Outcome) {
        let _ = self.reply.send(outcome);
    }
}

impl Candle {
    /// Load the bytes of the GGUF file called `name`, measure the model's speed with a short run and start the thread.
    ///
    /// # Errors
    /// [`LoadError`] for a file that cannot be used, an architecture or a feature that candle does not compute, or a device
    /// that is not there.
    pub fn load(name: &str, bytes: Vec<u8>, device: Device) -> Result<Self, LoadError> {
        let mut model = Model::load(name, &bytes, device)?;
        drop(bytes);
        let unusable = |reason: &dyn std::fmt::Display| LoadError::unusable(name, reason);
        let speeds = Arc::<Speeds>::default();
        let measured = catch_unwind(AssertUnwindSafe(|| calibrate(&mut model, &speeds)));
        measured.unwrap_or(Err(Error::Internal("panic"))).map_err(|error| unusable(&error))?;
        let (positions, vocabulary, cache_bytes) = (model.positions, model.vocabulary, model.cache_bytes);
        let (sender, receiver) = channel();
        let worker = Worker { model, queue: Queue::new(receiver), speeds: Arc::clone(&speeds) };
        let thread = std::thread::Builder::new().name("precis-candle".into());
        let thread = thread.spawn(move || worker.serve()).map_err(|error| unusable(&error))?;
        let name = format!("candle {VERSION} {}", device.name());
        Ok(Self { sender: Some(sender), thread: Some(thread), speeds, name, positions, vocabulary, cache_bytes })
    }

    fn check(&self, request: &Request) -> Result<(), Error> {
        let positions = request.prompt.len() + request.cap.max(1) - 1;
        // A first piece of one token would begin with the convolutions of the sequence before.
        if request.prompt.len() < 2 || positions > self.positions {
            return Err(Error::Internal("context"));
        }
        if request.prompt.iter().any(|id| *id as usize >= self.vocabulary) {
            return Err(Error::Internal("vocabulary"));
        }
        Ok(())
    }
}

impl Candle {
    fn submit(&self, request: Request, abandoned: &Arc<AtomicBool>) -> Result<Answer, Error> {
        let (reply, outcome) = sync_channel(1);
        let sender = self.sender.as_ref().ok_or(Error::Internal("engine"))?;
        let job = Job { request, abandoned: Arc::clone(abandoned), reply };
        sender.send(job).map_err(Error::internal("engine"))?;
        Ok(outcome)
    }
}

impl Backend for Candle {
    fn name(&self) -> &str {
        &self.name
    }

    /// Write the continuations one after another.
    fn generate_all(&self, requests: Vec<Request>) -> Result<Vec<Written>, Error> {
        requests.iter().try_for_each(|request| self.check(request))?;
        together(requests, |request, abandoned| self.submit(request, abandoned))
    }

    fn speeds(&self) -> &Speeds {
        &self.speeds
    }

    fn positions(&self) -> usize {
        self.positions
    }

    fn cache_bytes(&self) -> usize {
        self.cache_bytes
    }
}

impl Drop for Candle {
    fn drop(&mut self) {
        // The thread ends when nobody can send any more.
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // Its panics are caught job by job; there is nothing to report here.
            let _ = thread.join();
        }
    }
}

/// Jobs that wait.
struct Queue {
    receiver: Receiver<Job>,
    waiting: Vec<Job>,
    clocks: Clocks,
}

impl Queue {
    fn new(receiver: Receiver<Job>) -> Self {
        Self { receiver, waiting: Vec::new(), clocks: Clocks::default() }
    }

    /// Take in new jobs, and answer those that were called off.
    fn tend(&mut self) {
        while let Ok(job) = self.receiver.try_recv() {
            self.take(job);
        }
        for index in (0..self.waiting.len()).rev() {
            if let Err(error) = self.waiting[index].check() {
                let job = self.waiting.remove(index);
                self.clocks.leave(job.request.payer);
                job.answer(Err(error));
            }
        }
    }

    /// The next job; none when nobody can send any more.
    fn next(&mut self) -> Option<Job> {
        loop {
            self.tend();
            let turns =
                self.waiting.iter().enumerate().map(|(index, job)| (self.clocks.turn(job.request.payer), index));
            if let Some((_, index)) = turns.min() {
                return Some(self.waiting.remove(index));
            }
            let job = self.receiver.recv().ok()?;
            self.take(job);
        }
    }

    fn take(&mut self, job: Job) {
        self.clocks.enter(job.request.payer);
        self.waiting.push(job);
    }
}

struct Worker {
    model: Model,
    queue: Queue,
    speeds: Arc<Speeds>,
}

impl Worker {
    fn serve(mut self) {
        while let Some(Job { request, abandoned, reply }) = self.queue.next() {
            let payer = request.payer;
            let outcome = self.write(request, &abandoned);
            self.queue.clocks.leave(payer);
            // The caller may have gone.
            let _ = reply.send(outcome);
        }
    }

    /// Write one text. A panic ends this request alone: the next begins at position 0, with nothing of it.
    fn write(&mut self, request: Request, abandoned: &AtomicBool) -> Outcome {
        catch_unwind(AssertUnwindSafe(|| self.continuation(request, abandoned)))
            .unwrap_or(Err(Error::Internal("panic")))
    }

    fn continuation(&mut self, request: Request, abandoned: &AtomicBool) -> Outcome {
        let Request { prompt, cap, payer, control, mut rules } = request;
        let (prompt, isa) = (Zeroizing::new(prompt), Isa::best());
        let mut logits = Zeroizing::default();
        let (mut position, started) = (0, Instant::now());
        for length in self.model.pieces(prompt.len()) {
            self.pause((&control, abandoned), payer, length)?;
            logits = self.model.read(&prompt[position..position + length], position)?;
            position += length;
        }
        self.speeds.read(prompt.len(), started.elapsed());
        // Room for all it can become: a vector that grows leaves copies behind that nobody wipes.
        let mut written = Zeroizing::new(Vec::with_capacity(cap.max(1)));
        loop {
            let next = match rules.choose(&written, &mut logits, isa) {
                Choice::End => return Ok(Written { ids: written.to_vec(), finished: true }),
                Choice::Token(next) => next,
            };
            written.push(next);
            if rules.is_enough(&written) || written.len() >= cap {
                return Ok(Written { ids: written.to_vec(), finished: false });
            }
            self.pause((&control, abandoned), payer, 1)?;
            let started = Instant::now();
            logits = self.model.read(&[next], position)?;
            self.speeds.wrote(1, started.elapsed());
            position += 1;
        }
    }

    /// Look after those that wait, and stop if this one must.
    fn pause(
        &mut self,
        (control, abandoned): (&Control, &AtomicBool),
        payer: Payer,
        tokens: usize,
    ) -> Result<(), Error> {
        self.queue.clocks.serve(payer, tokens);
        self.queue.tend();
        if abandoned.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { control.check() }
    }
}

/// Measure the speed with a short run.
fn calibrate(model: &mut Model, speeds: &Speeds) -> Result<(), Error> {
    let prompt = vec![0; PROMPT.min(model.positions.saturating_sub(WRITTEN)).max(2)];
    // The first run meets cold caches.
    model.read(&prompt[..2], 0)?;
    let started = Instant::now();
    model.read(&prompt, 0)?;
    let reading = started.elapsed();
    let one = |index| -> Result<Duration, Error> {
        let started = Instant::now();
        model.read(&[0], prompt.len() + index)?;
        Ok(started.elapsed())
    };
    let writing = (0..WRITTEN).map(one).collect::<Result<Vec<_>, _>>()?;
    speeds.calibrate((prompt.len(), reading), writing.into_iter().min().unwrap_or(reading));
    Ok(())
}

#[cfg(test)]
mod tests;
