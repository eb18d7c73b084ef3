//! The manifests that are compiled in.

macro_rules! compiled {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../manifests/", $name, ".toml")))
    };
}

/// The manifest of the extractive model.
pub(crate) const MINILM: (&str, &str) = compiled!("minilm-l6-v2");
/// The same with an embedding model for other languages than English.
pub(crate) const MINILM_E5: (&str, &str) = compiled!("minilm-l6-v2-e5-small");
/// The manifest of the abstractive model that is served unless another is chosen.
pub(crate) const QWEN: (&str, &str) = compiled!("qwen2.5-1.5b-instruct");
/// The manifest of the smallest abstractive model.
pub(crate) const SMOLLM2: (&str, &str) = compiled!("smollm2-135m-instruct");
/// All of them, name and exact text.
pub(crate) const ALL: [(&str, &str); 8] = [
    MINILM,
    MINILM_E5,
    SMOLLM2,
    compiled!("qwen2.5-0.5b-instruct"),
    QWEN,
    compiled!("qwen3-0.6b"),
    compiled!("qwen3-1.7b"),
    compiled!("qwen3-4b-instruct-2507"),
];

/// Their names, for people.
pub(super) fn names() -> String {
    ALL.map(|(name, _)| name).join(", ")
}
