//! What `wit/` means in Rust, generated; nothing else is in this file.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    reason = "generated from wit/, documented there"
)]
#![allow(clippy::all, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "connector",
    // A store with asynchronous imports takes no synchronous call: all exports are called alike.
    exports: { default: async | store },
    with: { "lakegate:connect/postgres.connection": crate::edges::postgres::Connection },
});
