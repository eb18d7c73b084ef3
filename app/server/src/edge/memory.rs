//! The bound on the memory of the whole process, as a sum.
//!
//! Every term is a limit that something enforces. What callers can take is the part from the first body to the last
//! connection; the rest is the models' own, which `model.batch`, `limits.queue` and `model.kv_mib` set.

use precis_protocol::limits::{MAX_DOCUMENT_BYTES, MAX_HEADER_BYTES, MAX_REQUEST_BODY_BYTES};

use super::limits::Limits;

/// What the thread of a reader takes at most: a parsed body twice over, or the tokens of one turn, bytes.
const READER_BYTES: usize = 2 * MAX_REQUEST_BODY_BYTES + (8 << 20);
/// An answer that was paid for, bytes: a result with its receipt, in clear and sealed.
const PAID_ANSWER_BYTES: usize = 1 << 20;
/// What a job takes beside the cache: its document's tokens with their offsets, its vectors, bytes.
const JOB_BYTES: usize = 40 << 20;
/// Of what is allocated in small pieces, the allocator keeps one part in this many beside it.
const ALLOCATOR_PART: usize = 4;
/// The runtime, the ledger's cache, clients of chain and platform, bytes.
const RUNTIME_BYTES: usize = 96 << 20;

/// The terms of the sum, bytes.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Resident once the models are loaded.
    pub loaded: usize,
    /// What the models may take beside that: the cache of keys and values, the similarity matrix.
    pub models: usize,
    /// Jobs that run.
    pub jobs: usize,
    /// Bodies that have arrived.
    pub bodies: usize,
    /// Encapsulated requests that are being opened.
    pub opened: usize,
    /// Threads that read.
    pub readers: usize,
    /// Texts of requests in work and of jobs in the queue.
    pub texts: usize,
    /// Answers on their way.
    pub answers: usize,
    /// Connections and header sections.
    pub connections: usize,
    /// What the allocator keeps of it, and the runtime.
    pub rest: usize,
}

/// What the models and their queue are.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Resident once the models are loaded, bytes.
    pub loaded: usize,
    /// What the models may take beside that, bytes.
    pub models: usize,
    /// Jobs that run side by side, count.
    pub batch: usize,
    /// Jobs in the queue, count.
    pub queue: usize,
}

impl Bound {
    /// The sum for these limits.
    #[must_use]
    pub fn of(limits: &Limits, work: Work) -> Self {
        let places = &limits.places;
        let in_work = places.paid + places.polls + places.lookups + places.documents + places.encapsulated;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let public = &limits.public;
        let internal = &limits.internal;
        let mut bound = Self {
            loaded: work.loaded,
            models: work.models,
            // One more runs for a payer of whom none runs.
            jobs: (work.batch + 1) * JOB_BYTES,
            bodies: limits.body_bytes,
            opened: limits.opened_bytes,
            readers: threads * READER_BYTES,
            texts: (places.paid + places.documents + work.queue) * MAX_DOCUMENT_BYTES,
            answers: limits.answer_bytes + places.paid * PAID_ANSWER_BYTES,
            connections: public.connections * public.bytes_each()
                + internal.connections * internal.bytes_each()
                + (limits.bodies + in_work) * MAX_HEADER_BYTES,
            rest: RUNTIME_BYTES,
        };
        // Bodies are mappings, which go back whole.
        let small = bound.callers() - bound.bodies + bound.jobs;
        bound.rest += small / ALLOCATOR_PART;
        bound
    }

    /// What callers can take, bytes.
    #[must_use]
    pub fn callers(&self) -> usize {
        self.bodies + self.opened + self.readers + self.texts + self.answers + self.connections
    }

    /// All of it, bytes.
    #[must_use]
    pub fn total(&self) -> usize {
        self.loaded + self.models + self.jobs + self.callers() + self.rest
    }

    /// Says it.
    pub fn tell(&self) {
        let mib = |bytes: usize| bytes >> 20;
        tracing::info!(
            event = "edge.memory",
            total_mib = mib(self.total()),
            loaded_mib = mib(self.loaded),
            models_mib = mib(self.models),
            jobs_mib = mib(self.jobs),
            bodies_mib = mib(self.bodies),
            opened_mib = mib(self.opened),
            readers_mib = mib(self.readers),
            texts_mib = mib(self.texts),
            answers_mib = mib(self.answers),
            connections_mib = mib(self.connections),
            rest_mib = mib(self.rest),
        );
    }
}

/// Bytes of this process that are resident, as far as the system tells.
#[must_use]
pub fn resident() -> usize {
    resident_of(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
}

fn resident_of(status: &str) -> usize {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    kib.unwrap_or_default() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_of_the_defaults_fits_a_small_machine() {
        let work = Work { loaded: 300 << 20, models: 800 << 20, batch: 8, queue: 16 };
        let bound = Bound::of(&Limits::default(), work);
        assert!(bound.callers() < 800 << 20, "{bound:?}");
        assert!(bound.total() < 3 << 30, "{bound:?}");
    }

    #[test]
    fn what_is_resident_is_read_as_the_system_writes_it() {
        assert_eq!(resident_of("VmHWM:\t  300 kB\nVmRSS:\t  123 kB\n"), 123 * 1024);
        assert!(resident() > 1 << 20);
    }
}
