#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn an_empty_directory_has_no_model_that_is_ready_and_says_what_each_lacks() {
    let directory = tempfile::tempdir().unwrap();
    let entries = list::entries(directory.path()).unwrap();
    assert!(entries.iter().all(|entry| !entry.ready && !entry.missing.is_empty()));
    let of = |name: &str| entries.iter().find(|entry| entry.name == name).unwrap().missing.join("; ");
    assert!(of("smollm2-135m-instruct").contains("smollm2-135m-instruct.q4_1.gguf, 98362432 bytes"));
    assert!(of("qwen3-4b-instruct-2507").contains("model add FILE"));
}

#[test]
fn a_file_that_is_no_model_is_not_added_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let (file, models) = (directory.path().join("x.gguf"), directory.path().join("models"));
    std::fs::write(&file, b"GGUF but no more").unwrap();
    let error = format!("{:#}", add(&file, Some("qwen3-0.6b"), &models).unwrap_err());
    assert!(error.contains("x.gguf") && error.contains("cannot be used"), "{error}");
    assert!(!models.exists());
    assert!(add(&directory.path().join("absent"), None, &models).is_err());
}

#[test]
fn a_model_in_any_shape_is_measured_without_its_weights() {
    let shape = precis_engine::synthetic::Shape::tiny_qwen3();
    let measured = bench::measure("tiny".to_owned(), precis_engine::synthetic::gguf(&shape, 1), 2).unwrap();
    for speed in [measured.prefill_per_second, measured.decode_per_second, measured.batch_per_second] {
        assert!(speed.is_finite() && speed > 0.0);
    }
    let text = measured.to_string();
    assert!(text.contains("tiny") && text.contains("tokens/s"), "{text}");
}
