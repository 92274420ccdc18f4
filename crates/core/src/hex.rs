//! Bytes as lower-case hexadecimal digits.

use alloc::string::String;
use core::fmt::Write;

/// The digits of all bytes, two each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(digits, "{byte:02x}").expect("a String takes every write");
    }
    digits
}
