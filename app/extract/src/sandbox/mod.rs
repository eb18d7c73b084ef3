//! Documents are parsed in a child process that can touch nothing: it reads the document on standard input and writes the text on
//! standard output, and every other way out is closed before it reads.
//!
//! A program that reads documents calls [`child_if_asked`] first in its `main`; [`Reader`] starts the same program again, as the
//! child. Plain text and Markdown are read without a child: nothing is parsed. Where the platform has no sandbox,
//! [`is_available`] says so, and such documents are refused with [`ExtractError::Unavailable`](crate::ExtractError::Unavailable).

mod child;
#[cfg(target_os = "linux")]
mod confine;
mod gate;
mod reader;
mod wire;

pub use child::{attempt, child, child_if_asked};
pub use gate::{Gate, Place};
pub use reader::{Bounds, Reader};

/// True if documents can be parsed on this platform without trusting their parsers.
#[must_use]
pub fn is_available() -> bool {
    cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))
}

/// The argument that starts a program as the child.
const CHILD: &str = "extract-in-sandbox";
