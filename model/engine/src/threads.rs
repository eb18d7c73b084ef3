//! The threads that everything heavy runs on, and the instructions they use.

use std::sync::Arc;

use precis_kernels::{Isa, Pool};

use crate::error::LoadError;

/// A pool of threads and an instruction set. All models of a process share one: the work of several requests takes
/// turns on it, so that never more threads compute than there are processors.
#[derive(Clone)]
pub struct Threads {
    /// The threads.
    pub pool: Arc<Pool>,
    /// The instructions.
    pub isa: Isa,
}

impl Threads {
    /// As many as the scheduler affinity and the control group's quota allow, with the best instructions.
    pub fn new() -> Result<Self, LoadError> {
        Self::of(std::thread::available_parallelism().map_or(1, usize::from), Isa::best())
    }

    /// So many, the caller of the moment included.
    pub fn of(threads: usize, isa: Isa) -> Result<Self, LoadError> {
        let pool = Pool::new(threads).map_err(|error| LoadError::unusable("thread pool", error))?;
        Ok(Self { pool: Arc::new(pool), isa })
    }

    /// The pool.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}
