//! Values of options, from how they are written.

use std::time::Duration;

use precis_protocol::embeddings::EncodingFormat;
use precis_protocol::{Mode, Style};

/// Longest wait that can be asked for, in seconds.
const MAX_TIMEOUT_SECONDS: u64 = 3600;

pub fn count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "give a whole number".into())
}

pub fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(n @ 1..=MAX_TIMEOUT_SECONDS) => Ok(Duration::from_secs(n)),
        _ => Err(format!("give 1 to {MAX_TIMEOUT_SECONDS} seconds")),
    }
}

pub fn time(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().or_else(|| precis_verify::time::unix_seconds(text));
    seconds.ok_or_else(|| "give Unix seconds, or a date such as 2026-11-25T08:00:00Z".into())
}

pub fn encoding(text: &str) -> Result<EncodingFormat, String> {
    match text {
        "float" => Ok(EncodingFormat::Float),
        "base64" => Ok(EncodingFormat::Base64),
        "int8" => Ok(EncodingFormat::Int8),
        _ => Err("use float, base64 or int8".into()),
    }
}

pub fn mode(text: &str) -> Result<Mode, String> {
    Mode::ALL.into_iter().find(|m| m.name() == text).ok_or_else(|| "use extractive or abstractive".into())
}

pub fn style(text: &str) -> Result<Style, String> {
    let found = Style::ALL.into_iter().find(|style| style.name() == text);
    found.ok_or_else(|| "use paragraph, bullets, decisions or tldr".into())
}
