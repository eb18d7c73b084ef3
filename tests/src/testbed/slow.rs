//! Sockets that send hardly anything, all the time: half header sections, and bodies that trickle.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use precis_protocol::headers;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::http;
use crate::sockets::{is_closed, post, sent};
use crate::testbed::town::Town;

/// Sockets of each kind at a time.
const WIDTH: usize = 12;
/// How long a socket is looked at before its next byte.
const DRIP: Duration = Duration::from_millis(150);
/// Longest that a service which lives may leave one open: many times its patience.
const LONGEST: Duration = Duration::from_secs(15);
/// Bytes that a body announces and never sends.
const ANNOUNCED: usize = 100_000;

/// What a socket does not end.
#[derive(Clone, Copy)]
enum Half {
    Header,
    Body,
}

/// What became of the sockets.
#[derive(Clone, Debug, Default)]
pub struct SlowSockets {
    /// Opened, count.
    pub opened: Cell<u64>,
    /// Half header sections that a living service closed, count.
    pub headers: Cell<u64>,
    /// Bodies that a living service gave up, count.
    pub bodies: Cell<u64>,
    /// Gone with their process, count.
    pub gone: Cell<u64>,
    /// Left open for far too long by a living service, count.
    pub held: Cell<u64>,
}

impl fmt::Display for SlowSockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { opened, headers, bodies, gone, held } = self;
        write!(f, "opened {}, closed in the header section {}", opened.get(), headers.get())?;
        write!(f, ", in the body {}, gone with the process {}, held {}", bodies.get(), gone.get(), held.get())
    }
}

fn count(cell: &Cell<u64>) {
    cell.set(cell.get() + 1);
}

impl SlowSockets {
    /// Keeps [`WIDTH`] sockets of each kind open against whatever service there is, until `over`.
    pub(crate) async fn keep(&self, town: &Town, over: &Cell<bool>) {
        let kinds = [Half::Header, Half::Body].into_iter().cycle().take(2 * WIDTH);
        futures::future::join_all(kinds.map(async |half| {
            while !over.get() {
                // A service that is away at the moment comes back.
                if self.one(town, half, over).await.is_err() {
                    tokio::time::sleep(DRIP).await;
                }
            }
        }))
        .await;
    }

    async fn one(&self, town: &Town, half: Half, over: &Cell<bool>) -> anyhow::Result<()> {
        let origin = town.url();
        let first = match half {
            Half::Header => b"GET /v1/service HTTP/1.1\r\nx-slow: ".to_vec(),
            Half::Body => [&post(headers::QUOTES_PATH, "text/plain", ANNOUNCED)[..], b"A"].concat(),
        };
        let mut socket = sent(&origin, &first).await?;
        let began = Instant::now();
        count(&self.opened);
        let closed = trickle(&mut socket, over).await;
        if !closed && over.get() {
            return Ok(());
        }
        // A process that answers afterwards was there all the time: each has addresses of its own.
        let lives = http::get(&town.client, &format!("{origin}{}", headers::SERVICE_PATH)).await.is_ok();
        match (closed, lives, half) {
            (true, true, Half::Header) => count(&self.headers),
            (true, true, Half::Body) => count(&self.bodies),
            (false, true, _) if began.elapsed() >= LONGEST => count(&self.held),
            _ => count(&self.gone),
        }
        Ok(())
    }
}

/// Sends a byte now and then; whether the other side has had enough in time.
async fn trickle(socket: &mut TcpStream, over: &Cell<bool>) -> bool {
    let until = Instant::now() + LONGEST;
    while Instant::now() < until && !over.get() {
        if is_closed(socket, DRIP).await || socket.write_all(b"A").await.context("drip").is_err() {
            return true;
        }
    }
    false
}
