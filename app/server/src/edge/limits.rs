//! How much of everything there is, with units. A test takes less of it.

use std::time::Duration;

use precis_protocol::limits::MAX_HEADER_BYTES;

use super::pace::Floor;

/// Connections of the public listener, count; fewer where the process has fewer descriptors.
const PUBLIC_CONNECTIONS: usize = 1024;
/// Connections of the internal listener, count.
const INTERNAL_CONNECTIONS: usize = 32;
/// Descriptors that no public connection gets: ledger, model files, chain, platform, internal listener.
const RESERVED_DESCRIPTORS: usize = 192 + INTERNAL_CONNECTIONS;
/// Descriptors where the system does not tell its limit.
const ASSUMED_DESCRIPTORS: usize = 1024;
/// Public connections that there are in any case, count.
const FEWEST_CONNECTIONS: usize = 16;
/// Request line beside the header section, bytes.
const REQUEST_LINE_BYTES: usize = 8 * 1024;
/// Concurrent streams of one HTTP/2 connection, count.
const STREAMS: u32 = 32;
/// What one HTTP/2 stream may send before it is read, bytes.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
/// The same for a connection.
const CONNECTION_WINDOW_BYTES: u32 = 128 * 1024;

/// Bounds of one listener.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Connections, count.
    pub connections: usize,
    /// From the first byte of a request to the end of its header section; also from the connection to its first request.
    pub header: Duration,
    /// Without any request.
    pub idle: Duration,
    /// Of a connection, after which it takes no new requests.
    pub age: Duration,
    /// How long a connection that takes no new requests may go on.
    pub farewell: Duration,
    /// How fast a peer takes an answer.
    pub write: Floor,
    /// Request line and header section of HTTP/1, bytes.
    pub head_bytes: usize,
    /// Header section of HTTP/2, bytes.
    pub header_bytes: u32,
    /// Streams of an HTTP/2 connection, count.
    pub streams: u32,
    /// Unread bytes of an HTTP/2 stream.
    pub stream_window: u32,
    /// Unread bytes of an HTTP/2 connection.
    pub connection_window: u32,
    /// Pause between two pings of HTTP/2, and how long their answer may take.
    pub ping: Duration,
}

impl ConnectionLimits {
    /// Of the public listener, as many connections as the descriptors allow.
    #[must_use]
    pub fn public() -> Self {
        let descriptors = descriptors(std::fs::read_to_string("/proc/self/limits").ok().as_deref());
        let connections = connections(descriptors);
        if connections < PUBLIC_CONNECTIONS {
            tracing::warn!(event = "edge.few_descriptors", descriptors, connections, wanted = PUBLIC_CONNECTIONS);
        }
        Self::of(connections)
    }

    /// Of the internal listener.
    #[must_use]
    pub fn internal() -> Self {
        Self::of(INTERNAL_CONNECTIONS)
    }

    fn of(connections: usize) -> Self {
        Self {
            connections,
            header: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            age: Duration::from_secs(15 * 60),
            farewell: Duration::from_secs(60),
            write: Floor { window: Duration::from_secs(20), bytes: 16 * 1024 },
            head_bytes: REQUEST_LINE_BYTES + MAX_HEADER_BYTES,
            // Below four GiB.
            header_bytes: MAX_HEADER_BYTES as u32,
            streams: STREAMS,
            stream_window: STREAM_WINDOW_BYTES,
            connection_window: CONNECTION_WINDOW_BYTES,
            ping: Duration::from_secs(20),
        }
    }

    /// What one connection can hold of requests that nobody reads yet and of an answer on its way, bytes.
    #[must_use]
    pub fn bytes_each(&self) -> usize {
        // Header section in parts and whole, or the window of HTTP/2; a frame of the answer; the task itself.
        (2 * self.head_bytes).max(self.connection_window as usize) + 32 * 1024
    }
}

/// Requests of each kind that may be in work at a time, count.
#[derive(Clone, Debug)]
pub struct Places {
    /// Orders that carry a payment.
    pub paid: usize,
    /// Owners of jobs who look after them.
    pub polls: usize,
    /// Questions that need no document: service, attestation, keys.
    pub lookups: usize,
    /// Questions with a document: quotes, unpaid orders.
    pub documents: usize,
    /// Encapsulated requests, until their answers are sealed.
    pub encapsulated: usize,
}

/// Bounds of the whole process.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The public listener.
    pub public: ConnectionLimits,
    /// The internal listener.
    pub internal: ConnectionLimits,
    /// Requests in work.
    pub places: Places,
    /// Bodies that arrive at a time, count.
    pub bodies: usize,
    /// Bytes of bodies that have arrived and are not parsed yet.
    pub body_bytes: usize,
    /// The part of it that only the first bytes of a body may take.
    pub first_bytes: usize,
    /// How fast a body arrives.
    pub body: Floor,
    /// How long a body may take in all.
    pub body_time: Duration,
    /// How long a body is spared before it may have to make room for another one.
    pub body_grace: Duration,
    /// Bytes of encapsulated requests that are being opened, and of what was in them.
    pub opened_bytes: usize,
    /// Bytes of answers that their peers have not taken yet.
    pub answer_bytes: usize,
    /// How long a request without payment waits for its turns, all together.
    pub free_patience: Duration,
    /// How long one with a payment does.
    pub paid_patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            public: ConnectionLimits::public(),
            internal: ConnectionLimits::internal(),
            places: Places { paid: 64, polls: 64, lookups: 64, documents: 32, encapsulated: 192 },
            bodies: 256,
            body_bytes: 64 << 20,
            first_bytes: 24 << 20,
            body: Floor { window: Duration::from_secs(5), bytes: 8 * 1024 },
            body_time: Duration::from_secs(60),
            body_grace: Duration::from_secs(1),
            opened_bytes: 32 << 20,
            answer_bytes: 64 << 20,
            free_patience: Duration::from_secs(5),
            paid_patience: Duration::from_secs(30),
        }
    }
}

/// Public connections that so many descriptors allow.
fn connections(descriptors: usize) -> usize {
    descriptors.saturating_sub(RESERVED_DESCRIPTORS).clamp(FEWEST_CONNECTIONS, PUBLIC_CONNECTIONS)
}

/// The soft limit on descriptors, from the text of `/proc/self/limits`.
fn descriptors(limits: Option<&str>) -> usize {
    let line = limits.and_then(|text| text.lines().find_map(|line| line.strip_prefix("Max open files")));
    let soft = line.and_then(|line| line.split_whitespace().next());
    match soft {
        Some("unlimited") => usize::MAX,
        Some(number) => number.parse().unwrap_or(ASSUMED_DESCRIPTORS),
        None => ASSUMED_DESCRIPTORS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        assert_eq!((connections(20_000), connections(usize::MAX)), (1024, 1024));
        assert_eq!((connections(1024), connections(100), connections(0)), (800, 16, 16));
        let text = "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1234                 524288               files     \n";
        assert_eq!((descriptors(Some(text)), descriptors(Some("")), descriptors(None)), (1234, 1024, 1024));
        assert!(descriptors(Some(&std::fs::read_to_string("/proc/self/limits").unwrap_or_default())) > 2);
    }
}
