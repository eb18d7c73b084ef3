//! A stand-in for the models: at once, always the same, failing or slow on demand.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use precis_summarize::{
    ByteRange, Control, Error, Limits, Manifest, Mode, Models, Options, Reason, Screened, Screening, Sentence,
    Summarizer, Summary, Vectorizer, Vectors,
};
use serde_json::{Value, json};

use crate::testbed::environment::number;

/// A document with this word cannot be summarized.
pub const FAIL: &str = "TESTBED-FAIL";
/// Nothing that is written about a document with this word can be sold.
pub const UNSOLD: &str = "TESTBED-UNSOLD";
/// Environment: milliseconds that every summary takes.
pub const DELAY: &str = "TESTBED_DELAY_MS";
/// Environment: seconds that the abstractive mode predicts for ten thousand tokens.
pub const PREDICT: &str = "TESTBED_PREDICT_SECONDS";

/// Pause between two looks at whether the work is called off.
const STEP: Duration = Duration::from_millis(5);

struct Stub {
    mode: Mode,
    manifest: Manifest,
    delay: Duration,
    predicted: Duration,
}

/// Both modes and vectors; no file is read.
///
/// # Errors
/// If a manifest is not well formed.
pub fn models(_: &Path, _: &str, _: &precis_summarize::Settings) -> anyhow::Result<Models> {
    let delay = Duration::from_millis(number(DELAY)?.unwrap_or(0).try_into()?);
    let slow = Duration::from_secs(number(PREDICT)?.unwrap_or(0).try_into()?);
    let stub = |mode, predicted| {
        let manifest = Manifest::compiled_in(mode)?;
        anyhow::Ok(Arc::new(Stub { mode, manifest, delay, predicted }) as Arc<dyn Summarizer>)
    };
    Ok(Models {
        extractive: stub(Mode::Extractive, Duration::ZERO)?,
        abstractive: stub(Mode::Abstractive, slow)?,
        vectorizer: Arc::new(Words { manifest: Manifest::compiled_in(Mode::Extractive)?, delay }),
    })
}

/// Counts words by their length: vectors that differ, at once.
struct Words {
    manifest: Manifest,
    delay: Duration,
}

/// Values of a vector.
const WIDTH: usize = 16;

impl Vectorizer for Words {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn parameters(&self) -> Value {
        json!({ "testbed": 1 })
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn width(&self) -> usize {
        WIDTH
    }

    fn screen(&self, text: &str, _: Screening) -> Result<Screened, Error> {
        Ok(Screened::Admitted { tokens: words(text)? })
    }

    fn predict(&self, _: u32) -> Duration {
        Duration::ZERO
    }

    fn embed(&self, texts: &[&str], control: &Control) -> Result<Vectors, Error> {
        work(self.delay, texts.iter().any(|text| text.contains(FAIL)), control)?;
        let vector = |text: &&str| {
            let mut counts = [0f32; WIDTH];
            text.split_whitespace().for_each(|word| counts[word.len() % WIDTH] += 1.0);
            let length = counts.iter().map(|count| count * count).sum::<f32>().sqrt().max(1.0);
            counts.map(|count| count / length)
        };
        let tokens = texts.iter().map(|text| words(text)).collect::<Result<_, _>>()?;
        Ok(Vectors { width: WIDTH, values: texts.iter().flat_map(vector).collect(), tokens })
    }
}

const LIMITS: Limits =
    Limits { max_document_tokens: 100_000, max_document_bytes: 1_000_000, max_sentences: 20, max_output_tokens: 1_000 };

fn words(text: &str) -> Result<u32, Error> {
    u32::try_from(text.split_whitespace().count()).map_err(|_| Error::Internal("count"))
}

/// Takes as long as it was told to, and then fails if it shall.
fn work(delay: Duration, fails: bool, control: &Control) -> Result<(), Error> {
    let until = Instant::now() + delay;
    while Instant::now() < until {
        control.check()?;
        std::thread::sleep(STEP);
    }
    control.check()?;
    if fails { Err(Error::Internal("testbed")) } else { Ok(()) }
}

impl Summarizer for Stub {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn parameters(&self) -> Value {
        json!({ "testbed": 1 })
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn count_tokens(&self, text: &str) -> Result<u32, Error> {
        words(text)
    }

    fn predict(&self, tokens: u32) -> Duration {
        self.predicted * tokens / 10_000
    }

    fn summarize(&self, text: &str, _: &Options, control: &Control) -> Result<Summary, Error> {
        work(self.delay, text.contains(FAIL), control)?;
        if text.contains(UNSOLD) {
            return Err(Error::NotSummarizable(Reason::NoSummary));
        }
        let start = text.len() - text.trim_start().len();
        let end = text[start..].find('.').map_or(text.len(), |dot| start + dot + 1);
        let (sentence, tokens) = (text[start..end].to_owned(), self.count_tokens(text)?);
        let output_tokens = self.count_tokens(&sentence)?;
        let quoted = Sentence {
            text: sentence.clone(),
            cut: (false, false),
            source: Some(ByteRange::new(start, end)),
            grounding: None,
        };
        Ok(Summary {
            text: sentence,
            sentences: vec![quoted],
            input_tokens: tokens,
            output_tokens,
            chunks: 1,
            tokens_read: tokens,
            verbatim: self.mode == Mode::Extractive,
        })
    }
}
