//! Writes the corpus: `cargo run -p precis-fuzz --example seeds`. What was found by fuzzing stands in files named `found-…` and is kept.
#![allow(clippy::unwrap_used)]

#[path = "../tests/seeds/mod.rs"]
mod seeds;

fn main() {
    for (path, bytes) in seeds::all() {
        let path = seeds::corpus().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}
