//! Replays the corpus, and a bounded number of mutations of it, on every target; with a bound on memory.
#![allow(clippy::unwrap_used)]

mod seeds;

use std::path::Path;

use peak_alloc::PeakAlloc;
use precis_fuzz::mutate::{Random, mutate};
use precis_fuzz::{Target, honest};
use precis_protocol::limits::{
    MAX_ATTESTATION_BYTES, MAX_KEYSET_BYTES, MAX_POLICY_BYTES, MAX_REQUEST_BODY_BYTES, MAX_TRANSACTION_BYTES,
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Memory that no input may make a target take, bytes. The largest inputs of the protocol are themselves 8 MiB.
const MOST_MEMORY: usize = 64 * 1024 * 1024;
/// Mutations tried for each target.
const MUTATIONS: usize = 400;
/// The whole corpus, bytes.
const LARGEST_CORPUS: u64 = 1024 * 1024;

fn inputs(target: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = files(&seeds::corpus().join(target)).into_iter().map(|(path, _)| path).collect();
    paths.sort();
    assert!(paths.len() >= 3, "{target} has no corpus");
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn files(folder: &Path) -> Vec<(std::path::PathBuf, u64)> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.path(), entry.metadata().unwrap().len())).collect()
}

fn replay(name: &str, target: Target) {
    let inputs = inputs(name);
    let mut random = Random::new(name.bytes().map(u64::from).sum());
    inputs.iter().for_each(|input| bounded(target, input));
    for _ in 0..MUTATIONS {
        let [seed, other] = [random.below(inputs.len()), random.below(inputs.len())];
        bounded(target, &mutate(&mut random, &inputs[seed], &inputs[other]));
    }
}

fn bounded(target: Target, input: &[u8]) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    target(input);
    let taken = MEMORY.peak_usage().saturating_sub(before);
    assert!(taken < MOST_MEMORY, "{taken} bytes of memory for an input of {}", input.len());
}

