//! Every seed of the corpus, made by real code and by the mock PKI: equal on every machine and at every time.

mod documents;
mod evidence;
mod model;
mod wire;

/// The world of the verifier's own tests: a mock platform, its registration, keyset, challenge and receipts.
#[path = "../../../../app/verify/tests/common/mod.rs"]
mod common;

use std::path::PathBuf;

/// A file of the corpus by its path, and what it holds.
pub type Seed = (String, Vec<u8>);

/// Where the corpus is.
pub fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// Every seed.
pub fn all() -> Vec<Seed> {
    let mut seeds = evidence::seeds();
    seeds.extend(wire::seeds());
    seeds.extend(documents::seeds());
    seeds.extend(model::seeds());
    seeds
}

fn seed(path: &str, bytes: impl AsRef<[u8]>) -> Seed {
    (path.to_owned(), bytes.as_ref().to_vec())
}
