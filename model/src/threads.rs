//! The threads that matrix products run on: one pool, as wide as this process may use.

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, LoadError};

/// A pool of its own. Left alone, the products would use a pool as wide as the machine's physical cores, which in a
/// container with a CPU quota is too many and on a machine with two threads per core too few.
pub(crate) struct Threads(ThreadPool);

impl Threads {
    /// As wide as the scheduler affinity and the control group's quota allow.
    pub(crate) fn new() -> Result<Self, LoadError> {
        let width = std::thread::available_parallelism().map_or(1, usize::from);
        ThreadPoolBuilder::new()
            .num_threads(width)
            .thread_name(|index| format!("precis-math-{index}"))
            .build()
            .map(Self)
            .map_err(|error| LoadError::unusable("thread pool", error))
    }

    /// Run on the pool. A panic inside comes out here, on the calling thread.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
        self.0.install(work)
    }
}
