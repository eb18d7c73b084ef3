//! The enclave application: boots keys, publishes and checks its own evidence, then sells summaries.
//!
//! Read it in this order: [`routes`] (the table and the layers), [`edge`] (who gets in), [`pipeline`] (one paid request, eight steps), [`boot`]
//! (how it becomes ready). Only [`config`] reads the environment; only [`clock`] reads the time.

pub mod boot;
pub mod clock;
pub mod config;
mod cors;
pub mod drain;
pub mod edge;
pub mod error;
pub mod exit;
pub mod health;
pub mod http;
pub mod jobs;
pub mod model_command;
pub mod names;
pub mod operator;
pub mod pipeline;
pub mod random;
pub mod redact;
pub mod reproduce;
pub mod routes;
pub mod serve;
pub mod service;
pub mod telemetry;
