//! What stands between a client and a service: a proxy that records and alters, and a port that opens late.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use reqwest::header::HeaderName;
use reqwest::{Client, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::http;

/// Longest request that is read, bytes.
const MAX_REQUEST: usize = 64 * 1024 * 1024;

/// A request that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// Changes an answer: the request it belongs to, and the body in place.
pub type Rule = Box<dyn FnMut(&Seen, &mut Vec<u8>) + Send>;

struct Shared {
    client: Client,
    upstream: String,
    seen: Mutex<Vec<Seen>>,
    rule: Mutex<Rule>,
}

/// An HTTP/1.1 proxy on loopback. Stops when dropped.
pub struct Proxy {
    /// Its origin.
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts one in front of `upstream` that changes nothing.
    ///
    /// # Errors
    /// If it cannot listen.
    pub async fn start(upstream: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            client: http::client()?,
            upstream: upstream.to_owned(),
            seen: Mutex::default(),
            rule: Mutex::new(Box::new(|_, _| {})),
        });
        let task = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let shared = Arc::clone(&shared);
                    // A client that goes away in the middle is its own business.
                    tokio::spawn(async move { drop(serve(stream, &shared).await) });
                }
            }
        });
        Ok(Self { url, shared, task })
    }

    /// From now on answers are changed by `rule`, and the record starts anew.
    pub fn alter(&self, rule: impl FnMut(&Seen, &mut Vec<u8>) + Send + 'static) {
        *self.shared.rule.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(rule);
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What passed since the rule was set.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request, one answer, one connection.
async fn serve(mut stream: TcpStream, shared: &Shared) -> anyhow::Result<()> {
    let request = read_request(&mut stream).await?;
    let mut outgoing = shared
        .client
        .request(Method::from_bytes(request.method.as_bytes())?, format!("{}{}", shared.upstream, request.path))
        .body(request.body.clone());
    for (name, value) in &request.headers {
        if !matches!(name.as_str(), "host" | "connection" | "content-length") {
            outgoing = outgoing.header(HeaderName::from_bytes(name.as_bytes())?, value);
        }
    }
    shared.seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let mut answer = http::answer(outgoing).await?;
    (shared.rule.lock().unwrap_or_else(PoisonError::into_inner))(&request, &mut answer.body);
    let mut head =
        format!("HTTP/1.1 {}\r\nconnection: close\r\ncontent-length: {}\r\n", answer.status, answer.body.len());
    for (name, value) in &answer.headers {
        if !matches!(name.as_str(), "connection" | "content-length" | "transfer-encoding") {
            head.push_str(&format!("{name}: {}\r\n", value.to_str()?));
        }
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&answer.body).await?;
    stream.shutdown().await?;
    Ok(())
}

async fn read_request(stream: &mut TcpStream) -> anyhow::Result<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        anyhow::ensure!(bytes.len() < MAX_REQUEST && stream.read_buf(&mut bytes).await? > 0, "no whole head");
    };
    let head = std::str::from_utf8(&bytes[..end])?;
    let mut lines = head.split("\r\n");
    let mut start = lines.next().context("no request line")?.split(' ');
    let (method, path) = (start.next().context("no method")?.to_owned(), start.next().context("no path")?.to_owned());
    let header =
        |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let headers: Vec<_> = lines.filter_map(header).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(Ok(0), |(_, value)| value.parse())?;
    anyhow::ensure!(length <= MAX_REQUEST, "too long");
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        anyhow::ensure!(stream.read_buf(&mut body).await? > 0, "no whole body");
    }
    Ok(Seen { method, path, headers, body })
}

/// A port on which nothing answers until it is opened.
pub struct LatePort {
    address: SocketAddr,
}

impl LatePort {
    /// Chooses a free port.
    ///
    /// # Errors
    /// If there is none.
    pub async fn choose() -> anyhow::Result<Self> {
        Ok(Self { address: TcpListener::bind("127.0.0.1:0").await?.local_addr()? })
    }

    /// Origin of the port.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Opens it: everything goes to `upstream`, an http:// origin on loopback.
    ///
    /// # Errors
    /// If the port was taken meanwhile.
    pub async fn open(&self, upstream: &str) -> anyhow::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        let upstream = upstream.strip_prefix("http://").context("not an http:// origin")?.to_owned();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let upstream = upstream.clone();
                tokio::spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(&upstream).await {
                        drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
                    }
                });
            }
        });
        Ok(())
    }
}
