//! Arguments of the commands that work on texts.

use std::path::PathBuf;

use clap::Args;
use precis_protocol::embeddings::EncodingFormat;

use super::{PurchaseArgs, Target, count};

/// Texts to work on.
#[derive(Args)]
pub struct Texts {
    /// Files, UTF-8: each is one text; `-` reads standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Each line of the files that is not empty is a text
    #[arg(long)]
    pub lines: bool,
    /// Keep the body of the request: the receipt is for exactly these bytes (`precis receipt verify --document`)
    #[arg(long, value_name = "FILE")]
    pub save_request: Option<PathBuf>,
}

/// `precis embed`.
#[derive(Args)]
pub struct EmbedArgs {
    #[command(flatten)]
    pub texts: Texts,
    /// How the service writes vectors: float, base64 (little-endian 32-bit), or int8
    #[arg(long, value_name = "FORMAT", default_value = "base64", value_parser = encoding)]
    pub encoding: EncodingFormat,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub purchase: PurchaseArgs,
}

/// `precis rerank`.
#[derive(Args)]
pub struct RerankArgs {
    /// What is looked for
    #[arg(value_name = "QUERY")]
    pub query: String,
    #[command(flatten)]
    pub texts: Texts,
    /// At most this many results
    #[arg(long, value_name = "N", value_parser = count)]
    pub top: Option<u32>,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub purchase: PurchaseArgs,
}

fn encoding(text: &str) -> Result<EncodingFormat, String> {
    match text {
        "float" => Ok(EncodingFormat::Float),
        "base64" => Ok(EncodingFormat::Base64),
        "int8" => Ok(EncodingFormat::Int8),
        _ => Err("use float, base64 or int8".into()),
    }
}