macro_rules! replays {
    ($($test:ident: $target:ident,)*) => {
        $(
            #[test]
            fn $test() {
                replay(stringify!($target), precis_fuzz::$target);
            }
        )*

        #[test]
        fn every_target_is_replayed_and_has_its_program() {
            let replayed = [$((stringify!($target), precis_fuzz::$target as Target)),*];
            let names = |targets: &[(&'static str, Target)]| targets.iter().map(|(name, _)| *name).collect::<Vec<_>>();
            assert_eq!(names(&replayed), names(precis_fuzz::TARGETS));
            let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("libfuzzer");
            let manifest = std::fs::read_to_string(programs.join("Cargo.toml")).unwrap();
            for name in names(&replayed) {
                assert!(programs.join(format!("fuzz_targets/{name}.rs")).is_file(), "{name}");
                assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            }
        }
    };
}

replays! {
    the_corpus_of_attestation_breaks_nothing: attestation,
    the_corpus_of_bhttp_breaks_nothing: bhttp,
    the_corpus_of_documents_breaks_nothing: documents,
    the_corpus_of_evidence_file_breaks_nothing: evidence_file,
    the_corpus_of_extract_breaks_nothing: extract,
    the_corpus_of_gguf_breaks_nothing: gguf,
    the_corpus_of_keyset_breaks_nothing: keyset,
    the_corpus_of_ohttp_breaks_nothing: ohttp,
    the_corpus_of_packed_breaks_nothing: packed,
    the_corpus_of_payment_breaks_nothing: payment,
    the_corpus_of_policy_breaks_nothing: policy,
    the_corpus_of_quote_breaks_nothing: quote,
    the_corpus_of_receipt_breaks_nothing: receipt,
    the_corpus_of_register_breaks_nothing: register,
    the_corpus_of_release_breaks_nothing: release,
    the_corpus_of_safetensors_breaks_nothing: safetensors,
    the_corpus_of_segments_breaks_nothing: segments,
    the_corpus_of_summary_request_breaks_nothing: summary_request,
}

/// Text of about `length` bytes: `head`, `part` with the number of each, `tail`.
fn flood(length: usize, head: &str, part: impl Fn(usize) -> String, tail: &str) -> Vec<u8> {
    let mut text = head.to_owned();
    for number in 0.. {
        let part = part(number);
        if text.len() + part.len() + tail.len() > length {
            break;
        }
        text.push_str(&part);
    }
    text.push_str(tail);
    text.into_bytes()
}

#[test]
fn floods_of_tiny_parts_take_no_more_memory_or_stack_than_other_inputs() {
    let body = |head, part: fn(usize) -> String, tail| flood(MAX_REQUEST_BODY_BYTES, head, part, tail);
    let members = body("{", |number| format!("\"{number:x}\":0,"), "\"z\":0}");
    for flood in [
        body("", |_| "[".to_owned(), ""),
        body("", |_| "{\"a\":".to_owned(), ""),
        body("[", |_| "0,".to_owned(), "0]"),
        body("[", |_| "{},".to_owned(), "0]"),
        members.clone(),
    ] {
        bounded(precis_fuzz::summary_request, &flood);
    }
    bounded(precis_fuzz::attestation, &members[..MAX_ATTESTATION_BYTES]);
    bounded(precis_fuzz::keyset, &members[..MAX_KEYSET_BYTES]);
    let policy = |head, part: fn(usize) -> String, tail| flood(MAX_POLICY_BYTES, head, part, tail);
    for flood in [
        policy("a", |_| ".a".to_owned(), " = 1"),
        policy("[a", |_| ".a".to_owned(), "]"),
        policy("a = ", |_| "[".to_owned(), ""),
        policy("a = ", |_| "{a=".to_owned(), ""),
        policy("", |number| format!("[[{number}]]\n"), ""),
        policy("", |number| format!("{number}=0\n"), ""),
    ] {
        bounded(precis_fuzz::policy, &flood);
    }
    bounded(precis_fuzz::register, &[0x81; MAX_TRANSACTION_BYTES]);
    bounded(precis_fuzz::register, &[&[0x99, 0xff, 0xff][..], &[0x80; MAX_TRANSACTION_BYTES - 3]].concat());
    bounded(precis_fuzz::payment, &[b'['; 16 * 1024]);
    bounded(precis_fuzz::ohttp, &[&[1, 0][..], &[1; 64 * 1024]].concat());
    bounded(
        precis_fuzz::bhttp,
        &[&[0, 3][..], b"GET\x05https\x00\x01/", &[0x80, 0, 0xf0, 0], &[0; 64 * 1024]].concat(),
    );
}

#[test]
fn the_honest_service_is_verified_so_that_forgeries_could_be() {
    for document in [honest::REGISTERED, honest::QUOTED] {
        let appraisal = precis_verify::verify(&honest::presented(document), &honest::TRUST, honest::NOW);
        assert!(appraisal.transcript.is_verified(), "{}", appraisal.transcript);
    }
    let at = honest::NOW + 60;
    let appraisal =
        precis_verify::verify_receipt_file(honest::RECEIPT_FILE, &honest::TRUST, at, &precis_verify::Beside::default());
    assert!(appraisal.transcript.is_verified(), "{}", appraisal.transcript);
}

#[test]
fn the_seeds_are_what_their_generator_writes() {
    for (path, bytes) in seeds::all() {
        let found = std::fs::read(seeds::corpus().join(&path)).unwrap_or_default();
        assert!(found == bytes, "{path} is out of date: cargo run -p precis-fuzz --example seeds");
    }
}

#[test]
fn the_corpus_is_small_and_every_file_of_it_is_a_seed_or_a_finding() {
    let seeds: Vec<_> = seeds::all().into_iter().map(|(path, _)| seeds::corpus().join(path)).collect();
    let mut total = 0;
    for (name, _) in precis_fuzz::TARGETS {
        for (path, length) in files(&seeds::corpus().join(name)) {
            total += length;
            let found = path.file_name().unwrap().to_string_lossy().starts_with("found-");
            assert!(found || seeds.contains(&path), "{}", path.display());
        }
    }
    assert!(total <= LARGEST_CORPUS, "{total} bytes");
}
