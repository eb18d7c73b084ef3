//! A listener with a bounded number of connections.
//!
//! A newcomer is always let in while somebody has a place without using it: the connection that rests leaves, of the source
//! that has most of them, those first that never asked anything. So neither idle sockets nor half requests keep anybody out.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::connection::{self, Given};
use super::limits::ConnectionLimits;
use super::source::{Source, TrustedProxies};
use super::watch::Watch;

/// Pause after an accept that failed: descriptors may have run out.
const PAUSE: Duration = Duration::from_millis(50);
/// Of the connections that never asked anything, one part in this many of all leaves at a time.
const PART_THAT_LEAVES: usize = 32;

/// A listener that serves. Dropping it leaves its connections alone.
pub struct Front {
    name: &'static str,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    open: Arc<Open>,
}

impl Front {
    /// Serves `router` on `listener`.
    pub fn open(
        name: &'static str,
        listener: TcpListener,
        router: Router,
        limits: ConnectionLimits,
        trusted: TrustedProxies,
    ) -> Self {
        tracing::info!(event = "edge.listening", listener = name, connections = limits.connections);
        let (stop, stopped) = watch::channel(false);
        let open =
            Arc::new(Open { most: limits.connections, trusted, state: Mutex::default(), emptied: Notify::new() });
        let host = Host {
            builder: Arc::new(connection::builder(&limits)),
            limits: Arc::new(limits),
            router,
            stopped,
            open: Arc::clone(&open),
        };
        let accepting = tokio::spawn(host.accept(name, listener));
        Self { name, stop, accepting, open }
    }

    /// Takes no new connection from now on, and no further request on those that are open; what is in work goes on.
    pub fn stop_accepting(&self) {
        self.stop.send_replace(true);
        self.accepting.abort();
    }

    /// Waits until no connection is open, for so long; whether that is so.
    pub async fn drained(&self, within: Duration) -> bool {
        let waited = tokio::time::timeout(within, async {
            loop {
                let emptied = self.open.emptied.notified();
                let left = self.open.lock().connections.len();
                if left == 0 {
                    return;
                }
                emptied.await;
            }
        });
        let drained = waited.await.is_ok();
        let left = self.open.lock().connections.len();
        tracing::info!(event = "edge.drained", listener = self.name, drained, left);
        drained
    }

    /// Ends when it no longer accepts.
    pub async fn ended(&mut self) {
        _ = (&mut self.accepting).await;
    }
}

/// Connections that are open.
struct Open {
    most: usize,
    trusted: TrustedProxies,
    state: Mutex<State>,
    emptied: Notify,
}

#[derive(Default)]
struct State {
    next: u64,
    connections: HashMap<u64, Connection>,
}

struct Connection {
    /// None for a proxy, whose connections are everybody's.
    source: Option<Source>,
    watch: Arc<Watch>,
    evicted: Arc<Notify>,
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from `peer`; none if all are taken by requests in work.
    fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Entered> {
        let mut state = self.lock();
        if state.connections.len() >= self.most && !state.make_room((self.most / PART_THAT_LEAVES).max(1)) {
            return None;
        }
        let number = state.next;
        state.next += 1;
        let (watch, evicted) = (Arc::new(Watch::new(Instant::now())), Arc::new(Notify::new()));
        let source = (!self.trusted.contains(peer)).then(|| Source::from(peer));
        let connection = Connection { source, watch: Arc::clone(&watch), evicted: Arc::clone(&evicted) };
        state.connections.insert(number, connection);
        Some(Entered { open: Arc::clone(self), number, watch, evicted })
    }
}

impl State {
    /// Has the least deserving connection leave, and up to `most` in all of those that never asked anything, so that a crowd
    /// at the door is not looked through for each of it. Whether there was one.
    fn make_room(&mut self, most: usize) -> bool {
        let mut has: HashMap<Source, usize> = HashMap::new();
        for source in self.connections.values().filter_map(|connection| connection.source) {
            *has.entry(source).or_default() += 1;
        }
        let resting = self.connections.iter().filter_map(|(number, connection)| {
            let has = connection.source.and_then(|source| has.get(&source)).copied().unwrap_or_default();
            let (asked, since) = connection.watch.rank()?;
            Some((Reverse(has), asked, since, *number))
        });
        let mut resting: Vec<_> = resting.collect();
        resting.sort_unstable();
        let crowd = resting.iter().take_while(|(_, asked, ..)| !asked).count();
        for (.., number) in resting.iter().take(crowd.clamp(1, most)) {
            if let Some(connection) = self.connections.remove(number) {
                connection.evicted.notify_one();
            }
        }
        !resting.is_empty()
    }
}

