//! What world `function` of `wit/` means in Rust, generated.
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

/// Where `exports`, which the connector shares, looks for these types: there they are imported.
pub mod lakegate {
    pub mod connect {
        pub use super::super::exports::lakegate::connect::problems;
    }
}
