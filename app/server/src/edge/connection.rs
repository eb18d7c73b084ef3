//! One connection: HTTP/1 or HTTP/2 by what the peer speaks, driven until it ends or is ended.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Version;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tower::ServiceExt as _;

use super::admission::Peer;
use super::limits::ConnectionLimits;
use super::pace::Floor;
use super::stream::Stream;
use super::watch::{InWork, Part, Verdict, Watch};

/// Longest pause between two looks at a connection.
const LOOK: Duration = Duration::from_secs(1);
/// Looks in the shortest of its times.
const LOOKS: u32 = 4;
/// Streams that a peer of HTTP/2 may have reset before they were accepted, count.
const RESET_STREAMS: usize = 32;
/// Unsent bytes of answers that HTTP/2 buffers for a stream.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// How connections are spoken with.
pub fn builder(limits: &ConnectionLimits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // Counts from the end of the request before: the watch is stricter with a header section that has begun.
        .header_read_timeout(limits.idle)
        .max_buf_size(limits.head_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.header_bytes)
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_pending_accept_reset_streams(RESET_STREAMS)
        .max_local_error_reset_streams(RESET_STREAMS)
        .keep_alive_interval(limits.ping)
        .keep_alive_timeout(limits.ping);
    builder
}

/// What a connection is given.
pub struct Given {
    /// The routes.
    pub router: Router,
    /// What it is doing.
    pub watch: Arc<Watch>,
    /// Told when its place is another's.
    pub evicted: Arc<Notify>,
    /// True once the listener stops.
    pub stopped: watch::Receiver<bool>,
    /// Its bounds.
    pub limits: Arc<ConnectionLimits>,
}

/// Serves a connection until it ends.
pub async fn serve(builder: Arc<Builder<TokioExecutor>>, socket: TcpStream, peer: IpAddr, given: Given) {
    let Given { router, watch, evicted, mut stopped, limits } = given;
    // What is small goes out at once.
    _ = socket.set_nodelay(true);
    let floor = limits.write;
    let answering = Arc::clone(&watch);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let in_work = answering.request(request.version() == Version::HTTP_2);
        let (router, watch) = (router.clone(), Arc::clone(&answering));
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            let response = router.oneshot(request).await.unwrap_or_else(|never: Infallible| match never {});
            Ok::<_, Infallible>(response.map(|body| Answer { body, watch, floor, _in_work: in_work }))
        }
    });
    let io = TokioIo::new(Stream::new(socket, Arc::clone(&watch), floor));
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut looks = interval(LOOK.min(limits.header.min(limits.idle) / LOOKS).max(Duration::from_millis(10)));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut finishing = false;
    loop {
        let finish = tokio::select! {
            // Its end and its errors are the peer's business.
            _ = connection.as_mut() => return,
            () = evicted.notified() => return,
            () = told(&mut stopped), if !finishing => true,
            _ = looks.tick() => match watch.judge(Instant::now(), &limits) {
                Verdict::Close => return,
                verdict => verdict == Verdict::Finish,
            },
        };
        if finish && !finishing {
            finishing = true;
            watch.finishes(Instant::now());
            connection.as_mut().graceful_shutdown();
        }
    }
}

async fn told(stopped: &mut watch::Receiver<bool>) {
    // A listener that is gone has stopped.
    _ = stopped.wait_for(|stopped| *stopped).await;
}

/// An answer's body, of which the connection's watch knows what is still to be taken.
struct Answer {
    body: Body,
    watch: Arc<Watch>,
    floor: Floor,
    _in_work: InWork,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        let (watch, floor) = (&self.watch, self.floor);
        let watched = |bytes: Bytes| {
            let part = watch.part(bytes.len(), floor, Instant::now());
            Bytes::from_owner(Watched { bytes, _part: part })
        };
        frame.map(|frame| frame.map(|frame| frame.map(|frame| frame.map_data(watched))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

struct Watched {
    bytes: Bytes,
    _part: Part,
}

impl AsRef<[u8]> for Watched {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
