#![allow(clippy::unwrap_used)]
use super::*;

/// A manifest as `fill` leaves it, for a model that has none compiled in that is filled.
fn filled_text() -> String {
    let text = ALL.iter().find(|(name, _)| *name == "qwen3-1.7b").unwrap().1;
    let digest = "ab".repeat(32);
    text.replacen("\nbytes = 0\n", "\nbytes = 7\n", 1)
        .replacen("\ntemplate_sha256 = \"\"\n", &format!("\ntemplate_sha256 = \"{digest}\"\n"), 1)
        .replacen("\nsha256 = \"\"\n", &format!("\nsha256 = \"{digest}\"\n"), 1)
}

#[test]
fn compiled_in_manifests_are_well_formed_and_digested_as_exact_bytes() {
    for source in ALL {
        let manifest = Manifest::parse(source).unwrap();
        assert_eq!(manifest.name, source.0);
        let expected: [u8; 32] = Sha256::digest(source.1.as_bytes()).into();
        assert_eq!(manifest.digest(), expected);
        let longer = Manifest::parse((source.0, &format!("{}\n", source.1))).unwrap();
        assert_ne!(manifest.digest(), longer.digest(), "one more byte is another model digest");
    }
}

#[test]
fn every_manifest_of_the_repository_is_compiled_in() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests");
    let mut found: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let mut compiled = ALL.map(|(name, _)| format!("{name}.toml"));
    found.sort();
    compiled.sort();
    assert_eq!(found, compiled);
}

#[test]
fn manifests_that_share_a_file_pin_the_same_digest() {
    let minilm = Manifest::parse(MINILM).unwrap();
    for other in Manifest::all().unwrap() {
        for file in &minilm.files {
            assert!(other.files.contains(file), "{} differs in {}", file.name, other.name);
        }
    }
}

#[test]
fn a_file_name_cannot_leave_the_model_directory() {
    for name in ["../weights", "/etc/passwd", "a/b", "", ".hidden", "a\\b"] {
        assert!(!is_plain(name), "{name}");
    }
    let text = MINILM.1.replace("all-minilm-l6-v2.safetensors", "../x");
    assert!(matches!(Manifest::parse(("x", &text)), Err(LoadError::Manifest { .. })));
}

#[test]
fn an_unknown_key_is_refused() {
    let text = format!("surprise = 1\n{}", MINILM.1);
    assert!(matches!(Manifest::parse(("x", &text)), Err(LoadError::Manifest { .. })));
}

#[test]
fn a_size_without_a_digest_is_refused_and_so_is_a_digest_without_a_size() {
    let half = filled_text();
    for (from, to) in
        [("\nbytes = 7\n", "\nbytes = 0\n"), (&format!("\nsha256 = \"{}\"\n", "ab".repeat(32)), "\nsha256 = \"\"\n")]
    {
        let text = half.replacen(from, to, 1);
        assert_ne!(text, half);
        assert!(matches!(Manifest::parse(("x", &text)), Err(LoadError::Manifest { .. })), "{to}");
    }
}

#[test]
fn a_manifest_that_is_not_filled_in_is_not_selected_and_says_what_fills_it() {
    let directory = tempfile::tempdir().unwrap();
    let error = Manifest::select(directory.path(), "qwen3-1.7b").unwrap_err();
    assert!(matches!(&error, LoadError::Unfilled { name } if name == "qwen3-1.7b"));
    assert!(error.to_string().contains("precis-server model add FILE"));
    let unfilled = ALL.iter().find(|(name, _)| *name == "qwen3-1.7b").unwrap().1;
    std::fs::write(directory.path().join("copy.toml"), unfilled).unwrap();
    assert!(matches!(Manifest::select(directory.path(), "copy.toml"), Err(LoadError::Unfilled { .. })));
}

#[test]
fn what_lies_filled_in_beside_the_weights_is_selected_by_name_and_by_file_name() {
    let (directory, text) = (tempfile::tempdir().unwrap(), filled_text());
    std::fs::write(directory.path().join("qwen3-1.7b.toml"), &text).unwrap();
    for name in ["qwen3-1.7b", "qwen3-1.7b.toml"] {
        let manifest = Manifest::select(directory.path(), name).unwrap();
        assert_eq!(manifest.digest(), <[u8; 32]>::from(Sha256::digest(text.as_bytes())), "{name}");
        assert!(manifest.is_filled());
    }
}

#[test]
fn a_manifest_in_the_directory_does_not_replace_one_that_is_compiled_in_filled() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("smollm2-135m-instruct.toml"), filled_text()).unwrap();
    let chosen = Manifest::select(directory.path(), SMALLEST_MODEL).unwrap();
    assert_eq!(chosen, Manifest::parse(SMOLLM2).unwrap());
}

#[test]
fn a_name_without_a_manifest_and_a_path_are_refused_with_what_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let unknown = Manifest::select(directory.path(), "gpt-9").unwrap_err().to_string();
    assert!(unknown.contains("gpt-9") && unknown.contains("smollm2-135m-instruct"), "{unknown}");
    for path in ["../x.toml", "/etc/x.toml", ".toml"] {
        assert!(matches!(Manifest::select(directory.path(), path), Err(LoadError::Manifest { .. })), "{path}");
    }
    let missing = Manifest::select(directory.path(), "none.toml").unwrap_err();
    assert!(matches!(missing, LoadError::Unreadable { .. }), "{missing}");
}
