//! Summaries: of what, and how.

use std::path::PathBuf;

use clap::Args;
use precis_client::{MaxPrice, MediaType};
use precis_protocol::summary::Options;
use precis_protocol::{Mode, Style};

use super::output::{OutputArgs, PageArgs};
use super::parse::{count, mode, style};
use super::purchase::PurchaseArgs;
use super::service::Target;

/// A summary as it is wished for.
#[derive(Args)]
pub struct Wish {
    /// By default as the document itself says, then as its name says
    #[arg(long, value_name = "TYPE")]
    pub media_type: Option<MediaType>,
    /// extractive quotes sentences verbatim, abstractive writes new ones
    #[arg(long, value_name = "MODE", default_value = "extractive", value_parser = mode)]
    mode: Mode,
    /// At most this many words
    #[arg(long, value_name = "N", value_parser = count)]
    max_words: Option<u32>,
    /// At most this many sentences
    #[arg(long, value_name = "N", value_parser = count)]
    max_sentences: Option<u32>,
    /// What the summary should be about
    #[arg(long, value_name = "TEXT")]
    focus: Option<String>,
    /// paragraph, bullets (one sentence to a line), decisions (what was decided or is due, one to a line) or tldr (one or two sentences)
    #[arg(long, value_name = "STYLE", default_value = "paragraph", value_parser = style)]
    style: Style,
}

impl Wish {
    /// The options of the request.
    pub fn options(&self) -> Options {
        Options {
            mode: self.mode,
            max_words: self.max_words,
            max_sentences: self.max_sentences,
            focus: self.focus.clone(),
            style: self.style,
        }
    }
}

/// `precis quote`.
#[derive(Args)]
pub struct QuoteArgs {
    /// Document: text, Markdown, HTML, PDF, DOCX, PPTX, XLSX, CSV, ODT, EPUB, RTF or mail; a file, an https link, or `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub wish: Wish,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `precis summarize`.
#[derive(Args)]
pub struct SummarizeArgs {
    /// Documents: text, Markdown, HTML, PDF, DOCX, PPTX, XLSX, CSV, ODT, EPUB, RTF or mail; files, folders, https links, or `-` for
    /// standard input. A summary of each is bought for itself, in this order; the exit code is that of the first that fails
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Take the documents in the folders of a folder, too
    #[arg(long)]
    pub recursive: bool,
    /// Buy one summary of all documents together: their texts are joined as one Markdown document, each under its name
    #[arg(long)]
    pub together: bool,
    /// Keep the document as it was sent, such as one from a link or several together: the receipt is for exactly these bytes
    #[arg(long, value_name = "FILE")]
    pub save_document: Option<PathBuf>,
    #[command(flatten)]
    pub wish: Wish,
    #[command(flatten)]
    pub target: Target,
    /// Show after the summary where each sentence stands in the document, or what supports it and what the document does not contain
    #[arg(long)]
    pub grounding: bool,
    /// The most to pay for all documents together, written as --max-price, which is for each; it stops before the one that would be over
    #[arg(long, value_name = "PRICE")]
    pub max_total: Option<MaxPrice>,
    #[command(flatten)]
    pub purchase: PurchaseArgs,
    #[command(flatten)]
    pub output: PageArgs,
}
