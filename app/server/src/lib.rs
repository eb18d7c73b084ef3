//! The enclave application: boots keys, publishes and checks its own evidence, then sells summaries.
//!
//! Its layers, each of which imports only those below it:
//! - [`serve`], [`routes`]: the listeners, the route table and what stands around it; [`drain`] ends it;
//! - [`boot`]: how it becomes ready and stays so; [`http`]: handlers; [`readiness`]: whether there is a service yet;
//! - [`pipeline`]: one paid request, eight steps, whatever is bought;
//! - `jobs`: what the ledger keeps of a claimed job, and how it ends;
//! - [`task`]: what is bought: a folder for each route; `documents`: their text;
//! - [`request`]: a request as the routes get it; [`service`]: the state that all of them share;
//! - [`flights`]: jobs in flight here; [`sealed`]: a paid answer; [`edge`]: who gets in; [`health`];
//! - [`error`]: every refusal; [`config`], the one reader of the environment; [`clock`], the one reader of the time.
//!
//! The operator's commands [`operator`], [`model_command`] and [`reproduce`] stand beside [`serve`].

pub mod boot;
pub mod clock;
pub mod config;
mod cors;
mod documents;
pub mod drain;
pub mod edge;
pub mod error;
pub mod exit;
pub mod flights;
pub mod health;
pub mod http;
mod jobs;
pub mod model_command;
pub mod names;
pub mod operator;
pub mod pipeline;
pub mod random;
pub mod readiness;
pub mod redact;
pub mod reproduce;
pub mod request;
pub mod routes;
pub mod sealed;
pub mod serve;
pub mod service;
pub mod task;
pub mod telemetry;
