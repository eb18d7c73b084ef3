//! The testbed's process: `precis-testbed` with its state, its log and its end.

pub mod account;
pub mod bank;
pub mod books;
pub mod contracts;
mod environment;
pub mod figures;
mod kept;
pub mod kill;
pub mod model;
pub mod orders;
pub mod parts;
pub mod receipts;
mod reverts;
pub mod rotation;
mod sealed;
pub mod slow;
pub mod soak;
mod soak_payer;
pub mod town;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::process::{Process, command};
use crate::stack::read_env;
use crate::{http, paths};

/// How the kernel's word for kill -9 looks in the message of a process that ended.
const KILLED: &str = "signal: 9";

/// A running testbed.
pub struct Testbed {
    /// Its process.
    pub process: Process,
    /// Origin of the public routes.
    pub url: String,
    /// Origin of the internal routes.
    pub internal_url: String,
}

/// How a start ended.
pub enum Started {
    /// It would take a request.
    Ready(Testbed),
    /// It killed itself before.
    Killed,
}

impl Testbed {
    /// Starts one with its state, addresses and log in `dir`, and waits until it is ready.
    ///
    /// # Errors
    /// If it does not become ready for another reason than that it killed itself.
    pub async fn start(dir: &Path, env: &BTreeMap<String, String>) -> anyhow::Result<Started> {
        Self::start_by(dir, env, None).await
    }

    /// The same through a shell that carries out `before` first, for example `ulimit`.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_by(dir: &Path, env: &BTreeMap<String, String>, before: Option<&str>) -> anyhow::Result<Started> {
        let addresses = dir.join("addresses");
        // What an earlier process wrote is not this one's.
        let _ = std::fs::remove_file(&addresses);
        let mut command = match before {
            None => command("precis-testbed")?,
            Some(before) => {
                let mut shell = Command::new("/bin/sh");
                shell
                    .env_clear()
                    .arg("-c")
                    .arg(format!("{before}; exec \"$0\""))
                    .arg(paths::program("precis-testbed")?);
                shell
            }
        };
        command
            // As in `crate::stack`: tests of the order of payment name it.
            .env("PRECIS_PAYMENT__UPFRONT_ABOVE", "never")
            .envs(env)
            .env("PRECIS_SERVER__LISTEN", "127.0.0.1:0")
            .env("PRECIS_SERVER__INTERNAL_LISTEN", "127.0.0.1:0")
            .env("PRECIS_SERVER__ADDRESS_FILE", &addresses)
            .env("PRECIS_LEDGER__DIR", dir.join("state"));
        let mut process = Process::start("testbed", command, dir)?;
        let listening = process.until("address file", async |_| addresses.is_file().then_some(())).await;
        if killed(&listening) {
            return Ok(Started::Killed);
        }
        listening?;
        let told = read_env(&addresses)?;
        let url = told.get("PRECIS_URL").context("PRECIS_URL")?.clone();
        let internal_url = told.get("PRECIS_INTERNAL_URL").context("PRECIS_INTERNAL_URL")?.clone();
        let (client, ready) = (http::client()?, format!("{internal_url}/readyz"));
        let answered = process
            .until("readiness", async |_| {
                client.get(&ready).send().await.ok().filter(|answer| answer.status().is_success()).map(drop)
            })
            .await;
        if killed(&answered) {
            return Ok(Started::Killed);
        }
        answered?;
        Ok(Started::Ready(Self { process, url, internal_url }))
    }

    /// Waits until it has ended; whether it did so well, and did not kill itself.
    ///
    /// # Errors
    /// If it does not end, or in another way.
    pub async fn ended(&mut self) -> anyhow::Result<bool> {
        let ended = self.process.ended().await;
        if killed(&ended) { Ok(false) } else { ended.map(|()| true) }
    }

    /// Waits until it has killed itself.
    ///
    /// # Errors
    /// If it does not, or ends otherwise.
    pub async fn died(&mut self) -> anyhow::Result<()> {
        let ended = self.process.until("its end", async |_| None::<()>).await;
        if killed(&ended) { Ok(()) } else { ended }
    }
}

fn killed<T>(waited: &anyhow::Result<T>) -> bool {
    waited.as_ref().is_err_and(|error| error.to_string().contains(KILLED))
}
