//! The ledger in PostgreSQL, on servers of its own: the common behaviour, several instances at once, and what happens when the server fails, is not
//! what it should be, or alters what it keeps. Starting a server takes about a second, so that each test here is many.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod failures;
mod instances;
mod rows;
mod setup;
mod tls;

#[path = "../server/mod.rs"]
mod server;
#[path = "../suite/mod.rs"]
mod suite;

use std::sync::Arc;

use precis_store::*;
use server::{Server, USER};
use suite::*;
use tokio_postgres::{Client, NoTls};

const KEY: [u8; 32] = [5; 32];

async fn open(url: &str) -> Result<Shared, LedgerError> {
    Ok(Arc::new(PostgresLedger::connect(url, SealingKey::new(KEY)).await?))
}

/// An empty database.
async fn database(server: &Server, name: &str) -> String {
    sql(&server.url("postgres")).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    server.url(name)
}

/// An empty schema, which is made much faster than a database.
async fn schema(server: &Server, name: &str) -> String {
    let url = server.url("postgres");
    sql(&url).await.batch_execute(&format!("CREATE SCHEMA {name}")).await.unwrap();
    format!("{url}&options=-csearch_path%3D{name}")
}

/// A session that is not the ledger's.
async fn sql(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sentence_of_the_suite_holds() {
    let Some(server) = Server::start() else { return };
    let mut failed = Vec::new();
    for (name, sentence) in for_each_sentence!(listed) {
        let ledger = open(&schema(&server, name).await).await.unwrap();
        // In a task, so that one that does not hold hides none of the others.
        let held = tokio::spawn(sentence(ledger)).await.is_ok();
        println!("{} {name}", if held { "ok" } else { "FAILED" });
        if !held {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
