//! What world `function` of `wit/` means in Rust, generated; nothing else is in this file.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    reason = "generated from wit/, documented there"
)]
#![allow(clippy::all, reason = "generated")]

wit_bindgen::generate!({ path: "../../wit", world: "function" });

use crate::Component;
export!(Component);
