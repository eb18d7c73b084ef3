//! Formats of results.

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, ValueEnum};

/// A format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For people, as a page.
    Markdown,
    /// For programs: one JSON document, also when the command fails.
    Json,
}

/// The format of results that are no pages.
#[derive(Args)]
pub struct OutputArgs {
    /// How results are written on standard output; progress goes to standard error
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = plain())]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// The format of summaries.
#[derive(Args)]
pub struct PageArgs {
    /// How summaries are written on standard output; progress goes to standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl OutputArgs {
    /// The format that was asked for.
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

impl PageArgs {
    /// The format that was asked for.
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

fn plain() -> impl clap::builder::TypedValueParser<Value = Format> {
    PossibleValuesParser::new(["text", "json"]).map(|name| if name == "json" { Format::Json } else { Format::Text })
}
