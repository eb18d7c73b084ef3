//! The edge: sockets, bodies and places. What costs a caller nothing costs the service next to nothing.
//!
//! A request passes four bounds, each of its own: [`front`] bounds connections and closes those that make no progress;
//! [`bodies`] reads a body under a budget of bytes that the whole process shares; [`admission`] gives it a place among its
//! own kind, or refuses at once with 503; [`readers`] give it turns on the few threads that look at what nobody has paid
//! for. Whatever is shared is shared evenly between sources ([`shares`]). [`memory`] adds it all up.

pub mod admission;
mod answer;
mod bodies;
mod buffer;
mod connection;
mod front;
mod limits;
pub mod memory;
mod pace;
mod readers;
mod room;
mod shares;
mod source;
mod stream;
mod watch;

pub use admission::{Edge, Visitor};
pub use front::Front;
pub use limits::{ConnectionLimits, Limits, Places};
pub use source::{Network as ProxyNetwork, Source, TrustedProxies};
