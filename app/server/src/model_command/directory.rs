//! Where the models are.

use std::path::PathBuf;

/// Where the model files are.
#[derive(clap::Args)]
pub struct Directory {
    /// Directory of the model files.
    #[arg(long = "model-dir", env = "PRECIS_MODEL__DIR", default_value = "/models")]
    pub(super) path: PathBuf,
}
