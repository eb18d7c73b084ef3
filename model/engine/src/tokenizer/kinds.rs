//! Types of tokens in GGUF metadata.

/// An ordinary piece.
pub(super) const NORMAL: i32 = 1;
/// A control token.
pub(super) const CONTROL: i32 = 3;
/// A token that a text is searched for first: white space, or a piece of markup of the model's own, such as the begin of a
/// thought.
pub(super) const USER_DEFINED: i32 = 4;
/// A byte.
pub(super) const BYTE: i32 = 6;

/// Types of tokens that no text is encoded to.
pub(super) const CONTROLS: [i32; 2] = [CONTROL, USER_DEFINED];
