//! Floods. Each keeps going until its process is ended, for ten minutes at most.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use precis_channel::ClientChannel;
use precis_protocol::headers;
use precis_tests::http::{self, Ask};
use precis_tests::sockets::{is_closed, post, sent};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

/// Longest that a flood goes on.
const LONGEST: Duration = Duration::from_secs(600);
/// Sockets that are open and send hardly anything.
const SLOW_SOCKETS: usize = 10_000;
/// Bodies of which one byte is sent.
const SLOW_BODIES: usize = 256;
/// Copies of one order at a time.
const COPIES: usize = 192;
/// Quotes at a time.
const QUOTES: usize = 40;
/// Encapsulated requests at a time.
const ENCAPSULATED: usize = 24;
/// Pause of somebody who was refused.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a socket is looked at before its next byte.
const GLANCE: Duration = Duration::from_secs(2);

/// What is sent.
#[derive(Clone, Copy)]
pub enum Flood {
    /// Half header sections.
    Sockets,
    /// Bodies that stop.
    Bodies,
    /// One unpaid order, again and again.
    Copies,
    /// Documents that turn out to be too long.
    Quotes,
    /// Encapsulated requests of 8 MiB.
    Encapsulated,
}

impl Flood {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Sockets, Self::Bodies, Self::Copies, Self::Quotes, Self::Encapsulated];

    /// Its name at the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sockets => "sockets",
            Self::Bodies => "bodies",
            Self::Copies => "copies",
            Self::Quotes => "quotes",
            Self::Encapsulated => "ohttp",
        }
    }

    /// Its row in the table.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Sockets => "10,000 slow sockets",
            Self::Bodies => "256 bodies of one byte",
            Self::Copies => "192 copies of one unpaid order",
            Self::Quotes => "40 quotes of 520 kB at a time",
            Self::Encapsulated => "24 OHTTP of 8 MiB at a time",
        }
    }

    /// The flood of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flood| flood.name() == name)
    }

    fn width(self) -> usize {
        match self {
            Self::Sockets => SLOW_SOCKETS,
            Self::Bodies => SLOW_BODIES,
            Self::Copies => COPIES,
            Self::Quotes => QUOTES,
            Self::Encapsulated => ENCAPSULATED,
        }
    }

    /// Goes on until it is ended.
    ///
    /// # Errors
    /// If it cannot begin.
    pub async fn run(self, origin: &str) -> anyhow::Result<()> {
        let (origin, keys) = (origin.to_owned(), format!("{origin}{}", headers::OHTTP_GATEWAY_PATH));
        let config = http::get(&http::client()?, &keys).await?.body.get(2..).context("keys")?.to_vec();
        let document: String = "Слово за словом, и ещё одно. ".repeat(12_000).chars().take(285_000).collect();
        for number in 0..self.width() {
            let (origin, config, document) = (origin.clone(), config.clone(), document.clone());
            // Not all in the same moment.
            tokio::time::sleep(Duration::from_micros(200)).await;
            tokio::spawn(async move {
                loop {
                    // Refused, cut off or answered: it comes again.
                    let _ = self.once(&origin, &config, &document, number).await;
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        tokio::time::sleep(LONGEST).await;
        Ok(())
    }

    async fn once(self, origin: &str, config: &[u8], document: &str, number: usize) -> anyhow::Result<()> {
        match self {
            Self::Sockets => drip(sent(origin, b"GET /v1/service HTTP/1.1\r\nx-a: ").await?).await,
            Self::Bodies => {
                drip(sent(origin, &[&post(headers::QUOTES_PATH, "text/plain", 100_000)[..], b"A"].concat()).await?)
                    .await
            }
            Self::Copies => {
                let text = "The order is the same as before, and nobody pays for it. ".repeat(2_000);
                Ask::json(&text, json!({})).send(&http::client()?, origin, &[]).await.map(drop)
            }
            Self::Quotes => {
                let ask = Ask { path: headers::QUOTES_PATH.into(), ..Ask::raw("text/plain", document) };
                ask.send(&http::client()?, origin, &[]).await.map(drop)
            }
            Self::Encapsulated => {
                let inner = ::http::Request::post("https://precis.invalid/v1/summaries")
                    .header("content-type", "text/plain")
                    .body(Bytes::from(vec![b'a' + (number % 26) as u8; 8 << 20]))?;
                let (sealed, _opener) = ClientChannel::new(config)?.seal(inner)?;
                let request = http::client()?.post(format!("{origin}{}", headers::OHTTP_GATEWAY_PATH));
                let request = request.header("content-type", ClientChannel::REQUEST_MEDIA_TYPE);
                http::answer(request.body(sealed)).await.map(drop)
            }
        }
    }
}

/// Sends a byte now and then, until the other side has had enough.
async fn drip(mut socket: tokio::net::TcpStream) -> anyhow::Result<()> {
    while !is_closed(&mut socket, GLANCE).await {
        socket.write_all(b"A").await?;
    }
    Ok(())
}
