//! Model files and awkward texts, for tests of this crate and of those above it.

use std::path::PathBuf;

/// The directory of `PRECIS_MODEL_DIR`, or the one that `scripts/fetch-model` fills; none, and said so, if it lacks `file`.
pub fn model_file(file: &str) -> Option<PathBuf> {
    let directory = std::env::var_os("PRECIS_MODEL_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.precis/model"), PathBuf::from);
    let path = directory.join(file);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is missing; run scripts/fetch-model", path.display());
    None
}

/// Texts in which words, signs and spaces meet in unusual ways.
pub const AWKWARD: [&str; 8] = [
    "don't stop-it, now: 12,345.60 (or 7) isn't 'it'?!",
    "a  b\u{a0} c\r\n d \n\n e\u{301} f\t g ",
    "字字。字，字 字！ a字,b字.c",
    "x-\n-y ... z\u{200b} w \u{200b} v",
    "  lead and trail  ",
    "Слово за словом, и ещё-одно. Ёж\u{308} ест",
    "#1 @a $2.50 %3 a_b `c` [CLS] <|im_end|> [UNK]",
    "🙂 a🙂,b 👩\u{200d}🔬 c, ก็ ไป. देवनागरी, लिपि। हिन्दी",
];
