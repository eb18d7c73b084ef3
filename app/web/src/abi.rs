//! What the module exports: `precis_input` for room to write the request into, `precis_verify` to judge it, `precis_output_ptr` and
//! `precis_output_len` to read the answer.
//!
//! One verification at a time, as a module without threads has it. Pointers hold until the next call of `precis_input` or
//! `precis_verify`.

use std::cell::RefCell;

use crate::answer::{MAX_REQUEST_BYTES, answer};

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Room for a request of `length` bytes; null if that is over the limit.
#[expect(unsafe_code, reason = "the host finds the function by its plain name; no other crate exports it")]
#[unsafe(no_mangle)]
pub extern "C" fn precis_input(length: usize) -> *mut u8 {
    if length > MAX_REQUEST_BYTES {
        return std::ptr::null_mut();
    }
    INPUT.with_borrow_mut(|input| {
        *input = vec![0; length];
        input.as_mut_ptr()
    })
}

/// Judges the request in the input buffer, which is then gone: 0 if the answer holds a verdict, 1 if it holds an error.
#[expect(unsafe_code, reason = "the host finds the function by its plain name; no other crate exports it")]
#[unsafe(no_mangle)]
pub extern "C" fn precis_verify() -> i32 {
    let (bytes, judged) = answer(&INPUT.take());
    OUTPUT.set(bytes);
    i32::from(!judged)
}

/// Where the answer is.
#[expect(unsafe_code, reason = "the host finds the function by its plain name; no other crate exports it")]
#[unsafe(no_mangle)]
pub extern "C" fn precis_output_ptr() -> *const u8 {
    OUTPUT.with_borrow(|output| output.as_ptr())
}

/// How long the answer is, bytes.
#[expect(unsafe_code, reason = "the host finds the function by its plain name; no other crate exports it")]
#[unsafe(no_mangle)]
pub extern "C" fn precis_output_len() -> usize {
    OUTPUT.with_borrow(Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_bounded_and_an_empty_request_is_an_error() {
        assert!(precis_input(MAX_REQUEST_BYTES + 1).is_null());
        assert!(!precis_input(16).is_null());
        assert!(!precis_input(0).is_null());
        assert_eq!(precis_verify(), 1);
        assert!(precis_output_len() > 0);
        assert!(!precis_output_ptr().is_null());
    }
}
