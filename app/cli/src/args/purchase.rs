//! Payment, and what is kept of it.

use std::path::PathBuf;

use clap::Args;
use precis_client::MaxPrice;

/// Payment, and what is kept of it.
#[derive(Args)]
pub struct PurchaseArgs {
    /// The most to pay: 0.05, 0.05USDC or 50000atomic; by default 100000atomic, which is 0.10 USDC
    #[arg(long, value_name = "PRICE")]
    pub max_price: Option<MaxPrice>,
    /// File with the key that pays, 32 bytes of hex, readable by you only; or set PRECIS_KEY to the key itself
    #[arg(long, value_name = "FILE", env = "PRECIS_KEY_FILE", hide_env_values = true)]
    pub key_file: Option<PathBuf>,
    /// Save the receipt here, too; it verifies offline with `precis receipt verify`. That of a job that failed goes to FILE.failure.json
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
    /// Order it and leave (exit code 6) if it takes longer; the same command without this option waits for it
    #[arg(long)]
    pub no_wait: bool,
    /// Call off what the same command ordered, if the work has not begun; nothing is charged then, and no key is needed
    #[arg(long, conflicts_with_all = ["no_wait", "new_payment", "again"])]
    pub cancel: bool,
    /// Buy it once more although it was bought before; otherwise the kept one is printed and nothing is charged
    #[arg(long)]
    pub again: bool,
    /// Give up an unfinished payment for the same request and sign another. You may be charged twice
    #[arg(long)]
    pub new_payment: bool,
    /// Where your purchases are recorded: unfinished payments, and every receipt; by default $XDG_STATE_HOME/precis, else ~/.local/state/precis
    #[arg(long, value_name = "DIRECTORY", env = "PRECIS_STATE_HOME", hide_env_values = true)]
    pub state_dir: Option<PathBuf>,
}
