//! The real weights for tests from outside, loaded once for each program.

use std::path::PathBuf;
use std::sync::OnceLock;

use precis_summarize::{Models, SMALLEST_MODEL, load_named};

/// The directory of `PRECIS_MODEL_DIR`, or the one that `scripts/fetch-model` fills.
pub fn directory() -> PathBuf {
    std::env::var_os("PRECIS_MODEL_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.precis/model"), PathBuf::from)
}

/// Both summarizers; none, and said so, without their files.
pub fn models() -> Option<&'static Models> {
    static MODELS: OnceLock<Option<Models>> = OnceLock::new();
    let loaded = MODELS.get_or_init(|| {
        let directory = directory();
        directory
            .join("smollm2-135m-instruct.q4_1.gguf")
            .is_file()
            .then(|| load_named(&directory, SMALLEST_MODEL).unwrap())
    });
    if loaded.is_none() {
        eprintln!("SKIPPED: no model files in {}; run scripts/fetch-model", directory().display());
    }
    loaded.as_ref()
}