/// A connection's place.
struct Entered {
    open: Arc<Open>,
    number: u64,
    watch: Arc<Watch>,
    evicted: Arc<Notify>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut state = self.open.lock();
        state.connections.remove(&self.number);
        if state.connections.is_empty() {
            self.open.emptied.notify_waiters();
        }
    }
}

/// What every connection is given.
struct Host {
    builder: Arc<Builder<TokioExecutor>>,
    limits: Arc<ConnectionLimits>,
    router: Router,
    stopped: watch::Receiver<bool>,
    open: Arc<Open>,
}

impl Host {
    async fn accept(self, name: &'static str, listener: TcpListener) {
        let mut failing = false;
        loop {
            match listener.accept().await {
                Ok((socket, peer)) => {
                    failing = false;
                    self.welcome(socket, peer);
                }
                // The peer's, who went before it was let in.
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!(event = "edge.accept_failed", listener = name, why = %error);
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn welcome(&self, socket: TcpStream, peer: SocketAddr) {
        let peer = peer.ip().to_canonical();
        let Some(entered) = self.open.enter(peer) else { return };
        let given = Given {
            router: self.router.clone(),
            watch: Arc::clone(&entered.watch),
            evicted: Arc::clone(&entered.evicted),
            stopped: self.stopped.clone(),
            limits: Arc::clone(&self.limits),
        };
        let builder = Arc::clone(&self.builder);
        tokio::spawn(async move {
            connection::serve(builder, socket, peer, given).await;
            drop(entered);
        });
    }
}

fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn open(most: usize) -> Arc<Open> {
        let trusted = TrustedProxies::new(vec!["10.0.0.1".parse().unwrap()]);
        Arc::new(Open { most, trusted, state: Mutex::default(), emptied: Notify::new() })
    }

    fn from(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    fn numbers(open: &Open) -> Vec<u64> {
        let mut numbers: Vec<u64> = open.lock().connections.keys().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_takes_the_place_of_one_that_rests_and_never_of_one_that_works() {
        let open = open(3);
        let entered: Vec<_> = (0..3).map(|_| open.enter(from(1)).unwrap()).collect();
        let work = entered[0].watch.request(false);
        drop(entered[1].watch.request(false));
        let fourth = open.enter(from(1)).unwrap();
        assert_eq!(numbers(&open), [0, 1, 3]);
        let others: Vec<_> = [&fourth.watch, &entered[1].watch].map(|watch| watch.request(false)).into();
        assert!(open.enter(from(2)).is_none());
        drop(others);
        assert!(open.enter(from(2)).is_some());
        drop(work);
        drop(entered);
        drop(fourth);
        assert!(numbers(&open).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn of_those_that_rest_the_source_with_most_gives_one_up() {
        let open = open(4);
        let honest = open.enter(from(9)).unwrap();
        let crowd: Vec<_> = (0..3).map(|_| open.enter(from(1)).unwrap()).collect();
        crowd.iter().for_each(|entered| drop(entered.watch.request(false)));
        let next = open.enter(from(1)).unwrap();
        assert!(numbers(&open).contains(&honest.number) && numbers(&open).contains(&next.number));
    }

    #[tokio::test(start_paused = true)]
    async fn connections_of_a_named_proxy_are_not_counted_as_one_callers() {
        let open = open(4);
        let proxied: Vec<_> = (0..3).map(|_| open.enter(IpAddr::from([10, 0, 0, 1])).unwrap()).collect();
        let _single = open.enter(from(1)).unwrap();
        let next = open.enter(from(2)).unwrap();
        assert!(proxied.iter().all(|entered| numbers(&open).contains(&entered.number)));
        assert!(numbers(&open).contains(&next.number));
    }
}
